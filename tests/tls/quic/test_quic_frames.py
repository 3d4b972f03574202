"""Frames: each of them, tiled, whatever the bytes are."""

from __future__ import annotations

import random

import pytest
from effort import calls

from tlsviz.lab.quic import crypto_frame, stream_frame, varint
from tlsviz.tls import registry
from tlsviz.tls.quic.frames import (
    FRAMES,
    MOST_FRAMES,
    application,
    close_alert,
    close_words,
    closing,
    crypto,
    decode_frames,
)
from tlsviz.tls.quic.varint import varint as read_varint
from tlsviz.wire.nodes import Node, leaves, notes
from tlsviz.wire.reader import Reader

NUMBERS = varint(3) + varint(300) + varint(70_000)
SAMPLES: dict[int, bytes] = {
    0x01: b"",
    0x02: varint(900) + varint(5) + varint(2) + varint(1) + 4 * varint(2),
    0x03: varint(9) + varint(5) + varint(0) + varint(1) + NUMBERS,
    0x04: NUMBERS,
    0x05: varint(4) + varint(0x101),
    0x06: varint(70) + varint(3) + b"abc",
    0x07: varint(3) + b"tok",
    0x08: varint(4) + b"to the end",
    0x0F: varint(7) + varint(500) + varint(3) + b"fin",
    0x10: varint(1 << 40),
    0x11: varint(4) + varint(9),
    0x12: varint(100),
    0x13: varint(100),
    0x14: varint(5),
    0x15: varint(4) + varint(5),
    0x16: varint(5),
    0x17: varint(5),
    0x18: varint(1) + varint(0) + b"\x04abcd" + bytes(16),
    0x19: varint(1),
    0x1A: bytes(8),
    0x1B: bytes(8),
    0x1C: varint(0x0A) + varint(6) + varint(3) + b"why",
    0x1D: varint(0x101) + varint(0),
    0x1E: b"",
    0x1F: b"",
    0x30: b"to the end",
    0x31: varint(3) + b"abc",
    0xAF: NUMBERS + varint(1),
}


def assert_tiles(tree: Node, size: int) -> None:
    at = 0
    for leaf in leaves(tree):
        assert leaf.start == at
        at = leaf.end
    assert at == size


@pytest.mark.parametrize("kind", SAMPLES, ids=hex)
def test_each_frame_is_taken_apart(kind: int) -> None:
    data = varint(kind) + SAMPLES[kind]
    tree = decode_frames(data)
    (frame,) = tree.children
    assert frame.name == FRAMES[kind][0] and frame.label == registry.quic_frame_types.get(kind)
    assert not list(notes(tree))
    assert_tiles(tree, len(data))
    for size in range(len(data)):
        assert_tiles(decode_frames(data[:size]), size)


def test_every_frame_of_the_registry_has_a_reader() -> None:
    assert set(FRAMES) == set(registry.quic_frame_types) - {0}
    families = {FRAMES[kind][0] for kind in SAMPLES}
    assert families == {name for name, _ in FRAMES.values()}


def test_padding_is_one_node() -> None:
    tree = decode_frames(bytes(900) + b"\x01" + bytes(2))
    assert [(child.name, child.length) for child in tree.children] == [
        ("padding_frames", 900),
        ("ping_frame", 1),
        ("padding_frames", 2),
    ]
    assert tree.children[0].label == "900 PADDING frames"


def test_a_run_of_pings_is_one_node() -> None:
    tree = decode_frames(b"\x01" * 3 + crypto_frame(0, b"hello") + b"\x01" + bytes(1) + b"\x01" * 2)
    assert [(child.name, child.length, child.label) for child in tree.children] == [
        ("ping_frames", 3, "3 PING frames"),
        ("crypto_frame", 8, "CRYPTO"),
        ("ping_frame", 1, "PING"),
        ("padding_frames", 1, "1 PADDING frame"),
        ("ping_frames", 2, "2 PING frames"),
    ]


