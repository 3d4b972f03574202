"""The tree of named byte ranges that every decoder produces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

Value = int | bytes | None


class Node(NamedTuple):
    """A named range of bytes ``[start, end)`` in the buffer it was decoded from.

    ``value`` is an int for numbers, the bytes for opaque fields, None for structures. ``label`` is the value in
    words (an IANA name, a decoded text: already safe to print). ``note`` says what is wrong with these bytes,
    None when nothing is. The leaves below a node tile its range exactly.
    """

    name: str
    start: int
    end: int
    value: Value = None
    label: str | None = None
    children: tuple[Node, ...] = ()
    note: str | None = None

    @property
    def length(self) -> int:
        return self.end - self.start

    def child(self, name: str) -> Node | None:
        """The first direct child of that name."""
        for node in self.children:
            if node.name == name:
                return node
        return None

    def get(self, path: str) -> Node | None:
        """The node at a dotted path of child names below this one, e.g. ``extensions.key_share``."""
        node: Node | None = self
        for part in path.split("."):
            node = node.child(part) if node else None
        return node


class Deferred(Node):
    """A leaf that can open: kinds of it override ``children`` to decode their ``value`` when asked.

    For structures with many nodes that few look at. Compared and pickled as the leaf it was made as. `notes` does not
    look inside: what is wrong there is not what is wrong with the message.
    """

    __slots__ = ()


Path = tuple[int, ...]
"""A place in a tree: the child index at every level below the root; () is the root."""


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node with its path, parents before children, in wire order."""
    pending = [(path, node)]
    while pending:
        path, node = pending.pop()
        yield path, node
        pending.extend(((*path, index), inner) for index, inner in reversed(tuple(enumerate(node.children))))


def leaves(node: Node) -> Iterator[Node]:
    """The nodes without children, in wire order; their ranges tile ``node``'s."""
    pending = [node]
    while pending:
        node = pending.pop()
        if inner := node.children:
            pending.extend(reversed(inner))
        else:
            yield node


def notes(node: Node) -> Iterator[Node]:
    """Every node with a note, in wire order; not those inside of `Deferred` ones."""
    pending = [node]
    while pending:
        node = pending.pop()
        if node.note:
            yield node
        if not isinstance(node, Deferred) and (inner := node.children):
            pending.extend(reversed(inner))


def first_note(node: Node) -> Node | None:
    """The first of `notes`, None if there is none. Every message is asked that, so no generator."""
    if node[6]:
        return node
    # By index: what the node was made with, not what opens (`Deferred`).
    for child in node[5]:
        if child[5]:
            if (found := first_note(child)) is not None:
                return found
        elif child[6]:
            return child
    return None


def lookup(root: Node, path: Path) -> Node:
    """The node at a path; raises IndexError where there is none."""
    for index in path:
        root = root.children[index]
    return root


def names(root: Node, path: Path) -> tuple[str, ...]:
    """The names along a path, the root's first."""
    found = [root.name]
    for index in path:
        root = root.children[index]
        found.append(root.name)
    return tuple(found)


def path_of(root: Node | None, dotted: str) -> Path | None:
    """The path of the first node at a dotted path of names below the root; None where there is none."""
    if root is None or not dotted:
        return None
    found: list[int] = []
    node = root
    for name in dotted.split("."):
        index = next((at for at, inner in enumerate(node.children) if inner.name == name), None)
        if index is None:
            return None
        found.append(index)
        node = node.children[index]
    return tuple(found)


def path_at(root: Node, offset: int) -> Path | None:
    """The path of the deepest node that covers the byte at ``offset``; None outside the root."""
    if not root.start <= offset < root.end:
        return None
    path: list[int] = []
    node = root
    while True:
        for index, inner in enumerate(node.children):
            if inner.start <= offset < inner.end:
                path.append(index)
                node = inner
                break
        else:
            return tuple(path)
