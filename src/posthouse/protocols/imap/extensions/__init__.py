"""The IMAP extensions, one file each, in the order of the CAPABILITY response."""

from ..extension import Extension
from .appendlimit import APPENDLIMIT
from .binary import BINARY
from .children import CHILDREN
from .compress import COMPRESS
from .condstore import CONDSTORE
from .create_special_use import CREATE_SPECIAL_USE
from .enable import ENABLE
from .esearch import ESEARCH
from .id import ID
from .idle import IDLE
from .imap4rev2 import IMAP4REV2
from .inprogress import INPROGRESS
from .list_extended import LIST_EXTENDED
from .list_status import LIST_STATUS
from .literal_minus import LITERAL_MINUS
from .literal_plus import LITERAL_PLUS
from .metadata import METADATA
from .move import MOVE
from .multiappend import MULTIAPPEND
from .namespace import NAMESPACE
from .notify import NOTIFY
from .objectid import OBJECTID
from .partial import PARTIAL
from .preview import PREVIEW
from .qresync import QRESYNC
from .quota import QUOTA, QUOTA_STORAGE
from .replace import REPLACE
from .sasl_ir import SASL_IR
from .savedate import SAVEDATE
from .searchres import SEARCHRES
from .sort import SORT
from .sort_display import SORT_DISPLAY
from .special_use import SPECIAL_USE
from .status_size import STATUS_SIZE
from .thread_orderedsubject import THREAD_ORDEREDSUBJECT
from .thread_references import THREAD_REFERENCES
from .uidonly import UIDONLY
from .uidplus import UIDPLUS
from .unauthenticate import UNAUTHENTICATE
from .unselect import UNSELECT
from .utf8_accept import UTF8_ACCEPT
from .within import WITHIN

ALL: tuple[Extension, ...] = (
    IMAP4REV2,
    LITERAL_MINUS,
    LITERAL_PLUS,
    SASL_IR,
    ID,
    ENABLE,
    NAMESPACE,
    CHILDREN,
    LIST_EXTENDED,
    LIST_STATUS,
    SPECIAL_USE,
    CREATE_SPECIAL_USE,
    STATUS_SIZE,
    APPENDLIMIT,
    QUOTA,
    QUOTA_STORAGE,
    UNSELECT,
    UIDPLUS,
    MULTIAPPEND,
    REPLACE,
    BINARY,
    UTF8_ACCEPT,
    OBJECTID,
    SAVEDATE,
    PREVIEW,
    METADATA,
    COMPRESS,
    MOVE,
    IDLE,
    NOTIFY,
    INPROGRESS,
    CONDSTORE,
    QRESYNC,
    ESEARCH,
    SEARCHRES,
    WITHIN,
    PARTIAL,
    SORT,
    SORT_DISPLAY,
    THREAD_ORDEREDSUBJECT,
    THREAD_REFERENCES,
    UIDONLY,
    UNAUTHENTICATE,
)
