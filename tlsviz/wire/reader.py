"""A reader that writes down every field it reads.

Decoders are plain functions over a `Reader` that read like the struct in the RFC. Each call adds a `Node`. Missing
bytes end the innermost enclosing structure (never the decoding): what is there becomes a node with a note, and
reading goes on behind that structure, whose length is known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from tlsviz.wire.nodes import Node, Value
from tlsviz.wire.text import shorten

_Parts = tuple[str, int, int, Value, str | None, tuple[Node, ...], str | None]

_node: Callable[[_Parts], Node] = partial(tuple.__new__, Node)
"""A node of all its parts. Calling `Node` takes twice as long, and nodes are what decoding spends its time on."""


class Names(Protocol):
    """What gives code points their names: a registry or a dict."""

    def get(self, code: int, /) -> str | None: ...


class Short(Exception):  # noqa: N818 - never leaves this module's callers
    """Fewer bytes are there than the structure needs; its node is already written."""


Body = Callable[["Reader"], None]


class Reader:
    """Reads ``data[start:end]`` and keeps the nodes of what it read, in order, in ``nodes``."""

    __slots__ = ("data", "end", "nodes", "position")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = start
        self.end = len(data) if end is None else end
        self.nodes: list[Node] = []

    @property
    def remaining(self) -> int:
        return self.end - self.position

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes (fewer at the end) without reading them."""
        return self.data[self.position : min(self.position + size, self.end)]

    def uint(self, name: str, size: int, names: Names | None = None) -> int:
        """A big-endian number of ``size`` bytes; its label is its name in ``names``."""
        start = self.position
        stop = start + size
        if stop > self.end:
            self._short(name, size)
        value = int.from_bytes(self.data[start:stop], "big")
        self.position = stop
        self.nodes.append(_node((name, start, stop, value, None if names is None else names.get(value), (), None)))
        return value

    def uints(self, name: str, size: int, names: Names | None = None) -> None:
        """Numbers of ``size`` bytes each until nothing remains: the elements of a list of code points."""
        data, append, label = self.data, self.nodes.append, names.get if names is not None else _nameless
        stop = self.position
        for stop in range(self.position + size, self.end + 1, size):
            value = int.from_bytes(data[stop - size : stop], "big")
            append(_node((name, stop - size, stop, value, label(value), (), None)))
        self.position = stop
        if stop < self.end:
            self._short(name, size)

    def opaque(self, name: str, size: int, label: str | None = None) -> bytes:
        """``size`` bytes without inner structure."""
        start = self.position
        stop = start + size
        if stop > self.end:
            self._short(name, size)
        value = self.data[start:stop]
        self.position = stop
        self.nodes.append(_node((name, start, stop, value, label, (), None)))
        return value

    def text(self, name: str, size: int) -> str:
        """``size`` bytes that should be ASCII or UTF-8 text; the label is the text made safe to print."""
        value = self.opaque(name, size)
        label = shorten(value.decode("utf-8", "backslashreplace"), 200)
        self.nodes[-1] = self.nodes[-1]._replace(label=label)
        return label

    def rest(self, name: str, label: str | None = None) -> bytes:
        """All remaining bytes as one field; adds nothing if there are none."""
        if not self.remaining:
            return b""
        return self.opaque(name, self.remaining, label)

    def vector(self, name: str, size: int, body: Body, length_name: str | None = None) -> None:
        """A vector behind a length of ``size`` bytes: one node over the length field and the elements."""
        start = self.position
        outer = len(self.nodes)
        try:
            length = self.uint(length_name or "length", size)
        except Short:
            self._fold(name, outer, start, note=None)
            raise
        note = None
        if length > self.end - self.position:
            note = f"says {length} bytes follow, but only {self.remaining} are there"
            length = self.remaining
        self._inside(body, length)
        self._fold(name, outer, start, note)

    def vector_opaque(self, name: str, size: int, inner: str = "data", label: str | None = None) -> bytes:
        """A vector of bytes without structure; returns them (what is there of them)."""
        found = b""

        def body(r: Reader) -> None:
            nonlocal found
            found = r.rest(inner, label)

        self.vector(name, size, body)
        return found

    def struct(self, name: str, body: Body, size: int | None = None, label: str | None = None) -> None:
        """A structure: of ``size`` bytes when the size is known, else as far as ``body`` reads."""
        start = self.position
        outer = len(self.nodes)
        if size is None:
            try:
                body(self)
            except Short:
                self._fold(name, outer, start, None, label)
                raise
            self._fold(name, outer, start, None, label)
            return
        note = None
        if size > self.remaining:
            note = f"needs {size} bytes, but only {self.remaining} are there"
            size = self.remaining
        self._inside(body, size)
        self._fold(name, outer, start, note, label)

    def each(self, body: Body) -> None:
        """Calls ``body`` until nothing remains: the elements of a vector."""
        while (before := self.position) < self.end:
            body(self)
            if self.position == before:
                break

    def note(self, text: str) -> None:
        """Marks the field read last as faulty."""
        if self.nodes:
            last = self.nodes[-1]
            self.nodes[-1] = last._replace(note=f"{last.note}; {text}" if last.note else text)

    def label(self, text: str) -> None:
        """Says the field read last in words."""
        if self.nodes:
            self.nodes[-1] = self.nodes[-1]._replace(label=text)

    def _inside(self, body: Body, size: int) -> None:
        """Runs ``body`` over the next ``size`` bytes exactly; what it leaves is a node of its own."""
        inner = Reader(self.data, self.position, self.position + size)
        try:  # noqa: SIM105 - a context manager costs more than the body
            body(inner)
        except Short:
            pass
        finish(inner)
        self.nodes.extend(inner.nodes)
        self.position = inner.end

    def _fold(self, name: str, outer: int, start: int, note: str | None, label: str | None = None) -> None:
        nodes = self.nodes
        children = tuple(nodes[outer:])
        nodes[outer:] = (_node((name, start, self.position, None, label, children, note)),)

    def _short(self, name: str, size: int) -> None:
        have = self.remaining
        value = self.data[self.position : self.end]
        note = f"needs {size} byte{'s' * (size != 1)}, but {'only ' + str(have) if have else 'none'} left"
        self.nodes.append(Node(name, self.position, self.end, value, None, (), note))
        self.position = self.end
        raise Short


def _nameless(_: int) -> None:
    """The label of numbers that have no names."""


def finish(reader: Reader) -> None:
    """Puts bytes that nothing has read into a node of their own."""
    size = reader.end - reader.position
    if size:
        reader.opaque("unexpected_bytes", size)
        reader.note(f"{size} byte{'s' * (size != 1)} after the end of what belongs here")


def decode(name: str, data: bytes, body: Body, start: int = 0, end: int | None = None) -> Node:
    """Runs a decoder over ``data[start:end]`` and returns its tree: total, whatever the bytes are."""
    reader = Reader(data, start, end)
    try:  # noqa: SIM105
        body(reader)
    except Short:
        pass
    finish(reader)
    return Node(name, start, reader.end, None, None, tuple(reader.nodes))
