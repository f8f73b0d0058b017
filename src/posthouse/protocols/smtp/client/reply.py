"""Reading the peer's replies (RFC 5321 §4.2), which may be anything and never end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ...dialogue import Dialogue, LineTooLong, ReadLine

LINE = 4096  # octets; a reply line has 512 at most (RFC 5321 §4.5.3.1.5)
COMMON = 128  # octets; of longer lines no two are alike
MOST_LINES = 128
MOST_OCTETS = 32 * 1024  # of one reply

#: What a code means where the peer gives no enhanced status code (RFC 3463, RFC 5248).
STATUS = {
    421: "4.3.2",
    450: "4.2.0",
    451: "4.3.0",
    452: "4.3.1",
    454: "4.7.0",
    455: "4.5.4",
    500: "5.5.1",
    501: "5.5.4",
    502: "5.5.1",
    503: "5.5.1",
    504: "5.5.4",
    521: "5.3.2",
    530: "5.7.0",
    534: "5.7.9",
    535: "5.7.8",
    538: "5.7.11",
    551: "5.1.6",
    552: "5.2.2",
    553: "5.1.3",
    555: "5.5.4",
    556: "5.1.10",
}

_line = re.compile(rb"[2-5][0-9]{2}(?:[ -]|\Z)").match
_status = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s|$)").match
_CONTROLS = str.maketrans(dict.fromkeys((*range(32), *range(127, 160)), "?"))


@dataclass(frozen=True, slots=True)
class PeerReply:
    """What the peer said; or, with the code 0, what stands in for a reply that did not come."""

    code: int
    status: str  # enhanced status code (RFC 2034), derived from the code where none was given
    lines: tuple[str, ...]  # as they were said, without the code
    stated: bool = False  # the peer gave the status itself

    @property
    def positive(self) -> bool:
        """§4.2.1: 2yz"""
        return self.code // 100 == 2

    @property
    def permanent(self) -> bool:
        """§4.2.1: 5yz; nothing will change"""
        return self.status.startswith("5")

    @property
    def text(self) -> str:
        """Its words on one line."""
        return " ".join(self.lines)

    def __str__(self) -> str:
        """As a report quotes it (RFC 3464 §2.3.6)."""
        return f"{self.code} {self.text}" if self.code else self.text


def ours(status: str, text: str) -> PeerReply:
    """What stands in for a reply: the words are this side's."""
    return PeerReply(0, status, (text,))


GARBLED = ours("4.5.0", "the reply makes no sense")
ENDLESS = ours("4.5.0", "the reply does not end")


class Over(Exception):
    """The session cannot go on: this reply, or what stands in for one, is the reason."""

    def __init__(self, reply: PeerReply, polite: bool = False) -> None:
        """`polite`: the peer can be told QUIT all the same."""
        super().__init__(str(reply))
        self.reply = reply
        self.polite = polite


def read_reply(within: float) -> Dialogue[PeerReply]:
    """§4.2: *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF

    Raises Over for what is no reply, and Interrupted.
    """
    try:
        line: bytes = yield ReadLine(LINE, within)
        if line[3:4] != b"-" or not _line(line):
            return one_line(line) if len(line) < COMMON else parse_reply([line])
        code = line[:3]
        lines = [line]
        octets = 0
        while line[3:4] == b"-":
            line = yield ReadLine(LINE, within)
            lines.append(line)
            octets += len(line)
            if line[:3] != code:
                raise Over(GARBLED)
            if len(lines) > MOST_LINES or octets > MOST_OCTETS:
                raise Over(ENDLESS)
    except LineTooLong:
        raise Over(ENDLESS) from None
    return parse_reply(lines)


@lru_cache(maxsize=512)
def one_line(line: bytes) -> PeerReply:
    """A reply of one line; most are said again and again."""
    return parse_reply([line])


def parse_reply(lines: list[bytes]) -> PeerReply:
    """A reply from its lines, with a status of the same class as the code (RFC 2034 §4)."""
    if not all(map(_line, lines)):
        raise Over(GARBLED)
    code = int(lines[0][:3])
    texts = tuple(
        line[4:].decode("utf-8", "replace").translate(_CONTROLS).strip() for line in lines
    )
    stated = next((found[1] for text in texts if (found := _status(text))), "")
    if stated[:1] == str(code)[0]:
        return PeerReply(code, stated, texts, True)
    return PeerReply(code, STATUS.get(code, f"{code // 100}.0.0"), texts)
