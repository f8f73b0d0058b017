"""From the greeting to a session that takes letters (RFC 5321 §3.1, §3.2, §4.1.1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...dialogue import Dialogue
from ..extensions.auth import log_in
from ..extensions.starttls import upgrade
from .reply import GARBLED, Over, PeerReply, ours
from .session import Session, TLSPolicy

NO_TLS = ours("4.7.4", "encryption is required, and STARTTLS is not offered")

_keyword = re.compile(r"[A-Z0-9][A-Z0-9-]*").fullmatch


def open_session(session: Session) -> Dialogue[None]:
    """All that comes before the first letter. Raises Over."""
    yield from be_greeted(session)
    yield from greet(session)
    policy = session.settings.tls
    if session.tls is None and policy is not TLSPolicy.NONE:
        if "STARTTLS" in session.offers:
            yield from upgrade(session, policy is TLSPolicy.OPPORTUNISTIC)
            if session.tls is not None:
                yield from greet(session)  # RFC 3207 §4.2
        elif policy is not TLSPolicy.OPPORTUNISTIC:
            session.command = "STARTTLS"
            raise Over(NO_TLS, polite=True)
    if session.settings.credentials is not None:
        yield from log_in(session, session.settings.credentials)


def be_greeted(session: Session) -> Dialogue[None]:
    """§3.1"""
    reply = yield from session.listen("greeting", session.settings.times.greeting)
    expect(reply)
    session.name = first_word(reply)


def greet(session: Session) -> Dialogue[None]:
    """EHLO; HELO for a peer that does not know it (§3.2); LHLO (RFC 2033 §4.1)."""
    hostname, within = session.settings.hostname, session.settings.times.hello
    session.offers = {}
    hello = "LHLO" if session.settings.lmtp else "EHLO"
    reply = yield from session.say(f"{hello} {hostname}", within)
    if reply.code >= 500 and not session.settings.lmtp:
        reply = yield from session.say(f"HELO {hostname}", within)
        expect(reply)
    else:
        expect(reply)
        session.offers = read_offers(reply)
    session.name = first_word(reply)


def expect(reply: PeerReply) -> None:
    """Only 2yz will do (§4.2.1)."""
    if not reply.positive:
        raise Over(reply if reply.code >= 400 else GARBLED, polite=reply.code >= 400)


def read_offers(reply: PeerReply) -> Mapping[str, str]:
    """§4.1.1.1: ehlo-line = ehlo-keyword *( SP ehlo-param )"""
    offers: dict[str, str] = {}
    for line in reply.lines[1:]:
        keyword, _, parameters = line.partition(" ")
        if _keyword(keyword.upper()):
            offers[keyword.upper()] = parameters.strip()
    return offers


def first_word(reply: PeerReply) -> str:
    """§4.2, §4.1.1.1: what the peer calls itself"""
    return reply.lines[0].partition(" ")[0]
