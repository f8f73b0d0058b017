"""The engines as targets: each is driven by the stage of its transcripts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from posthouse.protocols.dialogue import TLS, Failed, Reason, StartTLS
from posthouse.protocols.engine import FLUSH, Engine
from posthouse.protocols.imap import commands
from posthouse.protocols.imap.extensions import ALL as IMAP_EXTENSIONS
from posthouse.protocols.imap.mail_events import Copy, Declined
from posthouse.protocols.pop3.capabilities import ALL as POP3_CAPABILITIES
from posthouse.protocols.pop3.commands import COMMANDS
from posthouse.protocols.sasl.mechanism import Credentials, SaltedPassword
from posthouse.protocols.sasl.scram import salted_password
from posthouse.protocols.smtp.client.client import connect
from posthouse.protocols.smtp.client.events import Convert, Letter, NextBlock, NextLetter
from posthouse.protocols.smtp.client.session import Session as ClientSession
from posthouse.protocols.smtp.client.session import Settings as ClientSettings
from posthouse.protocols.smtp.client.session import TLSPolicy
from posthouse.protocols.smtp.dialect import DIALECTS
from posthouse.protocols.smtp.verbs import VERBS
from tests.fuzz.target import Ran, Target, Wrong
from tests.protocols.imap.stage import Stage as ImapStage
from tests.protocols.pop3.stage import Stage as Pop3Stage
from tests.protocols.smtp.stage import REPLIES
from tests.protocols.smtp.stage import Stage as SmtpStage
from tests.protocols.transcript import _writes, read

TESTS = Path(__file__).parents[1]
ROUNDS = 200_000  # events of one input; more is a dialogue that never ends
NUMBER = re.compile(rb"\d+")


class Run:
    """One engine, its stage, and what was seen."""

    def __init__(self, stage: Any, failing: int = 0) -> None:
        self.stage = stage
        self.engine: Engine = stage.open(1)
        self.failing = failing  # every so many answers are failures
        self.asked = 0
        self.rounds = 0
        self.comparable = True
        self.output = hashlib.sha256()
        self.features: set[object] = set()
        self.last = ""

    def give(self, octets: bytes) -> None:
        self.engine.receive(octets)
        self.go()

    def go(self) -> None:
        engine = self.engine
        while (event := engine.next_event()) is not None:
            self.sent(engine.send())
            self.rounds += 1
            if self.rounds > ROUNDS:
                raise Wrong("the dialogue goes on and on")
            if event is not FLUSH:
                self.happened(event)
        self.sent(engine.send())

    def happened(self, event: object) -> None:
        name = type(event).__name__
        self.features.add((self.last, name))
        self.last = name
        if not self.engine.asked:
            self.stage.show(1, event)
        elif isinstance(event, StartTLS):
            self.comparable = False  # what came with the command is thrown away
            self.engine.answer(TLS("TLSv1.3", "TLS_AES_256_GCM_SHA384"))
        else:
            self.asked += 1
            if self.failing and self.asked % self.failing == 0:
                self.engine.fail(Failed())
            else:
                self.engine.answer(self.stage.answer(1, event, None))

    def sent(self, octets: bytes) -> None:
        if octets:
            self.output.update(octets)
            for line in octets[:4000].split(b"\r\n"):
                self.features.add((self.last, NUMBER.sub(b"0", line[:40])))

    def ran(self) -> Ran:
        self.features.add(self.engine.over)
        digest = self.output.digest() if self.comparable else b"much was thrown away"
        return Ran(digest, frozenset(self.features))


def run(stage: Callable[[], Any], pieces: Sequence[bytes]) -> Ran:
    scene = Run(stage())
    scene.go()
    for piece in pieces:
        scene.give(piece)
    return scene.ran()


def disturb(stage: Callable[[], Any], octets: bytes) -> None:
    """Agents that fail, connections that break off, servers that shut down."""
    for failing in (1, 3):
        scene = Run(stage(), failing)
        scene.give(octets)
        scene.engine.close()
    for end in (Reason.TIMEOUT, Reason.SHUTDOWN, Reason.FLOOD):
        scene = Run(stage())
        scene.give(octets)
        if end is Reason.SHUTDOWN:
            scene.engine.finish()
            scene.go()
        scene.engine.interrupt(end)
        scene.go()
        if not scene.engine.over:
            raise Wrong(f"goes on after {end}")


# Stages


class BoundedImapStage(ImapStage):
    """Mailboxes that COPY does not double for ever, and that are not many."""

    def answer(self, connection: int, question: object, text: str | None) -> object:
        kept = sum(len(box.messages) for box in self.boxes.values())
        if isinstance(question, Copy) and kept > 20:
            return Declined("it is full", "OVERQUOTA")
        answer = super().answer(connection, question, text)
        for box in self.boxes.values():
            del box.messages[20:]
        for name in list(self.boxes)[10:]:
            del self.boxes[name]
        return answer


class EachSmtpStage(SmtpStage):
    """Answers LMTP's question too."""

    def answer(self, connection: int, question: object, text: str | None) -> object:
        if type(question).__name__ == "EndForEach":
            return tuple(self.reply(number) for number in range(question.recipients))  # type: ignore[attr-defined]
        return super().answer(connection, question, text)

    def reply(self, number: int) -> object:
        return list(REPLIES.values())[4 if number % 2 else 0]


