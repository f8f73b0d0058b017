"""What a mailbox holds, as the sessions that have it selected see it (RFC 3501 §2.3.1).

    version      the mod-sequence of the last change that is in the view
    uids         ascending: the message with the sequence number n has uids[n - 1]
    flags        per message, the octets between the parentheses of FLAGS, without \\Recent
    modseqs      per message, the mod-sequence of its last change

A `View` never changes: `apply` makes the next one. All sessions of a process share it, and with
it the blocks of FETCH responses that were built from it. `Selected` is what one session has been
told of it; every sequence number on the wire is one of `Selected.view`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from typing import TYPE_CHECKING

from .result import No
from .sequence import SAVED, Ranges, clipped, identified, merged, numbered, runs

if TYPE_CHECKING:
    from .fetch.item import Item

BLOCK = 1024  # messages in a block of octets kept with a view
BLOCKS = 256  # blocks kept with a view
KEPT = 64 * 1024 * 1024  # octets of blocks of lasting items, of all views together
OVERHEAD = 256  # octets that it takes to keep some
LASTING = 16  # blocks of lasting items that a view knows of, for each block of its messages

Message = tuple[int, bytes, int]  # UID, flags, mod-sequence


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to a mailbox, up to the mod-sequence `version`.

    `messages` holds those that are new (their UIDs are above all others) and those whose flags
    were changed, in ascending order of their UIDs.
    """

    version: int
    messages: Sequence[Message] = ()
    expunged: Sequence[int] = ()  # UIDs, in any order


