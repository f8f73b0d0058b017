"""The IMAP extensions, one file each, in the order of the CAPABILITY response."""

from ..extension import Extension
from .children import CHILDREN
from .enable import ENABLE
from .id import ID
from .idle import IDLE
from .literal_plus import LITERAL_PLUS
from .namespace import NAMESPACE
from .sasl_ir import SASL_IR
from .special_use import SPECIAL_USE
from .uidplus import UIDPLUS
from .unselect import UNSELECT

ALL: tuple[Extension, ...] = (
    LITERAL_PLUS,
    SASL_IR,
    ID,
    ENABLE,
    NAMESPACE,
    CHILDREN,
    SPECIAL_USE,
    UNSELECT,
    UIDPLUS,
    IDLE,
)