class ClientStage:
    """Three letters for a peer."""

    CONTENTS = (b"Subject: a\r\n\r\n.\r\n..b\r\n", b"\r\nwithout an end", b"x" * 2000 + b"\r\n")

    def __init__(self, **settings: Any) -> None:
        self.settings = ClientSettings("client.example", **settings)
        self.letters = 0
        self.blocks: list[bytes] = []

    def open(self, _connection: int) -> Engine:
        return connect(ClientSession(self.settings))

    def answer(self, _connection: int, question: object, _text: str | None) -> object:
        if isinstance(question, NextLetter):
            if self.letters == len(self.CONTENTS):
                return None
            content = self.CONTENTS[self.letters]
            self.letters += 1
            self.blocks = [content[i : i + 7] for i in range(0, len(content), 7)]
            eight_bit = self.letters == 2
            to = ("bob@b.example", "eve@b.example", "bob@b.example")
            return Letter("ann@a.example", to[: self.letters], len(content), eight_bit)
        if isinstance(question, NextBlock):
            return self.blocks.pop(0) if self.blocks else b""
        if isinstance(question, Convert):
            return question.letter
        if isinstance(question, SaltedPassword):
            return salted_password(question)
        raise AssertionError(f"not asked before: {question!r}")

    def show(self, _connection: int, event: object) -> None:
        """Nothing follows."""


# Seeds


def transcripts(pattern: str) -> list[bytes]:
    """What the clients of all transcripts send, each as one input."""
    found = []
    for path in sorted(TESTS.rglob(pattern)):
        transcript = read(path)
        if transcript.settings.get("role") != "client":
            acts = (act for turn in transcript.turns for _, act in _writes(turn.acts, {}))
            found.append(b"".join(act for act in acts if isinstance(act, bytes)))
    return [octets for octets in found if 0 < len(octets) < 20_000]


def prefixed(prefix: bytes, seeds: Callable[[], Sequence[bytes]]) -> Callable[[], list[bytes]]:
    return lambda: [prefix + octets for octets in seeds()] + list(seeds())


CLIENT_SEEDS = (
    b"220 mx ESMTP\r\n250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000000\r\n"
    + b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 ok\r\n" * 2
    + b"221 bye\r\n",
    b"220 mx\r\n502 no\r\n250 mx\r\n"
    + b"250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n250 ok\r\n" * 2,
    (
        b"220 mx\r\n250-mx\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 PIPELINING\r\n"
        b"220 go\r\n250-mx\r\n250 AUTH PLAIN LOGIN\r\n235 2.7.0 ok\r\n250 ok\r\n250 ok\r\n"
        b"354 go\r\n451 4.3.0 later\r\n250 ok\r\n250 ok\r\n421 4.3.2 closing\r\n"
    ),
    b"554 5.3.2 no\r\n221 bye\r\n",
    (
        b"220-mx\r\n220 mx\r\n250 mx\r\n452 4.3.1 full\r\n250 ok\r\n250 ok\r\n452 4.5.3 many\r\n"
        b"354 go\r\n550-5.7.1 one\r\n550 5.7.1 two\r\n"
    ),
)

