"""EXPN: who is on a list, told to those who have logged in (RFC 5321 §4.1.1.7, §7.3)."""

from ...dialogue import Dialogue
from ..events import Expand
from ..extension import Extension
from ..reply import Refused
from ..session import Service, Session, decide


def expn(session: Session, argument: str) -> Dialogue[None]:
    """§4.1.1.7: expn = "EXPN" SP String CRLF"""
    if not argument:
        raise Refused(501, "5.5.4", "expected the name of a list")
    yield from decide(session, Expand(argument))


EXPN = Extension(
    name="Expand the mailing list",
    rfc=5321,
    keyword="EXPN",
    verbs={"EXPN": expn},
    services=frozenset({Service.SUBMISSION, Service.SUBMISSIONS}),
)
