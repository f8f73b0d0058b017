"""DNS messages as octets (RFC 1035 §4), by dnspython.

What a reply may cost is bounded before it is read: its octets, and its number of records.
dnspython bounds how often a name may point elsewhere, and the aliases that it follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from .answers import MailExchanger, TLSAssociation

REPLY_LIMIT = 16 * 1024  # octets; over TCP 64 kB could come
RECORDS_LIMIT = 600  # in all sections of a reply
PAYLOAD = 1232  # octets over UDP, which no path cuts into fragments (RFC 9715 §3.2)

_HEADER = 12
_IN = b"\0\1"  # the class
_OPT = b"\0" + bytes((0, 41)) + PAYLOAD.to_bytes(2, "big") + bytes(6)  # RFC 6891 §6.1.2
_MOST = {"A": 20, "AAAA": 20, "MX": 100, "TXT": 200, "TLSA": 40}  # records that are kept


class Malformed(Exception):
    """The reply cannot be read."""


class NotAName(Exception):
    """No name of the DNS can look like that."""


class Unhelpful(Exception):
    """The name server answers that it cannot answer; `rcode` says how."""

    def __init__(self, rcode: int) -> None:
        super().__init__(dns.rcode.to_text(dns.rcode.Rcode(rcode)))
        self.rcode = rcode

    @property
    def dislikes_edns(self) -> bool:
        """RFC 6891 §7: what a server without EDNS says."""
        return self.rcode in (dns.rcode.FORMERR, dns.rcode.NOTIMP)


@dataclass(frozen=True, slots=True)
class Query:
    """A query as octets, and its question section for comparison with that of the reply."""

    octets: bytes
    question: bytes

    def is_answered_by(self, reply: bytes) -> bool:
        """RFC 5452 §9.1: the reply bears the query's ID and question. Cheap: anybody may send."""
        end = _HEADER + len(self.question)
        return (
            len(reply) >= end
            and reply[:2] == self.octets[:2]
            and reply[2] & 0x80 != 0
            and reply[_HEADER:end].lower() == self.question
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply says. Without records: the name does not exist, has no data, or `leads_on`."""

    name: str
    records: tuple[Any, ...]
    ttl: int
    exists: bool
    authenticated: bool
    leads_on: bool  # aliases led to `name`, of which the reply says nothing


def compose(name: str, kind: str, ident: int, *, edns: bool) -> Query:
    """A query (RFC 1035 §4.1). Raises NotAName."""
    try:
        full = dns.name.from_text(name.encode("ascii"), dns.name.root).to_wire()
    except (UnicodeError, dns.exception.DNSException) as error:
        raise NotAName(str(error)) from None
    assert full is not None
    question = full + int(dns.rdatatype.from_text(kind)).to_bytes(2, "big") + _IN
    counts = bytes((0, 1, 0, 0, 0, 0, 0, int(edns)))
    # Recursion is desired; AD: tell whether it is proved (RFC 6840 §5.7).
    head = ident.to_bytes(2, "big") + (dns.flags.RD | dns.flags.AD).to_bytes(2, "big") + counts
    return Query(head + question + (_OPT if edns else b""), question.lower())


def is_truncated(reply: bytes) -> bool:
    """TC: ask again over TCP (RFC 7766 §5)."""
    return reply[2] & 0x02 != 0


def read(reply: bytes, kind: str) -> Reading:
    """What a reply to a query of this kind says. Raises Malformed, Unhelpful."""
    _check_size(reply)
    try:
        message = dns.message.from_wire(reply, ignore_trailing=True)
        rcode = message.rcode()
        if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise Unhelpful(rcode)
        if not isinstance(message, dns.message.QueryMessage):
            raise Malformed("not the reply to a query")
        asked = [(dns.rdatatype.to_text(each.rdtype), each.rdclass) for each in message.question]
        if asked != [(kind, dns.rdataclass.IN)]:
            raise Malformed("the reply to another query")
        chain = message.resolve_chaining()
    except (dns.exception.DNSException, ValueError, LookupError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None
    has_soa = any(rrset.rdtype == dns.rdatatype.SOA for rrset in message.authority)
    exists = rcode == dns.rcode.NOERROR
    records = tuple(map(_record, chain.answer or ()))
    if kind == "MX":
        records = tuple(sorted(records, key=lambda mx: mx.preference))
    return Reading(
        _text(chain.canonical_name),
        records[: _MOST[kind]],
        max(0, chain.minimum_ttl),
        exists,
        bool(message.flags & dns.flags.AD),
        leads_on=exists and not records and bool(chain.cnames) and not has_soa,
    )


def _check_size(reply: bytes) -> None:
    if len(reply) > REPLY_LIMIT:
        raise Malformed(f"a reply of more than {REPLY_LIMIT} octets")
    counts = [int.from_bytes(reply[place : place + 2], "big") for place in (4, 6, 8, 10)]
    if len(reply) < _HEADER or sum(counts) > RECORDS_LIMIT:
        raise Malformed(f"a reply of more than {RECORDS_LIMIT} records, or of none")


def _record(data: Any) -> Any:
    match data.rdtype:
        case dns.rdatatype.A | dns.rdatatype.AAAA:
            return str(data.address)
        case dns.rdatatype.MX:
            return MailExchanger(data.preference, _text(data.exchange))
        case dns.rdatatype.TXT:
            return b"".join(data.strings)
        case dns.rdatatype.TLSA:
            return TLSAssociation(data.usage, data.selector, data.mtype, data.cert)
    raise Malformed("not a record of the kind that was asked for")


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
