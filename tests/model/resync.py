"""Somebody comes back after a while, and is told what has changed, and no more (RFC 7162)."""

from __future__ import annotations

import re

from .client import Client, expanded
from .mailbox_steps import codes
from .mailboxes import Flags, Mailbox, flags, stored
from .walk import Kept, Walk, quoted
from .wire import Line

_FETCH = re.compile(r"\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\) MODSEQ \((\d+)\)\)")


def resync(walk: Walk) -> None:
    """What is kept of a mailbox, with what QRESYNC tells, is the mailbox."""
    mailbox = walk.mailbox()
    kept = walk.kept.get(mailbox)
    client = walk.join()
    try:
        assert walk.ask(client, "ENABLE QRESYNC").ok
        answer = walk.ask(client, f"EXAMINE {quoted(mailbox.name)}{_parameter(walk, kept)}")
        assert answer.ok, answer.text
        told = codes(answer.lines)
        validity, modseq = int(told["UIDVALIDITY"]), int(told["HIGHESTMODSEQ"])
        if kept is None or kept.uid_validity != validity:
            kept = Kept(validity, modseq, {})
            _apply([line for line in answer.lines if "FETCH" in line.text], {}, mailbox)
        assert modseq >= kept.modseq, f"HIGHESTMODSEQ {modseq} after {kept.modseq}"
        found = dict(kept.flags)
        _apply(answer.lines, found, mailbox)
        last = max(kept.flags, default=0)
        answer = walk.ask(client, f"UID FETCH {last + 1}:* (FLAGS MODSEQ)")
        _apply(answer.lines, found, mailbox)
    finally:
        client.wire.close()
    right = {message.uid: message.flags for message in mailbox.alive}
    assert found == right, f"{mailbox.name}: {found}, not {right}"
    assert modseq > kept.modseq or found == kept.flags or not kept.flags, "the same mod-sequence"
    walk.kept[mailbox] = Kept(validity, modseq, found)


def _parameter(walk: Walk, kept: Kept | None) -> str:
    if kept is None:
        return ""
    words = [str(kept.uid_validity), str(kept.modseq)]
    uids = sorted(kept.flags)
    if uids and walk.chance.random() < 0.6:
        words.append(f"1:{uids[-1]}")
    if uids and walk.chance.random() < 0.4:
        words.append(f"(1:{len(uids)} {','.join(map(str, uids))})")
    return f" (QRESYNC ({' '.join(words)}))"


def _apply(lines: list[Line], found: dict[int, Flags], mailbox: Mailbox) -> None:
    for line in lines:
        if line.text.startswith("* VANISHED (EARLIER) "):
            for uid in expanded(line.text.rpartition(" ")[2]):
                assert uid not in mailbox.messages or not mailbox.messages[uid].alive, uid
                found.pop(uid, None)
        elif told := _FETCH.fullmatch(line.text):
            found[int(told[1])] = flags(told[2].split()) - {"\\recent"}


def store_unchanged(walk: Walk) -> None:
    """STORE UNCHANGEDSINCE: not where somebody has changed the message meanwhile (§3.1.3)."""
    client = walk.with_messages(writable=True)
    if client is None:
        return
    walk.synchronise(client)
    if not client.known:
        return
    message = walk.chance.choice(client.known).message
    assert message is not None
    client.take(walk.ask(client, f"UID FETCH {message.uid} (MODSEQ)"))
    modseq = next(each.modseq for each in client.known if each.message is message)
    assert modseq
    before = message.flags
    other = _other(walk, client)
    if other is not None and walk.chance.random() < 0.5:
        mode, flag = walk.chance.choice(("+", "-")), walk.chance.choice(("\\Answered", "\\Flagged"))
        stored_by = walk.ask(other, f"UID STORE {message.uid} {mode}FLAGS ({flag})")
        message.flags = stored(message.flags, mode, flags([flag]))
        other.take(stored_by)
        walk.look(other)
    silent = walk.chance.choice(("", ".SILENT"))
    command = f"UID STORE {message.uid} (UNCHANGEDSINCE {modseq}) +FLAGS{silent} (\\Flagged)"
    answer = walk.ask(client, command)
    assert answer.ok, answer.text
    modified = answer.code("MODIFIED")
    clash = ("\\flagged" in message.flags) != (
        "\\flagged" in before
    )  # other flags do not (§3.1.12)
    assert modified == ([str(message.uid)] if clash else None), answer.text
    if modified is None:
        message.flags = stored(message.flags, "+", flags(["\\Flagged"]))
        if silent:
            client.silently([message], "+FLAGS", flags(["\\Flagged"]))
    client.take(answer)
    assert "MODSEQ" in client.fetched[message.uid], "its mod-sequence was not told"
    walk.look(client)


def _other(walk: Walk, client: Client) -> Client | None:
    """Somebody else who may write in the same mailbox, and knows all of it."""
    other = walk.client(
        lambda each: each is not client and each.mailbox is client.mailbox and not each.read_only
    )
    if other is not None:
        walk.synchronise(other)
    return other
