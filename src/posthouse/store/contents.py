"""Content: header and body of a letter, written once and referred to by queue and mailboxes.

Content of up to `ROW` octets lies in the database, its header apart from its body, so that a
reader who wants headers does not fetch bodies. What is larger lies in a file (blobs/), whose name
the row bears; its header is in the row too, where it fits.

Nothing is compressed: of what lies in rows that saves a thirtieth, and every reader pays for it
with more time than the disk would. A frame of zstd, as rows of older databases have it, is read.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from zlib import crc32

from .unit import Row, Work, insert, one_of, rows_of, run

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

ROW = 64 * 1024  # octets of content that lie in a row; what is larger lies in a file
PLACES = 1 << 16  # contents that a process knows to be whole


class ContentDamaged(Exception):
    """A content is not what was written: the disk has changed it."""


@dataclass(slots=True)  # one for each letter: not frozen, which would take three times as long
class Prepared:
    """Content as it will be stored; made outside the writer's thread."""

    size: int
    header: bytes
    body: bytes
    file: str | None = None
    plain: bool = False  # ASCII, and its last line has an end: all protocols send it as it is
    checksum: int | None = None  # CRC-32 of the whole; None: nobody has looked


def header_size(content: bytes) -> int:
    """Octets of the header with its blank line; all of the content when there is none."""
    if content.startswith(b"\r\n"):
        return 2
    end = content.find(b"\r\n\r\n")
    return len(content) if end < 0 else end + 4


def prepare(content: bytes) -> Prepared:
    """Content that is small enough for a row."""
    split = header_size(content)
    header, body = content[:split], content[split:]
    plain = content.isascii() and content.endswith(b"\r\n")
    return Prepared(len(content), header, body, plain=plain, checksum=crc32(content))


def prepare_file(name: str, size: int, beginning: bytes, checksum: int | None = None) -> Prepared:
    """Content that lies in the file `name`; `beginning` is at least its header, or 64 kB of it."""
    split = header_size(beginning)
    header = beginning[:split] if split < len(beginning) or split == size else b""
    return Prepared(size, header if len(header) <= ROW else b"", b"", file=name, checksum=checksum)


@dataclass(frozen=True, slots=True)
class Stored:
    """Content as it was found; `octets` is None where it lies in `file`."""

    id: int
    size: int
    header: bytes
    octets: bytes | None
    file: str | None


def unpack(header: bytes, body: bytes, packed: int, checksum: int | None) -> bytes:
    """The whole content of a row. Raises ContentDamaged."""
    try:
        octets = header + (zstd.decompress(body) if packed else body)
        if crc32(octets) == checksum or (checksum is None and type(octets) is bytes):
            return octets
    except (zstd.ZstdError, TypeError) as error:  # columns of another kind, in a damaged page
        raise ContentDamaged(f"a content cannot be unpacked: {error}") from None
    raise ContentDamaged("a content is not what was written")


class Compared:
    """Which contents of rows this process has found to be what was written, the latest of them.

    To compare again what has just been compared would cost a reader of bodies a tenth of its time.
    What is damaged on the disk later is found when it is read by another process, or by the next
    start, or by `posthouse store check`.
    """

    __slots__ = ("_checksums", "_contents")

    def __init__(self) -> None:
        # Another content with the same place takes it.
        self._contents = array("q", bytes(8 * PLACES))
        self._checksums = array("q", bytes(8 * PLACES))

    def whole(
        self,
        content: int,
        prefix: bytes,
        header: bytes,
        body: bytes,
        packed: int,
        checksum: int | None,
    ) -> bytes:
        """The prefix of a message and its content. Raises ContentDamaged."""
        place = content % PLACES
        known = self._contents[place] == content and self._checksums[place] == checksum
        try:
            if known and not packed:
                return b"".join((prefix, header, body))
            octets = unpack(header, body, packed, None if known else checksum)
            if checksum is not None:
                self._contents[place], self._checksums[place] = content, checksum
            return prefix + octets
        except TypeError as error:  # columns of another kind, in a damaged page
            raise ContentDamaged(f"a content cannot be read: {error}") from None


def insert_content(prepared: Prepared, refs: int) -> Work[int]:
    """Write content that will be referred to `refs` times; gives its id."""
    content = yield from insert(
        "INSERT INTO content (size, refs, file, plain) VALUES (?1, ?2, ?3, ?4)",
        prepared.size,
        refs,
        prepared.file,
        int(prepared.plain),
    )
    yield from run(
        "INSERT INTO content_octets (content, header, body, packed, checksum)"
        " VALUES (?1, ?2, ?3, 0, ?4)",
        content,
        prepared.header,
        prepared.body,
        prepared.checksum,
    )
    return content


def stored_of(columns: Row) -> Stored:
    """A content from its columns, as `read_content` names them. Raises ContentDamaged."""
    content, size, file, header, body, packed, checksum = columns
    octets = None if file is not None else unpack(header, body, packed, checksum)
    return Stored(content, size, header, octets, file)


def read_content(content: int) -> Work[Stored | None]:
    """All of a content, or where it lies. Raises ContentDamaged."""
    row = yield from one_of(
        "SELECT id, size, file, header, body, packed, checksum FROM content"
        " JOIN content_octets ON content = id WHERE id = ?1",
        content,
    )
    return None if row is None else stored_of(row)


def refer(content: int, more: int) -> Work[None]:
    """Change how often a content is referred to."""
    if more:
        yield from run("UPDATE content SET refs = refs + ?2 WHERE id = ?1", content, more)


def sweep_contents(most: int) -> Work[tuple[int, list[str]]]:
    """Remove contents that nothing refers to; how many, and the files that may be removed.

    The files are removed after the commit: a file without a row is swept, a row without a file
    would be a loss.
    """
    rows = yield from rows_of("SELECT id, file FROM content WHERE refs = 0 LIMIT ?1", most)
    for content, _ in rows:
        yield from run("DELETE FROM content_octets WHERE content = ?1", content)
        yield from run("DELETE FROM summary WHERE content = ?1", content)
        yield from run("DELETE FROM content WHERE id = ?1", content)
    return len(rows), [file for _, file in rows if file is not None]
