"""What holds of the IMAP engine whatever comes in, and however it is cut."""

from __future__ import annotations

import time
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.protocols.dialogue import TLS, Failed, StartTLS
from posthouse.protocols.engine import FLUSH, Engine
from posthouse.protocols.imap import commands
from posthouse.protocols.imap.events import AppendContent
from posthouse.protocols.imap.extensions import ALL
from posthouse.protocols.imap.session import Limits
from tests.protocols.imap.stage import Stage

OUT = {"logged-in": "no"}
WORDS = sorted({*commands.ALL, *(name for extension in ALL for name in extension.commands)})


def run(engine: Engine, pieces: list[bytes], stage: Stage, failing: bool = False) -> bytes:
    """All that is sent when the client sends these pieces."""
    sent = b""
    for piece in [b"", *pieces]:
        engine.receive(piece)
        while (event := engine.next_event()) is not None:
            sent += engine.send()
            if event is FLUSH:
                continue
            if not engine.asked:
                stage.show(1, event)
            elif isinstance(event, StartTLS):
                engine.answer(TLS("TLSv1.3", "TLS_AES_256_GCM_SHA384"))
            elif failing:
                engine.fail(Failed())
            else:
                _ask(engine, stage, event)
        sent += engine.send()
    return sent


def _ask(engine: Engine, stage: Stage, question: object) -> None:
    try:
        answer = stage.answer(1, question, None)
    except Failed as failure:
        engine.fail(failure)
    else:
        engine.answer(answer)


tokens = st.sampled_from(
    [
        *(word.encode() for word in WORDS if word != "STARTTLS"),
        *b"a1 INBOX Sent ann secret UID FETCH SEARCH ALL FLAGS (\\Seen) (\\Deleted \\Flagged) "
        b"+FLAGS -FLAGS.SILENT 1 1:* *:5,3 4294967295 0 BODY[] BODY.PEEK[HEADER.FIELDS (To)] "
        b'(MESSAGES UNSEEN) NIL "" * % &AAo- PLAIN AGFubgBzZWNyZXQ= = DONE X'.split(),
        b'"17-Jul-1996 02:44:25 -0700"',
        b'"31-Feb-0000 99:99:99 +9999"',
        b"(",
        b")",
        b'"',
        b"\\",
        b"{3}\r\nabc",
        b"{3+}\r\nabc",
        b"{0+}\r\n",
        b"{4000+}\r\n",
        b"{99999999999}",
        b"{18446744073709551616+}",
        b"\x00\xff\r",
    ]
)
lines = st.lists(st.one_of(tokens, st.binary(max_size=8)), max_size=8).map(
    lambda words: b"a " + b" ".join(words) + b"\r\n"
)
sound = st.sampled_from(
    [
        b"a LOGIN ann secret\r\n",
        b"a AUTHENTICATE PLAIN\r\nAGFubgBzZWNyZXQ=\r\n",
        b"a SELECT INBOX\r\n",
        b"a SELECT Sent\r\n",
        b"a EXAMINE INBOX\r\n",
        b"a STORE 1:* +FLAGS (\\Deleted $x)\r\n",
        b"a UID STORE 2 FLAGS.SILENT ()\r\n",
        b"a EXPUNGE\r\n",
        b"a NOTIFY SET (selected (MessageNew (UID BODY[]) MessageExpunge FlagChange))\r\n",
        b"a NOTIFY SET STATUS (selected-delayed (MessageNew MessageExpunge))\r\n",
        b"a NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName))\r\n",
        b"a NOTIFY NONE\r\n",
        b"a UID EXPUNGE 1:2\r\n",
        b"a CLOSE\r\n",
        b"a UNSELECT\r\n",
        b"a FETCH 1:* (FLAGS UID BODY.PEEK[] INTERNALDATE RFC822.SIZE)\r\n",
        b"a UID FETCH 1:* BODY[HEADER]<1.9>\r\n",
        b"a SEARCH UNSEEN OR (1 DELETED) NOT UID 2:*\r\n",
        b"a COPY 1 Sent\r\n",
        b"a UID COPY 1:* INBOX\r\n",
        b"a APPEND INBOX (\\Seen) {3+}\r\nabc\r\n",
        b"a APPEND Sent {3}\r\nabc\r\n",
        b"a APPEND Nowhere {14+}\r\na LOGOUT\r\nabc\r\n\r\n",
        b"a RENAME INBOX old\r\n",
        b"a CREATE {3+}\r\nnew\r\n",
        b'a LIST "" *\r\na LSUB "" %\r\n',
        b"a IDLE\r\nDONE\r\n",
        b"a NOOP\r\n",
        b"a ENABLE QRESYNC\r\n",
        b"a ENABLE UIDONLY\r\na ENABLE IMAP4rev2\r\n",
        b"a SELECT INBOX (CONDSTORE QRESYNC (1 2 1:9 (1:2 1:2)))\r\n",
        b"a SELECT INBOX (QRESYNC (1 1 (1:4294967295 1:4294967295)))\r\n",
        b"a UID FETCH 1:* FLAGS (CHANGEDSINCE 2 VANISHED PARTIAL -1:-2)\r\n",
        b"a STORE 1:* (UNCHANGEDSINCE 3) +FLAGS.SILENT ($x)\r\n",
        b"a SEARCH RETURN (SAVE MIN PARTIAL 1:1) MODSEQ 1 YOUNGER 9\r\n",
        b"a FETCH $ (MODSEQ)\r\na UID MOVE $ Sent\r\n",
        b"a UID MOVE 1:2 INBOX\r\n",
        b"a UNAUTHENTICATE\r\n",
    ]
)
octets = st.lists(
    st.one_of(sound, sound, sound, lines, lines, st.binary(max_size=40)), max_size=12
).map(b"".join)


