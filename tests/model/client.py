"""A client, and what it was told of the mailbox that it has selected.

Every untagged line is applied as a client would, and is checked: against what was told before
(numbers never lie) and against the model (what is told was true at some time since).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from .mailboxes import Account, Flags, Mailbox, Message, flags
from .threads import Tree, names, threads
from .wire import Answer, Line, Value, Wire

#: No EXPUNGE while one of these is in progress (RFC 3501 §7.4.1).
STILL = ("FETCH", "STORE", "SEARCH", "SORT", "THREAD")


@dataclass(slots=True, eq=False)
class Known:
    """A message as the client knows it."""

    message: Message | None = None  # which one it is; None until its UID was told
    flags: Flags | None = None  # as told, or as they must be after a silent STORE
    since: int = 0  # where in the message's history these flags were
    modseq: int = 0  # the last that was told


class Client:
    """One connection, logged in."""

    def __init__(self, name: str, wire: Wire, account: Account) -> None:
        self.name = name
        self.wire = wire
        self.account = account
        self.mailbox: Mailbox | None = None
        self.read_only = False
        self.known: list[Known] = []  # by sequence number
        self.fresh: list[Known] = []  # told of by EXISTS, and not looked at yet
        self.recent: set[int] = set()  # UIDs told with \Recent
        self.recent_told = 0
        self.fetched: dict[int, set[str]] = {}  # UIDs and items, in the last answer
        self.found: list[int] | None = None  # by the last SEARCH
        self.threads: list[Tree] = []  # by the last THREAD
        self.qresync = False  # it has enabled QRESYNC: VANISHED stands in the place of EXPUNGE
        self.at_once = False  # commands run beside each other: in which order is not known
        self.searched: list[Known] = []  # what was known when it was answered

    # What is known

    @property
    def selected(self) -> Mailbox:
        assert self.mailbox is not None
        return self.mailbox

    @property
    def uids(self) -> list[int]:
        return [each.message.uid for each in self.known if each.message is not None]

    def messages(self, numbers: set[int]) -> list[Message]:
        """Those with these sequence numbers."""
        found = [self.known[number - 1].message for number in sorted(numbers)]
        return [message for message in found if message is not None]

    def select(self, mailbox: Mailbox | None, read_only: bool = False) -> None:
        """Nothing is known yet of a mailbox that is selected anew."""
        self.mailbox = mailbox
        self.read_only = read_only
        self.known = []
        self.fresh = []
        self.recent = set()
        self.recent_told = 0

    # What is told

    def take(self, answer: Answer, lengths: dict[str, int] | None = None) -> None:
        """Apply all lines of an answer."""
        self.fetched = {}
        for line in answer.lines:
            self.take_line(line, answer.command, lengths or {})

    def take_line(self, line: Line, command: str, lengths: dict[str, int]) -> None:
        try:
            words = line.text.split(" ", 3)
            if words[1].isdigit() and words[2] in ("EXISTS", "RECENT", "EXPUNGE", "FETCH"):
                assert self.mailbox is not None, "nothing is selected"
                self._message_data(int(words[1]), words[2], line, command, lengths)
            elif words[1] == "VANISHED":
                assert self.qresync, "it has not enabled QRESYNC"
                assert command not in STILL, "not while numbers are in use"
                for uid in reversed(expanded(words[2])):
                    self._vanished(uid)
            elif words[1] == "ESEARCH":
                self.searched = [*self.known]
                self.found = extended(line.text)
            elif words[1] == "THREAD":
                assert command.endswith("THREAD"), "nothing was searched for"
                self.searched = [*self.known]
                self.threads = threads(line.values(2)) if words[2:] else []
                self.found = names(self.threads)
            elif words[1] in ("SEARCH", "SORT"):
                assert command.endswith(words[1]), "nothing was searched for"
                assert self.found is None, "a second time"
                self.searched = [*self.known]
                self.found = [int(word) for word in line.text.split()[2:]]
            else:
                assert words[1] in ("OK", "FLAGS", "LIST", "LSUB", "STATUS"), "unexpected"
        except AssertionError as error:
            raise AssertionError(f"{self.name}, {command}, {line.text[:200]!r}: {error}") from error

    def _message_data(
        self, number: int, what: str, line: Line, command: str, lengths: dict[str, int]
    ) -> None:
        match what:
            case "EXISTS":
                assert number >= len(self.known), f"{len(self.known)} messages were known"
                fresh = [Known() for _ in range(number - len(self.known))]
                self.known += fresh
                self.fresh += fresh
            case "RECENT":
                assert number <= len(self.known), f"of {len(self.known)} messages"
                self.recent_told = number
            case "EXPUNGE":
                assert command not in STILL, "not while numbers are in use"
                assert not self.qresync, "it has enabled QRESYNC"
                self._expunged(number)
            case "FETCH":
                assert 1 <= number <= len(self.known), f"of {len(self.known)} messages"
                (values,) = line.values(3)
                assert isinstance(values, list)
                self._fetched(number, values, lengths)

    def _expunged(self, number: int) -> None:
        assert 1 <= number <= len(self.known), f"of {len(self.known)} messages"
        gone = self.known.pop(number - 1).message
        if gone is None:
            return
        assert not gone.alive, f"UID {gone.uid} is there"
        self.recent.discard(gone.uid)

    def _vanished(self, uid: int) -> None:
        """One that is known, or one of those whose UIDs were not told yet: they are the last."""
        numbers = [at for at, each in enumerate(self.known, 1) if each.message is None]
        uids = {each.message.uid: at for at, each in enumerate(self.known, 1) if each.message}
        assert uid in uids or numbers, f"UID {uid} was not known"
        message = self.selected.messages.get(uid)
        assert message is not None, f"UID {uid} was never given"
        assert not message.alive, f"UID {uid} is there"
        self._expunged(uids[uid] if uid in uids else numbers[-1])

    def _fetched(self, number: int, values: list[Value], lengths: dict[str, int]) -> None:
        items = dict(zip(cast("list[str]", values[::2]), values[1::2], strict=True))
        known = self.known[number - 1]
        if "UID" in items:
            self._identify(number, int(cast("str", items["UID"])))
        message = known.message
        assert message is not None, "whose UID was never told"
        self.fetched.setdefault(message.uid, set()).update(items)
        for item, value in items.items():
            if item == "FLAGS":
                self._flagged(known, message, flags(cast("list[str]", value)))
            elif item == "MODSEQ":
                modseq = int(cast("list[str]", value)[0])
                assert modseq >= known.modseq, f"MODSEQ {modseq} after {known.modseq}"
                known.modseq = modseq
            elif item != "UID":
                check_item(message, item, value, lengths)

    def _identify(self, number: int, uid: int) -> None:
        known = self.known[number - 1]
        if known.message is not None:
            assert known.message.uid == uid, f"UID {uid}, which was {known.message.uid}"
            return
        message = self.selected.messages.get(uid)
        assert message is not None, f"UID {uid} was never given"
        before = [each.message for each in self.known[: number - 1] if each.message]
        after = [each.message for each in self.known[number:] if each.message]
        assert not before or before[-1].uid < uid, "UIDs do not ascend"
        assert not after or uid < after[0].uid, "UIDs do not ascend"
        known.message = message

    def _flagged(self, known: Known, message: Message, told: Flags) -> None:
        if "\\recent" in told:
            self.recent.add(message.uid)
            told -= {"\\recent"}
        elif message.uid in self.recent:
            raise AssertionError("\\Recent was told and is gone")
        states = message.history
        for at in range(known.since, len(states)):
            if states[at] == told:
                known.flags = told
                if not self.at_once:
                    known.since = at
                return
        raise AssertionError(
            f"UID {message.uid} has {sorted(states[-1])}, had {list(map(sorted, states[-4:]))}"
        )

    def silently(self, messages: list[Message], mode: str, given: Flags) -> None:
        """What a client takes the flags to be after a STORE that says nothing."""
        named = {message.uid for message in messages}
        for known in self.known:
            message = known.message
            if message is None or message.uid not in named:
                continue
            if not mode.startswith(("+", "-")):
                known.flags = given
            elif known.flags is not None:
                known.flags = known.flags | given if mode[0] == "+" else known.flags - given

    # What must be true

    def check_up_to_date(self) -> None:
        """After NOOP: what the client knows is what the mailbox holds."""
        alive = self.selected.alive
        assert len(self.known) == len(alive), (
            f"{self.name} knows {len(self.known)} messages of {len(alive)} in {self.selected.name}"
        )
        for known, message in zip(self.known, alive, strict=True):
            if known.message is not None:
                assert known.message is message, (
                    f"{self.name} takes UID {message.uid} for {known.message.uid}"
                )
            assert known.flags in (None, message.flags), (
                f"{self.name} was not told of UID {message.uid}: {sorted(message.flags)}, "
                f"it knows {sorted(known.flags or ())}"
            )
            known.since = len(message.history) - 1

    def news_is_complete(self, identified: bool = False) -> bool:
        """The same as a question, while it is still coming; which messages are new, too."""
        alive = self.selected.alive
        nobody = () if identified else (None,)
        return len(self.known) == len(alive) and all(
            known.message in (*nobody, message) and known.flags in (*nobody, message.flags)
            for known, message in zip(self.known, alive, strict=True)
        )


def expanded(text: str) -> list[int]:
    """The numbers of a set."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


