"""IMAP extensions around mailboxes and messages, on the running server and real mailboxes."""

from __future__ import annotations

import imaplib
import re
import socket
import time
import zlib
from collections.abc import Iterator

import pytest

from tests.system.server import Server
from tests.system.user import PATIENCE, User, letter


class Wire:
    """Lines to the server, and all it says up to the tagged response."""

    def __init__(self, user: User) -> None:
        self.socket = socket.create_connection(user.server.address("imap"), PATIENCE)
        self._packer: zlib._Compress | None = None
        self._unpacker: zlib._Decompress | None = None
        self._count = 0
        self._said = b""
        self._until(b"\r\n")
        self.do(f'LOGIN {user.address} "{user.password}"'.encode())

    def do(self, command: bytes) -> bytes:
        """Have a command carried out; it must be OK."""
        answer = self.say(command)
        assert f"x{self._count} OK".encode() in answer
        return answer

    def say(self, command: bytes) -> bytes:
        self._count += 1
        tag = f"x{self._count}".encode()
        self.send(tag + b" " + command + b"\r\n")
        return self._until(b"\r\n" + tag + b" ", b"\r\n")

    def send(self, octets: bytes) -> None:
        if self._packer is not None:
            octets = self._packer.compress(octets) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(octets)

    def compress(self) -> None:
        self.do(b"COMPRESS DEFLATE")
        self._packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        self._unpacker = zlib.decompressobj(-15)

    def _until(self, *marks: bytes) -> bytes:
        """All up to these marks, one after the other; the first may stand at the beginning."""
        while True:
            said = b"\r\n" + self._said
            at = 0
            for mark in marks:
                at = said.find(mark, at)
                if at < 0:
                    break
                at += len(mark)
            else:
                self._said = said[at:]
                return said[2:at]
            octets = self.socket.recv(65536)
            assert octets, f"closed after {said!r}"
            self._said += octets if self._unpacker is None else self._unpacker.decompress(octets)


@pytest.fixture
def wire(anna: User) -> Iterator[Wire]:
    connection = Wire(anna)
    yield connection
    connection.socket.close()


def appended(octets: bytes, mark: bytes = b"") -> bytes:
    return mark + b"{%d+}\r\n" % len(octets) + octets


BINARY = (
    b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n"
    b"--b\r\nContent-Type: image/x-test\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"a\x00b\nc\rd\r\n--b--\r\n"
)


def test_what_is_binary_comes_back(wire: Wire) -> None:
    wire.do(b"APPEND INBOX " + appended(BINARY, b"~"))
    wire.do(b"SELECT INBOX")
    assert b"BINARY[2] ~{7}\r\na\x00b\nc\rd)" in wire.do(b"FETCH 1 BINARY.PEEK[2]")
    whole = wire.do(b"FETCH 1 (BODY.PEEK[] BODYSTRUCTURE)")
    assert b"\0" not in whole
    assert b'"BASE64"' in whole.upper()
    assert b"BINARY.SIZE[2] 7" in wire.do(b"FETCH 1 BINARY.SIZE[2]")


def test_binary_content_without_a_part_for_it_is_refused(wire: Wire) -> None:
    answer = wire.say(b"APPEND INBOX " + appended(b"Subject: x\r\n\r\na\0b\r\n", b"~"))
    assert b" NO [UNKNOWN-CTE] " in answer
    assert b"(MESSAGES 0)" in wire.do(b"STATUS INBOX (MESSAGES)")


def test_binary_of_a_large_message_is_decoded_as_it_is_read(wire: Wire) -> None:
    body = bytes(range(256)) * 1000
    head = b"Content-Type: image/x-test\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary"
    wire.do(b"APPEND INBOX " + appended(head + b"\r\n\r\n" + body, b"~"))
    wire.do(b"SELECT INBOX")
    assert b"BINARY.SIZE[1] 256000)" in wire.do(b"FETCH 1 BINARY.SIZE[1]")
    assert b"~{256000}\r\n" + body + b")" in wire.do(b"FETCH 1 BINARY.PEEK[1]")
    assert b"<100000> ~{600}\r\n" + body[100000:100600] in wire.do(
        b"FETCH 1 BINARY.PEEK[1]<100000.600>"
    )


def test_a_letter_of_several_takes_all_or_nothing(wire: Wire) -> None:
    both = appended(b"Subject: a\r\n\r\n") + b" (\\Seen) " + appended(b"Subject: b\r\n\r\n")
    assert b"APPENDUID" in wire.do(b"APPEND INBOX " + both)
    bad = appended(b"Subject: c\r\n\r\n") + b" " + appended(b"Subject: \0\r\n\r\n")
    assert b" NO [CANNOT] " in wire.say(b"APPEND INBOX " + bad)
    assert b"(MESSAGES 2 UNSEEN 1)" in wire.do(b"STATUS INBOX (MESSAGES UNSEEN)")


