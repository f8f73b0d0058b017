"""The capabilities, one file each, in the order of the answer to CAPA."""

from __future__ import annotations

from ..capability import Capability
from .auth_resp_code import AUTH_RESP_CODE
from .expire import EXPIRE
from .implementation import IMPLEMENTATION
from .lang import LANG
from .login_delay import LOGIN_DELAY
from .pipelining import PIPELINING
from .resp_codes import RESP_CODES
from .sasl import SASL
from .stls import STLS
from .top import TOP
from .uidl import UIDL
from .user import USER
from .utf8 import UTF8

ALL: tuple[Capability, ...] = (
    TOP,
    UIDL,
    USER,
    SASL,
    STLS,
    RESP_CODES,
    AUTH_RESP_CODE,
    PIPELINING,
    LOGIN_DELAY,
    EXPIRE,
    UTF8,
    LANG,
    IMPLEMENTATION,
)
