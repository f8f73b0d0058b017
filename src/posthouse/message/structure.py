"""The part tree of a message with octet offsets (RFC 2045, RFC 2046), and its sections.

    header_start        body_start                end
    |                   |                         |
    Content-Type: ...CRLF CRLF octets of the body CRLF--boundary

One pass from the front, on a stack of the parts that are open. Only lines that start with `--`
are looked at, each compared with all open boundaries at once, so that the time is that of
finding them. What a stranger may make large is bounded: depth and number of parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from posthouse.message.header import BLANK, CRLF, Octets, unfold
from posthouse.message.parameter import Parameters, parse_media_type, parse_value

PART_LIMIT = 1000  # the rest of the message belongs to the last of them
DEPTH_LIMIT = 50  # a multipart or message below is application/octet-stream
DELIMITER_LIMIT = 200  # octets; a boundary has 70 at most (RFC 2046 §5.1.1)
LANGUAGE_LIMIT = 20

_BLOCK = 1024 * 1024
_STRETCH = 1024  # octets after a dash that the pattern goes through
_SHORT = 256  # octets of a header field's value that is remembered

_mime_fields = re.compile(
    rb"\ncontent-(type|transfer-encoding|id|description|disposition|language|location|md5)"
    rb"[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)",
    re.IGNORECASE,
).findall
_encoding = re.compile(rb"[^\s;()]*").match
# Most parts of most letters are said to be one of a few things.
_short_media_type = lru_cache(1024)(parse_media_type)
_short_value = lru_cache(1024)(parse_value)
# Of CRLF "--": by its rarest octet, which takes half the time that `find` does.
_dashes = re.compile(rb"-(?<=\r\n-)-").search


@dataclass(slots=True, eq=False)
class Part:
    """A body part, or a message: at the root, or the one child of a message/rfc822 part.

    What the header does not say has the value that RFC 2045 §5.2 and §6.1 give it.
    """

    header_start: int
    body_start: int
    end: int
    type: bytes = b"TEXT"
    subtype: bytes = b"PLAIN"
    parameters: Parameters = ((b"CHARSET", b"US-ASCII"),)
    encoding: bytes = b"7BIT"
    id: bytes | None = None
    description: bytes | None = None
    md5: bytes | None = None
    disposition: tuple[bytes, Parameters] | None = None
    language: tuple[bytes, ...] = ()
    location: bytes | None = None
    lines: int = 0
    is_multipart: bool = False
    is_message: bool = False
    children: list[Part] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Octets of the body, as it is encoded."""
        return self.end - self.body_start


def parse(content: Octets) -> Part:
    """The part tree of a message; never an exception, whatever the content."""
    return _Scan(content).run()


def walk(root: Part) -> list[Part]:
    """All parts, each before its children."""
    found: list[Part] = []
    stack = [root]
    while stack:
        part = stack.pop()
        found.append(part)
        stack.extend(reversed(part.children))
    return found


def section(root: Part, path: tuple[int, ...], text: str = "") -> tuple[int, int] | None:
    """The octets (start, end) of `BODY[path.text]` (RFC 9051 §6.4.5.1); None if there are none.

    `text` is "", "HEADER", "TEXT" or "MIME"; for HEADER.FIELDS ask for HEADER and select.
    """
    part = find(root, path)
    if part is None:
        return None
    if not path:
        if text == "":
            return part.header_start, part.end
    elif text == "":
        return part.body_start, part.end
    elif text == "MIME":
        return part.header_start, part.body_start
    elif part.is_message and part.children:
        part = part.children[0]
    else:
        return None
    if text == "HEADER":
        return part.header_start, part.body_start
    return (part.body_start, part.end) if text == "TEXT" else None


def find(root: Part, path: tuple[int, ...]) -> Part | None:
    """The part with this number (RFC 9051 §6.4.5.1)."""
    part = root
    as_message = True  # whether `part` stands for a message, whose only part has the number 1
    for number in path:
        if not as_message and part.is_message and part.children:
            part, as_message = part.children[0], True
        if part.is_multipart:
            if not 0 < number <= len(part.children):
                return None
            part = part.children[number - 1]
        elif not as_message or number != 1:
            return None
        as_message = False
    return part


@dataclass(slots=True)
class _Frame:
    part: Part
    delimiter: bytes = b""
    shadowed: int | None = None  # the frame that had the same delimiter before
    in_digest: bool = False