def test_a_header_in_utf8_wants_it_enabled(wire: Wire) -> None:
    octets = "Subject: grün\r\n\r\ntext\r\n".encode()
    in_utf8 = b"UTF8 (" + appended(octets, b"~") + b")"
    assert b" NO [CANNOT] " in wire.say(b"APPEND INBOX " + appended(octets))
    assert b" NO [CANNOT] " in wire.say(b"APPEND INBOX " + in_utf8)
    assert b" NO [CANNOT] " in wire.say(
        b"APPEND INBOX " + appended(b"Subject: x\r\n gr\xfcn\r\n\r\ntext\r\n")
    )
    # What is not in a field is not meant, nor is the way in which ASCII is given.
    wire.do(b"APPEND INBOX " + appended(b"Subject: x\r\n\r\ngr\xfcn\r\n"))
    wire.do(b"APPEND INBOX " + appended(b"nothing but gr\xfcn words\r\n"))
    wire.do(b"APPEND INBOX UTF8 (" + appended(b"Subject: x\r\n\r\n", b"~") + b")")
    wire.do(b"ENABLE UTF8=ACCEPT")
    wire.do(b"APPEND INBOX " + appended(octets))
    wire.do(b"APPEND INBOX UTF8 (" + appended(octets, b"~") + b")")


def test_replace_is_one_step(wire: Wire, anna: User) -> None:
    anna.fill(3)
    wire.do(b"SELECT INBOX")
    answer = wire.do(b"REPLACE 2 INBOX " + appended(b"Subject: new\r\n\r\ntext\r\n"))
    assert answer.index(b"[APPENDUID ") < answer.index(b"* 2 EXPUNGE")
    assert b"* SEARCH 1 3 4" in wire.do(b"UID SEARCH ALL")


def test_replace_counts_what_goes(wire: Wire, anna: User) -> None:
    wire.do(b"APPEND INBOX " + appended(b"Subject: x\r\n\r\n" + b"x" * 3000))
    anna.server.run("account", "quota", anna.address, "4000")
    more = appended(b"Subject: y\r\n\r\n" + b"y" * 3500)
    assert b" NO [OVERQUOTA] " in wire.say(b"APPEND INBOX " + more)
    wire.do(b"SELECT INBOX")
    assert b'QUOTA "" (STORAGE 3 3)' in wire.do(b"GETQUOTAROOT INBOX")
    wire.do(b"REPLACE 1 INBOX " + more)
    assert b'QUOTA "" (STORAGE 4 3)' in wire.do(b'GETQUOTA ""')


def test_a_full_account_is_told_before_it_sends(wire: Wire, anna: User) -> None:
    """Whatever was found of the account before it on the same connection."""
    full = f"full-{anna.address}"
    anna.server.add_accounts([full], anna.password)
    anna.server.run("account", "quota", full, "1000")
    wire.do(b"APPEND INBOX " + appended(b"Subject: x\r\n\r\n"))
    wire.do(b"UNAUTHENTICATE")
    wire.do(f'LOGIN {full} "{anna.password}"'.encode())
    answer = wire.say(b"APPEND INBOX {2000}")
    assert b" NO [OVERQUOTA] " in answer
    assert b"+ " not in answer


def test_names_of_messages_stay(wire: Wire, anna: User) -> None:
    anna.fill(2)
    wire.do(b"CREATE copies")
    wire.do(b"SELECT INBOX")
    first, second = re.findall(rb"EMAILID \(([^)]+)\)", wire.do(b"FETCH 1:2 EMAILID"))
    assert first != second
    wire.do(b"COPY 2 copies")
    [mailbox] = re.findall(rb"MAILBOXID \(([^)]+)\)", wire.do(b"STATUS copies (MAILBOXID)"))
    wire.do(b"RENAME copies kept")
    answer = wire.do(b"SELECT kept")
    assert b"[MAILBOXID (" + mailbox + b")]" in answer
    assert b"EMAILID (" + second + b")" in wire.do(b"FETCH 1 (EMAILID THREADID)")
    assert b"* SEARCH 1\r\n" in wire.do(b"SEARCH EMAILID " + second)
    assert b"* SEARCH\r\n" in wire.do(b"SEARCH EMAILID " + first)


def test_save_dates(wire: Wire) -> None:
    today = time.strftime("%d-%b-%Y", time.gmtime()).encode()
    wire.do(b'APPEND INBOX "17-Jul-1996 02:44:25 -0700" ' + appended(b"Subject: a\r\n\r\n"))
    wire.do(b"SELECT INBOX")
    wire.do(b"COPY 1 INBOX")
    answer = wire.do(b"FETCH 1:2 (SAVEDATE INTERNALDATE)")
    assert answer.count(b'INTERNALDATE "17-Jul-1996 ') == 2
    assert len(re.findall(rb'SAVEDATE "[ \d]\d-\w{3}-20\d\d ', answer)) == 2
    assert b"* SEARCH 1 2\r\n" in wire.do(b"SEARCH NOT SAVEDBEFORE " + today)
    assert b"* SEARCH\r\n" in wire.do(b"SEARCH SAVEDON 17-Jul-1996")


