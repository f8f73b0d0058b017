"""8BITMIME: a body need not be ASCII (RFC 6152).

# Deviation: octets above 127 are taken without `BODY=8BITMIME` too: refusing them helps no one.
"""

from collections.abc import Mapping

from ..client.events import Letter
from ..extension import Extension
from ..parameter import Parameter


def body_value(text: str) -> str:
    """§2 (4): body-value = "7BIT" / "8BITMIME" """
    if text.upper() not in ("7BIT", "8BITMIME"):
        raise ValueError("expected 7BIT or 8BITMIME")
    return text.upper()


BODY = Parameter("BODY", body_value)


def declare(_: str, letter: Letter) -> Mapping[str, str]:
    """§2 (4): said of a body that needs it"""
    return {"BODY": "8BITMIME"} if letter.eight_bit else {}


EIGHTBITMIME = Extension(
    name="8bit-MIMEtransport",
    rfc=6152,
    keyword="8BITMIME",
    mail=(BODY,),
    use_in_mail=declare,
    growth={"MAIL": 17},  # ` BODY=8BITMIME` needs no more; the RFC gives no figure
)
