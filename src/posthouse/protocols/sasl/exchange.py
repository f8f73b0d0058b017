"""An authentication exchange (RFC 4422 §3), for a protocol that carries it in base64."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable

from ..dialogue import Dialogue, ask
from .mechanism import Challenge, Malformed, Mechanism, Offer, Outcome


def authenticate(
    offer: Offer,
    mechanism: Mechanism,
    initial: bytes | None,
    respond: Callable[[bytes], Dialogue[bytes]],
) -> Dialogue[Outcome]:
    """Run a mechanism of an offer. `respond` gives the client a challenge and reads its response.

    Raises Malformed; Failed when the agent cannot answer.
    """
    if initial is not None and not mechanism.client_first:
        raise Malformed("the server speaks first")  # §3.3
    exchange = mechanism.serve(offer)
    try:
        step = next(exchange)
        while True:
            if not isinstance(step, Challenge):
                step = exchange.send((yield from ask(step, object)))
            elif initial is None:
                step = exchange.send((yield from respond(step.octets)))
            else:
                response, initial = initial, None
                step = exchange.send(response)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome


def decode(text: bytes) -> bytes:
    """RFC 4648 §4, strictly: no other octet, no missing padding, no bits left over (§3)."""
    try:
        octets = b64decode(text, validate=True)
    except ValueError:
        raise Malformed("not base64") from None
    if b64encode(octets) != text:
        raise Malformed("not base64")
    return octets


def encode(octets: bytes) -> bytes:
    """RFC 4648 §4"""
    return b64encode(octets)
