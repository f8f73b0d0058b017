"""The capabilities, one file each, in the order of the answer to CAPA."""

from __future__ import annotations

from ..capability import Capability
from .auth_resp_code import AUTH_RESP_CODE
from .implementation import IMPLEMENTATION
from .pipelining import PIPELINING
from .resp_codes import RESP_CODES
from .sasl import SASL
from .stls import STLS
from .top import TOP
from .uidl import UIDL
from .user import USER

ALL: tuple[Capability, ...] = (
    TOP,
    UIDL,
    USER,
    SASL,
    STLS,
    RESP_CODES,
    AUTH_RESP_CODE,
    PIPELINING,
    IMPLEMENTATION,
)
