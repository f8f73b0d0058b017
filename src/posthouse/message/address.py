"""Addresses and paths of the envelope (RFC 5321 §4.1.2, §4.1.3).

An `Address` holds the local part unquoted and the domain as lower-case A-labels, so that equal
addresses are equal objects whatever quoting or case of the domain the peer used. The local part
keeps its case: only the domain that owns it may say that case does not matter (§2.4), which is
what `canonical` does for our own accounts.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

LOCAL_PART_LIMIT = 64  # octets (§4.5.3.1.1)
DOMAIN_LIMIT = 255  # octets (§4.5.3.1.2)
PATH_LIMIT = 256  # octets, with the angle brackets (§4.5.3.1.3)
LABEL_LIMIT = 63  # octets (RFC 1035 §2.3.4)

_UNICODE = r"\u00a0-\ud7ff\ue000-\U0010ffff"  # all but ASCII, controls and surrogates
_ATEXT = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]"
_UATEXT = rf"[A-Za-z0-9!#$%&'*+\-/=?^_`{{|}}~{_UNICODE}]"  # RFC 6531 §3.3
# Quirk: Python before 3.11.5 goes too far in `(?:ab++)*+` when its last round fails in the middle;
# in `(?:ab++)*` it does not, and where rounds begin with a mark of their own that costs no more.
_LABEL = r"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*+"'
_UQUOTED = rf'"(?:[ !#-\[\]-~{_UNICODE}]|\\[ -~])*+"'
_LITERAL = r"\[[!-Z^-~]*+\]"

_dot_string = re.compile(rf"{_ATEXT}++(?:\.{_ATEXT}++)*").fullmatch
_udot_string = re.compile(rf"{_UATEXT}++(?:\.{_UATEXT}++)*").fullmatch
_domain = re.compile(rf"{_LABEL}(?:\.{_LABEL})*").fullmatch
_source_route = re.compile(rf"@{_LABEL}(?:\.{_LABEL})*(?:,@{_LABEL}(?:\.{_LABEL})*)*:").match
_quoted_pair = re.compile(r"\\(.)")
_special = re.compile(r'(["\\])')

# Nearly every path: `<dot-string@domain>`, told by one match.
_common = re.compile(rf"({_ATEXT}++(?:\.{_ATEXT}++)*)@({_LABEL}(?:\.{_LABEL})*)").fullmatch


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: `local_part` unquoted, `domain` in A-labels or `[literal]`.

    The domain is empty in one case, the `<Postmaster>` that every server takes (§4.1.1.3).
    """

    local_part: str
    domain: str

    def __str__(self) -> str:
        """The address as the wire has it, with the least quoting (§4.1.2)."""
        return _format(self)


@dataclass(frozen=True, slots=True)
class Path:
    """A reverse-path or forward-path; `address` is None for the null reverse-path `<>` (§4.5.5)."""

    address: Address | None

    def __str__(self) -> str:
        return f"<{self.address}>" if self.address else "<>"


@lru_cache(4096)
def _format(address: Address) -> str:
    local_part = format_local_part(address.local_part)
    return f"{local_part}@{address.domain}" if address.domain else local_part


NULL_PATH = Path(None)


@lru_cache(4096)  # the same few senders and recipients come again and again
def parse_path(text: str, *, smtputf8: bool = False) -> Path:
    """Reverse-path / Forward-path (§4.1.2). A source route is checked and dropped (Appendix C).

    `<>` is the null path and `<Postmaster>` an address without domain: which of them is allowed
    where, the caller knows.
    """
    if len(text) < 2 or text[0] != "<" or text[-1] != ">":
        raise ValueError("a path is an address in angle brackets, such as <user@example.org>")
    if text == "<>":
        return NULL_PATH
    if _octets(text) > PATH_LIMIT:
        raise ValueError(f"the path is longer than {PATH_LIMIT} octets")
    mailbox = text[1:-1]
    if mailbox.startswith("@"):
        route = _source_route(mailbox)
        if route is None:
            raise ValueError("the source route is not well-formed")
        mailbox = mailbox[route.end() :]
    elif mailbox.isascii() and mailbox.lower() == "postmaster":
        return Path(Address(mailbox, ""))
    return Path(parse_mailbox(mailbox, smtputf8=smtputf8))


@lru_cache(4096)
def parse_mailbox(text: str, *, smtputf8: bool = False) -> Address:
    """Mailbox (§4.1.2): an address without angle brackets."""
    common = _common(text)
    if common is not None:
        local_part, domain = common.groups()
        _check_local_part(local_part)
        return Address(local_part, _checked_lengths(domain.lower()))
    quoted, at, domain = text.rpartition("@")
    if not at:
        raise ValueError("the address has no @ and domain")
    return Address(_local_part(quoted, smtputf8), parse_domain(domain, smtputf8=smtputf8))


