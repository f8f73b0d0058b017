"""IMAP4rev2: the same session without what has become obsolete (RFC 9051, appendix E).

A client enables it, as IMAP4rev1 is offered, too. Then names and strings are in UTF-8, SEARCH is
answered by ESEARCH, nothing is \\Recent, a change of flags is told with the UID, and SELECT names
the mailbox. What RFC 9051 has taken in of other extensions is offered by those.
"""

from ..extension import Extension

IMAP4REV2 = Extension(rfc=9051, capability="IMAP4rev2", enable=True)
