"""AUTH: the client says who it is (RFC 4954)."""

from __future__ import annotations

import re

from posthouse.message.address import Address, parse_mailbox

from ...dialogue import Dialogue, Failed, LineTooLong, allow, ask, read_line, send
from ...sasl import BY_CLIENTS
from ...sasl.exchange import authenticate, decode, encode
from ...sasl.mechanism import (
    Accepted,
    Credentials,
    Denial,
    Malformed,
    Mechanism,
    Responses,
    SaltedPassword,
)
from ..client import session as client
from ..client.reply import GARBLED, Over, PeerReply, ours
from ..extension import Extension
from ..parameter import Parameter
from ..reply import Refused, Reply
from ..session import Service, Session, State, answer

COMMAND = 500  # octets of the AUTH command with an initial response (§4, RFC 5321 §4.5.3.1.4)
LINE = 12288  # octets of a response (§4)

DENIED = {
    Denial.CREDENTIALS: Reply(535, "5.7.8", "authentication credentials invalid"),
    Denial.AUTHORIZATION: Reply(535, "5.7.8", "may not act as the other identity"),
    Denial.UNAVAILABLE: Reply(454, "4.7.0", "temporary authentication failure"),
    Denial.EXPIRED: Reply(535, "5.7.8", "the password has expired"),
    Denial.WEAK: Reply(534, "5.7.9", "authentication mechanism is too weak"),
}
CANCEL = b"*"  # (§4); no response of a mechanism is that
UNPROVED = "the peer has not proved that it knows the password"
TOO_MANY = Reply(421, "4.7.0", "too many failed log-ins")

_hexchar = re.compile(r"\+([0-9A-F]{2})")
# Quirk: not `)*+`, where Python before 3.11.5 goes too far when a round fails in the middle.
_xtext = re.compile(r"(?:[!-*,-<>-~]++|\+[0-9A-F]{2})*").fullmatch


def mechanisms(session: Session) -> str | None:
    """§3 (3)"""
    return str(session.offer) or None


def auth(session: Session, argument: str) -> Dialogue[None]:
    """§4, §8: "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response]"""
    name, _, initial = argument.partition(" ")
    if session.state is not State.GREETED or not session.extended or session.account:
        raise Refused(503, "5.5.1", "bad sequence of commands")
    if not name:
        raise Refused(501, "5.5.4", "expected a mechanism")
    offer = session.offer
    mechanism = offer.mechanisms.get(name.upper())
    if mechanism is None:
        if session.tls is None and (not offer or name.upper() in session.mechanisms):
            raise Refused(538, "5.7.11", "encryption required for requested mechanism")  # §6
        raise Refused(504, "5.5.4", "unrecognized authentication type")
    if initial and not mechanism.client_first:
        raise Refused(501, "5.7.0", "this mechanism has no initial response")
    try:
        first = decode(b"" if initial == "=" else initial.encode()) if initial else None
        outcome = yield from authenticate(offer, mechanism, first, respond)
    except Malformed:
        raise Refused(501, "5.5.2", "cannot decode the response") from None
    except LineTooLong:
        raise Refused(500, "5.5.6", "authentication exchange line is too long") from None
    except Failed:
        raise Refused(454, "4.7.0", "temporary authentication failure") from None
    if isinstance(outcome, Accepted):
        session.account = outcome.account
        yield from allow(None)
        yield from answer(session, Reply(235, "2.7.0", "authentication succeeded"))
        return
    session.failed_log_ins += 1
    too_many = session.failed_log_ins >= session.settings.log_ins
    yield from answer(session, TOO_MANY if too_many else DENIED[outcome.why])


def respond(challenge: bytes) -> Dialogue[bytes]:
    """One challenge and its response; "*" cancels (§4)."""
    yield from send(b"334 " + encode(challenge) + b"\r\n")
    line = yield from read_line(LINE)
    if line == b"*":
        raise Refused(501, "5.7.0", "authentication cancelled")
    return decode(line)


def log_in(session: client.Session, credentials: Credentials) -> Dialogue[None]:
    """§4, the client's side. Raises Over when it comes to nothing."""
    session.command = "AUTH"
    if session.tls is None and not session.settings.plaintext:
        raise Over(ours("4.7.11", "the password is not sent without encryption"), polite=True)
    mechanism = chosen(session, credentials)
    if mechanism is None or mechanism.respond is None:
        raise Over(ours("4.7.4", "the peer offers no way to log in that is known"), polite=True)
    within = session.settings.times.hello
    responses = mechanism.respond(credentials)
    first = next(responses)
    assert not isinstance(first, SaltedPassword), "nothing is salted before the server speaks"
    line = f"AUTH {mechanism.name}"
    if first is not None and len(line) + len(first) * 4 // 3 < COMMAND:
        line, first = f"{line} {encode(first).decode() or '='}", None
    reply = yield from session.say(line, within)
    said: bytes | None = None  # in response to a challenge
    why = UNPROVED
    while reply.code == 334 and said != CANCEL:
        try:
            said = first if first is not None else (yield from next_response(responses, reply))
        except (Malformed, Failed) as error:
            said = CANCEL
            why = f"the log-in was ended: {error}"
        first = None
        text = "*" if said == CANCEL else encode(said).decode()
        reply = yield from session.say(text, within, "AUTH")
    if mechanism.mutual and said != b"" and (reply.positive or said == CANCEL):
        raise Over(ours("4.7.0", why), polite=True)
    if not reply.positive:
        raise Over(reply if reply.code >= 400 else GARBLED, polite=True)


def chosen(session: client.Session, credentials: Credentials) -> Mechanism | None:
    """The first that both sides know."""
    offered = session.offers.get("AUTH", "").upper().split()
    for mechanism in BY_CLIENTS:
        if mechanism.name in offered and (credentials.nonce or not mechanism.mutual):
            return mechanism
    return None


def next_response(responses: Responses, reply: PeerReply) -> Dialogue[bytes]:
    """What the mechanism says to a challenge. Raises Malformed, Failed."""
    challenge = decode(reply.lines[0].encode())
    try:
        said = responses.send(challenge)
        while isinstance(said, SaltedPassword):
            said = responses.send((yield from ask(said, bytes)))
    except StopIteration:
        raise Malformed("the peer asks on and on") from None
    assert said is not None, "a client that has waited for the server"
    return said


def auth_value(text: str) -> Address | None:
    """§5: a mailbox in xtext (RFC 3461 §4), or `<>`: not known"""
    if text == "<>":
        return None
    if not text or _xtext(text) is None:
        raise ValueError("expected a mailbox in xtext, or <>")
    return parse_mailbox(_hexchar.sub(lambda hexchar: chr(int(hexchar[1], 16)), text))


AUTH = Extension(
    name="Authentication",
    rfc=4954,
    keyword="AUTH",
    argument=mechanisms,
    verbs={"AUTH": auth},
    mail=(Parameter("AUTH", auth_value),),
    # §3 (5): MAIL grows by 500. AUTH itself grows too, for clients that do not count.
    growth={"MAIL": 500, "AUTH": LINE},
    services=frozenset({Service.SUBMISSION, Service.SUBMISSIONS}),  # §3 (6)
)
