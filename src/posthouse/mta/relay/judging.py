"""From what a peer said (RFC 5321 §4.2.1) to what the queue does."""

from __future__ import annotations

from posthouse.mta.queue.outcome import Relayed, Trouble
from posthouse.mta.route.hop import NextHop
from posthouse.protocols.smtp.client.events import Fate, Result

KEPT = 1000  # characters of a reply, which may have 32,000

#: What the reply was to, in words.
ABOUT = {
    "greeting": "its greeting",
    "EHLO": "the greeting",
    "HELO": "the greeting",
    "LHLO": "the greeting",
    "STARTTLS": "STARTTLS",
    "AUTH": "the log-in",
    "MAIL": "the sender",
    "RCPT": "the recipient",
    "DATA": "DATA",
    ".": "the message",
}


def where(hop: NextHop, address: str) -> str:
    """A host as logs and reports name it."""
    return hop.host if hop.host == f"[{address}]" else f"{hop.host} [{address}]"


def relayed(result: Result, hop: NextHop, address: str) -> Relayed:
    return Relayed(where(hop, address), str(result.reply))


def trouble_of(result: Result, hop: NextHop, address: str) -> Trouble:
    """Why a peer has not taken a letter, or why there is no session with it."""
    reply, about = result.reply, ABOUT.get(result.command, result.command)
    place, text = where(hop, address), reply.text[:KEPT]
    if result.fate is Fate.DOUBT:
        return Trouble(
            f"{place}: {text}, after all of the message was sent; it may have taken it",
            reply.status,
            hop.host,
        )
    if not reply.code:
        return Trouble(f"{place}: {text} (at {about})", reply.status, hop.host)
    verb = "refused" if result.fate is Fate.REFUSED else "put off"
    words = f"{place} {verb} {about}."
    if result.command == "greeting":
        words = f"{place} takes no mail {'at all' if result.fate is Fate.REFUSED else 'now'}."
    return Trouble(words, reply.status, hop.host, str(reply)[:KEPT])


def is_too_many(result: Result) -> bool:
    """Whether a recipient was put off since it came after too many others (§4.5.3.1.10).

    452 is the code for that. Where no enhanced status says so, it may mean a lack of room, too.
    """
    reply = result.reply
    bare = reply.code == 452 and not reply.stated
    return result.command == "RCPT" and (bare or reply.status == "4.5.3")


def unreachable(error: Exception, hop: NextHop, address: str, within: float) -> Trouble:
    """No connection came about."""
    if isinstance(error, TimeoutError) and not getattr(error, "errno", None):
        words = f"no connection within {within:.0f} seconds"
    else:
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Trouble(f"{where(hop, address)}, port {hop.port}: {words}", "4.4.1", hop.host)
