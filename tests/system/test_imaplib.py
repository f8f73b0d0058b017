"""Python's imaplib with the imap and imaps services: each of its commands that we offer."""

from __future__ import annotations

import imaplib
import re
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.system.server import Server
from tests.system.user import PATIENCE, User, contents, letter, until


@pytest.fixture
def client(anna: User) -> Iterator[imaplib.IMAP4]:
    """Logged in, nothing selected."""
    with anna.imap() as connection:
        yield connection


@pytest.fixture
def inbox(anna: User, client: imaplib.IMAP4) -> imaplib.IMAP4:
    """Logged in, INBOX with five letters selected."""
    anna.fill(5)
    assert client.select() == ("OK", [b"5"])
    return client


def ok(answer: tuple[str, Any]) -> list[Any]:
    """The data of an answer that must be OK."""
    status, data = answer
    assert status == "OK", data
    return list(data)


def flags(client: imaplib.IMAP4, number: str) -> set[bytes]:
    line = ok(client.fetch(number, "(FLAGS)"))[-1]  # after what other clients may have changed
    return set(imaplib.ParseFlags(line)) - {b"\\Recent"}


def names(lines: list[bytes]) -> set[str]:
    """The mailbox names of LIST or LSUB lines."""
    found = set()
    for line in lines:
        match = re.fullmatch(rb'\([^)]*\) (?:"/"|NIL) (?:"([^"]*)"|(\S+))', line)
        assert match, line
        found.add((match[1] or match[2]).decode())
    return found


# -- before the log-in ------------------------------------------------------------------------


def test_guesses_end_the_connection(server: Server, anna: User) -> None:
    """As many as `limits.log_ins`, which is 5."""
    with imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE) as client:
        for _ in range(5):
            with pytest.raises(client.error, match="AUTHENTICATIONFAILED"):
                client.login(anna.address, "guess")
        with pytest.raises((client.abort, OSError)):
            client.noop()


def test_capability(server: Server, anna: User) -> None:
    with imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE) as client:
        assert {"IMAP4REV1", "STARTTLS", "LITERAL-"} <= set(client.capabilities)
        client.login(anna.address, anna.password)
        offered = ok(client.capability())[0].split()
        assert {b"IMAP4rev1", b"IDLE", b"UIDPLUS", b"UNSELECT", b"ENABLE", b"ID"} <= set(offered)


def test_log_in(server: Server, anna: User) -> None:
    with imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE) as client:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.login(anna.address, "not this one")
        ok(client.login(anna.address, anna.password))


def test_authenticate_plain(server: Server, anna: User) -> None:
    with imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE) as client:
        response = f"\0{anna.address}\0{anna.password}".encode()
        ok(client.authenticate("PLAIN", lambda _: response))
        ok(client.select())


def test_starttls(server: Server, anna: User) -> None:
    with imaplib.IMAP4(*server.address("imap"), timeout=PATIENCE) as client:
        ok(client.starttls(server.tls()))
        assert "STARTTLS" not in client.capabilities
        ok(client.login(anna.address, anna.password))


def test_imaps(server: Server, anna: User) -> None:
    anna.fill(1)
    address = server.address("imaps")
    with imaplib.IMAP4_SSL(*address, ssl_context=server.tls(), timeout=PATIENCE) as client:
        ok(client.login(anna.address, anna.password))
        assert client.select() == ("OK", [b"1"])


# -- mailboxes --------------------------------------------------------------------------------


def test_list_has_the_mailboxes_of_a_new_account(client: imaplib.IMAP4) -> None:
    lines = ok(client.list())
    assert names(lines) >= {"INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"}
    for name in ("Drafts", "Sent", "Junk", "Trash", "Archive"):
        (line,) = ok(client.list('""', name))
        assert f"\\{name}".encode() in line


