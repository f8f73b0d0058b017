"""The agent of the SMTP transcripts: it knows everyone but nobody."""

from __future__ import annotations

from collections.abc import Mapping

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
from tests.protocols.sasl import stage as sasl

REPLIES: Mapping[type, Reply] = {
    Hello: Reply(250, "", "ok"),
    Mail: Reply(250, "2.1.0", "sender ok"),
    Recipient: Reply(250, "2.1.5", "recipient ok"),
    BeginContent: Reply(354, "", "ok"),
    EndOfMessage: Reply(250, "2.0.0", "queued as 1"),
    Verify: Reply(252, "2.5.0", "send some mail, and see"),
    Expand: Reply(250, "2.1.5", "<ann@a.example>", ("<bob@b.example>",)),
}
FILED = Reply(250, "2.1.5", "delivered as 1")


def reply(text: str) -> Reply:
    code, status, words = text.split(" ", 2)
    return Reply(int(code), status, words)


SASL = {"mechanisms", "end-point", "certificate"}
NUMBERS = {"largest", "recipients", "transactions", "errors", "log_ins", "text_line"}


class Stage:
    """`service: submission`, `tls: offered` or `active`, `plaintext: yes`, `normalise: yes`,
    `pauses: yes`, the numbers of `Settings`, and what is said in sasl/stage.py.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        known = {"service", "tls", "plaintext", "normalise", "pauses", "pieces", "only"}
        known |= NUMBERS | SASL
        assert settings.keys() <= known, settings
        self.settings = settings

    def session(self) -> Session:
        numbers = {key: int(value) for key, value in self.settings.items() if key in NUMBERS}
        return Session(
            Settings(
                "mx.example",
                normalise="normalise" in self.settings,
                pauses="pauses" in self.settings,
                **numbers,
            ),
            service=Service(self.settings.get("service", "smtp")),
            tls=sasl.tls(self.settings) if self.settings.get("tls") == "active" else None,
            tls_offered="tls" in self.settings,
            plaintext_allowed="plaintext" in self.settings,
            mechanisms=sasl.mechanisms(self.settings),
        )

    def open(self, connection: int) -> Engine:
        return serve(self.session())

    def answer(self, connection: int, question: object, text: str | None) -> object:
        known = sasl.answer(question, text)
        if known is not None:
            return known
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
