"""A maildrop without a store, and the agent that gives it to a POP3 engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from posthouse.message.surrogate import surrogate
from posthouse.protocols.engine import Engine
from posthouse.protocols.pop3.capabilities import ALL
from posthouse.protocols.pop3.events import (
    Block,
    Gone,
    Maildrop,
    NeedsUtf8,
    NextBlock,
    Open,
    Retrieve,
    Retrieved,
    Unavailable,
    Update,
)
from posthouse.protocols.pop3.policy import Policy
from posthouse.protocols.pop3.server import serve
from posthouse.protocols.pop3.session import Session
from posthouse.protocols.sasl.mechanism import Accepted, Denial, Denied, Password
from posthouse.store.serve.pop3_languages import languages
from tests.protocols.sasl import stage as sasl

MESSAGES = (
    b"From: ann@a.example\r\nSubject: dots\r\n\r\n.\r\n..two\r\nthree\r\n.\r\n",
    b"Subject: without an end\r\n\r\none\r\ntwo",
    b"Subject: header alone\r\n",
    b"\r\nno header\r\n",
    "From: пётр@пример.example\r\nSubject: да\r\n\r\nнет\r\n".encode(),
)


def size(content: bytes) -> int:
    """Octets as sent: the last line is given an end."""
    return len(content) + (0 if content.endswith(b"\r\n") else 2)


class Stage:
    """Its settings: `secure`, `plaintext`, `tls`, `apop` and `pauses` (yes or no), `messages`,
    `block` (octets), `login-delay` and `expire`, also with `own-` for who logs in, and what is
    said in sasl/stage.py.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = settings
        count = int(settings.get("messages", 2))
        self.messages = (MESSAGES * (count // len(MESSAGES) + 1))[:count]
        self.block = int(settings.get("block", 1 << 16))
        self.utf8 = False
        self.blocks: Iterator[Block] = iter(())

    def open(self, connection: int = 1) -> Engine:
        setting = self.settings.get
        session = Session(
            "pop.example",
            ALL,
            sasl.mechanisms(self.settings),
            secure=setting("secure") == "yes",
            tls=sasl.tls(self.settings) if setting("secure") == "yes" else None,
            apop=setting("apop") == "yes",
            plaintext_allowed=setting("plaintext") == "yes",
            tls_available=setting("tls") != "no",
            policy=self.policy("", varies=True),
            languages=languages(),
            pauses=setting("pauses") == "yes",
        )
        return serve(session)

    def policy(self, whose: str, varies: bool = False) -> Policy:
        """What goes for all, or for one."""
        delay, expire = (
            self.settings.get(f"{whose}{key}", self.settings.get(key))
            for key in ("login-delay", "expire")
        )
        return Policy(
            None if delay is None else int(delay),
            varies and "own-login-delay" in self.settings,
            None if expire is None else int(expire),
            varies and "own-expire" in self.settings,
        )

    def answer(self, connection: int, question: object, text: str | None) -> object:
        known = sasl.answer(question, text)
        if known is not None:
            return known
        match question:
            case Password() if text:
                return Denied(Denial(text))
            case Password(user, "secret"):
                return Accepted(user)
            case Password():
                return Denied()
            case Open() if text:
                return Unavailable(text, "not now")
            case Open(_, utf8):
                self.utf8 = utf8
                ids = tuple(f"id-{number}" for number in range(1, len(self.messages) + 1))
                sizes = tuple(size(self.form(message)) for message in self.messages)
                return Maildrop(sizes, ids, self.policy("own-"))
            case Retrieve() if text == "gone":
                return Gone()
            case Retrieve() if text == "utf8":
                return NeedsUtf8()
            case Retrieve(number):
                self.blocks = self.cut(self.form(self.messages[number - 1]))
                return next(self.blocks)
            case NextBlock():
                return next(self.blocks)
            case Update():
                return text != "no"
        raise AssertionError(f"not asked before: {question!r}")

    def form(self, message: bytes) -> bytes:
        """The form in which the client gets it."""
        return message if self.utf8 else surrogate(message)

    def cut(self, octets: bytes) -> Iterator[Block]:
        size = self.block
        for start in range(0, len(octets), size):
            yield Block(octets[start : start + size], start + size >= len(octets))

    def show(self, connection: int, event: object) -> None:
        assert isinstance(event, Retrieved), f"not shown before: {event!r}"

    def notice(self, connection: int, text: str) -> object:
        raise AssertionError("POP3 has no notices")
