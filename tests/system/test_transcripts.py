"""The transcripts of all protocols again, on the running server and real mailboxes.

A file that a real server cannot play says why in its head: `only: engine (the reason)`.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from posthouse.protocols.imap import utf7
from tests.protocols.imap.stage import CONTENT, LETTERS
from tests.protocols.pop3.stage import MESSAGES
from tests.protocols.transcript import Transcript, Turn, play_on_sockets, read
from tests.system.server import Server
from tests.system.user import PATIENCE

_Setting = Callable[[str, str], str]

PROTOCOLS = Path(__file__).parents[1] / "protocols"
PASSWORD = "secret"
RECIPIENTS = [f"{name}@b.example" for name in ("bob", "carl", "a", "b", "c")]
SETTINGS = {
    "hostname": "mx.example",
    "passwords.memory": 64,
    "passwords.passes": 1,
    "log_in.mechanisms": "PLAIN,LOGIN",  # as the stage has them
    "submission.check_sender": False,  # who may send as whom is tested beside the agent
}
DATE = '"09-Sep-2001 01:46:40 +0000"'  # of the stage's messages

TRANSCRIPTS = {
    path.name: read(path)
    for pattern in ("smtp/transcripts/*.smtp", "pop3/transcripts/*.pop3", "imap/transcripts/*.imap")
    for path in sorted(PROTOCOLS.glob(pattern))
}


def address(name: str) -> str:
    """The account of a transcript: nobody else's."""
    stem, _, kind = name.partition(".")
    return "ann@a.example" if kind == "smtp" else f"{kind}-{stem.replace('_', '-')}@a.example"


PLAYED = [
    name
    for name, transcript in TRANSCRIPTS.items()
    if transcript.for_sockets and "only" not in transcript.settings
]


@pytest.fixture(scope="module")
def house() -> Iterator[Server]:
    with Server(workers=2, settings=SETTINGS) as running:
        accounts = {address(name) for name in PLAYED} | {"ann@a.example", *RECIPIENTS}
        running.add_accounts(sorted(accounts), PASSWORD)
        yield running


@pytest.mark.parametrize("name", PLAYED)
def test_transcript(house: Server, name: str) -> None:
    transcript = TRANSCRIPTS[name]
    stage = _Stage(house, transcript.settings.get, address(name), transcript.path.suffix[1:])
    stage.prepare()
    play_on_sockets(_renamed(transcript, address(name)), stage.connect, house.tls())


@pytest.mark.parametrize("name", [name for name in TRANSCRIPTS if name not in PLAYED])
def test_one_that_is_not_played_says_why(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    why = transcript.settings.get("only", "")
    assert not transcript.for_sockets or re.fullmatch(r"engine \(.{10,}\)", why)


class _Stage:
    """What a transcript's settings ask for, made on the server."""

    def __init__(self, house: Server, setting: _Setting, account: str, kind: str) -> None:
        self.house = house
        self.setting = setting
        self.account = account
        self.kind = kind

    # Mailboxes

    def prepare(self) -> None:
        if self.kind == "smtp":
            return
        with imaplib.IMAP4(*self.house.address("imap"), timeout=PATIENCE) as client:
            client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.login(self.account, PASSWORD)
            if self.kind == "imap":
                self.make_mailboxes(client)
            if self.kind == "pop3":
                client.enable("UTF8=ACCEPT")
                client._mode_ascii()  # what imaplib does in its other mode is not RFC 6855
            for content in self.contents():
                _ok(client.append("INBOX", "", DATE, content))

    def make_mailboxes(self, client: imaplib.IMAP4) -> None:
        wanted = self.setting("mailboxes", "").split()
        _, listed = client.list()
        there = {line.rpartition(b" ")[2].decode() for line in listed if isinstance(line, bytes)}
        for name in there - {"INBOX"}:
            _ok(client.unsubscribe(name))
        for name in wanted:
            if name not in there:
                _ok(client.create(_quoted(name)))
                there |= {name.rsplit("/", n)[0] for n in range(name.count("/") + 1)}
        for name in sorted(there - {"INBOX", *wanted}):
            _ok(client.delete(_quoted(name)))
        _ok(client.unsubscribe("INBOX"))
        for name in self.setting("subscribed", "").split():
            _ok(client.subscribe(_quoted(name)))

    def contents(self) -> list[bytes]:
        if self.kind == "pop3":
            count = int(self.setting("messages", "2"))
            return list(MESSAGES * count)[:count]
        letters = [LETTERS / f"{name}.eml" for name in self.setting("letters", "").split()]
        return [CONTENT] * int(self.setting("messages", "0")) + [
            path.read_bytes().replace(b"\n", b"\r\n") for path in letters
        ]

    # Connections

    def connect(self) -> socket.socket:
        service = self.setting("service", "smtp") if self.kind == "smtp" else self.kind
        secure = self.setting("secure", "no") == "yes"
        if secure and self.kind != "smtp":
            service += "s"
        wire = socket.create_connection(self.house.address(service), PATIENCE)
        if secure or self.setting("tls", "") == "active":
            wire = self.house.tls().wrap_socket(wire)
        if self.kind == "imap" and self.setting("logged-in", "yes") == "yes":
            return _LoggedIn(wire, self.account)
        return wire


class _LoggedIn(socket.socket):
    """A connection to IMAP after a log-in; what is read first is the greeting."""

    def __init__(self, wire: socket.socket, account: str) -> None:
        assert not isinstance(wire, ssl.SSLSocket)
        super().__init__(fileno=wire.detach())
        self.settimeout(PATIENCE)
        self._greeting = self._line()
        self.sendall(f"l LOGIN {account} {PASSWORD}\r\n".encode())
        assert self._line().startswith(b"l OK ")

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            line += super().recv(1)
        return line

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        greeting, self._greeting = self._greeting, b""
        return greeting or super().recv(size, flags)


def _quoted(name: str) -> str:
    return '"' + utf7.encode(name).decode() + '"'


def _ok(reply: tuple[str, object]) -> None:
    assert reply[0] == "OK", reply


# The names of the server in a transcript


BASE64 = re.compile(r"[A-Za-z0-9+/]{4,}={0,2}")
USER = re.compile(r'((?:LOGIN|USER|user) "?)ann\b(?!@)')
VALIDITY = re.compile(r"(UIDVALIDITY|APPENDUID|COPYUID) (\d+)")
HOST = re.compile(r"\b(?:imap|pop)\.example\b")


def _renamed(transcript: Transcript, account: str) -> Transcript:
    """With the account's name for `ann`, and variables for what the server chooses itself."""
    turns = []
    for turn in transcript.turns:
        acts = [replace(act, text=_said(act.text, account)) for act in turn.acts]
        told = [
            replace(entry, text=_heard(entry.text)) if entry.side == "S" else entry
            for entry in turn.expected
        ]
        turns.append(Turn(acts, told))
    return replace(transcript, turns=turns)


def _said(text: str, account: str) -> str:
    def encoded(found: re.Match[str]) -> str:
        try:
            parts = b64decode(found[0], validate=True).split(b"\0")
        except ValueError:
            return found[0]
        if b"ann" not in parts or b64encode(b"\0".join(parts)).decode() != found[0]:
            return found[0]
        named = [account.encode() if part == b"ann" else part for part in parts]
        return b64encode(b"\0".join(named)).decode()

    return BASE64.sub(encoded, USER.sub(rf"\g<1>{account}", text))


def _heard(text: str) -> str:
    text = VALIDITY.sub(r"\1 $validity\2", HOST.sub("mx.example", text))
    return re.sub(r"\bid-(\d)\b", r"$id\1", text)
