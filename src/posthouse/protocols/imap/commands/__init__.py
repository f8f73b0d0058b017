"""The commands of RFC 3501 §6, one file each."""

from collections.abc import Mapping

from ..extension import Command
from .append import APPEND
from .authenticate import AUTHENTICATE
from .capability import CAPABILITY
from .check import CHECK
from .close import CLOSE
from .copy import COPY
from .create import CREATE
from .delete import DELETE
from .examine import EXAMINE
from .expunge import EXPUNGE
from .fetch import FETCH
from .list import LIST
from .login import LOGIN
from .logout import LOGOUT
from .lsub import LSUB
from .noop import NOOP
from .rename import RENAME
from .search import SEARCH
from .select import SELECT
from .starttls import STARTTLS
from .status import STATUS
from .store import STORE
from .subscribe import SUBSCRIBE
from .uid import UID
from .unsubscribe import UNSUBSCRIBE

ALL: Mapping[str, Command] = {
    # Any state (§6.1)
    "CAPABILITY": CAPABILITY,
    "NOOP": NOOP,
    "LOGOUT": LOGOUT,
    # Not authenticated (§6.2)
    "STARTTLS": STARTTLS,
    "AUTHENTICATE": AUTHENTICATE,
    "LOGIN": LOGIN,
    # Authenticated (§6.3)
    "SELECT": SELECT,
    "EXAMINE": EXAMINE,
    "CREATE": CREATE,
    "DELETE": DELETE,
    "RENAME": RENAME,
    "SUBSCRIBE": SUBSCRIBE,
    "UNSUBSCRIBE": UNSUBSCRIBE,
    "LIST": LIST,
    "LSUB": LSUB,
    "STATUS": STATUS,
    "APPEND": APPEND,
    # Selected (§6.4)
    "CHECK": CHECK,
    "CLOSE": CLOSE,
    "EXPUNGE": EXPUNGE,
    "SEARCH": SEARCH,
    "FETCH": FETCH,
    "STORE": STORE,
    "COPY": COPY,
    "UID": UID,
}