class _Scan:
    def __init__(self, content: Octets) -> None:
        self.content = content
        self.end = len(content)
        self.frames: list[_Frame] = []
        self.delimiters: dict[bytes, int] = {}  # of the open multiparts, to their frames
        self.parts: list[Part] = []
        self.blank = -1  # where the last search for an empty line ended

    def run(self) -> Part:
        position = self._open(0)
        while self.delimiters and len(self.parts) < PART_LIMIT:
            found = self._find_dashes(position, self.end)
            if found < 0:
                break
            delimiter = self._delimiter(found)
            if delimiter is None:
                position = found + 4
                continue
            level, closing, line_end = delimiter
            self._close(level + 1, found)
            if closing:
                self._forget(self.frames[level])
                position = line_end
            else:
                position = self._open(min(line_end + 2, self.end))
        self._close(0, self.end)
        self._count_lines()
        return self.parts[0]

    def _open(self, start: int) -> int:
        """Open the part that starts here, and what opens with it; from where to search on."""
        while True:
            body_start, position, whole = self._header(start)
            part = Part(start, body_start, self.end)
            in_digest = False
            if self.frames:
                parent = self.frames[-1]
                parent.part.children.append(part)
                in_digest = parent.in_digest
            boundary = self._describe(part, in_digest)
            self.parts.append(part)
            frame = _Frame(part, in_digest=part.subtype.lower() == b"digest")
            self.frames.append(frame)
            if boundary:
                self._remember(frame, b"--" + boundary)
            if not part.is_message:
                return position
            if not whole:
                part.children.append(Part(body_start, body_start, body_start))
                return position
            start = body_start

    def _header(self, start: int) -> tuple[int, int, bool]:
        """Where the body starts, where to search on, and whether an empty line was reached."""
        find = self.content.find
        if self.content[start : start + 2] == CRLF:
            body_start = start + 2
        else:
            # Kept, for otherwise parts without an empty line would search the same octets again.
            if self.blank < start:
                self.blank = find(BLANK, start, self.end)
                if self.blank < 0:
                    self.blank = self.end
            body_start = min(self.blank + 4, self.end)
        if self.delimiters:
            position = max(start - 2, 0)
            while 0 <= (found := self._find_dashes(position, body_start)) < body_start - 2:
                if self._delimiter(found) is not None:
                    return max(found, start), found, False
                position = found + 4
        return body_start, max(body_start - 2, 0), True

    def _find_dashes(self, start: int, end: int) -> int:
        """Where a line begins with "--": the offset of the CRLF before it, or -1."""
        content, start = self.content, start + 2
        # From one dash on the pattern goes through a block; over what has none, `find` is ten times
        # as fast: most of a large letter is files in base64.
        while (start := content.find(b"-", start, end)) >= 0:
            found = _dashes(content, start, min(start + _STRETCH + 1, end))
            if found is not None:
                return found.start() - 2
            start += _STRETCH
        return -1

    def _delimiter(self, found: int) -> tuple[int, bool, int] | None:
        """The frame that this line delimits, whether for good, and where the line ends.

        The line has to be the delimiter, not just begin with it, so that a boundary that begins
        with another one is told from it.
        """
        last = min(found + DELIMITER_LIMIT, self.end)
        line_end = self.content.find(CRLF, found + 4, last)
        if line_end < 0:
            if last < self.end:
                return None
            line_end = self.end
        line = self.content[found + 2 : line_end].rstrip(b" \t")
        level = self.delimiters.get(line)
        if level is not None:
            return level, False, line_end
        if line.endswith(b"--") and (level := self.delimiters.get(line[:-2])) is not None:
            return level, True, line_end
        return None

    def _close(self, level: int, end: int) -> None:
        """End all parts from this level of the stack on."""
        if level >= len(self.frames):
            return
        # An empty body: its header's CRLF is that of the delimiter too.
        end = max(end, self.frames[level].part.body_start)
        for frame in self.frames[level:]:
            part = frame.part
            part.end = end
            part.header_start = min(part.header_start, end)
            part.body_start = min(part.body_start, end)
            if part.is_multipart and not part.children:
                # The grammar of BODYSTRUCTURE wants one part at least (RFC 9051 §9).
                part.children.append(Part(end, end, end))
        for frame in reversed(self.frames[level:]):
            self._forget(frame)
        del self.frames[level:]

    def _remember(self, frame: _Frame, delimiter: bytes) -> None:
        frame.delimiter = delimiter
        frame.shadowed = self.delimiters.get(delimiter)
        self.delimiters[delimiter] = len(self.frames) - 1

    def _forget(self, frame: _Frame) -> None:
        if not frame.delimiter:
            return
        if frame.shadowed is None:
            del self.delimiters[frame.delimiter]
        else:
            self.delimiters[frame.delimiter] = frame.shadowed
        frame.delimiter = b""

    def _describe(self, part: Part, in_digest: bool) -> bytes | None:
        """Take what the part's header says of it; the boundary if it is a multipart."""
        header = self.content[part.header_start : part.body_start]
        fields: dict[bytes, bytes] = {}
        for name, value in _mime_fields(b"\n" + header):
            fields.setdefault(name.lower(), value)
        if in_digest and b"type" not in fields:
            part.type, part.subtype, part.parameters = b"MESSAGE", b"RFC822", ()
        if fields:
            _take_fields(part, fields)
        kind = part.type.lower()
        boundary = None
        if kind == b"multipart":
            boundary = _boundary(part.parameters)
            part.is_multipart = boundary is not None
            if boundary is None:  # RFC 2045 §5.2
                part.type, part.subtype = b"TEXT", b"PLAIN"
                part.parameters = ((b"CHARSET", b"US-ASCII"),)
        elif kind == b"message":
            part.is_message = part.subtype.lower() in (b"rfc822", b"global")
        if (part.is_multipart or part.is_message) and len(self.frames) >= DEPTH_LIMIT:
            part.is_multipart = part.is_message = False
            part.type, part.subtype, part.parameters = b"APPLICATION", b"OCTET-STREAM", ()
            return None
        return boundary

    def _count_lines(self) -> None:
        """Lines of text and message parts; the content is counted once, however they nest."""
        counted = [part for part in self.parts if part.is_message or part.type.lower() == b"text"]
        offsets = {part.body_start for part in counted} | {part.end for part in counted}
        before: dict[int, int] = {}
        total = position = 0
        for offset in sorted(offsets):
            total += _newlines(self.content, position, offset)
            before[offset] = total
            position = offset
        for part in counted:
            part.lines = before[part.end] - before[part.body_start]