def test_previews_of_what_was_sent(wire: Wire, anna: User) -> None:
    with anna.smtp() as client:
        client.send_message(letter("hello"), anna.address, [anna.address])
    anna.messages(1)
    wire.do(b"SELECT INBOX")
    assert re.search(rb'PREVIEW "\w', wire.do(b"FETCH 1 (PREVIEW (LAZY))"))


def test_annotations_stay_with_the_mailbox(wire: Wire) -> None:
    wire.do(b"CREATE old")
    wire.do(b'SETMETADATA old (/private/comment "mine" /shared/x "y")')
    wire.do(b"RENAME old new")
    assert b'(/private/comment "mine")' in wire.do(b"GETMETADATA new /private/comment")
    wire.do(b"DELETE new")
    wire.do(b"CREATE new")
    assert b"METADATA new" not in wire.do(b"GETMETADATA new (/private/comment /shared/x)")
    many = b" ".join(b'/private/n%d "x"' % number for number in range(40))
    for step in range(6):
        answer = wire.say(b"SETMETADATA new (" + many.replace(b"/n", b"/%d" % step) + b")")
    assert b" NO [METADATA TOOMANY] " in answer


def test_compressed(wire: Wire, anna: User) -> None:
    anna.fill(20)
    wire.compress()
    assert b"20 EXISTS" in wire.do(b"SELECT INBOX")
    assert wire.do(b"FETCH 1:* BODY.PEEK[]").count(b"no. ") >= 20
    assert b" BAD [CLIENTBUG] " in wire.say(b"COMPRESS DEFLATE")
    assert b"21 EXISTS" in wire.do(
        b"APPEND INBOX " + appended(b"Subject: big\r\n\r\n" + b"words and " * 50_000)
    )
    wire.do(b"LOGOUT")


def test_attack_19_a_bomb_ends_the_connection(wire: Wire) -> None:
    wire.compress()
    wire.send(b"y APPEND INBOX {50000000+}\r\n")

    def send_zeros() -> None:
        wire.send(bytes(49_000_000))
        wire.say(b"NOOP")

    with pytest.raises((AssertionError, ConnectionError)):
        send_zeros()


def test_extended_list(wire: Wire, server: Server) -> None:
    wire.do(b"SUBSCRIBE Junk/nothing")
    answer = wire.do(b'LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (MESSAGES UIDNEXT))')
    assert b'"/" Junk ("CHILDINFO" ("SUBSCRIBED"))' in answer
    assert b"* STATUS INBOX (MESSAGES 0 UIDNEXT 1)" in answer


def test_inbox_is_renamed_while_another_has_it_open(wire: Wire, anna: User) -> None:
    """What it is not told of yet it can read; then, and when it comes back, VANISHED names all."""
    other = Wire(anna)
    for _ in range(3):
        other.do(b"APPEND INBOX " + appended(b"Subject: kept\r\n\r\n"))
    wire.do(b"ENABLE QRESYNC")
    opened = wire.do(b"SELECT INBOX")
    validity, modseq = re.findall(rb"\[(?:UIDVALIDITY|HIGHESTMODSEQ) (\d+)", opened)
    other.do(b"RENAME INBOX Old")
    assert wire.do(b"FETCH 1:3 BODY.PEEK[HEADER.FIELDS (SUBJECT)]").count(b"kept") == 3
    assert b"* VANISHED 1:3\r\n" in wire.do(b"NOOP")
    wire.do(b"CLOSE")
    again = wire.do(b"SELECT INBOX (QRESYNC (%b %b))" % (validity, modseq))
    assert b"* VANISHED (EARLIER) 1:3\r\n" in again
    assert b"* 3 EXISTS" in other.do(b"SELECT Old")
    other.socket.close()


def test_deleted_is_counted(anna: User) -> None:
    anna.fill(3)
    with anna.imap() as client:
        client.select()
        client.store("1:2", "+FLAGS", "\\Deleted")
        size = int(_item(client, "SIZE"))
        assert int(_item(client, "DELETED")) == 2
        assert 0 < int(_item(client, "DELETED-STORAGE")) < size


def _item(client: imaplib.IMAP4, name: str) -> str:
    status, data = client.status("INBOX", f"({name})")
    assert status == "OK"
    assert isinstance(data[0], bytes)
    return data[0].decode().rpartition(" ")[2].rstrip(")")