def parse_domain(text: str, *, smtputf8: bool = False) -> str:
    """Domain or address-literal (§4.1.2), as the argument of EHLO too, in normal form."""
    if text.startswith("["):
        return _address_literal(text)
    if not text.isascii():
        if not smtputf8:
            raise ValueError("the domain has other than ASCII characters")
        text = domain_to_ascii(text)
    if _domain(text) is None:
        raise ValueError("the domain is not well-formed")
    return _checked_lengths(text.lower())


def domain_to_ascii(domain: str) -> str:
    """A domain in A-labels, lower case (RFC 5891); ValueError where there are none."""
    if domain.isascii():
        return domain.lower()
    if len(domain) > DOMAIN_LIMIT:
        raise ValueError(f"the domain is longer than {DOMAIN_LIMIT} octets")
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError("the domain is not a valid internationalised name") from error


def format_local_part(local_part: str) -> str:
    """A local part with the least quoting that it needs (§4.1.2)."""
    if _udot_string(local_part) is not None:
        return local_part
    return '"' + _special.sub(r"\\\1", local_part) + '"'


def canonical(address: Address | str) -> str:
    """The one form under which accounts and aliases are kept and looked up.

    The local part by the rules of UsernameCaseMapped (RFC 8265 §3.3.2: width mapping, lower
    case, NFC), the domain as lower-case A-labels. ValueError if it is no address.
    """
    if isinstance(address, str):
        address = parse_mailbox(address, smtputf8=True)
    local_part = format_local_part(canonical_local_part(address.local_part))
    return f"{local_part}@{address.domain}" if address.domain else local_part


def canonical_local_part(local_part: str) -> str:
    """RFC 8265 §3.3.2; repeated until it is stable, as RFC 8264 §7 asks."""
    if local_part.isascii():
        return local_part.lower()
    for _ in range(4):
        mapped = "".join(map(_narrow, local_part)).lower()
        mapped = unicodedata.normalize("NFC", mapped)
        if mapped == local_part:
            return mapped
        local_part = mapped
    raise ValueError("the local part has no stable form")


def split_subaddress(local_part: str, separator: str = "+") -> tuple[str, str | None]:
    """`user+detail` as (user, detail), (user, None) without detail (RFC 5233)."""
    if not separator:
        return local_part, None
    user, found, detail = local_part.partition(separator)
    return (user, detail) if found and user else (local_part, None)


def _narrow(character: str) -> str:
    """Width mapping rule (RFC 8264 §5.2.1): full-width and half-width to their ordinary form."""
    kind, _, points = unicodedata.decomposition(character).partition(" ")
    if kind not in ("<wide>", "<narrow>"):
        return character
    return "".join(chr(int(point, 16)) for point in points.split())


def _local_part(text: str, smtputf8: bool) -> str:
    if not smtputf8 and not text.isascii():
        raise ValueError("the local part has other than ASCII characters")
    if text.startswith('"'):
        if re.fullmatch(_UQUOTED, text) is None:
            raise ValueError("the quoted local part is not well-formed")
        local_part = _quoted_pair.sub(r"\1", text[1:-1])
    elif (_udot_string if smtputf8 else _dot_string)(text) is not None:
        local_part = text
    else:
        raise ValueError("the local part is not well-formed")
    _check_local_part(text)
    return local_part


def _check_local_part(text: str) -> None:
    if _octets(text) > LOCAL_PART_LIMIT:
        raise ValueError(f"the local part is longer than {LOCAL_PART_LIMIT} octets")


def _checked_lengths(domain: str) -> str:
    if len(domain) > DOMAIN_LIMIT:
        raise ValueError(f"the domain is longer than {DOMAIN_LIMIT} octets")
    if len(domain) > LABEL_LIMIT and any(len(label) > LABEL_LIMIT for label in domain.split(".")):
        raise ValueError(f"a label of the domain is longer than {LABEL_LIMIT} octets")
    return domain


def _address_literal(text: str) -> str:
    """address-literal (§4.1.3). Of the tags, IPv6 alone is registered."""
    if len(text) > DOMAIN_LIMIT or re.fullmatch(_LITERAL, text) is None:
        raise ValueError("the address literal is not well-formed")
    inner = text[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            if "%" in inner:
                raise ValueError("a zone has no meaning here")
            return f"[IPv6:{ipaddress.IPv6Address(inner[5:])}]"
        if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", inner) is None:
            raise ValueError("an unknown kind of literal")
        # Snum may have leading zeros, which `ipaddress` refuses.
        return f"[{ipaddress.IPv4Address('.'.join(str(int(n)) for n in inner.split('.')))}]"
    except ValueError as error:
        raise ValueError("the address literal is neither an IPv4 nor an IPv6 address") from error


def format_literal(address: str) -> str:
    """An IP address as address-literal (§4.1.3)."""
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
