"""The agent of the client transcripts: it has letters, all alike."""

from __future__ import annotations

from collections.abc import Mapping

from posthouse.protocols.dialogue import TLS
from posthouse.protocols.engine import Engine
from posthouse.protocols.sasl.mechanism import Credentials, SaltedPassword
from posthouse.protocols.sasl.scram import salted_password
from posthouse.protocols.smtp.client.client import connect
from posthouse.protocols.smtp.client.events import (
    Convert,
    Letter,
    NextBlock,
    NextLetter,
    Unconvertible,
)
from posthouse.protocols.smtp.client.session import Session, Settings, TLSPolicy

KNOWN = {
    "role",
    "policy",
    "tls",
    "login",
    "nonce",
    "plaintext",
    "lmtp",
    "letters",
    "sender",
    "to",
    "size",
    "content",
    "block",
    "pieces",
}


class Stage:
    """`policy: none|opportunistic|required|verify`, `tls: active`, `login: user password`,
    `nonce: text`, `plaintext: yes`, `lmtp: yes`; `letters: 2` from `sender` `to` some, with
    `content` (escapes) in blocks of `block` octets, said to have `size` octets.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        assert settings.keys() <= KNOWN, settings
        self.settings = settings
        self.letters = int(settings.get("letters", "1"))
        text = settings.get("content", r"Subject: hi\r\n\r\nHello.\r\n")
        self.content = text.encode().decode("unicode_escape").encode("latin-1")
        self.sent = 0
        self.session = Session(Settings("client.example"))

    def open(self, connection: int) -> Engine:
        given = self.settings
        user, _, password = given.get("login", "").partition(" ")
        self.session = Session(
            Settings(
                "client.example",
                tls=TLSPolicy(given.get("policy", "opportunistic")),
                credentials=(
                    Credentials(user, password, nonce=given.get("nonce", "")) if user else None
                ),
                plaintext="plaintext" in given,
                lmtp="lmtp" in given,
            ),
            tls=TLS("TLSv1.3", "x") if given.get("tls") == "active" else None,
        )
        return connect(self.session)

    def answer(self, connection: int, question: object, text: str | None) -> object:
        match question:
            case NextLetter():
                return self.letter(text)
            case NextBlock():
                size = int(self.settings.get("block", "7"))
                block = self.content[self.sent : self.sent + size]
                self.sent += len(block)
                return block
            case SaltedPassword():
                return salted_password(question)
            case Convert(letter):
                if text:
                    return Unconvertible(*text.split(" ", 1))
                self.content = self.content.translate(bytes(range(128)) + b"?" * 128)
                return letter
        raise AssertionError(f"not asked before: {question!r}")

    def letter(self, text: str | None) -> Letter | None:
        if text == "none" or not self.letters:
            return None
        self.letters -= 1
        self.sent = 0
        given = self.settings
        return Letter(
            given.get("sender", "ann@a.example"),
            tuple(given.get("to", "bob@b.example").split()),
            int(given.get("size", len(self.content))),
            not self.content.isascii(),
        )

    def show(self, connection: int, event: object) -> None:
        """Nothing follows from what it is shown."""

    def notice(self, connection: int, text: str) -> object:
        raise AssertionError("SMTP has no notices")

    def closed(self, connection: int) -> object:
        return self.session.lost()
