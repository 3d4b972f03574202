"""A reader of DER that writes down each element it reads (X.690).

Like `wire.reader.Reader`, for tag-length-value: decoders are plain functions over a `Der` that read like the ASN.1 in
the RFC. Every element becomes a node of the component's name over its leaves ``identifier`` and ``length`` and its
contents: ``data`` or inner elements. Components have their lower-case names, elements without a name (of a SEQUENCE
OF, wrapped in another) those of their types, as in ASN.1.

What is odd is noted where it stands; an element of another type than expected is read by its own tag, missing ones
are said on the element that lacks them. Total, and linear in the input: depth and number of elements are bounded.
"""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.tls import oids
from tlsviz.tls.der import values
from tlsviz.tls.der.header import Headers, noted
from tlsviz.tls.der.tags import (
    BIT_STRING,
    BMP_STRING,
    BOOLEAN,
    CONSTRUCTED,
    ENUMERATED,
    GENERAL_STRING,
    GENERALIZED_TIME,
    IA5_STRING,
    INTEGER,
    NAMES,
    NULL,
    OID,
    PRINTABLE_STRING,
    SEQUENCE,
    SET,
    TAGS,
    UTC_TIME,
    UTF8_STRING,
)
from tlsviz.tls.der.values import Say
from tlsviz.wire.nodes import Node

MAX_DEPTH = 40
MAX_ELEMENTS = 10_000


class Missing(Exception):  # noqa: N818 - never leaves this module
    """Nothing remains where an element must be; its argument names the element."""


class _Full(Exception):  # noqa: N818 - never leaves this module
    """So many elements that the rest is not taken apart."""


Body = Callable[["Der"], "str | None"]
"""Reads the contents of an element and returns its label."""


class Der(Headers):
    """Reads ``data``, whose first byte has the place ``base``; what it read is in ``nodes``, of the level it is on."""

    __slots__ = ("_depth", "_left", "nodes")

    def __init__(self, data: bytes, base: int = 0) -> None:
        super().__init__(data, base)
        self.nodes: list[Node] = []
        self._depth = 0
        self._left = MAX_ELEMENTS

    @property
    def tag(self) -> int:
        """The identifier octet of the next element; -1 when none remains."""
        return self.data[self.position] if self.position < self.end else -1

    @property
    def content(self) -> bytes:
        """What remains on this level."""
        return self.data[self.position : self.end]

    # -- elements ------------------------------------------------------------------------------------------

    def element(self, name: str, tag: int | None, body: Body) -> Node:
        """The next element, of that identifier octet (None: of any), its contents read by ``body``."""
        start, outer, end = self.position, self.nodes, self.end
        if start >= end:
            raise Missing(name)
        if not self._left:
            raise _Full
        self._left -= 1
        parts: list[Node] = []
        self.nodes = parts
        stop, indefinite = self.header(parts)
        if tag is not None and self.data[start] != tag:
            parts[0] = noted(parts[0], f"should be {TAGS[tag]}")
            body = _unread if parts[-1].note else anything  # a length that does not fit: no element at all
        self.end = stop
        label, note = self._inside(body)
        if indefinite:
            self.end = end
            self._end_of_contents(parts)
        node = Node(name, self.base + start, self.base + self.position, None, label, tuple(parts), note)
        self.nodes, self.end = outer, end
        outer.append(node)
        return node

    def sequence(self, name: str, body: Body) -> Node:
        """A SEQUENCE."""
        return self.element(name, SEQUENCE, body)

    def any(self, name: str | None = None) -> Node:
        """The next element, whatever it is, read by its own tag and named by its type if it has no name."""
        if self.position >= self.end:
            raise Missing(name or "an element")
        return self.element(name or NAMES[self.data[self.position]], None, anything)

    def oid(self, name: str) -> str:
        """An OBJECT IDENTIFIER; returns its dotted form, "" when it has none."""
        from_here = self.position
        node = self.element(name, OID, _object_identifier)
        if self.data[from_here] != OID or not isinstance(content := node.children[-1].value, bytes):
            return ""
        return oids.words(content)[0]

    def integer(self, name: str, say: Say = values.integer, tag: int = INTEGER) -> Node:
        """An INTEGER, or what is encoded like one."""
        return self.element(name, tag, contents(say))

    def each(self, body: Callable[[Der], object]) -> None:
        """Calls ``body``, which reads one element, until nothing remains."""
        while self.position < self.end:
            body(self)

    # -- leaves and remarks --------------------------------------------------------------------------------

    def leaf(self, name: str, size: int, label: str | None = None, note: str | None = None) -> bytes:
        """``size`` bytes (or what remains of them) as a field of its own."""
        start = self.position
        self.position = stop = min(start + size, self.end)
        value = self.data[start:stop]
        self.nodes.append(Node(name, self.base + start, self.base + stop, value, label, (), note))
        return value

    def note(self, text: str) -> None:
        """Marks what was read last as faulty."""
        self.nodes[-1] = noted(self.nodes[-1], text)

    def label(self, text: str) -> None:
        """Says what was read last in words."""
        self.nodes[-1] = self.nodes[-1]._replace(label=text)

    # -- inside --------------------------------------------------------------------------------------------

    def _inside(self, body: Body) -> tuple[str | None, str | None]:
        """Runs ``body`` over the contents and puts what it leaves into nodes; returns label and note."""
        label = note = None
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                self._rest("data", f"elements nested deeper than {MAX_DEPTH} are not taken apart")
            else:
                label = body(self)
                self._leftover()
        except Missing as missing:
            note = f"{missing.args[0]} is missing"
        except _Full:
            self._rest("more_elements", f"more than {MAX_ELEMENTS:,} elements: the others are not taken apart")
        self._depth -= 1
        return label, note

    def _leftover(self) -> None:
        """Elements that do not belong where they are."""
        first = len(self.nodes)
        while self.position < self.end:
            self.any("unexpected_element")
        if len(self.nodes) > first:
            self.nodes[first] = noted(self.nodes[first], "does not belong here")

    def _rest(self, name: str, note: str) -> None:
        if self.position < self.end:
            self.leaf(name, self.end - self.position, None, note)

    def _end_of_contents(self, parts: list[Node]) -> None:
        if self.data[self.position : min(self.position + 2, self.end)] == b"\0\0":
            start = self.position
            self.position += 2
            parts.append(Node("end_of_contents", self.base + start, self.base + start + 2, b"\0\0"))
        else:
            parts[1] = noted(parts[1], "and the end is not marked")