@settings(deadline=None, max_examples=300)
@given(octets, st.lists(st.integers(0, 4000)), st.sampled_from(["yes", "no"]), st.booleans())
def test_any_input_in_any_pieces_has_one_answer(
    octets: bytes, cuts: list[int], logged_in: str, failing: bool
) -> None:
    given = {"logged-in": logged_in, "messages": "3", "mailboxes": "Sent"}
    bounds = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    pieces = [octets[a:b] for a, b in pairwise(bounds)]
    answers = []
    for each in ([octets], pieces):
        stage = Stage(given)
        answers.append(run(stage.open(), each, stage, failing))
    assert answers[0] == answers[1]
    assert answers[0].startswith(b"* OK [CAPABILITY IMAP4rev1 ")


@pytest.mark.parametrize("state", ["out", "in", "selected"])
@pytest.mark.parametrize("argument", [b"", b" ", b" x", b" INBOX INBOX", b" ()", b" {1000000}"])
@pytest.mark.parametrize("word", WORDS)
def test_each_command_is_answered_in_each_state(word: str, argument: bytes, state: str) -> None:
    first = [b"a1 SELECT INBOX\r\n"] if state == "selected" else []
    stage = Stage({"logged-in": "no" if state == "out" else "yes", "messages": "1"})
    engine = stage.open()
    run(engine, first, stage)
    answer = run(engine, [b"t7 " + word.encode() + argument + b"\r\n"], stage)
    if word == "IDLE" and not argument and state != "out":
        assert answer.startswith(b"+ ")
    else:
        last = answer.split(b"\r\n")[-2]
        assert last.startswith((b"t7 OK ", b"t7 NO ", b"t7 BAD ", b"+ "))


@pytest.mark.parametrize("setting", [OUT, {}], ids=["before login", "after login"])
def test_attack_13_announced_literals_are_not_gathered(setting: dict[str, str]) -> None:
    """What one command can make the server keep is bounded."""
    stage = Stage(setting)
    engine = stage.open()
    run(engine, [], stage)
    limits = Limits()
    most = limits.command_before_login if setting else limits.command
    tracemalloc.start()
    try:
        run(engine, [b"a LOGIN"], stage)
        for _ in range(1_000_000 if setting else 100_000):
            if engine.over:
                break
            run(engine, [b" {100+}\r\n" + b"x" * 100], stage)
        assert tracemalloc.get_traced_memory()[1] < 3 * most + 500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("setting", [OUT, {}], ids=["before login", "after login"])
def test_attack_13_a_million_literals_of_nothing(setting: dict[str, str]) -> None:
    stage = Stage(setting)
    engine = stage.open()
    begun = time.process_time()
    sent = run(engine, [b"a LOGIN" + b" {0+}\r\n" * 1_000_000], stage)
    assert b"[TOOBIG]" in sent
    assert time.process_time() - begun < 20


