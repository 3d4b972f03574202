"""Variable-length integers (RFC 9000 16): the first two bits say how long they are."""

from __future__ import annotations

from tlsviz.wire.reader import Body, Names, Reader, finish

LONGEST = 8


def varint(r: Reader, name: str, names: Names | None = None) -> int:
    """A number of 1, 2, 4 or 8 bytes; the node's value is the number without the two length bits."""
    first = r.peek(1)
    size = 1 << (first[0] >> 6) if first else 1
    value = r.uint(name, size) & ((1 << (8 * size - 2)) - 1)
    r.nodes[-1] = r.nodes[-1]._replace(value=value, label=names.get(value) if names is not None else None)
    return value


def varint_vector(r: Reader, name: str, body: Body) -> None:
    """One node over a length that is a variable-length integer, and what it counts."""

    def vector(v: Reader) -> None:
        size = varint(v, "length")
        if size > v.remaining:
            v.note(f"says {size} bytes follow, but only {v.remaining} are there")
            size = v.remaining
        inner = Reader(v.data, v.position, v.position + size)
        body(inner)
        finish(inner)
        v.nodes += inner.nodes
        v.position = inner.end

    r.struct(name, vector)


def varint_opaque(r: Reader, name: str) -> bytes:
    """Bytes without structure behind a length that is a variable-length integer."""
    found = b""

    def body(v: Reader) -> None:
        nonlocal found
        found = v.rest("data")

    varint_vector(r, name, body)
    return found