def test_create_rename_delete(client: imaplib.IMAP4) -> None:
    ok(client.create("Friends/Near"))
    assert names(ok(client.list('""', "Friends*"))) == {"Friends", "Friends/Near"}
    assert names(ok(client.list('""', "%"))) & {"Friends", "Friends/Near"} == {"Friends"}
    assert client.create("Friends/Near")[0] == "NO"
    ok(client.rename("Friends", "Relatives"))
    assert names(ok(client.list('""', "Relatives*"))) == {"Relatives", "Relatives/Near"}
    ok(client.delete("Relatives/Near"))
    assert client.delete("Relatives/Near")[0] == "NO"
    assert client.delete("INBOX")[0] == "NO"
    assert client.select("Relatives/Near")[0] == "NO"


def test_names_in_modified_utf7(client: imaplib.IMAP4) -> None:
    ok(client.create('"Entw&APw-rfe"'))
    ok(client.select('"Entw&APw-rfe"'))
    assert names(ok(client.list('""', "Entw*"))) == {"Entw&APw-rfe"}


def test_subscriptions(client: imaplib.IMAP4) -> None:
    ok(client.create("News"))
    ok(client.subscribe("News"))
    assert "News" in names(ok(client.lsub()))
    ok(client.unsubscribe("News"))
    assert client.lsub('""', "News") == ("OK", [None])