@pytest.mark.parametrize("setting", [OUT, {}], ids=["before login", "after login"])
@pytest.mark.parametrize("command", [b"SEARCH", b"FETCH 1", b"STATUS INBOX", b"LIST", b"ID", b""])
@pytest.mark.parametrize("mark", [b"(", b"((", b"NOT ", b"OR ", b"{", b"&", b"\\", b'"'])
def test_attack_14_a_million_marks(setting: dict[str, str], command: bytes, mark: bytes) -> None:
    """Nothing is nested in the server because it is nested in a command."""
    for count in (2_000, 16_000, 1_000_000):
        stage = Stage(setting)
        engine = stage.open()
        if not setting:
            run(engine, [b"a SELECT INBOX\r\n"], stage)
        begun = time.process_time()
        sent = run(engine, [b"a " + command + b" " + mark * count + b"\r\n"], stage)
        assert b" BAD " in sent or b"* BYE" in sent
        assert time.process_time() - begun < 2


@pytest.mark.parametrize("number", [b"4294967296", b"9" * 60000, b"0" * 60000, b"-1", b"1e9"])
def test_attack_15_numbers_that_are_too_large(number: bytes) -> None:
    for command in (b"APPEND INBOX {%b}", b"FETCH %b FLAGS", b"UID FETCH 1:%b,%b:1 FLAGS"):
        stage = Stage({"messages": "2"})
        engine = stage.open()
        run(engine, [b"a SELECT INBOX\r\n"], stage)
        octets = b"b " + command.replace(b"%b", number) + b"\r\n"
        sent = run(engine, [octets], stage)
        assert b"b BAD " in sent or b"b NO [TOOBIG]" in sent or b"* BYE" in sent


def test_attack_09_an_endless_line_is_not_kept() -> None:
    for setting in (OUT, {}):
        stage = Stage(setting)
        engine = stage.open()
        for _ in range(200):
            run(engine, [b"x" * 65536], stage)
            assert engine.buffered <= 2 * 65536
        assert engine.over


def test_a_large_message_is_not_kept() -> None:
    """APPEND gives what comes to the agent at once."""
    stage = Stage({})
    engine = stage.open()
    run(engine, [b"a APPEND INBOX {20000000}\r\n"], stage)
    block = b"x" * 50_000
    for _ in range(400):
        engine.receive(block)
        while (event := engine.next_event()) is not None and not engine.asked:
            assert isinstance(event, AppendContent)
        assert engine.buffered < 50_000
    assert engine.buffered == 0


@pytest.mark.parametrize("count", [1000, 10_000])
def test_a_list_of_many_mailboxes(count: int) -> None:
    """Wildcards cost no more than linear time, whatever the pattern."""
    names = " ".join(f"{'a' * 100}/{number}/{'a' * 100}" for number in range(count // 10))
    stage = Stage({"mailboxes": names})
    engine = stage.open()
    begun = time.process_time()
    sent = run(engine, [b"a LIST {1000+}\r\n" + b"*a%" * 333 + b"b {1+}\r\n*\r\n"], stage)
    assert b"a OK" in sent
    assert time.process_time() - begun < 10


def test_others_have_their_turn_while_a_compressed_message_is_unpacked() -> None:
    """A few octets that have come at once may be a thousand blocks."""
    message = b"Subject: one line\r\n\r\n" + b"the same, again and again\r\n" * 40_000
    work = zlib.compressobj(1, zlib.DEFLATED, -15)
    octets = work.compress(b"b APPEND INBOX {%d+}\r\n%b\r\n" % (len(message), message))
    stage = Stage({})
    engine = stage.open()
    run(engine, [b"a COMPRESS DEFLATE\r\n"], stage)
    engine.receive(octets + work.flush(zlib.Z_SYNC_FLUSH))
    shown = turns = 0
    while (event := engine.next_event()) is not None:
        if event is FLUSH:
            turns += 1
        elif engine.asked:
            engine.answer(stage.answer(1, event, None))
        else:
            shown += 1
            stage.show(1, event)
    assert shown > 10
    assert turns >= shown
    assert b"".join(each.content for each in stage.boxes["INBOX"].messages) == message
