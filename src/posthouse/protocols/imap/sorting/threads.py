"""Threads of messages, as RFC 5256 §3 makes them of references or of subjects.

A message is its place among those that were found; a number from their count on is a dummy. No
step is recursive, and all take the time of sorting, whatever the messages refer to.

Deviation in step 1.A: a link to a message that was found but whose own references have not been
looked at yet is not made, since step 1.B would break it. So every link is made to a message
without a parent, and a loop is seen by the message at the top of its tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress

NOBODY = -1


@dataclass(slots=True)
class Forest:
    """Threads: the messages without parents, and the children of those that have some."""

    count: int  # of messages; numbers from here on are dummies
    nodes: int  # with the dummies
    roots: list[int] = field(default_factory=list)
    children: dict[int, list[int]] = field(default_factory=dict)

    def first(self, node: int) -> int:
        """The message, or a dummy's first child."""
        return node if node < self.count else self.children[node][0]


def ordered_subject(subjects: Sequence[str], sent: Sequence[int]) -> Forest:
    """ORDEREDSUBJECT"""
    count = len(subjects)
    order = sorted(range(count), key=sent.__getitem__)
    order.sort(key=subjects.__getitem__)
    forest = Forest(count, count)
    last = NOBODY
    for at in order:
        if last != NOBODY and subjects[last] == subjects[at]:
            forest.children.setdefault(last, []).append(at)
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
    dates = list(map(float, sent))  # which are compared faster than large integers
    order = sorted(range(len(dates)), key=dates.__getitem__)
    forest = _arranged(_linked(ids, refs), order)
    ranks: list[int] = []
    if forest.nodes > forest.count:
        ranks = _ranks(order)
        _sort(forest, _prune(forest), ranks)
    joined = _join_subjects(forest, subjects, replies)
    if joined:
        _sort(forest, joined, ranks or _ranks(order))
    return forest


# Steps 1 and 2


def _linked(ids: Sequence[str], refs: Sequence[str]) -> list[int]:
    """Parents, with dummies for messages that were not found."""
    links = _Links(ids)
    link, known = links.link, links.chains.get
    for at, text in compress(enumerate(refs), refs):
        last = known(text)
        link(links.chain(text, at) if last is None else last, at)
    return links.parents


class _Links:
    """Parents, and on the way to the top of each tree steps that get longer as they are gone."""

    __slots__ = ("_count", "_nodes", "_up", "chains", "parents")

    def __init__(self, ids: Sequence[str]) -> None:
        self._count = len(ids)
        self.parents = [NOBODY] * self._count
        self._up = list(range(self._count))
        #: By Message ID; where some messages have one, it is the first's
        self._nodes = dict(zip(reversed(ids), reversed(range(self._count)), strict=True))
        self._nodes.pop("", None)
        #: By references of which each is linked to the one before it: the last of them
        self.chains: dict[str, int] = {}

    def chain(self, text: str, at: int) -> int:
        """Link a message's references with each other; the last of them.

        Those of a reply are mostly those of its parent, and the parent. Links that were made or
        refused once need no other look, since none is ever undone.
        """
        before, _, name = text.rpartition(" ")
        last = self.chains.get(before, NOBODY)
        names = text.split(" ") if last == NOBODY else (name,)
        nodes, whole = self._nodes, True
        for each in names:
            node = nodes.get(each)
            if node is None:
                node = nodes[each] = self._dummy()
            if last != NOBODY:
                if at <= node < self._count:
                    whole = False
                else:
                    self.link(last, node)
            last = node
        if whole:
            self.chains[text] = last
        return last

    def _dummy(self) -> int:
        self._up.append(len(self._up))
        self.parents.append(NOBODY)
        return len(self.parents) - 1

    def link(self, parent: int, child: int) -> None:
        """Unless the child has a parent, or would be above itself."""
        if self.parents[child] != NOBODY:
            return
        up, top = self._up, parent
        while (above := up[top]) != top:
            up[top] = up[above]
            top = above
        if top != child:
            self.parents[child] = parent
            up[child] = top


def _arranged(parents: Sequence[int], order: Sequence[int]) -> Forest:
    """The threads; messages that are siblings are in order."""
    forest = Forest(len(order), len(parents))
    roots, children = forest.roots, forest.children
    for nodes in (order, range(len(order), len(parents))):
        for node in nodes:
            parent = parents[node]
            if parent == NOBODY:
                roots.append(node)
            elif parent in children:
                children[parent].append(node)
            else:
                children[parent] = [node]
    return forest


# Steps 3 to 6


