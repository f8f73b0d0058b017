"""Threads as RFC 5256 §3 makes them, step by step and without haste: the model of THREAD."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from .wire import Value


@dataclass(frozen=True, slots=True)
class Post:
    """What of a message its place in a thread depends on."""

    number: int  # its sequence number
    name: int  # what it is called in the answer
    sent: float
    base: str  # its subject, without what replies and forwards add, in capitals
    is_reply: bool  # or a forward
    message_id: str
    references: tuple[str, ...]


class Tree(NamedTuple):
    """A thread, or a part of it: a message, or none, and what follows it."""

    name: int | None
    children: tuple[Tree, ...]


# What the server says


def threads(values: list[Value]) -> list[Tree]:
    """Of a THREAD response (BASE.7.2.THREAD)."""
    return [_thread(value) for value in values]


def _thread(value: Value) -> Tree:
    assert isinstance(value, list)
    first, *rest = value
    if isinstance(first, list):
        return Tree(None, tuple(map(_thread, value)))
    assert isinstance(first, str)
    if rest and not isinstance(rest[0], list):
        return Tree(int(first), (_thread(rest),))
    return Tree(int(first), tuple(map(_thread, rest)))


def names(trees: Iterable[Tree]) -> list[int]:
    found: list[int] = []
    for tree in trees:
        found += [] if tree.name is None else [tree.name]
        found += names(tree.children)
    return found


# ORDEREDSUBJECT


def ordered_subject(posts: list[Post]) -> list[Tree]:
    """ORDEREDSUBJECT: the first of each subject, and all others below it."""
    by_subject: dict[str, list[Post]] = {}
    for post in sorted(posts, key=_order):
        by_subject.setdefault(post.base, []).append(post)
    return [
        Tree(first.name, tuple(Tree(other.name, ()) for other in others))
        for first, *others in by_subject.values()
    ]


def _order(post: Post) -> tuple[float, int]:
    return post.sent, post.number


# REFERENCES


@dataclass(slots=True, eq=False)
class Node:
    """A message, or a dummy."""

    post: Post | None = None
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)

    def adopt(self, child: Node) -> None:
        child.leave()
        child.parent = self
        self.children.append(child)

    def leave(self) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
            self.parent = None

    def descends_from(self, other: Node) -> bool:
        node: Node | None = self
        while node is not None and node is not other:
            node = node.parent
        return node is other

    @property
    def first(self) -> Post:
        """Its message, or that of a dummy's first child."""
        return self.post or self.children[0].first


def _by_date(node: Node) -> tuple[float, int]:
    return _order(node.first)


def references(posts: list[Post], lasting: bool = False) -> tuple[list[Tree], bool]:
    """The threads, and whether a link was not made because of a loop."""
    links = Links(lasting)
    root = Node()
    for node in links.made_of(posts):  # steps 1 and 2
        if node.parent is None:
            root.adopt(node)
    for node in [*root.children]:
        _prune(node, root)
    for node in root.children:  # step 4
        if node.post is None:
            node.children.sort(key=_by_date)
    root.children.sort(key=_by_date)
    _gather(root)
    _sort(root)
    return [_tree(node) for node in root.children], links.looped


@dataclass(slots=True)
class Links:
    """Step 1: each message below the last that it refers to."""

    lasting: bool  # without the links of step 1.A that step 1.B breaks later
    looped: bool = False

    def made_of(self, posts: list[Post]) -> list[Node]:
        nodes = [Node(post) for post in posts]
        by_id: dict[str, Node] = {}
        for node, post in zip(nodes, posts, strict=True):
            if post.message_id:  # the first that bears it; the others have one of their own
                by_id.setdefault(post.message_id, node)
        dummies = []
        for number, post in enumerate(posts):
            line = []
            for reference in post.references:
                if reference not in by_id:
                    by_id[reference] = Node()
                    dummies.append(by_id[reference])
                line.append(by_id[reference])
            to_come = nodes[number:] if self.lasting else []
            for parent, child in pairwise(line):
                if child.parent is None and child not in to_come:
                    self._link(parent, child)
            nodes[number].leave()
            if line:
                self._link(line[-1], nodes[number])
        return nodes + dummies

    def _link(self, parent: Node, child: Node) -> None:
        if parent.descends_from(child):
            self.looped = True
        else:
            parent.adopt(child)


def _prune(node: Node, root: Node) -> None:
    """Step 3: no dummies, but those that hold several threads together."""
    for child in [*node.children]:
        _prune(child, root)
    if node.post is not None:
        return
    parent = node.parent
    assert parent is not None
    if parent is not root or len(node.children) < 2:
        for child in [*node.children]:
            parent.adopt(child)
        node.leave()


def _gather(root: Node) -> None:
    """Step 5: threads of one subject become one."""
    table: dict[str, Node] = {}
    for node in root.children:
        other = table.setdefault(node.first.base, node)
        if other.post is not None and (
            node.post is None or (other.post.is_reply and not node.post.is_reply)
        ):
            table[node.first.base] = node
    for node in [*root.children]:
        subject = node.first.base
        other = table[subject]
        if not subject or other is node:
            continue
        if node.post is None:
            assert other.post is None
            for child in [*node.children]:
                other.adopt(child)
            node.leave()
        elif other.post is None or (node.post.is_reply and not other.post.is_reply):
            other.adopt(node)
        else:
            table[subject] = dummy = Node()
            root.adopt(dummy)
            dummy.adopt(other)
            dummy.adopt(node)


def _sort(node: Node) -> None:
    """Step 6: siblings by their dates, the youngest first of all."""
    for child in node.children:
        _sort(child)
    node.children.sort(key=_by_date)


def _tree(node: Node) -> Tree:
    return Tree(node.post.name if node.post else None, tuple(map(_tree, node.children)))