class Kept:
    """Octets of responses that many views share, so many in all; those least used go first."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._size = 0
        self._last = 0
        self._octets: OrderedDict[int, bytes] = OrderedDict()

    def put(self, octets: bytes) -> int:
        """Keep octets for a while; gives the key to them."""
        self._last += 1
        self._octets[self._last] = octets
        self._size += len(octets) + OVERHEAD
        while self._size > self._most:
            _, oldest = self._octets.popitem(last=False)
            self._size -= len(oldest) + OVERHEAD
        return self._last

    def get(self, key: int | None) -> bytes | None:
        """The octets, if they are still there."""
        octets = self._octets.get(key) if key is not None else None
        if octets is not None and key is not None:
            self._octets.move_to_end(key)
        return octets

    def forget(self, keys: Iterable[int]) -> None:
        """Nobody will ask for these any more."""
        for key in keys:
            octets = self._octets.pop(key, None)
            if octets is not None:
                self._size -= len(octets) + OVERHEAD


@dataclass(frozen=True, slots=True, eq=False)
class View:
    version: int
    uids: array[int]
    flags: list[bytes]
    modseqs: array[int]
    blocks: dict[tuple[bytes, int], bytes] = field(default_factory=dict, repr=False)
    #: The same of items that never change, so that a change of flags leaves them alone.
    lasting: dict[tuple[bytes, int], int] = field(default_factory=dict, repr=False)
    #: By number of a block of messages, the different `flags` in it, where somebody has asked.
    texts: dict[int, frozenset[bytes]] = field(default_factory=dict, repr=False)
    #: The same of the largest of its `modseqs`.
    newest: dict[int, int] = field(default_factory=dict, repr=False)
    #: By question, answers about all messages that hold while these are there (`search.answers`).
    answers: dict[object, int] = field(default_factory=dict, repr=False)
    kept: Kept = field(default_factory=Kept, repr=False)

    @classmethod
    def of(cls, version: int, messages: Iterable[Message] = (), kept: Kept | None = None) -> View:
        """The view of these messages, in ascending order of their UIDs."""
        uids, flags, modseqs = array("I"), list[bytes](), array("Q")
        intern: dict[bytes, bytes] = {}
        rows = messages if isinstance(messages, Sequence) else list(messages)
        if rows:
            some_uids, some_flags, some_modseqs = zip(*rows, strict=True)
            uids.extend(some_uids)
            flags += [intern.setdefault(each, each) for each in some_flags]
            modseqs.extend(some_modseqs)
        return cls(version, uids, flags, modseqs, kept=kept or Kept())

    def __len__(self) -> int:
        return len(self.uids)

    def index(self, uid: int) -> int | None:
        """The position of the message with this UID."""
        at = bisect_left(self.uids, uid)
        return at if at < len(self.uids) and self.uids[at] == uid else None

    def finder(self, count: int) -> Callable[[int], int | None]:
        """What does the same as `index`, for so many UIDs."""
        if count * 8 < len(self.uids):
            return self.index
        return dict(zip(self.uids, range(len(self.uids)), strict=True)).get

    def indexes(self, uids: Iterable[int]) -> list[int]:
        """The positions of those of these messages that are here, in ascending order."""
        positions: list[int] = []
        for first, last in runs(sorted(set(uids))):
            start = bisect_left(self.uids, first)
            positions += range(start, bisect_right(self.uids, last, start))
        return positions

    def resolve(self, ranges: Ranges, by_uid: bool) -> list[tuple[int, int]]:
        """The positions [from, to) that a command's sequence set names. Raises Bad."""
        return identified(ranges, self.uids) if by_uid else numbered(ranges, len(self.uids))

    def search(self, ranges: Ranges, by_uid: bool) -> list[tuple[int, int]]:
        """As `resolve`, for a key of SEARCH: what is not there is not found."""
        return identified(ranges, self.uids) if by_uid else clipped(ranges, len(self.uids))

    def _texts(self, block: int) -> frozenset[bytes]:
        texts = self.texts.get(block)
        if texts is None:
            start = block * BLOCK
            texts = self.texts[block] = frozenset(self.flags[start : start + BLOCK])
        return texts

    def flags_by_block(self) -> Iterator[tuple[list[bytes], frozenset[bytes]]]:
        """The flags of each block of messages, and the different ones among them."""
        for block, start in enumerate(range(0, len(self.flags), BLOCK)):
            yield self.flags[start : start + BLOCK], self._texts(block)

    def flags_in_use(self) -> set[bytes]:
        """All that a message bears; of what has not changed, nothing is looked at again."""
        found = set[bytes]().union(*map(self._texts, range(-(-len(self.flags) // BLOCK))))
        return {flag for text in found for flag in text.split()}

    def flags_between(self, first: int, last: int) -> set[bytes]:
        """The different `flags` of the messages from one UID to another."""
        start = bisect_left(self.uids, first)
        return set(self.flags[start : bisect_right(self.uids, last, start)])

    def first_without(self, flag: bytes) -> int:
        """The sequence number of the first message that does not bear it; 0 if all do."""
        for block in range(-(-len(self.flags) // BLOCK)):
            if any(flag not in text for text in self._texts(block)):
                start = block * BLOCK
                flags = self.flags[start : start + BLOCK]
                return next(at for at, text in enumerate(flags, start + 1) if flag not in text)
        return 0

    def _newest(self, block: int) -> int:
        newest = self.newest.get(block)
        if newest is None:
            start = block * BLOCK
            newest = self.newest[block] = max(self.modseqs[start : start + BLOCK])
        return newest

    def changed(self, since: int, start: int, stop: int) -> list[int]:
        """The positions from `start` to below `stop` where the mod-sequence is larger.

        Blocks without one are passed over.
        """
        found: list[int] = []
        for block in range(start // BLOCK, -(-stop // BLOCK)):
            if self._newest(block) > since:
                first, end = max(start, block * BLOCK), min(stop, (block + 1) * BLOCK)
                modseqs = self.modseqs[first:end]
                found += [at for at, modseq in enumerate(modseqs, first) if modseq > since]
        return found

    def keep(self, key: tuple[bytes, int], octets: bytes) -> None:
        """Keep the responses of a block, of items that never change; those that came last."""
        self.lasting.pop(key, None)
        while len(self.lasting) >= LASTING * (len(self.uids) // BLOCK + 1):
            del self.lasting[next(iter(self.lasting))]
        self.lasting[key] = self.kept.put(octets)

    def uid_ranges(self, positions: Ranges) -> list[tuple[int, int]]:
        """Ranges of UIDs, first and last, that name the messages at these positions [from, to)."""
        return [(self.uids[start], self.uids[stop - 1]) for start, stop in positions]

    def apply(self, changes: Changes) -> View:
        """The view after these changes. What they do not touch is copied in whole slices."""
        uids, flags, modseqs = self.uids, self.flags.copy(), self.modseqs[:]
        last = uids[-1] if uids else 0
        touched = set[int]()
        new = []
        find = self.finder(len(changes.messages))
        for message in changes.messages:
            uid, its_flags, modseq = message
            if uid > last:
                new.append(message)
            elif (at := find(uid)) is not None:  # it may have been expunged already
                flags[at], modseqs[at] = its_flags, modseq
                touched.add(at // BLOCK)
        same = (len(uids) + BLOCK - 1) // BLOCK  # the blocks in which all stays in its place
        if new:
            same = len(uids) // BLOCK
            uids = uids + array("I", [uid for uid, _, _ in new])
            flags += [its_flags for _, its_flags, _ in new]
            modseqs.extend([modseq for _, _, modseq in new])
        view = View(changes.version, uids, flags, modseqs, kept=self.kept)
        gone = view.indexes(changes.expunged)
        if gone:
            same = min(same, gone[0] // BLOCK)
            view = view.without(gone)
        self._hand_on(view, touched, same)
        for key, handle in list(self.lasting.items()):
            if key[1] < same:
                view.lasting[key] = handle
        if not new and not gone:
            view.answers.update(self.answers)
        return view

    def _hand_on(self, view: View, touched: Container[int], same: int) -> None:
        """What was made of blocks is so in the next view, but of those touched, or not below it."""
        for key, octets in list(self.blocks.items()):
            if key[1] < same and key[1] not in touched:
                view.blocks[key] = octets
        for block, texts in list(self.texts.items()):
            if block < same and block not in touched:
                view.texts[block] = texts
        for block, newest in list(self.newest.items()):
            if block < same and block not in touched:
                view.newest[block] = newest

    def leave_to(self, view: View | None = None) -> None:
        """`view` has come in place of this one, or none has: forget what was kept for it alone.

        A session that has been told no more than this one has its blocks made again.
        """
        for mine, its in (
            (self.lasting, view.lasting if view else {}),
            (self.answers, view.answers if view else {}),
        ):
            self.kept.forget([handle for key, handle in mine.items() if key not in its])

    def upto(self, count: int) -> View:
        """The view of the first messages alone."""
        if count >= len(self.uids):
            return self
        uids, flags, modseqs = self.uids[:count], self.flags[:count], self.modseqs[:count]
        return View(self.version, uids, flags, modseqs, kept=self.kept)

    def flagged(
        self, version: int, outcomes: Iterable[tuple[int, int, Mapping[bytes, bytes]]]
    ) -> tuple[View, Sequence[int]]:
        """The view after a change of flags, and the UIDs of what has changed, ascending.

        For ranges of UIDs, first and last, ascending, it is told what flags have become.
        """
        uids, flags, modseqs = self.uids, self.flags.copy(), self.modseqs[:]
        changed = array("I")
        touched = set[int]()
        for first, last, new in outcomes:
            start, stop = bisect_left(uids, first), bisect_right(uids, last)
            old = flags[start:stop]
            flags[start:stop] = map(new.get, old, old)
            if new.keys() >= set(old):
                modseqs[start:stop] = array("Q", [version]) * (stop - start)
                changed += uids[start:stop]
                touched.update(range(start // BLOCK, (stop - 1) // BLOCK + 1))
                continue
            for at in compress(range(start, stop), map(new.__contains__, old)):
                modseqs[at] = version
                changed.append(uids[at])
                touched.add(at // BLOCK)
        view = View(version, uids, flags, modseqs, kept=self.kept)
        view.lasting.update(self.lasting)
        view.answers.update(self.answers)
        self._hand_on(view, touched, len(uids))
        return view, changed

    def without(self, gone: Sequence[int]) -> View:
        """The view without the messages at these positions, in ascending order."""
        starts = chain((0,), (at + 1 for at in gone))
        stops = chain(gone, (len(self.uids),))
        uids, flags, modseqs = array("I"), list[bytes](), array("Q")
        for start, stop in zip(starts, stops, strict=True):
            if start < stop:
                uids += self.uids[start:stop]
                flags += self.flags[start:stop]
                modseqs += self.modseqs[start:stop]
        return View(self.version, uids, flags, modseqs, kept=self.kept)

    def since(self, told: View) -> tuple[list[int], list[int]]:
        """The UIDs that are in `told` and not here, and those changed since; by comparison."""
        kept = self.uids[: len(told.uids)]
        gone = [] if kept == told.uids else sorted(set(told.uids).difference(self.uids))
        return gone, [self.uids[at] for at in self.changed(told.version, 0, len(self))]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants to be told of the selected mailbox (RFC 5465 §6.1)."""

    messages: bool = True  # new ones, and expunged ones
    flags: bool = True
    items: tuple[Item, ...] = ()  # of new messages, in a FETCH response
    at_once: bool = False  # that messages are expunged, while no command is in progress


EVERYTHING = Wanted()  # before NOTIFY
NOTHING_WANTED = Wanted(messages=False, flags=False)


@dataclass(slots=True)
class Selected:
    """The mailbox that a session has selected, as far as its client has been told of it."""

    mailbox: str
    uid_validity: int
    read_only: bool
    view: View
    #: Ranges of UIDs, first and last, that are \\Recent in this session (§2.3.2)
    recent: list[tuple[int, int]] = field(default_factory=list)
    #: UIDs that are expunged, in the view nevertheless: the client may not be told yet (§7.4.1)
    ghosts: set[int] = field(default_factory=set)
    #: The view without them
    latest: View | None = None
    #: Notices were taken, but the agent could not be asked what they are about
    stale: bool = False
    #: What the client has enabled (RFC 5161); the session's own set
    enabled: set[str] = field(default_factory=set)
    #: Of all changes up to this mod-sequence the client has been told
    complete: int = 0
    #: Ranges of UIDs, first and last, that a SEARCH has saved as "$" (RFC 5182)
    saved: Ranges = ()
    #: What NOTIFY says is to be told (RFC 5465)
    wanted: Wanted = EVERYTHING
    #: Changes of flags after this mod-sequence were kept from the client, since it wants none
    unflagged: int | None = None
    #: UIDs of new messages whose items are still to be told
    arrived: Sequence[int] = ()
    #: UIDs that the client has made itself, and was not told of yet
    made: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.complete = self.view.version

    @property
    def by_uid_only(self) -> bool:
        """No number of a message is told any more (RFC 9586)."""
        return "UIDONLY" in self.enabled

    @property
    def is_told_all(self) -> bool:
        """Nothing that is in the view is kept back from the client."""
        return self.complete == self.view.version and not self.stale and self.unflagged is None

    def resolve(self, ranges: Ranges, by_uid: bool) -> list[tuple[int, int]]:
        """The positions [from, to) that a command's sequence set names. Raises Bad."""
        if ranges is SAVED:
            return self.view.resolve(self.saved, by_uid=True)
        return self.view.resolve(ranges, by_uid)

    def search(self, ranges: Ranges, by_uid: bool) -> list[tuple[int, int]]:
        """As `resolve`, for a key of SEARCH: what is not there is not found."""
        if ranges is SAVED:
            return self.view.search(self.saved, by_uid=True)
        return self.view.search(ranges, by_uid)

    def claim(self, recent: Ranges) -> None:
        """These UIDs, too, are \\Recent; what follows the last range makes it longer."""
        for first, last in recent:
            if self.recent and self.recent[-1][1] + 1 == first:
                self.recent[-1] = (self.recent[-1][0], last)
            else:
                self.recent.append((first, last))

    def makes(self, uid_validity: int, uids: Iterable[int]) -> None:
        """The client has made messages, perhaps in this mailbox (RFC 5465 §5.2)."""
        if self.wanted.items and uid_validity == self.uid_validity:
            self.made = self.made.union(uids)

    def recent_positions(self) -> list[tuple[int, int]]:
        """The positions [from, to) of what is \\Recent."""
        uids = self.view.uids
        found = [
            (bisect_left(uids, first), bisect_right(uids, last)) for first, last in self.recent
        ]
        return merged([(start, stop) for start, stop in found if start < stop])

    def recent_count(self) -> int:
        if not self.recent:
            return 0
        return sum(stop - start for start, stop in self.recent_positions())

    def haunted(self, positions: Ranges) -> bool:
        """A ghost is at one of these positions [from, to)."""
        return bool(self.ghosts) and self.alive(positions) != list(positions)

    def alive(self, positions: Ranges) -> list[tuple[int, int]]:
        """The positions without those of ghosts."""
        if not self.ghosts:
            return list(positions)
        ghosts = self.view.indexes(self.ghosts)
        found = []
        for start, stop in positions:
            for ghost in ghosts[bisect_left(ghosts, start) : bisect_left(ghosts, stop)]:
                if start < ghost:
                    found.append((start, ghost))
                start = ghost + 1
            if start < stop:
                found.append((start, stop))
        return found


def writable(selected: Selected | None) -> Selected:
    """The mailbox, for a command that changes it; No after EXAMINE (RFC 3501 §6.3.2)."""
    assert selected is not None
    if selected.read_only:
        raise No("the mailbox was opened for reading only", "READ-ONLY")
    return selected
