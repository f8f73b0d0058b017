"""The agent of the SMTP transcripts: it knows everyone but nobody."""

from __future__ import annotations

from collections.abc import Mapping

from posthouse.protocols.dialogue import TLS
from posthouse.protocols.engine import Engine
from posthouse.protocols.sasl.mechanism import Accepted, Denial, Denied, Password
from posthouse.protocols.smtp.events import (
    BeginContent,
    EndForEach,
    EndOfMessage,
    Expand,
    Hello,
    Mail,
    Recipient,
    Verify,
)
from posthouse.protocols.smtp.reply import Reply
from posthouse.protocols.smtp.server import serve
from posthouse.protocols.smtp.session import Service, Session, Settings

REPLIES: Mapping[type, Reply] = {
    Hello: Reply(250, "", "ok"),
    Mail: Reply(250, "2.1.0", "sender ok"),
    Recipient: Reply(250, "2.1.5", "recipient ok"),
    BeginContent: Reply(354, "", "ok"),
    EndOfMessage: Reply(250, "2.0.0", "queued as 1"),
    Verify: Reply(252, "2.5.2", "send some mail, and see"),
    Expand: Reply(250, "2.1.5", "<ann@a.example>", ("<bob@b.example>",)),
}
FILED = Reply(250, "2.1.5", "delivered as 1")


def reply(text: str) -> Reply:
    code, status, words = text.split(" ", 2)
    return Reply(int(code), status, words)


NUMBERS = {"largest", "recipients", "transactions", "errors", "log_ins", "text_line"}


class Stage:
    """`service: submission`, `tls: offered` or `active`, `plaintext: yes`, `normalise: yes`,
    and the numbers of `Settings`.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        known = {"service", "tls", "plaintext", "normalise", "pieces", "only"} | NUMBERS
        assert settings.keys() <= known, settings
        self.settings = settings

    def session(self) -> Session:
        numbers = {key: int(value) for key, value in self.settings.items() if key in NUMBERS}
        return Session(
            Settings("mx.example", normalise="normalise" in self.settings, **numbers),
            service=Service(self.settings.get("service", "smtp")),
            tls=TLS("TLSv1.3", "x") if self.settings.get("tls") == "active" else None,
            tls_offered="tls" in self.settings,
            plaintext_allowed="plaintext" in self.settings,
        )

    def open(self, connection: int) -> Engine:
        return serve(self.session())

    def answer(self, connection: int, question: object, text: str | None) -> object:
        if isinstance(question, Password):
            if text:
                return Denied(Denial(text))
            good = question.user == "ann" and question.password == "secret"
            return Accepted(question.identity or question.user) if good else Denied()
        if isinstance(question, EndForEach):
            replies = [reply(each) for each in (text or "").split(" / ") if each]
            return tuple(replies or [FILED] * question.recipients)
        if text:
            return reply(text)
        if isinstance(question, Recipient) and str(question.path).startswith("<nobody"):
            return Reply(550, "5.1.1", "no such user here")
        return REPLIES[type(question)]

    def show(self, connection: int, event: object) -> None:
        """Nothing follows from what it is shown."""

    def notice(self, connection: int, text: str) -> object:
        raise AssertionError("SMTP has no notices")
