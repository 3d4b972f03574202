"""DTLS: record headers of both forms, message headers, ACKs."""

from __future__ import annotations

import pytest
from soundness import assert_sound

from tlsviz.tls.context import Context
from tlsviz.tls.dtls import decode_record_header, record_header
from tlsviz.tls.handshake import decode_content, decode_handshake
from tlsviz.tls.views import client_hello, header_length
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Node

HELLO = bytes.fromhex("fefd") + bytes(32) + b"\0" + b"\x04abcd" + b"\0\x02\xc0\x2b" + b"\x01\0"


def values(tree: Node) -> dict[str, object]:
    return {node.name: node.value for node in tree.children}


def fragment(kind: int, length: int, number: int, offset: int, body: bytes) -> bytes:
    parts = (kind, 1), (length, 3), (number, 2), (offset, 3), (len(body), 3)
    return b"".join(value.to_bytes(size, "big") for value, size in parts) + body


def test_a_record_header() -> None:
    data = bytes.fromhex("16 fefd 0001 000000000005 0020") + bytes(32)
    header = record_header(data)
    assert header is not None
    assert (header.size, header.content_type, header.version) == (13, 22, 0xFEFD)
    assert (header.epoch, header.sequence, header.length, header.unified) == (1, 5, 32, False)
    tree = decode_record_header(data[:13])
    assert values(tree) == {
        "content_type": 22,
        "legacy_record_version": 0xFEFD,
        "epoch": 1,
        "sequence_number": 5,
        "length": 32,
    }


def test_a_connection_id_stands_before_the_length() -> None:
    data = bytes.fromhex("19 fefd 0001 000000000005 a1a2a3 0020") + bytes(32)
    header = record_header(data, 3)
    assert header is not None and (header.size, header.length) == (16, 32)
    assert values(decode_record_header(data[:16]))["connection_id"] == b"\xa1\xa2\xa3"


@pytest.mark.parametrize(
    ("data", "size", "epoch", "number", "length", "names"),
    [
        ("2e 1234 0003 aabbcc", 5, 2, 0x1234, 3, ["unified_header_flags", "encrypted_sequence_number", "length"]),
        ("27 12 0003 aabbcc", 4, 3, 0x12, 3, ["unified_header_flags", "encrypted_sequence_number", "length"]),
        ("23 12 aabbcc", 2, 3, 0x12, 3, ["unified_header_flags", "encrypted_sequence_number"]),
        (
            "3f c1c2 1234 0003 aabbcc",
            7,
            3,
            0x1234,
            3,
            ["unified_header_flags", "connection_id", "encrypted_sequence_number", "length"],
        ),
    ],
)
def test_the_unified_header(data: str, size: int, epoch: int, number: int, length: int, names: list[str]) -> None:
    raw = bytes.fromhex(data)
    header = record_header(raw, 2)
    assert header is not None and header.unified
    assert (header.size, header.epoch, header.sequence, header.length) == (size, epoch, number, length)
    tree = decode_record_header(raw[:size])
    assert [node.name for node in tree.children] == names
    assert_sound(tree, raw[:size])


@pytest.mark.parametrize("data", ["", "16fefd00", "16030300010000000000050020", "00010000", "3f"])
def test_what_is_no_record(data: str) -> None:
    assert record_header(bytes.fromhex(data), 2) is None


def test_any_header_tiles() -> None:
    for first in range(256):
        for size in range(20):
            data = bytes([first]) + bytes(range(size))
            assert_sound(decode_record_header(data), data)


def test_a_client_hello_with_its_cookie() -> None:
    data = fragment(1, len(HELLO), 1, 0, HELLO)
    tree = decode_handshake(data, Context(CLIENT, dtls=True))
    assert tree.name == "client_hello" and header_length(tree) == 12
    assert [node.name for node in tree.children][:5] == [
        "msg_type",
        "length",
        "message_seq",
        "fragment_offset",
        "fragment_length",
    ]
    cookie = tree.get("cookie.data")
    assert cookie is not None and cookie.value == b"abcd"
    assert client_hello(tree, data).cipher_suites == (0xC02B,)
    assert_sound(tree, data)


def test_a_retry_is_known_behind_the_longer_header() -> None:
    random = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    body = bytes.fromhex("fefd") + random + b"\0" + bytes.fromhex("130100")
    tree = decode_handshake(fragment(2, len(body), 0, 0, body), Context(SERVER, dtls=True))
    assert tree.name == "hello_retry_request"


def test_hello_verify_request() -> None:
    body = bytes.fromhex("feff 03 616263")
    tree = decode_handshake(fragment(3, len(body), 0, 0, body), Context(SERVER, dtls=True))
    assert tree.name == "hello_verify_request"
    cookie = tree.get("cookie.data")
    assert cookie is not None and cookie.value == b"abc"


def test_a_fragment_beyond_the_end_is_noted() -> None:
    tree = decode_handshake(fragment(11, 10, 0, 8, bytes(5)), Context(SERVER, dtls=True))
    node = tree.child("fragment_length")
    assert node is not None and "3 bytes behind" in (node.note or "")


def test_every_truncation_of_a_message_tiles() -> None:
    data = fragment(1, len(HELLO), 1, 0, HELLO)
    for end in range(len(data)):
        assert_sound(decode_handshake(data[:end], Context(CLIENT, dtls=True)), data[:end])


def test_an_ack_lists_records() -> None:
    data = bytes.fromhex("0020 0000000000000002 0000000000000001 0000000000000002 0000000000000003")
    tree = decode_content(26, data, Context(CLIENT, dtls=True))
    assert tree.name == "ack"
    numbers = tree.child("record_numbers")
    assert numbers is not None
    records = [node for node in numbers.children if node.name == "record_number"]
    assert [values(record) for record in records] == [
        {"epoch": 2, "sequence_number": 1},
        {"epoch": 2, "sequence_number": 3},
    ]
    for end in range(len(data)):
        assert_sound(decode_content(26, data[:end], Context(CLIENT, dtls=True)), data[:end])


def test_the_oldest_change_cipher_spec_is_numbered() -> None:
    tree = decode_content(20, b"\x01\0\x02", Context(CLIENT, 0x0100, dtls=True))
    assert values(tree) == {"type": 1, "message_seq": 2}
    assert decode_content(20, b"\x01\0\x02", Context(CLIENT)).children[-1].name == "unexpected_bytes"
