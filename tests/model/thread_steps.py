"""THREAD, held to the model of its algorithms (RFC 5256 §3)."""

from __future__ import annotations

import re
from email.message import Message as HeaderMessage
from email.utils import mktime_tz, parsedate_tz
from typing import cast

from . import keys
from .client import Client
from .mailboxes import Message
from .steps import check_found
from .threads import Post, Tree, ordered_subject, references
from .walk import Walk


def right_threads(name: str, posts: list[Post]) -> list[list[Tree]]:
    """What may be answered.

    Where messages refer to each other in a circle, a link that step 1.A makes and step 1.B breaks
    again can be in the way of one that would last; the server makes only those that last.
    """
    if name == "ORDEREDSUBJECT":
        return [ordered_subject(posts)]
    trees, looped = references(posts)
    return [references(posts, lasting=True)[0], trees] if looped else [trees]


def thread(walk: Walk) -> None:
    """What SEARCH would find, and what hangs together of it; often of all, soon after EXPUNGE."""
    client = walk.client(lambda each: each.mailbox is not None and each.mailbox.exists)
    if client is None:
        return
    key = keys.some(walk.chance, len(client.known), client.uids)
    if walk.chance.random() < 0.6:
        key = keys.Key("ALL", lambda _: True)
    uid = walk.chance.choice(("", "UID "))
    name = walk.chance.choice(("REFERENCES", "REFERENCES", "ORDEREDSUBJECT"))
    if walk.chance.random() < 0.2 and not client.read_only:
        answer = walk.ask(client, "EXPUNGE")
        assert answer.ok, answer.text
        client.selected.expunge()
        client.take(answer)
        walk.look(client)
    since = {known: known.since for known in client.known}
    client.found = None
    answer = walk.ask(client, f"{uid}THREAD {name} UTF-8 {key.text}")
    assert answer.ok, answer.text
    client.take(answer)
    told = client.threads
    walk.look(client)
    check_found(client, uid, key, since)
    posts = _posts(walk, client, uid)
    if posts is not None:
        may_be = right_threads(name, posts)
        right = may_be[0]
        assert told in may_be, (
            f"{uid}THREAD {name} {key.text}: {[each for each in told if each not in right]},"
            f" not {[each for each in right if each not in told]}, of {posts}"
        )


def _posts(walk: Walk, client: Client, uid: str) -> list[Post] | None:
    """The messages that were found; None when it cannot be known any more what one of them was."""
    posts = []
    found = set(client.found or ())
    for number, known in enumerate(client.searched, 1):
        message = known.message
        if message is None:
            if not uid and number not in found:
                continue
            return None
        name = message.uid if uid else number
        if name not in found:
            continue
        post = _post(walk, client, message, number, name)
        if post is None:
            return None
        posts.append(post)
    return posts if len(posts) == len(found) else None


def _post(walk: Walk, client: Client, message: Message, number: int, name: int) -> Post | None:
    letter = message.letter
    if letter is not None:
        return Post(
            number, name, letter.sent.timestamp(), letter.base, letter.is_reply,
            letter.message_id, letter.references,
        )  # fmt: skip
    if "THREAD" not in message.learnt:
        if not message.alive:
            return None
        message.same("THREAD", _learnt(walk.header(client.selected, message.uid)))
    sent, base, message_id = cast("tuple[float, str, str]", message.learnt["THREAD"])
    return Post(number, name, sent, base, False, message_id, ())


def _learnt(header: HeaderMessage) -> tuple[float, str, str]:
    """Of a letter that was delivered, with fields that only the server knows."""
    date = parsedate_tz(header["Date"])
    assert date is not None, header.items()
    message_id = re.fullmatch(r"<([^<>]*)>", header["Message-ID"])
    assert message_id is not None, header.items()
    return float(mktime_tz(date)), header["Subject"].upper(), message_id[1]
