"""DER as far as it goes: tag, length, value, without ever raising on what a peer sent.

X.690. A damaged element ends its list; what was there before it is kept, and the fault is said in words.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tlsviz.tls.oids import dotted_form

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
SEQUENCE, SET = 0x30, 0x31
CONSTRUCTED = 0x20
VERSION, EXPLICIT_EXTENSIONS = 0xA0, 0xA3
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18

_ENCODINGS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
MAX_ELEMENTS = 20_000


class Element(NamedTuple):
    """One element: its tag octet, where it starts, where its content starts and ends."""

    data: bytes
    tag: int
    start: int
    body: int
    end: int

    @property
    def content(self) -> bytes:
        return self.data[self.body : self.end]

    @property
    def whole(self) -> bytes:
        return self.data[self.start : self.end]

    @property
    def children(self) -> list[Element]:
        """The elements inside, as far as they can be told apart."""
        return elements(self.data, self.body, self.end)[0]


def elements(data: bytes, start: int = 0, end: int | None = None) -> tuple[list[Element], str]:
    """The elements in ``data[start:end]``, and what is wrong with the bytes ("" if nothing).

    A length that reaches beyond the end is cut to what is there.
    """
    end = len(data) if end is None else end
    found: list[Element] = []
    while start < end:
        if len(found) == MAX_ELEMENTS:
            return found, f"more than {MAX_ELEMENTS:,} elements in one place"
        element, fault = _element(data, start, end)
        if element is None:
            return found, fault
        found.append(element)
        if fault:
            return found, fault
        start = element.end
    return found, ""


def _element(data: bytes, start: int, end: int) -> tuple[Element | None, str]:
    """The element at ``start``; with a fault when it is cut or oddly made, None when it has no header."""
    position = start + 1
    tag = data[start]
    if tag & 0x1F == 0x1F:
        return None, f"a multi-byte tag at byte {start}"
    if position >= end:
        return None, f"ends in the middle of an element at byte {start}"
    length = data[position]
    position += 1
    if length == 0x80:
        return None, f"an indefinite length at byte {start}, which DER forbids"
    if length > 0x80:
        size = length & 0x7F
        if size > 8 or position + size > end:
            return None, f"an impossible length at byte {start}"
        length = int.from_bytes(data[position : position + size], "big")
        position += size
    if length > end - position:
        missing = length - (end - position)
        return Element(data, tag, start, position, end), f"the element at byte {start} lacks {missing:,} bytes"
    return Element(data, tag, start, position, position + length), ""


def first(data: bytes) -> Element | None:
    """The first element of some bytes."""
    return _element(data, 0, len(data))[0] if data else None


def oid(content: bytes) -> str:
    """An object identifier's dotted form; ``?`` when it is not one, or absurdly long."""
    return dotted_form(content) or "?"


def integer(element: Element) -> int:
    """An INTEGER's value (signed)."""
    return int.from_bytes(element.content, "big", signed=True)


def string(element: Element) -> str:
    """A string's characters, not yet safe to print; bytes that are none of its type's are escaped."""
    encoding = _ENCODINGS.get(element.tag)
    if encoding is None:
        return "#" + element.whole.hex()
    return element.content.decode(encoding, "backslashreplace")


def time(element: Element) -> datetime | None:
    """A UTCTime's or GeneralizedTime's moment, or None; RFC 5280 4.1.2.5, and offsets and missing seconds."""
    text = element.content.decode("ascii", "replace")
    digits = text.rstrip("Z").partition("+")[0].partition("-")[0].partition(".")[0]
    if element.tag == UTC_TIME:
        if not digits[:2].isdecimal():
            return None
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif element.tag != GENERALIZED_TIME:
        return None
    if len(digits) == 12:
        digits += "00"
    if len(digits) != 14 or not (digits.isascii() and digits.isdecimal()):
        return None
    parts = [int(digits[:4]), *(int(digits[i : i + 2]) for i in range(4, 14, 2))]
    try:
        return datetime(*parts, tzinfo=UTC) - _offset(text)  # type: ignore[misc, arg-type]
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> timedelta:
    """What a ``+hhmm`` or ``-hhmm`` at the end adds to UTC."""
    if len(text) < 5 or text[-5] not in "+-":
        return timedelta()
    offset = timedelta(hours=int(text[-4:-2]), minutes=int(text[-2:]))
    return offset if text[-5] == "+" else -offset


def bits(element: Element) -> set[int]:
    """The numbers of the bits that a named-bit BIT STRING sets."""
    content = element.content[1:5]
    return {8 * i + bit for i, byte in enumerate(content) for bit in range(8) if byte & 0x80 >> bit}
