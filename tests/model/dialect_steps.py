"""Sessions that speak otherwise than most: what they are told of a mailbox is the same."""

from __future__ import annotations

import re
from collections.abc import Callable

from .client import Client, extended
from .mailboxes import Flags, Mailbox, flags
from .walk import Walk, quoted
from .wire import Answer

_FETCH = re.compile(r"\* (\d+) (UID)?FETCH \((?:UID (\d+) )?FLAGS \(([^)]*)\)\)")


def speak_otherwise(walk: Walk) -> None:
    """All flags, a search and the names of all mailboxes, as one of these sessions is told."""
    client = walk.join()
    try:
        begin = walk.chance.choice(DIALECTS)
        begin(walk, client)
        wide = begin in WIDE
        mailbox = walk.mailbox()
        _look(walk, client, mailbox, wide)
        answer = walk.ask(client, 'LIST "" "*"')
        names = {_name(line.values(2)[2]) for line in answer.lines}
        assert names == {_written(name, wide) for name in walk.account.listed()}, names
    finally:
        client.wire.close()


def _look(walk: Walk, client: Client, mailbox: Mailbox, wide: bool) -> None:
    answer = walk.ask(client, f"EXAMINE {quoted(_written(mailbox.name, wide))}")
    assert answer.ok, answer.text
    answer = walk.ask(client, "UID FETCH 1:* (UID FLAGS)")
    assert answer.ok, answer.text
    right = {message.uid: message.flags for message in mailbox.alive}
    found = _flags(answer)
    assert found == right, f"{mailbox.name}: {found}, not {right}"
    answer = walk.ask(client, "UID SEARCH UNSEEN")
    assert answer.ok, answer.text
    unseen = [uid for uid, its in right.items() if "\\seen" not in its]
    assert _found(answer) == unseen, f"{mailbox.name}: {answer.lines}, not {unseen}"


def _flags(answer: Answer) -> dict[int, Flags]:
    found = {}
    for line in answer.lines:
        told = _FETCH.fullmatch(line.text)
        assert told, line.text
        uid = int(told[1] if told[2] else told[3])
        assert told[3] in (None, str(uid)), line.text
        found[uid] = flags(told[4].split()) - {"\\recent"}
    return found


def _found(answer: Answer) -> list[int]:
    (line,) = [each.text for each in answer.lines if "SEARCH" in each.text]
    if line.startswith("* ESEARCH"):
        return extended(line)
    return [int(word) for word in line.split()[2:]]


def _written(name: str, wide: bool) -> str:
    """The one name that is not of ASCII alone is told in UTF-8 to who has enabled that."""
    return name.replace("&APw-", "ü") if wide else name


def _name(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


# How each begins


def _enable(what: str) -> Callable[[Walk, Client], None]:
    def begin(walk: Walk, client: Client) -> None:
        answer = walk.ask(client, f"ENABLE {what}")
        assert [line.text for line in answer.lines] == [f"* ENABLED {what}"], answer.lines

    return begin


def _compress(walk: Walk, client: Client) -> None:
    """RFC 4978"""
    assert walk.ask(client, "COMPRESS DEFLATE").ok
    client.wire.deflate()


def _unauthenticate(walk: Walk, client: Client) -> None:
    """RFC 8437: nothing is left of what was before."""
    assert walk.ask(client, "ENABLE IMAP4rev2 UIDONLY").ok
    assert walk.ask(client, "EXAMINE INBOX").ok
    assert walk.ask(client, "UNAUTHENTICATE").ok
    assert walk.ask(client, "EXAMINE INBOX").status == "BAD"
    assert walk.ask(client, f'LOGIN {walk.user.address} "{walk.user.password}"').ok


_utf8, _rev2, _uid_only = _enable("UTF8=ACCEPT"), _enable("IMAP4rev2"), _enable("UIDONLY")
DIALECTS = (_utf8, _rev2, _uid_only, _compress, _unauthenticate)
WIDE = (_utf8, _rev2)
