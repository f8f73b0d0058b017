"""The parsers as targets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from posthouse.accounts.names import canonical_address, canonical_domain
from posthouse.message import address, structure
from posthouse.message.addresses import parse_address_list
from posthouse.message.completion import complete
from posthouse.message.dates import parse_date
from posthouse.message.downgrade import Unconvertible, to_seven_bit
from posthouse.message.encodings import (
    decode_base64,
    decode_quoted_printable,
    decode_words,
    encode_words,
)
from posthouse.message.header import Header, format_field, unfold
from posthouse.message.parameter import decode_parameters, parse_media_type, parse_value
from posthouse.message.summary import summarise
from posthouse.protocols.dialogue import TLS
from posthouse.protocols.imap import mailbox, sequence, utf7
from posthouse.protocols.imap.fetch.grammar import fetch_atts
from posthouse.protocols.imap.framing import Frame
from posthouse.protocols.imap.grammar import Reader
from posthouse.protocols.imap.result import Bad, No
from posthouse.protocols.imap.search.grammar import search_program
from posthouse.protocols.imap.session import Session
from posthouse.protocols.sasl import MECHANISMS
from posthouse.protocols.sasl.exchange import decode
from posthouse.protocols.sasl.mechanism import Accepted, Challenge, Malformed, Offer, Password
from posthouse.protocols.smtp.dialect import DIALECTS
from posthouse.protocols.smtp.parameter import read_parameters
from posthouse.protocols.smtp.reply import Refused
from posthouse.store.ranges import format_ranges, parse_ranges
from tests.fuzz.hostile import MESSAGES, VALUES
from tests.fuzz.target import Ran, Target, Wrong
from tests.protocols.sasl import stage as sasl

LETTERS = Path(__file__).parents[1] / "protocols" / "imap" / "letters"
LINE_END = re.compile(rb"\r\n|[\r\n]")
Parse = Callable[[bytes], object]


def run(parse: Parse, refusals: tuple[type[Exception], ...], pieces: Sequence[bytes]) -> Ran:
    octets = b"".join(pieces)
    try:
        return Ran(repr(parse(octets)))
    except refusals as refusal:
        return Ran(str(refusal))


def holds(what: bool, text: str) -> None:
    if not what:
        raise Wrong(text)


# Parsers, each with what is true of its result


def parse_address(octets: bytes) -> object:
    text = octets.decode("utf-8", "surrogateescape")
    found = address.parse_path(text, smtputf8=True)
    again = address.parse_path(str(found), smtputf8=True)
    holds(again == found, f"{found} is not read as what it is")
    holds("\r" not in str(found) and "\n" not in str(found), "a line break in a path")
    return str(found)


def parse_mailbox(octets: bytes) -> object:
    text = octets.decode("utf-8", "surrogateescape")
    found = address.parse_mailbox(text, smtputf8=True)
    once = address.canonical(found)
    holds(address.canonical(once) == once, f"{once} has two canonical forms")
    return str(found), once


def parse_account(octets: bytes) -> object:
    text = octets.decode("utf-8", "surrogateescape")
    once = canonical_address(text)
    holds(canonical_address(once) == once, f"{once!r} has two canonical forms")
    return once


def parse_domain(octets: bytes) -> object:
    text = octets.decode("utf-8", "surrogateescape")
    once = canonical_domain(text)
    holds(canonical_domain(once) == once, f"{once!r} has two canonical forms")
    return once


def parse_header(octets: bytes) -> object:
    header = Header.of(octets)
    names = [name for name, _ in header.fields()]
    some = names[: len(names) // 2]
    selected, rest = header.select(some), header.without(some)
    holds(octets.startswith(header.octets), "the header is the beginning")
    holds(len(selected) + len(rest) <= len(header.octets) + 2 * len(header.blank) + 4, "too much")
    for name in some[:3]:
        holds(header.get(name) is not None, "a field that is there is found")
    return names, selected, rest, [unfold(value) for _, value in header.fields()]


def parse_field(octets: bytes) -> object:
    made = format_field("Subject", octets)
    fields = Header(made + b"\r\n").fields()
    holds(len(fields) == 1 and fields[0][0] == b"Subject", f"more than one field: {made!r}")
    holds(b"\0" not in made and made.endswith(b"\r\n"), "NUL, or no end")
    text = octets.decode("utf-8", "replace")
    words = format_field("Subject", encode_words(text))
    holds(len(Header(words + b"\r\n").fields()) == 1, f"more than one field: {words!r}")
    return made, words


def parse_words(octets: bytes) -> object:
    text = decode_words(octets)
    holds("\r" not in text and "\n" not in text and "\0" not in text, f"line breaks in {text!r}")
    return text, decode_base64(octets), decode_quoted_printable(octets)


def parse_parameters(octets: bytes) -> object:
    return (
        parse_media_type(octets),
        decode_parameters(parse_value(octets)[1]),
    )


def parse_addresses(octets: bytes) -> object:
    found = parse_address_list(octets)
    return len(found), found


def parse_structure(octets: bytes) -> object:
    root = structure.parse(octets)
    parts = structure.walk(root)
    for part in parts:
        inside = part.header_start <= part.body_start <= part.end <= len(octets)
        holds(part.header_start >= 0 and inside, f"a part outside: {part}")
    return len(parts), [(part.header_start, part.body_start, part.end) for part in parts]


def parse_summary(octets: bytes) -> object:
    summary = summarise(octets)
    for made in (summary.envelope, summary.body, summary.body_structure):
        holds(made.startswith(b"(") and made.endswith(b")"), "no list")
    return summary


def parse_completed(octets: bytes) -> object:
    octets = LINE_END.sub(b"\r\n", octets)  # as every way in has it
    made = complete(Header.of(octets).octets, time=0, message_id="<a@b>")
    header = Header.of(made).octets
    holds(complete(header, time=1, message_id="<c@d>") == header, "completed twice")
    return made


def parse_seven_bit(octets: bytes) -> object:
    made = to_seven_bit(octets)
    holds(made.isascii(), "eight bits are left")
    return made


def parse_utf7(octets: bytes) -> object:
    name = utf7.decode(octets)
    holds(utf7.encode(name) == octets, "not what was decoded")
    return name, mailbox.to_be_created(mailbox.from_wire(octets))


def parse_sequence(octets: bytes) -> object:
    ranges = sequence.parse_sequence_set(octets)
    uids = range(1, 2000, 3)
    for found in (sequence.clipped(ranges, 666), sequence.identified(ranges, uids)):
        holds(all(a[1] < b[0] for a, b in pairwise(found)), "not in order")
    return sequence.format_set(ranges)


def parse_search(octets: bytes) -> object:
    reader = Reader(_frame(b" " + octets))
    search_program(Session("x", ()), reader)
    return None


def parse_fetch(octets: bytes) -> object:
    reader = Reader(_frame(octets))
    items = fetch_atts(Session("x", ()), reader)
    reader.end()
    return len(items)


def _frame(octets: bytes) -> Frame:
    """Lines and literals in turn; a literal is what stands between two NULs."""
    parts = octets.split(b"\0")
    pieces: list[bytes] = []
    for number, part in enumerate(parts):
        if number % 2:
            pieces[-1] += b"{%d}" % len(part)
        pieces.append(part)
    if len(pieces) % 2 == 0:
        pieces.append(b"")
    return Frame(pieces)


def parse_ranges_of_uids(octets: bytes) -> object:
    ranges = sequence.parse_sequence_set(octets)
    merged = sequence.merged(sorted((low, high) for low, high in ranges))
    holds(parse_ranges(format_ranges(merged)) == merged, "not what was written")
    return merged


def parse_smtp_parameters(octets: bytes) -> object:
    text = octets.decode("ascii")
    result = []
    for dialect in DIALECTS.values():
        for known in (dialect.mail, dialect.rcpt):
            try:
                result.append(repr(read_parameters(text, known)))
            except Refused as refusal:
                result.append(str(refusal))
    return tuple(result)


TO_BIND = TLS("TLSv1.3", "x", client_addresses=("ann@a.example",), end_point=b"a channel")
OFFER = Offer(MECHANISMS, TO_BIND)


def parse_sasl(octets: bytes) -> object:
    """Each line is a response."""
    for mechanism in MECHANISMS.values():
        exchange = mechanism.serve(OFFER)
        try:
            step = next(exchange)
            for line in octets.split(b"\n"):
                if isinstance(step, Challenge):
                    step = exchange.send(line)
                elif isinstance(step, Password):
                    step = exchange.send(Accepted("ann"))
                else:
                    step = exchange.send(sasl.answer(step, None))
        except StopIteration:
            continue
        except Malformed:
            continue
    return decode(octets)


# Seeds


def letters() -> list[bytes]:
    files = [path.read_bytes().replace(b"\n", b"\r\n") for path in sorted(LETTERS.glob("*.eml"))]
    return [
        *files,
        (
            b"From: a@b\r\nTo: c: d@e, f@g;\r\nSubject: =?utf-8?q?a=C3=A9?=\r\nDate: Mon, 1 Jan"
            b' 2024 00:00:00 +0000\r\nContent-Type: multipart/mixed; boundary="b c"\r\n\r\n'
            b"--b c\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--b c\r\n"
            b"Content-Type: text/plain; charset*0*=utf-8''a; charset*1=b\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\nAAA=\r\n--b c--\r\nend\r\n"
        ),
        b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nA: b\r\n\r\n--x--",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nh\xc3\xa9\r\n",
    ]


def fields() -> list[bytes]:
    lines = b"".join(letters()).split(b"\r\n")
    return [*(line.partition(b": ")[2] for line in lines if b": " in line), *VALUES]


ADDRESSES = [
    b"<ann@a.example> SIZE=3",
    b"<>",
    b"<@a,@b:c@d>",
    b'<"a b\\""@x.y>',
    b"<a@[127.0.0.1]>",
    b"<a@[IPv6:2001:db8::1]>",
    b"ann+x@a.example",
    "jörg@bücher.example".encode(),
    b"<Postmaster>",
    b"xn--bcher-kva.example",
    "ＡＢＣ@ｄｅｆ".encode(),
    "İ@ß.example".encode(),
    "ǅ@\u0345.x".encode(),
]
HEADER_TOKENS = [
    b"Content-Type: ",
    b"multipart/mixed; boundary=",
    b"message/rfc822",
    b"--b c\r\n",
    b"--b c--\r\n",
    b"\r\n ",
    b"\r\n\r\n",
    b"=?utf-8?q?",
    b"=?utf-8?b?",
    b"?=",
    b"charset*0*=",
    b"; name=",
    b"To: ",
    b"Subject: ",
    b"Date: ",
    b"From: ",
    b"(x",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"=\r\n",
    b"=C3",
    b"--x\r\n",
    b"Bcc: x\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
]
IMAP_PIECES = [
    b"1:*",
    b"*:4,2",
    b"1,3:5,9",
    b"INBOX",
    b"&AOk-",
    b"&2Dzf,w-",
    b"a&-b",
    b"ALL",
    b"NOT SEEN",
    b"OR (FROM x) TO y",
    b"UID 1:*",
    b"SINCE 1-Jan-2000",
    b'HEADER X ""',
    b"CHARSET UTF-8 TEXT \0abc\0",
    b"(FLAGS UID)",
    b'BODY.PEEK[1.2.HEADER.FIELDS (To "From")]<0.9>',
    b"RFC822.SIZE",
    b"FULL",
    b"BODY[TEXT]",
    b"KEYWORD $x",
    b"LARGER 9",
    b"SENTON 3-Mar-1999",
    b"BODY[1.MIME]<4.4>",
]
PARAMETERS = [b"SIZE=1000 BODY=8BITMIME", b"AUTH=<>", b"AUTH=a+40b", b"BODY=7BIT", b"SIZE=0"]


def headers() -> list[bytes]:
    return [*letters(), *MESSAGES]


def _target(
    name: str,
    parse: Parse,
    seeds: Callable[[], Sequence[bytes]],
    tokens: Sequence[bytes],
    *refusals: type[Exception],
    memory: int = 150,
) -> Target:
    return Target(name, seeds, tokens, partial(run, parse, refusals), memory=memory)


PARSERS = (
    _target("address", parse_address, lambda: ADDRESSES, ADDRESSES, ValueError),
    _target("mailbox", parse_mailbox, lambda: ADDRESSES, ADDRESSES, ValueError),
    _target("account", parse_account, lambda: ADDRESSES, ADDRESSES, ValueError),
    _target("domain", parse_domain, lambda: ADDRESSES, ADDRESSES, ValueError),
    _target("header", parse_header, headers, HEADER_TOKENS),
    _target("field", parse_field, fields, HEADER_TOKENS),
    _target("addresses", parse_addresses, fields, [*HEADER_TOKENS, *ADDRESSES]),
    _target("encodings", parse_words, fields, HEADER_TOKENS),
    _target("parameters", parse_parameters, fields, HEADER_TOKENS),
    _target(
        "dates", parse_date, fields, [b"Mon, ", b" Jan ", b"12:00:60", b"-0000", b"(x)", b"EST"]
    ),
    _target("structure", parse_structure, headers, HEADER_TOKENS),
    _target("summary", parse_summary, headers, HEADER_TOKENS),
    _target("completion", parse_completed, headers, HEADER_TOKENS),
    _target("downgrade", parse_seven_bit, headers, HEADER_TOKENS, Unconvertible),
    _target("utf7", parse_utf7, lambda: IMAP_PIECES, IMAP_PIECES, ValueError, Bad, No),
    _target("sequence", parse_sequence, lambda: IMAP_PIECES, IMAP_PIECES, Bad),
    _target("ranges", parse_ranges_of_uids, lambda: IMAP_PIECES, IMAP_PIECES, Bad),
    _target("search", parse_search, lambda: IMAP_PIECES, IMAP_PIECES, Bad, No),
    _target("fetch", parse_fetch, lambda: IMAP_PIECES, IMAP_PIECES, Bad, No),
    _target("smtp-parameters", parse_smtp_parameters, lambda: PARAMETERS, PARAMETERS, ValueError),
    _target(
        "sasl",
        parse_sasl,
        lambda: [b"\0ann\0secret", b"ann\nsecret", b"AGFubgA="],
        [b"\0"],
        Malformed,
    ),
)
