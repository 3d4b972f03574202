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
from tlsviz.tls.der.values import Say
from tlsviz.wire.nodes import Node

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTF8_STRING, PRINTABLE_STRING, IA5_STRING, BMP_STRING = 0x0C, 0x13, 0x16, 0x1E
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
CONSTRUCTED, CONTEXT = 0x20, 0x80

MAX_DEPTH = 40
MAX_ELEMENTS = 10_000

TYPES = {
    0: "END_OF_CONTENTS",
    1: "BOOLEAN",
    2: "INTEGER",
    3: "BIT_STRING",
    4: "OCTET_STRING",
    5: "NULL",
    6: "OBJECT_IDENTIFIER",
    7: "ObjectDescriptor",
    8: "EXTERNAL",
    9: "REAL",
    10: "ENUMERATED",
    11: "EMBEDDED_PDV",
    12: "UTF8String",
    13: "RELATIVE_OID",
    16: "SEQUENCE",
    17: "SET",
    18: "NumericString",
    19: "PrintableString",
    20: "TeletexString",
    21: "VideotexString",
    22: "IA5String",
    23: "UTCTime",
    24: "GeneralizedTime",
    25: "GraphicString",
    26: "VisibleString",
    27: "GeneralString",
    28: "UniversalString",
    30: "BMPString",
}
"""Universal types by tag number (X.680 8.4): the names of elements that have no other."""


def _tag_name(octet: int) -> str:
    number = octet & 0x1F
    if octet < 0x40:
        return TYPES.get(number, f"[UNIVERSAL {number}]").replace("_", " ")
    return f"[{('APPLICATION ', '', 'PRIVATE ')[(octet >> 6) - 1]}{number}]"


_TAGS = tuple(map(_tag_name, range(256)))
_NAMES = tuple(TYPES.get(o & 0x1F, "element") if o < 0x40 else "element" for o in range(256))


class Missing(Exception):  # noqa: N818 - never leaves this module
    """Nothing remains where an element must be; its argument names the element."""


class _Full(Exception):  # noqa: N818 - never leaves this module
    """So many elements that the rest is not taken apart."""


Body = Callable[["Der"], "str | None"]
"""Reads the contents of an element and returns its label."""