@pytest.mark.parametrize("run", [b"\0", b"\x01"], ids=["PADDING", "PING"])
def test_a_packet_full_of_one_byte_is_little_work(run: bytes) -> None:
    """A node a byte made seconds of a few datagrams."""
    decode_frames(run)  # what is loaded at first use is no part of it
    few, many = (calls(lambda size=size: decode_frames(run * size)) for size in (10, 60_000))
    assert many == few


def test_frames_are_read_up_to_a_limit() -> None:
    exactly = decode_frames(b"\x01\0" * (MOST_FRAMES // 2))
    assert len(exactly.children) == MOST_FRAMES and not list(notes(exactly))
    over = decode_frames(b"\x01\0" * 30_000)
    assert_tiles(over, 60_000)
    assert len(over.children) == MOST_FRAMES + 1
    assert (over.children[-1].name, over.children[-1].length) == ("unread_frames", 60_000 - MOST_FRAMES)
    assert [node.name for node in notes(over)] == ["unread_frames"]


def test_what_the_engine_takes() -> None:
    data = crypto_frame(5, b"hello") + stream_frame(0, 0, b"data") + b"\x31\x02ok" + stream_frame(4, 0, b"")
    tree = decode_frames(data)
    assert [(one.offset, data[one.start : one.end]) for one in crypto(tree)] == [(5, b"hello")]
    assert [data[start:end] for start, end in application(tree)] == [b"data", b"ok"]
    assert closing(tree) is None


@pytest.mark.parametrize(
    ("frame", "alert", "words"),
    [
        (b"\x1c" + varint(0x0128) + b"\x06\x00", 40, "CRYPTO_ERROR (handshake_failure)"),
        (b"\x1c" + varint(0x01FE) + b"\x06\x00", 254, "CRYPTO_ERROR (alert 254)"),
        (b"\x1c\x00\x00\x03bye", None, "NO_ERROR: bye"),
        (b"\x1c" + varint(0x3333) + b"\x00\x00", None, "transport error 0x3333"),
        (b"\x1d" + varint(0x100) + b"\x04\x1b[0m", None, "application error 0x100: \\x1b[0m"),
        (b"\x1c", None, "damaged"),
    ],
)
def test_closing_words(frame: bytes, alert: int | None, words: str) -> None:
    found = closing(decode_frames(frame))
    assert found is not None
    assert close_alert(found) == alert and close_words(found) == words


def test_nothing_is_read_behind_an_unknown_frame() -> None:
    tree = decode_frames(b"\x01\x40\x52\x01\x01")
    assert [child.name for child in tree.children] == ["ping_frame", "unknown_frame"]
    assert [node.name for node in notes(tree)] == ["frame_type"]


def test_lengths_beyond_the_packet_are_noted() -> None:
    (frame,) = decode_frames(b"\x06\x00\x44\x00abc").children
    assert [node.name for node in notes(frame)] == ["length"]
    assert crypto(decode_frames(b"\x06\x00\x44\x00abc"))[0].end == 7


def test_frames_are_total() -> None:
    chance = random.Random(5)
    for _ in range(500):
        data = chance.randbytes(chance.randrange(80))
        assert_tiles(decode_frames(data), len(data))
    assert len(decode_frames(b"\x02\xbf\xff\xff\xff\x00\xbf\xff\xff\xff\x00").children) == 1


@pytest.mark.parametrize(
    ("data", "value"),
    [("c2197c5eff14e88c", 151288809941952652), ("9d7f3e7d", 494878333), ("7bbd", 15293), ("25", 37), ("4025", 37)],
)
def test_variable_length_integers_of_rfc_9000_a_1(data: str, value: int) -> None:
    reader = Reader(bytes.fromhex(data))
    assert read_varint(reader, "value") == value
    assert not reader.remaining and reader.nodes[0].value == value
