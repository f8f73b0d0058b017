"""QUOTA: how much an account keeps, and may keep (RFC 9208).

There is one quota root, which has no name: all mailboxes of the account. It limits the storage.
SETQUOTA is for administrators, who have the command line.
"""

from __future__ import annotations

from ...dialogue import Dialogue, send
from .. import responses
from ..events import GetQuota, Quota, decide
from ..extension import Command, Extension
from ..grammar import Reader
from ..result import No
from ..session import Session


def getquota(session: Session, reader: Reader) -> Dialogue[str]:
    """getquota = "GETQUOTA" SP quota-root-name   (§4.1.1)"""
    reader.space()
    root = reader.astring()
    reader.end()
    quota = yield from decide(GetQuota(), Quota)
    if root or not quota.limit:
        raise No("there is no such quota root", "NONEXISTENT")
    yield from send(_response(quota))
    return "that is all"


def getquotaroot(session: Session, reader: Reader) -> Dialogue[str]:
    """getquotaroot = "GETQUOTAROOT" SP mailbox   (§4.1.2); it need not exist yet"""
    reader.space()
    name = reader.mailbox()
    reader.end()
    quota = yield from decide(GetQuota(), Quota)
    root = b' ""' if quota.limit else b""
    said = b"QUOTAROOT %b%b" % (responses.mailbox(name, session.utf8), root)
    yield from send(responses.untagged(said))
    if quota.limit:
        yield from send(_response(quota))
    return "that is all"


def setquota(session: Session, reader: Reader) -> Dialogue[str]:
    """setquota = "SETQUOTA" SP quota-root-name SP setquota-list   (§4.1.3)"""
    reader.space()
    reader.astring()
    reader.space()

    def resource() -> None:
        reader.atom()
        reader.space()
        reader.number64()

    reader.list(resource)
    reader.end()
    raise No("quotas are set by the administrator", "NOPERM")
    yield  # a dialogue, though a short one


def _response(quota: Quota) -> bytes:
    """quota-response, in units of 1,024 octets (§5.1)"""
    used, limit = -(-quota.used // 1024), quota.limit // 1024
    return responses.untagged(b'QUOTA "" (STORAGE %d %d)' % (used, limit))


QUOTA = Extension(
    rfc=9208,
    capability="QUOTA",
    commands={
        "GETQUOTA": Command(getquota),
        "GETQUOTAROOT": Command(getquotaroot),
        "SETQUOTA": Command(setquota),
    },
)
#: §3.1.1: the resource that is limited; with it comes what \\Deleted messages take (§4.1.4).
QUOTA_STORAGE = Extension(
    rfc=9208,
    capability="QUOTA=RES-STORAGE",
    status_items=frozenset({"DELETED", "DELETED-STORAGE"}),
)
