"""STARTTLS: from here on the connection is encrypted (RFC 3207)."""

from ...dialogue import Dialogue, Failed, allow, send, show, start_tls
from ..client import session as client
from ..client.reply import GARBLED, Over, ours
from ..events import Abort
from ..extension import Extension
from ..reply import Refused, Reply
from ..session import Service, Session, State

READY = bytes(Reply(220, "2.0.0", "ready to start TLS"))


def offered_in_the_clear(session: Session) -> str | None:
    """§4.2: not offered once TLS is active"""
    return "" if session.tls_offered and session.tls is None else None


def starttls(session: Session, argument: str) -> Dialogue[None]:
    """§4"""
    if argument:
        raise Refused(501, "5.5.4", "no argument is expected")
    if session.tls is not None:
        raise Refused(503, "5.5.1", "TLS is active already")
    if not session.tls_offered:
        raise Refused(454, "4.7.0", "TLS is not available")
    if session.in_transaction:
        yield from show(Abort())
    if session.account:
        yield from allow(session.settings.log_in_time)
    # §4.2: forget what was said in the clear
    session.state, session.extended = State.CONNECTED, False
    session.domain = session.account = ""
    yield from send(READY)
    session.tls = yield from start_tls()


def upgrade(session: client.Session, optional: bool) -> Dialogue[None]:
    """§4, the client's side; `optional`: without encryption will do where the peer says no.

    A handshake that fails leaves nothing to go on with: the driver answers with Failed.
    """
    reply = yield from session.say("STARTTLS", session.settings.times.hello)
    if not reply.positive:
        if optional and reply.code >= 400:
            return
        raise Over(reply if reply.code >= 400 else GARBLED, polite=True)
    session.offers = {}  # §4.2: what was said in the clear is forgotten
    try:
        session.tls = yield from start_tls()
    except Failed as failure:
        raise Over(ours("4.7.5", f"the TLS handshake failed: {failure}")) from None


STARTTLS = Extension(
    name="STARTTLS",
    rfc=3207,
    keyword="STARTTLS",
    argument=offered_in_the_clear,
    verbs={"STARTTLS": starttls},
    services=frozenset({Service.SMTP, Service.SUBMISSION, Service.LMTP}),
)
