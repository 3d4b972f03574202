"""What holds for every tree and every text, whatever the bytes are. Shared by tests of all floors and by the fuzzer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tlsviz.wire.nodes import Node
from tlsviz.wire.text import safe

NODES_A_BYTE, NODES_FREE = 8, 64
"""A tree, all that opens opened, has at most so many nodes a byte, and a few more."""


def assert_sound(tree: Node, data: bytes, start: int = 0) -> int:
    """Ranges tile ``data``, whose first byte has the place ``start``; values and texts are sound.

    What opens (`Deferred`) is opened. Returns the number of nodes.
    """
    assert (tree.start, tree.end) == (start, start + len(data)), (tree.name, tree.start, tree.end, len(data))
    count = _assert_node(tree, data, start)
    assert count <= NODES_A_BYTE * len(data) + NODES_FREE, f"{count} nodes of {len(data)} bytes"
    return count


def _assert_node(node: Node, data: bytes, base: int) -> int:
    """Without recursion: however deep a tree is, this does not fail for it."""
    count = 0
    pending = [node]
    while pending:
        here = pending.pop()
        count += 1
        assert_printable(filter(None, (here.name, here.label, here.note)))
        if isinstance(here.value, bytes):
            assert here.value == data[here.start - base : here.end - base], here.name
        inner = here.children
        if not inner:
            assert here.start <= here.end, here.name
            continue
        position = here.start
        for child in inner:
            assert child.start == position, (here.name, child.name, child.start, position)
            position = child.end
        assert position == here.end, (here.name, inner[-1].name, position, here.end)
        pending.extend(inner)
    return count


def assert_printable(texts: Iterable[str]) -> None:
    """No text holds what could move, style or break a terminal."""
    for text in texts:
        assert text.isprintable() or text == safe(text), ascii(text)


def strings(value: object) -> Iterator[str]:
    """Every string inside of lists, dicts and tuples, keys too."""
    pending = [value]
    while pending:
        here = pending.pop()
        if isinstance(here, str):
            yield here
        elif isinstance(here, dict):
            pending.extend(here)
            pending.extend(here.values())
        elif isinstance(here, list | tuple):
            pending.extend(here)