def _prune(forest: Forest) -> list[int]:
    """Step 3: without dummies, but for those that hold together some threads.

    Gives those whose children have become others.
    """
    count, children = forest.count, forest.children
    changed = []
    for node in reversed(_downwards(forest)):
        mine = children[node]
        if max(mine) < count:
            continue
        kept = [child for child in mine if child < count]
        for child in mine:
            if child >= count:
                promoted = children.pop(child, [])
                if len(promoted) > len(kept):  # so that no message is moved often
                    kept, promoted = promoted, kept
                kept += promoted
        children[node] = kept
        changed.append(node)
    roots = []
    for node in forest.roots:
        if node < count or len(children.get(node, ())) > 1:
            roots.append(node)
        else:
            roots += children.pop(node, ())
    forest.roots = roots
    return changed


def _downwards(forest: Forest) -> list[int]:
    """All messages and dummies that have children, each before them."""
    children = forest.children
    found = []
    left = list(filter(children.__contains__, forest.roots))
    while left:
        node = left.pop()
        found.append(node)
        left += filter(children.__contains__, children[node])
    return found


def _ranks(order: Sequence[int]) -> list[int]:
    """The place of each message in the order."""
    ranks = [0] * len(order)
    for rank, at in enumerate(order):
        ranks[at] = rank
    return ranks


def _sort(forest: Forest, changed: Iterable[int], ranks: Sequence[int]) -> None:
    """Steps 4 and 6: siblings by their dates, a dummy (at the top only) by its first child's."""
    for node in changed:
        if node in forest.children:
            forest.children[node].sort(key=ranks.__getitem__)
    forest.roots.sort(key=lambda node: ranks[forest.first(node)])


def _join_subjects(forest: Forest, subjects: Sequence[str], replies: Sequence[object]) -> set[int]:
    """Step 5: threads of one subject become one. Gives those that have become others' parents."""
    count, children = forest.count, forest.children
    texts = [subjects[forest.first(node)] for node in forest.roots]
    table = dict(zip(reversed(texts), reversed(forest.roots), strict=True))  # the first of each
    if len(table) == len(texts):
        return set()

    def is_reply(node: int) -> bool:
        return node < count and bool(replies[node])

    others = [
        (node, text)
        for node, text in zip(forest.roots, texts, strict=True)
        if text and table[text] != node
    ]
    for node, text in others:
        there = table[text]
        if there < count and (node >= count or (is_reply(there) and not is_reply(node))):
            table[text] = node
    shared = {text for _, text in others}
    changed = set[int]()
    dummies: list[int] = []
    gone = set[int]()
    for node, text in zip(forest.roots, texts, strict=True):
        if text not in shared or (there := table[text]) == node or node in gone:
            continue
        gone.add(node)
        if node >= count and there >= count:
            children[there] += children.pop(node)
        elif there >= count or (is_reply(node) and not is_reply(there)):
            children.setdefault(there, []).append(node)
        else:
            gone.add(there)
            both, there = [there, node], forest.nodes + len(dummies)
            table[text] = there
            children[there] = both
            dummies.append(there)
        changed.add(there)
    forest.nodes += len(dummies)
    forest.roots = [node for node in forest.roots if node not in gone] + dummies
    return changed


# The response


def written(forest: Forest, numbers: Sequence[int]) -> str:
    """1*thread-list"""
    names, children = list(map(str, numbers)), forest.children
    threads = [
        _members(forest, root, names) if root in children else names[root] for root in forest.roots
    ]
    return f"({')('.join(threads)})" if threads else ""


def _members(forest: Forest, root: int, names: Sequence[str]) -> str:
    """thread-members [SP thread-nested], or thread-nested"""
    children = forest.children
    line = [names[root]] if root < forest.count else []
    mine: Sequence[int] = children[root]
    while len(mine) == 1:
        line.append(names[mine[0]])
        mine = children.get(mine[0], ())
    if mine:
        if not children.keys().isdisjoint(mine):
            return _nested(forest, root, names)
        line.append(f"({')('.join([names[child] for child in mine])})")
    return " ".join(line)


def _nested(forest: Forest, root: int, names: Sequence[str]) -> str:
    """The same of whatever depth."""
    children = forest.children
    out: list[str] = []
    left: list[int | str] = [root]
    while left:
        node = left.pop()
        if isinstance(node, str):
            out.append(node)
            continue
        mine = children.get(node, ())
        if node < forest.count:
            out.append(names[node])
            if mine:
                out.append(" ")
        if len(mine) == 1:
            left.append(mine[0])
            continue
        for child in reversed(mine):
            left += (")", child, "(")
    return "".join(out)