class Der:
    """Reads ``data``, whose first byte has the place ``base``; what it read is in ``nodes``, of the level it is on."""

    __slots__ = ("_depth", "_ends", "_left", "base", "data", "end", "nodes", "position")

    def __init__(self, data: bytes, base: int = 0) -> None:
        self.data = data
        self.base = base
        self.position = 0
        self.end = len(data)
        self.nodes: list[Node] = []
        self._depth = 0
        self._left = MAX_ELEMENTS
        self._ends: dict[int, int] = {}

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
        stop, indefinite = self._header(parts)
        if tag is not None and self.data[start] != tag:
            parts[0] = _noted(parts[0], f"should be {_TAGS[tag]}")
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
        return self.element(name or _NAMES[self.data[self.position]], None, anything)

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
        self.nodes[-1] = _noted(self.nodes[-1], text)

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
            self.nodes[first] = _noted(self.nodes[first], "does not belong here")

    def _rest(self, name: str, note: str) -> None:
        if self.position < self.end:
            self.leaf(name, self.end - self.position, None, note)

    def _header(self, parts: list[Node]) -> tuple[int, bool]:
        """Reads identifier and length; returns where the contents end, and whether that is by a mark."""
        data, end, base = self.data, self.end, self.base
        start = at = self.position
        octet = data[at]
        at += 1
        if octet & 0x1F == 0x1F:
            at = self._high_tag(parts, at)
        else:
            parts.append(Node("identifier", base + start, base + at, octet, _TAGS[octet]))
        self.position = at
        if at >= end:
            parts[0] = _noted(parts[0], "its length is missing")
            return end, False
        size = data[at]
        if size < 0x80:
            at += 1
            note = None if size <= end - at else _too_long(size, end - at)
            parts.append(Node("length", base + at - 1, base + at, size, None, (), note))
            self.position = at
            return min(at + size, end), False
        return self._long_length(parts, octet)

    def _high_tag(self, parts: list[Node], at: int) -> int:
        """A tag number of 31 or more, in further octets (X.690 8.1.2.4); at most five of them are read."""
        start, limit = at - 1, min(self.end, at + 5)
        number = 0
        more = True
        while at < limit and more:
            number = number << 7 | self.data[at] & 0x7F
            more = bool(self.data[at] & 0x80)
            at += 1
        label = _TAGS[self.data[start]].replace("31]", f"{number}]")
        note = "the tag number does not end" if more else "needs no further bytes" if number < 31 else None
        value = int.from_bytes(self.data[start:at], "big")
        parts.append(Node("identifier", self.base + start, self.base + at, value, label, (), note))
        return at

    def _long_length(self, parts: list[Node], octet: int) -> tuple[int, bool]:
        """A length of several bytes, or none: the contents end with a mark (X.690 8.1.3)."""
        start, end, base = self.position, self.end, self.base
        count = self.data[start] & 0x7F
        at = self.position = min(start + 1 + count, end)
        if count == 0:
            note = "an indefinite length, which DER forbids (X.690 10.1)"
            parts.append(Node("length", base + start, base + at, None, "indefinite", (), note))
            if not octet & CONSTRUCTED:
                parts[-1] = _noted(parts[-1], "and must not be here even in BER (X.690 8.1.3.2)")
                return end, False
            if at not in self._ends:
                self._find_ends(at)
            return min(self._ends[at], end), True
        if at - start - 1 < count:
            note = f"a length of {count} bytes, but only {at - start - 1} are there"
            parts.append(Node("length", base + start, base + at, None, None, (), note))
            return end, False
        size = int.from_bytes(self.data[start + 1 : at], "big")
        longer = size < 0x80 or not self.data[start + 1]
        notes = "longer than it need be (X.690 10.1)" if longer else None
        length = Node("length", base + start, base + at, size, None, (), notes)
        parts.append(_noted(length, _too_long(size, end - at)) if size > end - at else length)
        return min(at + size, end), False

    def _find_ends(self, position: int) -> None:
        """Where the contents of indefinite length that start here end, and those like them inside, in one pass.

        ``_ends`` maps where such contents start to where they end.
        """
        data, end = self.data, self.end
        open_ones = [position]
        while position + 1 < end:
            if data[position] == 0 == data[position + 1]:
                self._ends[open_ones.pop()] = position
                position += 2
                if not open_ones:
                    return
                continue
            position, body = _skip(data, position, end)
            if body:
                open_ones.append(position)
        self._ends.update(dict.fromkeys(open_ones, end))

    def _end_of_contents(self, parts: list[Node]) -> None:
        if self.data[self.position : min(self.position + 2, self.end)] == b"\0\0":
            start = self.position
            self.position += 2
            parts.append(Node("end_of_contents", self.base + start, self.base + start + 2, b"\0\0"))
        else:
            parts[1] = _noted(parts[1], "and the end is not marked")


def _skip(data: bytes, position: int, end: int) -> tuple[int, bool]:
    """Where the next element starts; or, with True, where the contents of one of indefinite length start."""
    octet = data[position]
    position += 1
    if octet & 0x1F == 0x1F:
        limit = min(end, position + 5)
        while position < limit and data[position] & 0x80:
            position += 1
        position += 1
    if position >= end:
        return end, False
    size = data[position]
    position += 1
    if size == 0x80:
        return (position, True) if octet & CONSTRUCTED else (end, False)
    if size > 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[position : position + count], "big")
        position += count
    return min(position + size, end), False


def _too_long(size: int, left: int) -> str:
    return f"says {size} bytes follow, but only {left} are there"


def _noted(node: Node, text: str) -> Node:
    return node._replace(note=f"{node.note}; {text}" if node.note else text)


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
        r.nodes[0] = _noted(r.nodes[0], "made of parts, which DER forbids (X.690 10.2)")
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
    0x1C: contents(values.universal_string),
    BMP_STRING: contents(values.bmp_string),
}
