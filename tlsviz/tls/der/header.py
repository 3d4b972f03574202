"""Identifier and length of each element (X.690 8.1), with what is odd in them."""

from __future__ import annotations

from tlsviz.tls.der.tags import CONSTRUCTED, TAGS
from tlsviz.wire.nodes import Node


class Headers:
    """Reads headers in ``data[position:end]``; the first byte of ``data`` has the place ``base``."""

    __slots__ = ("_ends", "base", "data", "end", "position")

    def __init__(self, data: bytes, base: int = 0) -> None:
        self.data = data
        self.base = base
        self.position = 0
        self.end = len(data)
        self._ends: dict[int, int] = {}

    def header(self, parts: list[Node]) -> tuple[int, bool]:
        """Reads identifier and length; returns where the contents end, and whether that is by a mark."""
        data, end, base = self.data, self.end, self.base
        start = at = self.position
        octet = data[at]
        at += 1
        if octet & 0x1F == 0x1F:
            at = self._high_tag(parts, at)
        else:
            parts.append(Node("identifier", base + start, base + at, octet, TAGS[octet]))
        self.position = at
        if at >= end:
            parts[0] = noted(parts[0], "its length is missing")
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
        label = TAGS[self.data[start]].replace("31]", f"{number}]")
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
                parts[-1] = noted(parts[-1], "and must not be here even in BER (X.690 8.1.3.2)")
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
        parts.append(noted(length, _too_long(size, end - at)) if size > end - at else length)
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


def noted(node: Node, text: str) -> Node:
    return node._replace(note=f"{node.note}; {text}" if node.note else text)
