"""Python's poplib with the pop3 and pop3s services."""

from __future__ import annotations

import poplib

import pytest

from tests.system.server import Server
from tests.system.user import PATIENCE, User


def test_capabilities(server: Server) -> None:
    client = poplib.POP3(*server.address("pop3"), timeout=PATIENCE)
    assert client.getwelcome().startswith(b"+OK")
    assert {"TOP", "UIDL", "USER", "STLS", "RESP-CODES", "PIPELINING", "SASL"} <= set(client.capa())
    client.quit()


def test_every_command(anna: User) -> None:
    anna.fill(3)
    client = anna.pop3()
    count, octets = client.stat()
    assert count == 3
    _, listing, _ = client.list()
    sizes = [int(line.split()[1]) for line in listing]
    assert sum(sizes) == octets
    assert client.list(2) == b"+OK 2 %d" % sizes[1]  # type: ignore[comparison-overlap]
    _, uids, _ = client.uidl()
    assert len({line.split()[1] for line in uids}) == 3
    assert client.uidl(3).startswith(b"+OK 3 ")
    _, lines, size = client.retr(1)
    assert b"Subject: no. 1" in lines
    assert size == sizes[0]
    _, top, _ = client.top(2, 0)
    assert top[-1] == b""
    assert b"The text." not in top
    assert client.noop().startswith(b"+OK")
    assert client.dele(2).startswith(b"+OK")
    assert client.stat()[0] == 2
    with pytest.raises(poplib.error_proto):
        client.retr(2)
    assert client.rset().startswith(b"+OK")
    assert client.stat()[0] == 3
    assert client.quit().startswith(b"+OK")


def test_deletions_are_done_at_quit(anna: User) -> None:
    anna.fill(3)
    client = anna.pop3()
    client.dele(1)
    client.dele(3)
    client.quit()
    after = anna.pop3()
    assert after.stat()[0] == 1
    assert b"Subject: no. 2" in after.retr(1)[1]
    after.quit()


def test_without_quit_nothing_is_deleted(anna: User) -> None:
    anna.fill(1)
    client = anna.pop3()
    client.dele(1)
    client.close()
    assert len(anna.messages(1)) == 1


def test_wrong_password(server: Server, anna: User) -> None:
    client = poplib.POP3(*server.address("pop3"), timeout=PATIENCE)
    client.user(anna.address)
    with pytest.raises(poplib.error_proto, match="AUTH"):
        client.pass_("not this one")
    client.user(anna.address)
    assert client.pass_(anna.password).startswith(b"+OK")
    client.quit()


def test_the_maildrop_is_locked(anna: User) -> None:
    first = anna.pop3()
    for _ in range(4):  # sooner or later on the other worker
        with pytest.raises(poplib.error_proto, match="IN-USE"):
            anna.pop3()
    first.quit()
    anna.pop3().quit()


def test_stls(server: Server, anna: User) -> None:
    client = poplib.POP3(*server.address("pop3"), timeout=PATIENCE)
    assert client.stls(server.tls()).startswith(b"+OK")
    assert "STLS" not in client.capa()
    client.user(anna.address)
    client.pass_(anna.password)
    assert client.stat() == (0, 0)
    client.quit()


def test_pop3s(server: Server, anna: User) -> None:
    anna.fill(1)
    address = server.address("pop3s")
    client = poplib.POP3_SSL(*address, context=server.tls(), timeout=PATIENCE)
    client.user(anna.address)
    client.pass_(anna.password)
    assert client.stat()[0] == 1
    client.quit()


def test_lines_that_begin_with_dots(anna: User) -> None:
    with anna.imap() as imap:
        imap.append("INBOX", "", "", b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n")
    client = anna.pop3()
    assert client.retr(1)[1][-3:] == [b".", b"..", b".x"]
    client.quit()


def test_sizes_are_what_is_sent(anna: User) -> None:
    """Also where a message was filed without the end of its last line (RFC 6856 §2.1)."""
    with anna.imap() as imap:
        for content in (b"Subject: a\r\n\r\nno end", b"Subject: b\r\n\r\nend\r\n"):
            imap.append("INBOX", "", "", content)
    client = anna.pop3()
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert sizes == [client.retr(1)[2], client.retr(2)[2]] == [22, 19]
    assert client.stat() == (2, sum(sizes))
    client.quit()


def test_an_internationalized_letter(server: Server, anna: User) -> None:
    letter = "From: лена@пример.example\r\nSubject: да\r\n\r\nтекст\r\n".encode()
    with anna.imap() as imap:
        imap.enable("UTF8=ACCEPT")
        imap._mode_ascii()  # what imaplib does in its other mode is not RFC 6855
        imap.append("INBOX", "", "", letter)
    plain = anna.pop3()
    _, lines, octets = plain.retr(1)
    assert lines[0].startswith(b"From: =?utf-8?b?")
    assert lines[-1] == "текст".encode()
    assert octets == plain.stat()[1] == int(plain.list()[1][0].split()[1])
    plain.quit()
    client = poplib.POP3(*server.address("pop3"), timeout=PATIENCE)
    assert client.capa()["UTF8"] == ["USER"]
    assert client.utf8().startswith(b"+OK")
    client.user(anna.address)
    client.pass_(anna.password)
    assert b"\r\n".join(client.retr(1)[1]) + b"\r\n" == letter
    assert client.stat() == (1, len(letter))
    client.quit()


def test_languages(server: Server, anna: User) -> None:
    client = poplib.POP3(*server.address("pop3"), timeout=PATIENCE)
    assert client._shortcmd("LANG ru") == "+OK ru язык изменён".encode()  # type: ignore[attr-defined]
    client.user(anna.address)
    with pytest.raises(poplib.error_proto) as denied:
        client.pass_("wrong")
    assert denied.value.args[0].decode() == "-ERR [AUTH] неверное имя пользователя или пароль"
    assert client._longcmd("LANG")[1][:2] == [b"en English", b"de Deutsch"]  # type: ignore[attr-defined]
    client.quit()


def test_what_the_operator_asks_of_clients() -> None:
    """A delay that holds for all workers, and nothing left here that was retrieved."""
    settings = {
        "pop3.login_delay": 3600,
        "pop3.login_delay_except": "bob@a.example",
        "pop3.expire": "0",
        "pop3.language": "fr",
    }
    with Server(workers=2, settings=settings) as server:
        server.add_accounts(["ann@a.example", "bob@a.example"], "secret word")
        ann, bob = (User(server, f"{name}@a.example", "secret word") for name in ("ann", "bob"))
        ann.pop3().quit()
        for _ in range(4):  # sooner or later on the other worker
            with pytest.raises(poplib.error_proto, match=r"\[LOGIN-DELAY\]"):
                ann.pop3()
        bob.fill(3)
        client = bob.pop3()
        assert client.capa()["LOGIN-DELAY"] == ["0"]
        assert client.capa()["EXPIRE"] == ["0"]
        assert client._shortcmd("LANG *").startswith(b"+OK fr la langue")  # type: ignore[attr-defined]
        client.retr(2)
        client.quit()
        again = bob.pop3()
        assert again.stat()[0] == 2
        again.quit()