SMTP_TOKENS = [
    *(word.encode() for word in {*VERBS, *(v for d in DIALECTS.values() for v in d.verbs)}),
    *(key.encode() + b"=" for d in DIALECTS.values() for key in {**d.mail, **d.rcpt}),
    b"EHLO x\r\n",
    b"LHLO x\r\n",
    b"MAIL FROM:<a@b>",
    b"RCPT TO:<c@d>\r\n",
    b"DATA\r\n",
    b"FROM:",
    b"TO:",
    b"<>",
    b"<@a,@b:c@d>",
    b'<"a b"@[1.2.3.4]>',
    b"[IPv6:::1]",
    b"BODY=8BITMIME",
    b"SIZE=9",
    b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n",
    b"AUTH LOGIN\r\n",
    b"YW5u\r\n",
    b"AUTH=<>",
    b".\r\n",
    b"..",
]
POP3_TOKENS = [
    *(word.encode() for word in {*COMMANDS, *(w for c in POP3_CAPABILITIES for w in c.added)}),
    b"USER ann\r\nPASS secret\r\n",
    b"RETR 1\r\n",
    b"TOP 2 1\r\n",
    b"AUTH PLAIN =\r\n",
]
IMAP_TOKENS = [
    *(w.encode() for w in {*commands.ALL, *(n for e in IMAP_EXTENSIONS for n in e.commands)}),
    b"a LOGIN ann secret\r\n",
    b"a SELECT INBOX\r\n",
    b"{3}\r\nabc",
    b"{3+}\r\nabc",
    b"{0+}\r\n",
    b"{99999}",
    b"1:*",
    b"*:4,2",
    b"BODY.PEEK[1.2.HEADER.FIELDS (To)]<0.9>",
    b"(FLAGS UID)",
    b"UID ",
    b"FLAGS.SILENT",
    b"+FLAGS",
    b"(\\Seen $x)",
    b"NOT ",
    b"OR ",
    b"SINCE 1-Jan-2000",
    b"CHARSET UTF-8 ",
    b'"17-Jul-1996 02:44:25 -0700"',
    b"NIL",
    b"&AAo-",
    b"DONE\r\n",
    b'LIST "" "*%"',
    b'HEADER X ""',
    b"RETURN (SPECIAL-USE)",
    b"(MESSAGES UIDNEXT)",
    b"COPY 1 INBOX",
    b"IDLE\r\nDONE\r\n",
    b"NOTIFY SET STATUS (personal (MessageNew MessageExpunge)) ",
    b"(selected (MessageNew (UID BODY[]) MessageExpunge FlagChange))",
]
CLIENT_TOKENS = [
    b"220 x\r\n",
    b"250 x\r\n",
    b"250-x\r\n",
    b"354 x\r\n",
    b"421 x\r\n",
    b"550 5.1.1 x\r\n",
    b"451 x\r\n",
    b"334 \r\n",
    b"235 x\r\n",
    b"250-STARTTLS\r\n",
    b"250-SIZE 1\r\n",
    b"250-8BITMIME\r\n",
    b"-",
    b"5.7.1",
]


def _target(
    name: str,
    stage: Callable[[], Any],
    seeds: Callable[[], Sequence[bytes]],
    tokens: Sequence[bytes],
) -> Target:
    # What an IMAP command asks for may be far more than the command: a base for each line.
    return Target(
        name, seeds, tokens, partial(run, stage), partial(disturb, stage),
        memory=100, memory_base=4_000_000, seconds=200e-6, seconds_base=0.5,
    )  # fmt: skip


def _smtp(**settings: str) -> Callable[[], Any]:
    return lambda: EachSmtpStage(settings)


def _imap(settings: Mapping[str, str]) -> Callable[[], Any]:
    return lambda: BoundedImapStage(
        {"mailboxes": "Sent Drafts", "letters": "plain nested", **settings}
    )


_smtp_seeds = partial(transcripts, "*.smtp")
_imap_seeds = partial(transcripts, "*.imap")
_pop3_seeds = partial(transcripts, "*.pop3")

ENGINES = (
    _target("smtp", _smtp(tls="offered", largest="3000"), _smtp_seeds, SMTP_TOKENS),
    _target("smtp-normalise", _smtp(normalise="yes", text_line="998"), _smtp_seeds, SMTP_TOKENS),
    _target(
        "submission",
        _smtp(service="submission", tls="active", plaintext="yes", errors="100", log_ins="100"),
        prefixed(b"EHLO x\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n", _smtp_seeds),
        SMTP_TOKENS,
    ),
    _target(
        "lmtp",
        _smtp(service="lmtp", errors="100"),
        lambda: [octets.replace(b"EHLO", b"LHLO") for octets in _smtp_seeds()],
        SMTP_TOKENS,
    ),
    _target(
        "pop3",
        lambda: Pop3Stage({"secure": "yes", "block": "7", "messages": "4"}),
        _pop3_seeds,
        POP3_TOKENS,
    ),
    _target("pop3-clear", lambda: Pop3Stage({"plaintext": "yes"}), _pop3_seeds, POP3_TOKENS),
    _target("imap-login", _imap({"logged-in": "no", "tls": "yes"}), _imap_seeds, IMAP_TOKENS),
    _target("imap", _imap({}), prefixed(b"a SELECT INBOX\r\n", _imap_seeds), IMAP_TOKENS),
    _target(
        "imap-held",
        _imap({"held-from": "100", "precise": "yes"}),
        prefixed(b"a SELECT INBOX\r\n", _imap_seeds),
        IMAP_TOKENS,
    ),
    _target(
        "smtp-client", lambda: ClientStage(tls=TLSPolicy.NONE), lambda: CLIENT_SEEDS, CLIENT_TOKENS
    ),
    _target(
        "smtp-client-tls",
        lambda: ClientStage(credentials=Credentials("ann", "secret"), tls=TLSPolicy.REQUIRED),
        lambda: CLIENT_SEEDS,
        CLIENT_TOKENS,
    ),
    _target(
        "lmtp-client",
        lambda: ClientStage(
            credentials=Credentials("ann", "secret"), tls=TLSPolicy.NONE, plaintext=True, lmtp=True
        ),
        lambda: CLIENT_SEEDS,
        CLIENT_TOKENS,
    ),
)
