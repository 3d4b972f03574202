"""Elements of DER: what is odd in them is noted where it stands, and any bytes give a bounded tree in linear time."""

from __future__ import annotations

import time

import pytest
from der_build import assert_der_tiles, der_faults, opened, tlv

from tlsviz.tls.der.kinds import AnyNode
from tlsviz.tls.der.reader import MAX_DEPTH, MAX_ELEMENTS
from tlsviz.tls.der.tags import TYPES
from tlsviz.wire.nodes import Node, walk

UTC_FORM = "must be written YYMMDDHHMMSSZ (RFC 5280 4.1.2.5)"
GENERALIZED_FORM = "must be written YYYYMMDDHHMMSSZ (RFC 5280 4.1.2.5)"


def tree(der: bytes) -> Node:
    made = opened(der, AnyNode)
    assert_der_tiles(made, der)
    return made


def only(der: bytes) -> tuple[str | None, list[str]]:
    """The label of the one element, and the notes of its parts."""
    made = tree(der)
    return made.label, [note for _, note in der_faults(made)]


@pytest.mark.parametrize(
    ("der", "label"),
    [
        (tlv(1, b"\xff"), "TRUE"),
        (tlv(1, b"\x00"), "FALSE"),
        (tlv(2, b"\x00"), "0"),
        (tlv(2, b"\x00\x80"), "128"),
        (tlv(2, b"\xff"), "-1"),
        (tlv(2, b"\x7f" * 9), "0x" + "7f" * 9),
        (tlv(3, b"\x00\xaa"), "8 bits"),
        (tlv(4, b"\xde\xad"), "dead"),
        (tlv(5), "NULL"),
        (tlv(6, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), "sha256WithRSAEncryption (1.2.840.113549.1.1.11)"),
        (tlv(6, b"\x88\x37\x03"), "2.999.3"),
        (tlv(6, b"\x67\x2b"), "2.23.43"),
        (tlv(0x0A, b"\x03"), "3"),
        (tlv(0x0C, "Größe".encode()), "Größe"),
        (tlv(0x13, b"Example Co."), "Example Co."),
        (tlv(0x14, b"caf\xe9"), "café"),
        (tlv(0x16, b"*.example.com"), "*.example.com"),
        (tlv(0x17, b"491231235959Z"), "2049-12-31 23:59:59 UTC"),
        (tlv(0x17, b"500101000000Z"), "1950-01-01 00:00:00 UTC"),
        (tlv(0x18, b"20500101000000Z"), "2050-01-01 00:00:00 UTC"),
        (tlv(0x18, b"99991231235959Z"), "9999-12-31 23:59:59 UTC"),
        (tlv(0x1E, "日本".encode("utf-16-be")), "日本"),
    ],
)
def test_values_in_words(der: bytes, label: str) -> None:
    assert only(der) == (label, [])


@pytest.mark.parametrize(
    ("der", "label", "note"),
    [
        (tlv(1, b"\x01"), "TRUE", "TRUE is 0xff in DER (X.690 11.1)"),
        (tlv(1, b"\xff\xff"), None, "a BOOLEAN has 1 byte, not 2"),
        (tlv(2), None, "a number has at least 1 byte"),
        (tlv(2, b"\x00\x7f"), "127", "longer than it need be (X.690 8.3.2)"),
        (tlv(2, b"\xff\x80"), "-128", "longer than it need be (X.690 8.3.2)"),
        (tlv(3), "0 bits", "a BIT STRING has at least 1 byte"),
        (tlv(3, b"\x08\x00"), "8 bits", "must be 0 to 7, and 0 when no bits follow"),
        (tlv(3, b"\x01"), "0 bits", "must be 0 to 7, and 0 when no bits follow"),
        (tlv(3, b"\x04\xff"), "8 bits", "the bits that are not used must be zeros (X.690 11.2.1)"),
        (tlv(5, b"\0"), "NULL", "a NULL has no contents"),
        (tlv(6), None, "an object identifier has at least 1 byte"),
        (tlv(6, b"\x2a\x86"), None, "no object identifier"),
        (tlv(6, b"\x2a\x80\x01"), "1.2.1", "a number in it is longer than it need be (X.690 8.19.2)"),
        (tlv(0x0C, b"\xff"), "\\xff", "has characters that a UTF8String must not have"),
        (tlv(0x0C, b"a\x1b[2J"), "a\\x1b[2J", None),
        (tlv(0x13, b"a@b"), "a@b", "has characters that a PrintableString must not have"),
        (tlv(0x16, b"\xe9"), "\\xe9", "has characters that a IA5String must not have"),
        (tlv(0x17, b"2601010000Z"), "2026-01-01 00:00:00 UTC", UTC_FORM),
        (tlv(0x17, b"260101000000+0100"), "2026-01-01 00:00:00 +0100", UTC_FORM),
        (tlv(0x17, b"261301000000Z"), "261301000000Z", "no such time"),
        (tlv(0x18, b"20260101000000.5Z"), "2026-01-01 00:00:00 UTC", GENERALIZED_FORM),
        (tlv(0x18, b"now"), "now", "no such time"),
        (b"\x04\x81\x01a", "61", "longer than it need be (X.690 10.1)"),
        (b"\x04\x82\x00\x81" + bytes(0x81), "00" * 32 + "…", "longer than it need be (X.690 10.1)"),
        (b"\x04\x05a", "61", "says 5 bytes follow, but only 1 are there"),
        (b"\x04\x84\x00", None, "a length of 4 bytes, but only 1 are there"),
        (b"\x04", None, "its length is missing"),
        (b"\x24\x03\x04\x01a", None, "made of parts, which DER forbids (X.690 10.2)"),
        (b"\x1f\x05\x00", None, "needs no further bytes"),
        (b"\x9f\x81\x01\x01a", "61", None),
        (b"\x9f\xff\xff\xff\xff\xff\x01\x00", "00", "the tag number does not end"),
    ],
)
def test_what_is_odd_is_noted(der: bytes, label: str | None, note: str | None) -> None:
    said, notes = only(der)
    assert said == label
    assert notes[:1] == ([note] if note else [])


