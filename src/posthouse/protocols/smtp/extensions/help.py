"""HELP: which commands there are (RFC 5321 §4.1.1.8)."""

from ...dialogue import Dialogue
from ..extension import Extension
from ..reply import constant
from ..session import Service, Session, answer

MORE = ("and those that the answer to EHLO names", "see RFC 5321")
MORE_OF_LMTP = ("and those that the answer to LHLO names", "see RFC 2033")


def help_(session: Session, _: str) -> Dialogue[None]:
    """§4.1.1.8: help = "HELP" [ SP String ] CRLF"""
    hello, more = "EHLO HELO", MORE
    if session.service is Service.LMTP:
        hello, more = "LHLO", MORE_OF_LMTP
    commands = f"commands: {hello} MAIL RCPT DATA RSET NOOP QUIT VRFY HELP"
    yield from answer(session, constant(214, "2.0.0", commands, more))


HELP = Extension(name="Help", rfc=5321, keyword="HELP", verbs={"HELP": help_})