def test_status(anna: User, client: imaplib.IMAP4) -> None:
    anna.fill(3)
    (line,) = ok(client.status("INBOX", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT)"))
    told = {name: int(value) for name, value in re.findall(rb"([A-Z]+) (\d+)", line)}
    assert (told[b"MESSAGES"], told[b"UNSEEN"], told[b"UIDNEXT"]) == (3, 3, 4)
    assert told[b"UIDVALIDITY"] > 0


def test_select_and_examine(inbox: imaplib.IMAP4) -> None:
    for response in ("FLAGS", "PERMANENTFLAGS", "UIDVALIDITY", "UIDNEXT", "RECENT"):
        assert inbox.response(response)[1] != [None], response
    assert inbox.select(readonly=True) == ("OK", [b"5"])
    assert inbox.response("READ-ONLY")[1] != [None]
    assert inbox.store("1", "+FLAGS", "\\Seen")[0] == "NO"
    contents(inbox, "1")
    assert flags(inbox, "1") == set()


def test_close_and_unselect(anna: User, inbox: imaplib.IMAP4) -> None:
    ok(inbox.store("1", "+FLAGS", "\\Deleted"))
    ok(inbox.unselect())
    assert inbox.select() == ("OK", [b"5"])
    ok(inbox.close())
    assert inbox.select() == ("OK", [b"4"])


# -- messages ---------------------------------------------------------------------------------


def test_append(client: imaplib.IMAP4) -> None:
    date = imaplib.Time2Internaldate(time.mktime((2026, 9, 1, 12, 0, 0, 0, 0, -1)))
    content = letter("kept").as_bytes()
    (told,) = ok(client.append("Drafts", "(\\Draft \\Seen)", date, content))
    assert re.search(rb"APPENDUID \d+ 1\b", told)
    assert client.select("Drafts") == ("OK", [b"1"])
    (line,) = ok(client.fetch("1", "(FLAGS INTERNALDATE RFC822.SIZE)"))
    assert set(imaplib.ParseFlags(line)) - {b"\\Recent"} == {b"\\Draft", b"\\Seen"}
    assert b"01-Sep-2026" in line or b" 1-Sep-2026" in line
    assert b"RFC822.SIZE %d" % len(content) in line
    assert contents(client, "1") == content


def test_append_to_nowhere(client: imaplib.IMAP4) -> None:
    status, (text, *_) = client.append("Nowhere", "", "", letter("lost").as_bytes())
    assert status == "NO"
    assert b"TRYCREATE" in text


def test_fetch(inbox: imaplib.IMAP4) -> None:
    (line,) = ok(inbox.fetch("2", "ALL"))
    assert re.match(rb"2 \(", line)
    for item in (b"FLAGS (", b"INTERNALDATE ", b"RFC822.SIZE ", b"ENVELOPE (NIL"):
        assert item in line
    assert b'"no. 2" (("Somebody" NIL "somebody" "sender.example"))' in line
    (line,) = ok(inbox.fetch("2", "(BODY BODYSTRUCTURE)"))
    assert b'BODYSTRUCTURE ("text" "plain" ("charset" "utf-8")' in _lowered(line)
    assert len(ok(inbox.fetch("1:*", "(UID)"))) == 5
    whole = contents(inbox, "3")
    ((_, part), _) = ok(inbox.fetch("3", "(BODY.PEEK[]<10.20>)"))
    assert part == whole[10:30]
    ((_, part), _) = ok(inbox.fetch("3", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
    assert part == b"Subject: no. 3\r\n\r\n"
    ((_, part), _) = ok(inbox.fetch("3", "(BODY.PEEK[TEXT])"))
    assert part == whole.partition(b"\r\n\r\n")[2]
    assert flags(inbox, "3") == set()
    ((_, part), _) = ok(inbox.fetch("3", "(RFC822)"))[:2]
    assert part == whole
    assert flags(inbox, "3") == {b"\\Seen"}


def _lowered(line: bytes) -> bytes:
    return line.lower().replace(b"bodystructure", b"BODYSTRUCTURE")


def test_store(inbox: imaplib.IMAP4) -> None:
    ok(inbox.store("1:2", "+FLAGS", "(\\Flagged $Forwarded)"))
    assert flags(inbox, "2") == {b"\\Flagged", b"$Forwarded"}
    ok(inbox.store("2", "-FLAGS", "\\Flagged"))
    assert flags(inbox, "2") == {b"$Forwarded"}
    ok(inbox.store("2", "FLAGS", "(\\Answered)"))
    assert flags(inbox, "2") == {b"\\Answered"}
    assert ok(inbox.store("2", "+FLAGS.SILENT", "\\Seen")) == [None]
    assert flags(inbox, "2") == {b"\\Answered", b"\\Seen"}


def test_search(inbox: imaplib.IMAP4) -> None:
    ok(inbox.store("2,4", "+FLAGS", "(\\Seen)"))
    ok(inbox.store("4", "+FLAGS", "(\\Flagged)"))
    for criteria, found in (
        ("ALL", b"1 2 3 4 5"),
        ("SEEN", b"2 4"),
        ("UNSEEN", b"1 3 5"),
        ("SEEN UNFLAGGED", b"2"),
        ("NOT SEEN", b"1 3 5"),
        ("OR FLAGGED 1", b"1 4"),
        ("UID 2:3", b"2 3"),
        ("2:3 SEEN", b"2"),
        ("SUBJECT no", b"1 2 3 4 5"),
        ('HEADER Subject "no. 3"', b"3"),
        ('SUBJECT "no. 3"', b"3"),
        ("FROM sender.example", b"1 2 3 4 5"),
        ("LARGER 1", b"1 2 3 4 5"),
        ("SMALLER 1", b""),
        ("SINCE 1-Jan-2020", b"1 2 3 4 5"),
        ("BEFORE 1-Jan-2020", b""),
        ("KEYWORD nothing", b""),
        ("DELETED", b""),
    ):
        assert inbox.search(None, criteria) == ("OK", [found]), criteria
    assert inbox.search("UTF-8", "ALL") == ("OK", [b"1 2 3 4 5"])
    assert inbox.search("X-NONE", "ALL")[0] == "NO"


def test_copy(inbox: imaplib.IMAP4) -> None:
    ok(inbox.store("2", "+FLAGS", "\\Flagged"))
    (told,) = ok(inbox.copy("2:3", "Archive"))
    assert re.search(rb"COPYUID \d+ 2:3 1:2", told)
    status, (text, *_) = inbox.copy("1", "Nowhere")
    assert status == "NO"
    assert b"TRYCREATE" in text
    assert inbox.select("Archive") == ("OK", [b"2"])
    assert flags(inbox, "1") == {b"\\Flagged"}
    assert b"Subject: no. 2" in contents(inbox, "1")


def test_expunge(inbox: imaplib.IMAP4) -> None:
    ok(inbox.store("2,4", "+FLAGS", "\\Deleted"))
    assert ok(inbox.expunge()) in ([b"2", b"3"], [b"4", b"2"])
    assert inbox.uid("SEARCH", "ALL") == ("OK", [b"1 3 5"])


def test_uid(inbox: imaplib.IMAP4) -> None:
    ok(inbox.store("1", "+FLAGS", "\\Deleted"))
    ok(inbox.expunge())
    assert inbox.uid("SEARCH", "ALL") == ("OK", [b"2 3 4 5"])
    (line,) = ok(inbox.uid("FETCH", "2", "(FLAGS)"))
    assert line.startswith(b"1 (")
    assert b"UID 2" in line
    (line,) = ok(inbox.uid("STORE", "5", "+FLAGS", "(\\Seen)"))
    assert b"UID 5" in line
    assert flags(inbox, "4") == {b"\\Seen"}
    ok(inbox.uid("COPY", "3", "Archive"))
    assert inbox.response("COPYUID")[1] != [None]
    ok(inbox.uid("STORE", "3:4", "+FLAGS", "(\\Deleted)"))
    ok(inbox.uid("EXPUNGE", "4"))
    assert inbox.uid("SEARCH", "ALL") == ("OK", [b"2 3 5"])


# -- the rest ---------------------------------------------------------------------------------


def test_check_noop_recent(inbox: imaplib.IMAP4, anna: User) -> None:
    ok(inbox.check())
    anna.fill(1)

    def told() -> bool:
        return inbox.noop()[0] == "OK" and inbox.untagged_responses.get("EXISTS", [])[-1:] == [b"6"]

    until(told, "EXISTS after another client's APPEND")


def test_namespace_and_id(client: imaplib.IMAP4) -> None:
    (told,) = ok(client.namespace())
    assert b'(("" "/"))' in told
    ok(client.xatom("ID", '("name" "imaplib")'))


def test_what_is_not_offered_is_bad(inbox: imaplib.IMAP4) -> None:
    with pytest.raises(imaplib.IMAP4.error, match="BAD"):
        inbox.xatom("NOSUCHCOMMAND")
    ok(inbox.noop())


def test_idle_on_another_connection(anna: User, inbox: imaplib.IMAP4) -> None:
    """imaplib has no IDLE before Python 3.14: the lines are sent by hand."""
    inbox.send(b"i1 IDLE\r\n")
    assert inbox.readline().startswith(b"+")
    with anna.imap() as other:
        other.append("INBOX", "", "", letter("pushed").as_bytes())
    lines = [inbox.readline()]
    while not lines[-1].startswith(b"* 6 EXISTS"):
        lines.append(inbox.readline())
        assert lines[-1], lines
    inbox.send(b"DONE\r\n")
    while not lines[-1].startswith(b"i1 OK"):
        lines.append(inbox.readline())
        assert lines[-1], lines


def test_several_clients_see_each_others_changes(anna: User, inbox: imaplib.IMAP4) -> None:
    """Connections are shared out over two workers, so some of these are on another one."""
    others = [anna.imap() for _ in range(5)]
    for other in others:
        assert other.select() == ("OK", [b"5"])
    ok(inbox.store("3", "+FLAGS", "\\Deleted"))
    for other in others:
        until(partial(_sees_deleted, other, "3"), "the flag")
    ok(others[0].expunge())
    for other in (*others[1:], inbox):
        until(partial(_told_of_expunge, other), "the EXPUNGE")
        assert other.uid("SEARCH", "ALL") == ("OK", [b"1 2 4 5"])
    for other in others:
        other.logout()


def _sees_deleted(client: imaplib.IMAP4, number: str) -> bool:
    return flags(client, number) == {b"\\Deleted"}


def _told_of_expunge(client: imaplib.IMAP4) -> bool:
    ok(client.noop())
    return b"3" in client.untagged_responses.get("EXPUNGE", [])


def test_logout(anna: User) -> None:
    client = anna.imap()
    client.select()
    assert client.logout()[0] == "BYE"
