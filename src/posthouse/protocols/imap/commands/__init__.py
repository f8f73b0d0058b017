"""The commands of RFC 3501 §6, one file each."""

from collections.abc import Mapping

from ..extension import Command
from .authenticate import AUTHENTICATE
from .capability import CAPABILITY
from .login import LOGIN
from .logout import LOGOUT
from .starttls import STARTTLS

ALL: Mapping[str, Command] = {
    "CAPABILITY": CAPABILITY,
    "LOGOUT": LOGOUT,
    "STARTTLS": STARTTLS,
    "AUTHENTICATE": AUTHENTICATE,
    "LOGIN": LOGIN,
}