def _take_fields(part: Part, fields: dict[bytes, bytes]) -> None:
    get = fields.get
    if (value := get(b"type")) is not None:
        media_type = (_short_media_type if len(value) <= _SHORT else parse_media_type)(value)
        if media_type is not None:
            part.type, part.subtype, part.parameters = media_type
            if part.type.lower() == b"text" and not _has_charset(part.parameters):
                part.parameters = (*part.parameters, (b"CHARSET", b"US-ASCII"))
    if (value := get(b"transfer-encoding")) is not None:
        encoding = _encoding(value.strip())
        part.encoding = (encoding[0] if encoding else b"") or b"7BIT"
    if (value := get(b"disposition")) is not None:
        disposition, parameters = (_short_value if len(value) <= _SHORT else parse_value)(value)
        part.disposition = (disposition, parameters) if disposition else None
    if (value := get(b"language")) is not None:
        tags = (tag.strip() for tag in unfold(value).split(b",", LANGUAGE_LIMIT)[:LANGUAGE_LIMIT])
        part.language = tuple(tag for tag in tags if tag)
    part.id = _text(get(b"id"))
    part.description = _text(get(b"description"))
    part.location = _text(get(b"location"))
    part.md5 = _text(get(b"md5"))


def _text(value: bytes | None) -> bytes | None:
    return None if value is None else unfold(value)


def _has_charset(parameters: Parameters) -> bool:
    return any(name.lower() == b"charset" for name, _ in parameters)


def _boundary(parameters: Parameters) -> bytes | None:
    for name, value in parameters:
        if name.lower() == b"boundary":
            return value.rstrip(b" \t") or None
    return None


def _newlines(content: Octets, start: int, end: int) -> int:
    if isinstance(content, bytes):
        return content.count(b"\n", start, end)
    return sum(
        content[block : min(block + _BLOCK, end)].count(b"\n")
        for block in range(start, end, _BLOCK)
    )