def contents(say: Say) -> Body:
    """Reads contents without inner elements, and says them."""

    def body(r: Der) -> str | None:
        content = r.leaf("data", r.end - r.position) if r.position < r.end else b""
        label, note = say(content)
        if note:
            r.note(note)
        return label

    return body


def _unread(r: Der) -> str | None:
    """Contents of what only looks like an element."""
    if r.position < r.end:
        r.leaf("data", r.end - r.position)
    return None


_object_identifier = contents(values.object_identifier)
opaque = contents(values.opaque)


def bits(r: Der, say: Say | None = None) -> str | None:
    """The contents of a BIT STRING: how many bits at the end are not used, then the bits (X.690 8.6)."""
    content = unused_bits(r)
    if content:
        r.leaf("data", len(content))
    label, note = say(content) if say else (f"{len(content) * 8} bits", None)
    if note:
        r.note(note)
    return label


def unused_bits(r: Der) -> bytes:
    """The first octet of a BIT STRING's contents; returns what follows it."""
    if r.position >= r.end:
        r.note("a BIT STRING has at least 1 byte")
        return b""
    unused = r.leaf("unused_bits", 1)[0]
    content = r.content
    if unused > 7 or (unused and not content):
        r.note("must be 0 to 7, and 0 when no bits follow")
    elif unused and content[-1] & (1 << unused) - 1:
        r.note("the bits that are not used must be zeros (X.690 11.2.1)")
    return content


def anything(r: Der) -> str | None:
    """The contents of an element by its own tag: universal types are known, others are opaque or hold elements."""
    octet = r.data[r.nodes[0].start - r.base]
    if not octet & CONSTRUCTED:
        return _PRIMITIVES.get(octet, opaque)(r)
    if octet < 0x40 and octet not in _MADE_OF_ELEMENTS:
        r.nodes[0] = noted(r.nodes[0], "made of parts, which DER forbids (X.690 10.2)")
    r.each(Der.any)
    return None


_MADE_OF_ELEMENTS = {SEQUENCE, SET, 0x28, 0x2B}

_PRIMITIVES: dict[int, Body] = {
    BOOLEAN: contents(values.boolean),
    INTEGER: contents(values.integer),
    BIT_STRING: bits,
    NULL: contents(values.null),
    OID: _object_identifier,
    ENUMERATED: contents(values.integer),
    UTF8_STRING: contents(values.utf8_string),
    0x12: contents(values.numeric_string),
    PRINTABLE_STRING: contents(values.printable_string),
    0x14: contents(values.teletex_string),
    IA5_STRING: contents(values.ia5_string),
    UTC_TIME: contents(values.utc_time),
    GENERALIZED_TIME: contents(values.generalized_time),
    0x1A: contents(values.visible_string),
    GENERAL_STRING: contents(values.general_string),
    0x1C: contents(values.universal_string),
    BMP_STRING: contents(values.bmp_string),
}
