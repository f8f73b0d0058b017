"""Threads, against RFC 5256 §3 step by step on objects; attack 17."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.protocols.imap.sorting.threads import (
    Forest,
    ordered_subject,
    references,
    written,
)

COUNT = 100_000


@dataclass(eq=False)
class Node:
    """A message; a dummy without a number."""

    number: int | None = None
    sent: int = 0
    subject: str = ""
    reply: bool = False
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)

    def key(self) -> tuple[int, int]:
        if self.number is None:
            return min(child.key() for child in self.children)
        return self.sent, self.number

    def first(self) -> Node:
        return self if self.number is not None else min(self.children, key=Node.key)


Case = tuple[str, list[str], str, bool, int]  # id, references, subject, reply, sent


def model(case: list[Case], early: bool = True) -> str:
    """REFERENCES as the RFC tells it; `early`: links to messages that are still to be looked at."""
    nodes: dict[str, Node] = {}
    messages = []
    for number, (name, _, subject, reply, sent) in enumerate(case, 1):
        messages.append(Node(number, sent, subject, reply))
        nodes.setdefault(name, messages[-1])
    dummies = []

    def link(parent: Node, child: Node) -> None:
        above: Node | None = parent
        while above is not None and above is not child:
            above = above.parent
        if above is None and child.parent is None:
            child.parent = parent

    for message, (_, refs, *_) in zip(messages, case, strict=True):
        chain = []
        for name in refs:
            if name not in nodes:
                nodes[name] = Node()
                dummies.append(nodes[name])
            chain.append(nodes[name])
        for parent, child in pairwise(chain):
            if early or child in dummies or messages.index(child) < messages.index(message):
                link(parent, child)
        message.parent = None
        if chain:
            link(chain[-1], message)
    root = Node()
    for node in (*messages, *dummies):
        (node.parent or root).children.append(node)
    prune(root, root)
    join(root)
    return "".join(map(shown, sorted(root.children, key=Node.key)))


def prune(node: Node, root: Node) -> None:
    for child in node.children:
        prune(child, root)
    kept: list[Node] = []
    for child in node.children:
        if child.number is not None or (node is root and len(child.children) > 1):
            kept.append(child)
        else:
            kept += child.children
    node.children = kept


def join(root: Node) -> None:
    table: dict[str, Node] = {}
    roots = sorted(root.children, key=Node.key)
    for node in roots:
        subject = node.first().subject
        there = table.setdefault(subject, node)
        if there.number is not None and (node.number is None or (there.reply and not node.reply)):
            table[subject] = node
    for node in roots:
        subject = node.first().subject
        there = table[subject]
        if not subject or there is node or node not in root.children:
            continue
        root.children.remove(node)
        if node.number is None and there.number is None:
            there.children += node.children
        elif there.number is None or (node.reply and not there.reply):
            there.children.append(node)
        else:
            root.children.remove(there)
            table[subject] = Node(children=[there, node])
            root.children.append(table[subject])


def shown(node: Node) -> str:
    return f"({inside(node)})"


def inside(node: Node) -> str:
    children = sorted(node.children, key=Node.key)
    own = "" if node.number is None else str(node.number)
    if len(children) == 1:
        return own + (" " if own else "") + inside(children[0])
    return own + (" " if own and children else "") + "".join(map(shown, children))


# References go from lower names to higher ones, so that there are no loops.
names = st.integers(0, 12)
cases = st.lists(
    st.tuples(
        names,
        st.lists(names, max_size=4, unique=True),
        st.sampled_from(["", "A", "B"]),
        st.booleans(),
        st.integers(0, 3),
    ),
    max_size=10,
)


def threads_of(case: list[Case]) -> str:
    columns = zip(*case, strict=True) if case else [()] * 5
    ids, refs, subjects, replies, sent = map(list, columns)
    forest = references(ids, [" ".join(each) for each in refs], subjects, replies, sent)
    return written(forest, range(1, len(case) + 1))


@settings(deadline=None, max_examples=400)
@given(cases)
def test_references(some: list[tuple[int, list[int], str, bool, int]]) -> None:
    case = [
        (f"{name}@", [f"{each}@" for each in sorted(refs) if each < name], subject, reply, sent)
        for name, refs, subject, reply, sent in some
    ]
    assert threads_of(case) == model(case)


@settings(deadline=None, max_examples=400)
@given(cases, st.data())
def test_references_in_circles(
    some: list[tuple[int, list[int], str, bool, int]], data: st.DataObject
) -> None:
    """And those of a parent, with the parent, time and again."""
    case: list[Case] = []
    for name, refs, subject, reply, sent in some:
        names = [f"{each}@" for each in refs]
        copies = data.draw(st.booleans())
        if copies and case:
            parent = data.draw(st.sampled_from(case))
            names = [*parent[1], parent[0]][: data.draw(st.integers(0, 20))]
        case.append((f"{name}@", names, subject, reply, sent))
    assert threads_of(case) == model(case, early=False)


@settings(deadline=None, max_examples=400)
@given(cases)
def test_all_messages_are_in_threads_once(
    some: list[tuple[int, list[int], str, bool, int]],
) -> None:
    """Whatever they refer to: themselves, each other, in circles."""
    case = [(f"{n}@", [f"{each}@" for each in refs], *rest) for n, refs, *rest in some]
    found = threads_of(case)  # type: ignore[arg-type]
    assert sorted(map(int, re.findall(r"\d+", found))) == list(range(1, len(case) + 1))
    depth = 0
    for mark in re.findall(r"[()]", found):
        depth += 1 if mark == "(" else -1
        assert depth >= 0
    assert depth == 0


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 3)), max_size=12))
def test_ordered_subject(some: list[tuple[str, int]]) -> None:
    subjects, sent = [each[0] for each in some], [each[1] for each in some]
    groups = [
        sorted((sent[at], at + 1) for at in range(len(some)) if subjects[at] == subject)
        for subject in set(subjects)
    ]
    wanted = ""
    for group in sorted(groups):
        first, *rest = [str(number) for _, number in group]
        below = rest[0] if len(rest) == 1 else "".join(f"({each})" for each in rest)
        wanted += f"({first} {below})" if rest else f"({first})"
    assert written(ordered_subject(subjects, sent), range(1, len(some) + 1)) == wanted


def chain(at: int) -> tuple[str, str]:
    return f"{at}@x", f"{at - 1}@x" if at else ""


def backwards(at: int) -> tuple[str, str]:
    return f"{at}@x", f"{at + 1}@x"


def circle(at: int) -> tuple[str, str]:
    return f"{at}@x", f"{(at + 1) % COUNT}@x {at}@x {(at * 7) % COUNT}@x"


def back_to_the_top(at: int) -> tuple[str, str]:
    if at < COUNT // 2:
        return chain(at)
    return f"{at}@x", f"{COUNT // 2 - 1}@x 0@x"


def dummies_with_children(at: int) -> tuple[str, str]:
    return f"{at}@x", f"{at % 999}@d {at % 999 + 1}@d {at % 999 + 2}@d"


def never_there(at: int) -> tuple[str, str]:
    return "", f"{at}@d {at + 1}@d"


def alone(at: int) -> tuple[str, str]:
    return f"{at}@x", ""


def with_siblings(at: int) -> tuple[str, str]:
    return f"{at}@x", f"{at // 2}@d"


@pytest.mark.parametrize(
    ("make", "subjects"),
    [
        (chain, "a"),
        (backwards, "a"),
        (circle, "a"),
        (back_to_the_top, "a"),
        (dummies_with_children, "a"),
        (never_there, ""),
        (alone, "a"),
        (alone, "ab"),
        (with_siblings, "a"),
    ],
)
def test_attack_17_crafted_references(
    make: Callable[[int], tuple[str, str]], subjects: str
) -> None:
    """Attack 17: what 100,000 messages refer to takes no longer than to sort as many.

    Nor what they are about, whether each is a reply or not.
    """
    ids, refs = zip(*map(make, range(COUNT)), strict=True)
    texts = [subjects[at % len(subjects)] if subjects else "" for at in range(COUNT)]
    replies = [at % 3 > 0 for at in range(COUNT)]
    began = time.process_time()
    forest: Forest = references(ids, refs, texts, replies, [0] * COUNT)
    found = written(forest, range(1, COUNT + 1))
    took = time.process_time() - began
    assert len(re.findall(r"\d+", found)) == COUNT
    assert took < 10, f"{took:.1f} s"