def test_tags_are_named() -> None:
    for octet, name in ((0x30, "SEQUENCE"), (0x31, "SET"), (0xA3, "[3]"), (0x81, "[1]"), (0x45, "[APPLICATION 5]")):
        assert tree(bytes([octet, 0])).children[0].label == name
    assert tree(b"\x9f\x81\x01\x00").children[0].label == "[129]"
    inner = tree(tlv(0x30, *(tlv(tag) for tag in (1, 2, 0x13, 0x80, 0xA0))))
    assert [node.name for node in inner.children[2:]] == [TYPES[1], TYPES[2], TYPES[19], "element", "element"]


def test_an_indefinite_length_ends_at_its_mark() -> None:
    inside = b"\x30\x80" + tlv(2, b"\x01") + tlv(4, b"\0\0\0\0") + b"\0\0"
    made = tree(b"\x30\x80" + inside + tlv(2, b"\x02") + b"\0\0")
    assert [node.name for node in made.children] == ["identifier", "length", "SEQUENCE", "INTEGER", "end_of_contents"]
    assert [node.name for node in made.children[2].children[2:]] == ["INTEGER", "OCTET_STRING", "end_of_contents"]
    forbidden = "an indefinite length, which DER forbids (X.690 10.1)"
    assert der_faults(made) == [("length", forbidden), ("length", forbidden)]


def test_an_indefinite_length_without_its_mark_takes_all() -> None:
    made = tree(b"\x30\x80" + tlv(2, b"\x01"))
    assert made.children[1].note == "an indefinite length, which DER forbids (X.690 10.1); and the end is not marked"
    primitive = tree(b"\x04\x80ab")
    assert primitive.children[2].value == b"ab"
    assert (primitive.children[1].note or "").endswith("and must not be here even in BER (X.690 8.1.3.2)")


def test_depth_is_bounded() -> None:
    der = tlv(5)
    for _ in range(MAX_DEPTH + 20):
        der = tlv(0x30, der)
    made = tree(der)
    assert max(len(path) for path, _ in walk(made)) <= MAX_DEPTH + 1
    assert der_faults(made) == [("data", f"elements nested deeper than {MAX_DEPTH} are not taken apart")]


def test_the_number_of_elements_is_bounded() -> None:
    made = tree(tlv(0x30, tlv(5) * (MAX_ELEMENTS + 500)))
    assert made.children[-1].name == "more_elements"
    assert made.children[-1].length == 2 * 501
    assert sum(node.name == "NULL" for node in made.children) == MAX_ELEMENTS - 1


@pytest.mark.parametrize(
    "der",
    [
        b"\x30\x80" * 300_000,
        b"\x30\x80\x30\x84\x00\xff\xff\xff" * 75_000,
        b"\x30\x84\x00\xff\xff\xff" * 100_000,
        b"\x30\x80" + tlv(5) * 300_000,
        tlv(0x30, b"\x24\x80\0\0" * 150_000),
        tlv(4, bytes(600_000)),
    ],
    ids=["indefinite", "mixed", "too long", "unended", "many ends", "big"],
)
def test_time_is_linear(der: bytes) -> None:
    begin = time.process_time()
    made = opened(der, AnyNode)
    assert made.children
    assert time.process_time() - begin < 2
