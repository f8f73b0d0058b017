"""HELP: which commands there are (RFC 5321 §4.1.1.8)."""

from ...dialogue import Dialogue
from ..extension import Extension
from ..reply import Reply
from ..session import Session, answer

TEXT = Reply(
    214,
    "2.0.0",
    "commands: EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP",
    ("and those that the answer to EHLO names", "see RFC 5321"),
)


def help_(session: Session, _: str) -> Dialogue[None]:
    """§4.1.1.8: help = "HELP" [ SP String ] CRLF"""
    yield from answer(session, TEXT)


HELP = Extension(name="Help", rfc=5321, keyword="HELP", verbs={"HELP": help_})
