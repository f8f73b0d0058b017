"""The search index: a database of its own, that may lag, be lost, and be made anew.

For each message as its reader sees it: its text, folded and compressed; the trigrams of the text;
and what it is sorted by. A key is the number of a mailbox in this index, then the UID, so that
the messages of a mailbox lie beside each other. `mark` says up to which UID a mailbox is indexed:
a message at or below it that has no entry is expunged.

Trigrams say which messages may hold a text; whether they do is seen in the text itself. Damage
that SQLite or the checksum of a text shows is answered with `Damaged`, and the index is made anew.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import apsw

from posthouse.message.ordering import Keys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FILE = "search.db"
VERSION = 2  # one more whenever what is kept comes out otherwise
BUSY = 10_000  # milliseconds
CACHE = 32 * 1024  # KiB
UIDS = 32  # bits of a key
LAST_UID = (1 << UIDS) - 1
TRIGRAMS = 5  # of a long text, that are looked for
PACKED_FROM = 16 * 1024  # octets of a text from which it is compressed
LEVEL = 1
SEPARATOR = "\0"  # between header and parts; no needle holds it

#: From the letters that are in nearly every text to those that are rare in most languages; what
#: is not among them is rarer still. A trigram of rare letters leaves few messages to look at.
_COMMON = " etaoinsrhldcumfpgwybvk\n.,-_/:0123456789@jxqz"
_RARITY = {letter: number for number, letter in enumerate(_COMMON)}

_SCHEMA = f"""
CREATE TABLE mailbox (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    created INTEGER NOT NULL,  -- the account: an id may be given again
    mailbox INTEGER NOT NULL,
    mark    INTEGER NOT NULL DEFAULT 0,
    modseq  INTEGER NOT NULL DEFAULT 0,  -- of the mailbox, when all was as it is here
    UNIQUE (account, mailbox)
);
CREATE TABLE entry (
    key    INTEGER PRIMARY KEY,
    header INTEGER NOT NULL,   -- octets of text that are the header
    packed INTEGER NOT NULL,   -- 1: text is a zstd frame
    sum    INTEGER NOT NULL,   -- CRC of text and header
    text   BLOB                -- NULL: too large to be here
);
CREATE INDEX entry_without_text ON entry (key) WHERE text IS NULL;
CREATE TABLE ordering (
    key             INTEGER PRIMARY KEY,
    arrival         INTEGER NOT NULL,
    size            INTEGER NOT NULL,
    sent            INTEGER NOT NULL,
    subject         TEXT NOT NULL,
    is_reply        INTEGER NOT NULL,
    author          TEXT NOT NULL,
    recipient       TEXT NOT NULL,
    copied          TEXT NOT NULL,
    author_shown    TEXT NOT NULL,
    recipient_shown TEXT NOT NULL,
    id              TEXT NOT NULL,
    refs            TEXT NOT NULL
);
CREATE VIRTUAL TABLE trigram USING fts5 (
    text, content = '', contentless_delete = 1, detail = none,
    tokenize = 'trigram case_sensitive 1'
);
PRAGMA user_version = {VERSION};
"""

COLUMNS = frozenset(
    (
        *("arrival", "size", "sent", "subject", "is_reply", "author", "recipient", "copied"),
        *("author_shown", "recipient_shown", "id", "refs"),
    )
)


class Damaged(Exception):
    """The index is not there, not of this version, or not to be trusted."""


@dataclass(frozen=True, slots=True)
class Document:
    """A message, ready to be indexed."""

    uid: int
    arrival: int
    size: int
    header: str
    texts: Sequence[str] | None  # None: too large
    keys: Keys


@dataclass(frozen=True, slots=True)
class Known:
    """A mailbox in the index."""

    number: int
    mark: int
    modseq: int = 0

    @property
    def first(self) -> int:
        """The lowest key."""
        return self.number << UIDS

    @property
    def last(self) -> int:
        return self.first | LAST_UID


@contextlib.contextmanager
def damage() -> Iterator[None]:
    """What shows that an index is damaged, as `Damaged`."""
    try:
        yield
    except apsw.FullError:
        raise  # what is there is whole
    except (apsw.Error, zstd.ZstdError, OverflowError, TypeError, ValueError) as error:
        raise Damaged(repr(error)) from error


def path(directory: Path) -> Path:
    return directory / FILE


def remove(directory: Path) -> None:
    """Drop the index; whoever has it open goes on with what it was. Under the indexer's lock."""
    for suffix in ("", "-wal", "-shm"):
        path(directory).with_name(FILE + suffix).unlink(missing_ok=True)


