"""Threads of messages, as RFC 5256 §3 makes them of references or of subjects.

A message is its place among those that were found; a number from their count on is a dummy. No
step is recursive, and all take the time of sorting, whatever the messages refer to.

Deviation in step 1.A: a link to a message that was found but whose own references have not been
looked at yet is not made, since step 1.B would break it. So every link is made to a message
without a parent, and a loop is seen by the message at the top of its tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

NOBODY = -1


@dataclass(slots=True)
class Forest:
    """Threads: the messages without parents, and for each message (and dummy) its children."""

    count: int  # of messages; numbers from here on are dummies
    roots: list[int] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)


def ordered_subject(subjects: Sequence[str], sent: Sequence[int]) -> Forest:
    """ORDEREDSUBJECT"""
    count = len(subjects)
    order = sorted(range(count), key=lambda at: (subjects[at], sent[at], at))
    forest = Forest(count, children=[[] for _ in range(count)])
    last = NOBODY
    for at in order:
        if last != NOBODY and subjects[last] == subjects[at]:
            forest.children[last].append(at)
        else:
            forest.roots.append(at)
            last = at
    forest.roots.sort(key=lambda at: (sent[at], at))
    return forest


def references(
    ids: Sequence[str],
    refs: Sequence[str],
    subjects: Sequence[str],
    replies: Sequence[object],
    sent: Sequence[int],
) -> Forest:
    """REFERENCES"""
    ranks = [0] * len(sent)
    for rank, at in enumerate(sorted(range(len(sent)), key=sent.__getitem__)):
        ranks[at] = rank
    forest = _linked(ids, refs)
    _prune(forest)
    _sort(forest, ranks)
    _join_subjects(forest, subjects, replies)
    _sort(forest, ranks)
    return forest


def _linked(ids: Sequence[str], refs: Sequence[str]) -> Forest:
    """Steps 1 and 2: parents and children, with dummies for messages that were not found."""
    count = len(ids)
    nodes: dict[str, int] = {}
    for at, each in enumerate(ids):
        if each:
            nodes.setdefault(each, at)
    links = _Links(count)
    for at, text in enumerate(refs):
        if not text:
            continue
        last = NOBODY
        for each in text.split(" "):
            node = nodes.get(each)
            if node is None:
                node = nodes[each] = links.add()
            if last != NOBODY and (node < at or node >= count):
                links.link(last, node)
            last = node
        if last != NOBODY:
            links.link(last, at)
    forest = Forest(count, children=[[] for _ in links.parents])
    for node, parent in enumerate(links.parents):
        (forest.roots if parent == NOBODY else forest.children[parent]).append(node)
    return forest


class _Links:
    """Parents, and on the way to the top of each tree steps that get longer as they are gone."""

    def __init__(self, count: int) -> None:
        self.parents = [NOBODY] * count
        self._up = list(range(count))

    def add(self) -> int:
        """A dummy."""
        self._up.append(len(self._up))
        self.parents.append(NOBODY)
        return len(self.parents) - 1

    def link(self, parent: int, child: int) -> None:
        """Unless the child has a parent, or would be above itself."""
        if self.parents[child] != NOBODY:
            return
        up, node = self._up, parent
        while up[node] != node:
            up[node] = up[up[node]]
            node = up[node]
        if node != child:
            self.parents[child] = up[child] = parent


def _downwards(forest: Forest) -> list[int]:
    """All messages and dummies, each before its children."""
    found = []
    left = list(forest.roots)
    while left:
        node = left.pop()
        found.append(node)
        left += forest.children[node]
    return found


def _prune(forest: Forest) -> None:
    """Step 3: without dummies, but for those that hold together some threads."""
    count, children = forest.count, forest.children
    for node in reversed(_downwards(forest)):
        mine = children[node]
        if not mine or max(mine) < count:
            continue
        kept = [child for child in mine if child < count]
        for child in mine:
            if child >= count:
                promoted = children[child]
                if len(promoted) > len(kept):  # so that no message is moved often
                    kept, promoted = promoted, kept
                kept += promoted
                children[child] = []
        children[node] = kept
    roots = []
    for node in forest.roots:
        if node < count or len(children[node]) > 1:
            roots.append(node)
        else:
            roots += children[node]
            children[node] = []
    forest.roots = roots


def _sort(forest: Forest, ranks: Sequence[int]) -> None:
    """Steps 4 and 6: siblings by their dates, a dummy (at the top only) by its first child's."""
    count, children = forest.count, forest.children
    for siblings in children:
        if len(siblings) > 1:
            siblings.sort(key=ranks.__getitem__)
    forest.roots.sort(key=lambda node: ranks[node if node < count else children[node][0]])


def _join_subjects(forest: Forest, subjects: Sequence[str], replies: Sequence[object]) -> None:
    """Step 5: threads of one subject become one."""
    count, children = forest.count, forest.children

    def subject(node: int) -> str:
        return subjects[node if node < count else children[node][0]]

    def is_reply(node: int) -> bool:
        return node < count and bool(replies[node])

    table: dict[str, int] = {}
    subject_of = {node: subject(node) for node in forest.roots}
    for node, text in subject_of.items():
        there = table.get(text)
        if text and (
            there is None
            or (there < count and (node >= count or (is_reply(there) and not is_reply(node))))
        ):
            table[text] = node
    gone = set()
    for node, text in subject_of.items():
        there = table.get(text, node) if text else node
        if there == node or node in gone:
            continue
        gone.add(node)
        if node >= count and there >= count:
            children[there] += children[node]
            children[node] = []
        elif there >= count or (is_reply(node) and not is_reply(there)):
            children[there].append(node)
        else:
            dummy = len(children)
            children.append([there, node])
            forest.roots.append(dummy)
            gone.add(there)
            table[text] = dummy
    forest.roots = [node for node in forest.roots if node not in gone]


def written(forest: Forest, numbers: Sequence[int]) -> str:
    """1*thread-list"""
    count, children = forest.count, forest.children
    names = list(map(str, numbers))
    out: list[str] = []
    for root in forest.roots:
        line, mine = [root], children[root]
        while len(mine) == 1:
            line += mine
            mine = children[mine[0]]
        if mine and any(map(children.__getitem__, mine)):
            _write_nested(forest, root, names, out)
            continue
        own = " ".join([names[node] for node in line if node < count])
        if mine:
            own += f"{' ' if own else ''}({')('.join([names[child] for child in mine])})"
        out.append(f"({own})")
    return "".join(out)


def _write_nested(forest: Forest, root: int, names: Sequence[str], out: list[str]) -> None:
    """thread-list of whatever depth"""
    count, children = forest.count, forest.children
    left: list[int | str] = [")", root, "("]
    while left:
        node = left.pop()
        if isinstance(node, str):
            out.append(node)
            continue
        mine = children[node]
        if node < count:
            out.append(names[node])
            if mine:
                out.append(" ")
        if len(mine) == 1:
            left.append(mine[0])
            continue
        for child in reversed(mine):
            left += (")", child, "(")