def extended(text: str) -> list[int]:
    """What an ESEARCH response says was found; its data must agree (RFC 4731 §3.1)."""
    words = text.partition(") ")[2].split()
    data = dict(zip(words[::2], words[1::2], strict=True)) if words[:1] != ["UID"] else {}
    if not data:
        data = dict(zip(words[1::2], words[2::2], strict=True))
    found = expanded(data["ALL"]) if "ALL" in data else []
    assert int(data.get("COUNT", len(found))) == len(found), "COUNT"
    assert int(data.get("MIN", min(found, default=0))) == min(found, default=0), "MIN"
    assert int(data.get("MAX", max(found, default=0))) == max(found, default=0), "MAX"
    return found


def check_item(message: Message, item: str, value: Value, lengths: dict[str, int]) -> None:
    """A data item of FETCH (RFC 3501 §7.4.2)."""
    letter = message.letter
    match item:
        case "INTERNALDATE":
            moment = datetime.strptime(cast("bytes", value).decode(), "%d-%b-%Y %H:%M:%S %z")
            if message.date is None:
                message.date = int(moment.timestamp())
            assert message.date == int(moment.timestamp()), f"not {message.date}"
        case "RFC822.SIZE":
            message.same(item, int(cast("str", value)))
            assert letter is None or int(cast("str", value)) == len(letter.octets), "the size"
        case "ENVELOPE":
            message.same(item, value)
            assert letter is None or cast("list[Value]", value)[1] == letter.subject.encode()
        case "BODY" | "BODYSTRUCTURE" | "EMAILID" | "THREADID" | "PREVIEW":
            assert value is not None, "nothing"
            message.same(item, value)
        case "SAVEDATE":  # of one that was expunged meanwhile it is forgotten
            assert value is not None or not message.alive, "nothing"
            if value is not None:
                message.same(item, value)
        case "BINARY[1]":  # of parts that are not encoded
            _check_section(message, "1", "", value, {})
        case "BINARY.SIZE[1]":
            part = letter.section("1") if letter else None
            assert part is None or int(cast("str", value)) == len(part), "the size"
        case "RFC822" | "RFC822.HEADER" | "RFC822.TEXT":
            _check_section(message, item.removeprefix("RFC822").removeprefix("."), "", value, {})
        case _:
            assert item.startswith("BODY["), f"{item} was not asked for"
            section, _, partial = item.removeprefix("BODY[").partition("]")
            _check_section(message, section, partial, value, lengths)


def _check_section(
    message: Message, section: str, partial: str, value: Value, lengths: dict[str, int]
) -> None:
    assert value is None or isinstance(value, bytes)
    if message.letter is None:  # delivered: with fields that only the server knows
        if not partial:
            message.same(f"BODY[{section}]", value)
        return
    expected = message.letter.section(section)
    if partial and expected is not None:
        offset = int(partial.strip("<>"))
        expected = expected[offset : offset + lengths[section]]
    assert value == expected, f"BODY[{section}]{partial} of UID {message.uid}: not {expected!r}"