class Index:
    """A connection to the index. Made by one thread and used by it alone. Raises Damaged."""

    def __init__(self, directory: Path, *, create: bool = False) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        file = path(directory)
        if create and not file.exists():
            remove(directory)  # a log without its database
        with damage():
            self._connection = apsw.Connection(str(file), flags)
            self._execute = self._connection.cursor().execute
            try:
                self._open(create)
                self.inode = file.stat().st_ino
            except BaseException:
                self._connection.close()
                raise

    def _open(self, create: bool) -> None:
        execute = self._execute
        self._connection.set_busy_timeout(BUSY)
        for pragma in (
            "page_size = 8192",
            "journal_mode = WAL",
            "synchronous = NORMAL",  # power loss takes the last entries, no more
            f"cache_size = -{CACHE}",
            "temp_store = MEMORY",
            "journal_size_limit = 16777216",
        ):
            execute(f"PRAGMA {pragma}").fetchall()
        version = self._connection.pragma("user_version")
        if create and version == 0:
            with self._connection:
                self._connection.execute(_SCHEMA).fetchall()
        elif version != VERSION:
            raise Damaged(f"version {version}")

    def _rows(self, sql: str, *arguments: int) -> list[Any]:
        try:
            return self._execute(sql, arguments).fetchall()
        except apsw.FullError:
            raise
        except apsw.Error as error:
            raise Damaged(repr(error)) from error

    def close(self) -> None:
        with contextlib.suppress(apsw.Error):
            self._connection.close()

    def interrupt(self) -> None:
        """From another thread: what runs ends as if there were damage."""
        with contextlib.suppress(apsw.Error):
            self._connection.interrupt()

    def check(self) -> None:
        """Look through all of it for damage."""
        with damage():
            found = self._execute("PRAGMA quick_check(1)").fetchall()
            if found != [("ok",)]:
                raise Damaged(str(found))
            self._execute("INSERT INTO trigram (trigram) VALUES ('integrity-check')").fetchall()
            for key, header, checksum, octets in self._execute(
                "SELECT key, header, sum, text FROM entry WHERE text IS NOT NULL"
            ):
                if crc32(octets, header) != checksum:
                    raise Damaged(f"entry {key}")

    # Mailboxes

    def find(self, account: int, created: int, mailbox: int) -> Known | None:
        """A mailbox, if it is in the index."""
        rows = self._rows(
            "SELECT number, mark, modseq FROM mailbox"
            " WHERE account = ?1 AND mailbox = ?2 AND created = ?3",
            *(account, mailbox, created),
        )
        return Known(*rows[0]) if rows else None

    def marks(self) -> dict[tuple[int, int, int], Known]:
        """All mailboxes: by account, its time of creation, and id."""
        rows = self._rows("SELECT account, created, mailbox, number, mark, modseq FROM mailbox")
        return {row[:3]: Known(*row[3:]) for row in rows}

    def begin(self, account: int, created: int, mailbox: int) -> Known:
        """Have this mailbox in the index."""
        with damage(), self._connection:
            self._execute(
                "INSERT INTO mailbox (account, created, mailbox) VALUES (?1, ?2, ?3)",
                (account, created, mailbox),
            ).fetchall()
            number: int = self._connection.last_insert_rowid()
        return Known(number, 0)

    def forget(self, known: Known) -> None:
        """A mailbox that is gone."""
        self.discard(known, [key & LAST_UID for key in self.keys(known)])
        with damage():
            self._execute("DELETE FROM mailbox WHERE number = ?1", (known.number,)).fetchall()

    # Entries

    def add(self, known: Known, documents: Iterable[Document], mark: int) -> Known:
        """Index these messages, in ascending order; all is looked at up to `mark`."""
        with damage(), self._connection:
            for document in documents:
                self._add(known.first | document.uid, document)
            self._execute(
                "UPDATE mailbox SET mark = ?2 WHERE number = ?1", (known.number, mark)
            ).fetchall()
        return Known(known.number, mark, known.modseq)

    def settle(self, known: Known, modseq: int) -> None:
        """Nothing is to be done here until the mailbox changes."""
        with damage():
            self._execute(
                "UPDATE mailbox SET modseq = ?2 WHERE number = ?1", (known.number, modseq)
            ).fetchall()

    def _add(self, key: int, document: Document) -> None:
        execute = self._execute
        keys = document.keys
        sent = document.arrival if keys.sent is None else keys.sent
        execute(
            "INSERT INTO ordering VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            (
                *(key, document.arrival, document.size, sent, _plain(keys.subject)),
                *(int(keys.is_reply), _plain(keys.author), _plain(keys.recipient)),
                *(_plain(keys.copied), _plain(keys.author_shown), _plain(keys.recipient_shown)),
                *(_plain(keys.id), _plain(keys.references)),
            ),
        )
        if document.texts is None:
            execute("INSERT INTO entry VALUES (?1, 0, 0, 0, NULL)", (key,))
            return
        text = SEPARATOR.join((document.header, *document.texts))
        octets = text.encode("utf-8", "surrogatepass")
        packed = len(octets) >= PACKED_FROM
        if packed:
            octets = zstd.compress(octets, LEVEL)
        header = len(document.header.encode("utf-8", "surrogatepass"))
        execute(
            "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5)",
            (key, header, int(packed), crc32(octets, header), octets),
        )
        execute(
            "INSERT INTO trigram (rowid, text) VALUES (?1, ?2)",
            (key, _plain(text.replace(SEPARATOR, "\n"))),
        )

    def keys(self, known: Known) -> list[int]:
        """The keys of all entries of a mailbox."""
        rows = self._rows(
            "SELECT key FROM ordering WHERE key BETWEEN ?1 AND ?2", known.first, known.last
        )
        return [row[0] for row in rows]

    def discard(self, known: Known, uids: Iterable[int]) -> None:
        """Forget these messages."""
        keys = [(known.first | uid,) for uid in uids]
        with damage(), self._connection:
            for sql in (
                "DELETE FROM trigram WHERE rowid = ?1",
                "DELETE FROM entry WHERE key = ?1",
                "DELETE FROM ordering WHERE key = ?1",
            ):
                self._connection.executemany(sql, keys).fetchall()

    # Questions

    def count(self) -> tuple[int, int]:
        """Mailboxes and messages in the index."""
        (row,) = self._rows(
            "SELECT (SELECT count(*) FROM mailbox), (SELECT count(*) FROM ordering)"
        )
        return row[0], row[1]

    def count_of(self, known: Known) -> int:
        """Messages of a mailbox that are in the index."""
        rows = self._rows(
            "SELECT count(*) FROM ordering WHERE key BETWEEN ?1 AND ?2", known.first, known.last
        )
        count: int = rows[0][0]
        return count

    def without_text(self, known: Known) -> list[int]:
        """UIDs of messages whose text is not in the index."""
        rows = self._rows(
            "SELECT key FROM entry WHERE text IS NULL AND key BETWEEN ?1 AND ?2",
            *(known.first, known.last),
        )
        return [row[0] & LAST_UID for row in rows]

    def holding(
        self, known: Known, needle: str, in_header: bool, in_body: bool, field: str = ""
    ) -> list[int]:
        """UIDs of indexed messages whose text holds the needle, which is folded.

        With a `field`, those where a field of this name holds it.
        """
        wanted = needle.encode("utf-8", "surrogatepass")
        start_of_field = field.encode() + b": "
        found = []
        with damage():
            for key, header, packed, checksum, octets in self._candidates(known, needle):
                if crc32(octets, header) != checksum:
                    raise Damaged(f"entry {key}")
                text = zstd.decompress(octets) if packed else octets
                start, stop = 0 if in_header else header, len(text) if in_body else header
                if text.find(wanted, start, stop) >= 0 and (
                    not field or _in_field(text[:header], start_of_field, wanted)
                ):
                    found.append(key & LAST_UID)
        return found

    def _candidates(self, known: Known, needle: str) -> apsw.Cursor:
        """Entries that may hold the needle."""
        query = trigrams_of(needle)
        if not query:
            return self._execute(
                "SELECT key, header, packed, sum, text FROM entry"
                " WHERE key BETWEEN ?1 AND ?2 AND text IS NOT NULL",
                (known.first, known.last),
            )
        return self._execute(
            "SELECT key, header, packed, sum, entry.text FROM trigram"
            " JOIN entry ON key = trigram.rowid"
            " WHERE trigram MATCH ?3 AND trigram.rowid BETWEEN ?1 AND ?2",
            (known.first, known.last, query),
        )

    def ordering(
        self, known: Known, first: int, last: int, columns: Sequence[str]
    ) -> list[tuple[object, ...]]:
        """UID and these columns of the indexed messages from UID `first` to `last`, ascending."""
        assert set(columns) <= COLUMNS
        names = ", ".join(["key & 4294967295", *columns])
        return self._rows(
            f"SELECT {names} FROM ordering"  # noqa: S608
            " WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
            *(known.first | first, known.first | last),
        )


def _in_field(header: bytes, start: bytes, needle: bytes) -> bool:
    """A line that starts so holds the needle after it."""
    return any(
        line.find(needle, len(start)) >= 0 for line in header.split(b"\n") if line.startswith(start)
    )


def trigrams_of(needle: str) -> str:
    """What FTS5 is asked for; nothing where the needle has no trigram."""
    found = dict.fromkeys(needle[at : at + 3] for at in range(len(needle) - 2))
    rarest = sorted(found, key=_rarity, reverse=True)[:TRIGRAMS]
    return " ".join('"' + each.replace('"', '""') + '"' for each in rarest)


def _rarity(trigram: str) -> int:
    get = _RARITY.get
    return sum([get(letter, len(_RARITY)) for letter in trigram])


def _plain(text: str) -> str:
    """Text that SQLite takes: without what is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text.replace("\0", "") if "\0" in text else text
