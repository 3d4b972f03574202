"""The shapes that many structures share: lists of code points, texts, bodies behind a length."""

from __future__ import annotations

from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Body, Names, Reader, Short, finish


def codes(r: Reader, name: str, prefix: int, element: str, size: int, names: Names | None = None) -> None:
    """A vector behind a length of ``prefix`` bytes of numbers of ``size`` bytes each."""
    r.vector(name, prefix, lambda v: v.uints(element, size, names))


def opaques(r: Reader, name: str, prefix: int, element: str, size: int) -> None:
    """A vector of byte strings, each behind a length of ``size`` bytes."""

    def body(v: Reader) -> None:
        while v.remaining:
            v.vector_opaque(element, size)

    r.vector(name, prefix, body)


def never_empty(r: Reader) -> None:
    """Notes the vector read last when it holds nothing, which its definition forbids."""
    vector = r.nodes[-1]
    if vector.children and vector.children[0].value == 0:
        r.note("must not be empty")


def structs(r: Reader, name: str, prefix: int, element: str, body: Body) -> None:
    """A vector of structures."""
    r.vector(name, prefix, lambda v: v.each(lambda w: w.struct(element, body)))


def text(r: Reader, name: str, prefix: int) -> None:
    """A text behind its length; the label of the whole is the text."""
    label = ""

    def body(v: Reader) -> None:
        nonlocal label
        label = v.text("data", v.remaining)

    r.vector(name, prefix, body)
    r.label(label)


def within(r: Reader, size: int, body: Body) -> None:
    """Reads the next ``size`` bytes with ``body``, without a node around them; what it leaves is a node of its own.

    A ``size`` larger than what remains is noted on the field read last, which must be the length.
    """
    end = r.end
    if size > end - r.position:
        r.note(f"says {size} bytes follow, but only {end - r.position} are there")
        size = end - r.position
    r.end = r.position + size
    try:  # noqa: SIM105 - a context manager costs more than most bodies
        body(r)
    except Short:
        pass
    finish(r)
    r.end = end


_REMEMBERED: dict[tuple[str, int, bytes], Node] = {}
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 2048, 192


def remembered(r: Reader, what: str, size: int, body: Body) -> None:
    """Reads one node over the next ``size`` bytes with ``body``, or takes the one that the same bytes made before.

    For what peers of one kind say in the same words, at the same place of a message, in each connection. ``body`` must
    go by nothing but these bytes; ``what`` tells it from others.
    """
    start = r.position
    stop = start + size
    if size > _LONGEST_REMEMBERED or stop > r.end:
        body(r)
        return
    key = what, start, r.data[start:stop]
    node = _REMEMBERED.get(key)
    if node is not None:
        r.nodes.append(node)
        r.position = stop
        return
    body(r)
    if len(_REMEMBERED) >= _MOST_REMEMBERED:
        _REMEMBERED.clear()
    _REMEMBERED[key] = r.nodes[-1]


def empty(r: Reader) -> None:
    """A body that must hold nothing."""
