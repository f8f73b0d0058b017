"""SIZE: the client says how large the message will be (RFC 1870).

The octets that come are counted in any case (§6.3): see `read_message`.
"""

from collections.abc import Mapping

from ..client.events import Letter, Unfit
from ..events import Mail
from ..extension import Extension
from ..parameter import Parameter
from ..reply import Refused
from ..session import Session


def largest(session: Session) -> str:
    """§3 (3): size-param ::= [1*DIGIT]; 0 says there is no fixed limit"""
    return str(session.settings.largest)


def size_value(text: str) -> int:
    """§3 (4): size-value ::= 1*20DIGIT"""
    if not (text.isdigit() and len(text) <= 20):
        raise ValueError("expected 1 to 20 digits")
    return int(text)


DECLARED = Parameter("SIZE", size_value)


def refuse_too_large(session: Session, mail: Mail) -> None:
    """§6.1 (2)"""
    size = DECLARED.of(mail.parameters)
    if size and session.settings.largest and size > session.settings.largest:
        raise Refused(552, "5.3.4", "message size exceeds fixed maximum message size")


def declare(offered: str, letter: Letter) -> Mapping[str, str]:
    """§6; what is above the peer's limit is not tried (§4)."""
    if offered.isascii() and offered.isdigit() and 0 < int(offered[:20]) < letter.size:
        raise Unfit("5.3.4", f"the peer takes messages of {offered[:20]} octets at most")
    return {"SIZE": str(letter.size)}


SIZE = Extension(
    name="Message Size Declaration",
    rfc=1870,
    keyword="SIZE",
    argument=largest,
    mail=(DECLARED,),
    check_mail=refuse_too_large,
    use_in_mail=declare,
    growth={"MAIL": 26},  # §3 (5)
)
