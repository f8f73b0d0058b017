"""IMAPClient, a library for Python, with TLS that is verified."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.interop.letters import SUBJECT, check_rich, rich
from tests.interop.program import certificate, need_module
from tests.system.server import Server
from tests.system.user import User, letter, until

imapclient = need_module("imapclient")


@contextlib.contextmanager
def connection(user: User, folder: Path, *, tls: bool = True) -> Iterator[Any]:
    """A client that has logged in; it checks certificate and name."""
    context = ssl.create_default_context(cafile=str(certificate(user.server, folder)))
    host, port = "localhost", user.server.port("imaps" if tls else "imap")
    security = {"ssl": tls, "ssl_context": context if tls else None}
    client = imapclient.IMAPClient(host, port, **security, timeout=20)
    if not tls:
        client.starttls(context)
    client.login(user.address, user.password)
    with client:
        yield client


@pytest.fixture
def client(anna: User, tmp_path: Path) -> Iterator[Any]:
    with connection(anna, tmp_path) as connected:
        yield connected


def test_a_stranger_s_certificate_is_not_trusted(server: Server) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        imapclient.IMAPClient("localhost", server.port("imaps"))


def test_letters_with_everything(client: Any, anna: User) -> None:
    sent = rich(anna.address, "b@there.example").as_bytes()
    told = client.append("INBOX", sent, (b"\\Seen", b"$Later"), datetime(2026, 1, 2, tzinfo=UTC))
    assert b"APPENDUID" in told
    selected = client.select_folder("INBOX")
    assert selected[b"EXISTS"] == 1
    assert b"\\*" in selected[b"PERMANENTFLAGS"]
    items = ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]"]
    (fetched,) = client.fetch([1], items).values()
    check_rich(fetched[b"BODY[]"])
    assert fetched[b"BODY[]"] == sent
    assert fetched[b"RFC822.SIZE"] == len(sent)
    assert set(fetched[b"FLAGS"]) == {b"\\Seen", b"$Later", b"\\Recent"}
    assert fetched[b"ENVELOPE"].from_[0].mailbox == anna.address.partition("@")[0].encode()
    assert fetched[b"ENVELOPE"].message_id.endswith(b"@client.example>")
    parts, kind = fetched[b"BODYSTRUCTURE"][0], fetched[b"BODYSTRUCTURE"][1]
    assert kind == b"mixed"
    assert parts[1][:2] == (b"application", b"octet-stream")
    (part,) = client.fetch([1], ["BODY.PEEK[1.1.MIME]", "BODY.PEEK[2]<0.10>"]).values()
    assert b"text/plain" in part[b"BODY[1.1.MIME]"]
    assert len(part[b"BODY[2]<0>"]) == 10


def test_folders_of_the_world(client: Any, anna: User) -> None:
    name = "Entwürfe & Привет/你好"
    client.create_folder(name)
    client.subscribe_folder(name)
    assert name in [each[2] for each in client.list_sub_folders()]
    listed = {each[2]: each[0] for each in client.list_folders()}
    assert name in listed
    assert b"\\HasChildren" in listed["Entwürfe & Привет"]
    for use in (b"\\Sent", b"\\Drafts", b"\\Trash", b"\\Junk", b"\\Archive"):
        assert client.find_special_folder(use) == use.decode()[1:]
    client.rename_folder(name, "Später")
    assert not client.folder_exists(name)
    assert client.folder_exists("Später")
    client.append("Später", letter("there").as_bytes())
    status = client.folder_status("Später", ["MESSAGES", "UNSEEN", "UIDNEXT", "HIGHESTMODSEQ"])
    assert status[b"MESSAGES"] == 1
    assert status[b"HIGHESTMODSEQ"] > 0
    client.delete_folder("Später")
    assert client.namespace().personal == (("", "/"),)
    with anna.imap() as wire:
        assert "Sp&AOQ-ter" not in str(wire.list())


def test_flags_move_copy_expunge(client: Any, anna: User) -> None:
    anna.fill(10)
    client.select_folder("INBOX")
    client.add_flags([1, 2], [b"\\Flagged"])
    assert set(client.add_flags([3], [b"work"])[3]) == {b"work", b"\\Recent"}
    client.add_flags([3], [b"\\Flagged"])
    client.remove_flags([3], [b"\\Flagged"])
    client.set_flags([4], [b"\\Answered"], silent=True)
    client.copy([1, 2], "Archive")
    client.move([5, 6], "Trash")
    client.delete_messages([7, 8])
    client.uid_expunge([7])
    assert client.search("ALL") == [1, 2, 3, 4, 8, 9, 10]
    client.expunge()
    assert client.search(["KEYWORD", "work", "NOT", "FLAGGED"]) == [3]
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"6"])
        assert wire.uid("SEARCH", "ALL") == ("OK", [b"1 2 3 4 9 10"])
        assert wire.uid("SEARCH", "FLAGGED") == ("OK", [b"1 2"])
        assert wire.uid("SEARCH", "ANSWERED") == ("OK", [b"4"])
        assert wire.select("Archive") == ("OK", [b"2"])
        assert wire.search(None, "FLAGGED") == ("OK", [b"1 2"])
        assert wire.select("Trash") == ("OK", [b"2"])


def test_what_others_change_is_told_in_idle(client: Any, anna: User) -> None:
    anna.fill(2)
    client.select_folder("INBOX")
    with anna.imap() as wire:
        wire.select("INBOX")
        client.idle()
        wire.append("INBOX", "", "", letter("new").as_bytes())
        wire.store("1", "+FLAGS", "(\\Flagged)")
        wire.store("2", "+FLAGS", "(\\Deleted)")
        wire.expunge()
        told: list[Any] = []

        def all_told() -> bool:
            told.extend(client.idle_check(timeout=1))
            return (2, b"EXPUNGE") in told and (3, b"EXISTS") in told

        until(all_told, f"news in IDLE, only {told}")
        assert [each for each in told if each[1] == b"FETCH" and "Flagged" in str(each)]
        client.idle_done()
    assert client.search() == [1, 3]


def test_search_sort_and_thread(client: Any, anna: User) -> None:
    for day, subject in enumerate(("Re: Köln", "Aachen", "Köln"), 1):
        octets = rich(anna.address, "b@there.example", subject).as_bytes()
        client.append("INBOX", octets, msg_time=datetime(2026, 1, day, tzinfo=UTC))
    client.select_folder("INBOX")
    assert client.search(["SUBJECT", "köln"], "UTF-8") == [1, 3]
    assert client.search(["BODY", "Boxkämpfer"], "UTF-8") == [1, 2, 3]
    assert client.search(["TEXT", "nicht darin"], "UTF-8") == []
    assert client.search(["NOT", ["SUBJECT", "Aachen"], "SENTON", date(2026, 11, 3)]) == [1, 3]
    assert client.sort(["SUBJECT", "REVERSE ARRIVAL"]) == [2, 3, 1]
    assert sorted(client.thread("ORDEREDSUBJECT")) == [(1, 3), (2,)]
    assert len(client.thread("REFERENCES")) == 2


def test_only_what_has_changed(client: Any, anna: User) -> None:
    anna.fill(5)
    assert client.enable("CONDSTORE") == [b"CONDSTORE"]
    before = client.select_folder("INBOX")[b"HIGHESTMODSEQ"]
    with anna.imap() as wire:
        wire.select("INBOX")
        wire.store("2,4", "+FLAGS", "(\\Flagged)")
    changed = client.fetch(range(1, 6), ["FLAGS"], [f"CHANGEDSINCE {before}"])
    assert sorted(changed) == [2, 4]
    assert all(each[b"MODSEQ"][0] > before for each in changed.values())


def test_starttls_id_and_quota(anna: User, tmp_path: Path) -> None:
    with connection(anna, tmp_path, tls=False) as client:
        assert client.id_({"name": "IMAPClient"})[0][:2] == (b"name", b"Posthouse")
        _, quotas = client.get_quota_root("INBOX")
        assert [each.resource for each in quotas] in ([], ["STORAGE"])
        client.select_folder("INBOX", readonly=True)
        client.noop()
        client.unselect_folder()


def test_several_letters_at_once(client: Any, anna: User) -> None:
    octets = rich(anna.address, "b@there.example").as_bytes()
    more = {"msg": octets, "flags": [b"\\Flagged"], "date": datetime(2026, 1, 2, tzinfo=UTC)}
    client.multiappend("INBOX", [octets, more])
    assert [check_rich(each)["Subject"] for each in anna.messages(2)] == [SUBJECT, SUBJECT]
