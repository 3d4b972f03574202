"""Packet headers: every byte in its place for any bytes, and what each form says."""

from __future__ import annotations

import random

import pytest

from tlsviz.tls.quic.packets import Packet, Unmasked, decode_header, packets
from tlsviz.tls.quic.versions import known, packet_type
from tlsviz.wire.nodes import Node, leaves, notes

V2 = 0x6B3343CF
INITIAL = bytes.fromhex("c000000001048394850302aabb030102034019") + bytes(range(25))
RETRY = bytes.fromhex("f0000000010002c1c2") + b"token" + bytes(16)
NEGOTIATION = bytes.fromhex("800000000001020103000000016b3343cf1a2a3a4a")


def assert_tiles(node: Node, end: int) -> None:
    at = 0
    for leaf in leaves(node):
        assert leaf.start == at and (leaf.end > at or not node.children)
        at = leaf.end
    assert at == node.end == end


def only(data: bytes) -> Packet:
    (found,), rest = packets(data, None)
    assert not rest
    return found


def labels(node: Node) -> dict[str, str | None]:
    return {child.name: child.label for child in node.children}


def test_an_initial_packet() -> None:
    packet = only(INITIAL)
    assert (packet.kind, packet.version, packet.sound, packet.missing) == ("Initial", 1, True, 0)
    assert (packet.dcid.hex(), packet.scid.hex(), packet.token.hex()) == ("83948503", "aabb", "010203")
    closed = decode_header(packet)
    assert_tiles(closed, packet.start)
    assert labels(closed)["first_byte"] == "long header · Initial · lower 4 bits masked"
    opened = decode_header(packet, Unmasked(0xC1, 0x1234, 2))
    assert_tiles(opened, packet.start + 2)
    number = opened.child("packet_number")
    assert number is not None and number.value == 0x1234
    assert number.label == "4,660, on the wire masked as 0x0001"
    assert labels(opened)["first_byte"] == "long header · Initial · packet number of 2 bytes"


def test_the_reserved_bits_and_the_fixed_bit_are_noted() -> None:
    packet = only(bytes([INITIAL[0] & ~0x40]) + INITIAL[1:])
    found = [node.note or "" for node in notes(decode_header(packet, Unmasked(0x8D, 1, 2)))]
    assert len(found) == 1 and "fixed bit" in found[0] and "reserved bits" in found[0]


def test_coalesced_packets_and_what_is_none() -> None:
    handshake = bytes([0xE0]) + INITIAL[1:12] + b"\xaa\xbb"[:1] + b"\x40\x14" + bytes(20)
    short = b"\x40" + bytes(range(30))
    found, rest = packets(INITIAL + handshake + short, 4)
    assert [packet.kind for packet in found] == ["Initial", "Handshake", "1-RTT"]
    assert found[2].dcid == bytes(range(4)) and found[2].start == 5 and not rest
    greased = b"\x01" + packets(INITIAL, 4)[0][0].dcid + bytes(30)
    found, rest = packets(INITIAL + greased, 4)
    assert [packet.kind for packet in found] == ["Initial", "1-RTT"] and not rest
    found, rest = packets(INITIAL + b"\x01" + bytes(30), 4)
    assert len(found) == 1 and len(rest) == 31
    found, rest = packets(INITIAL + bytes(50), 4)
    assert len(found) == 1 and rest == bytes(50)


def test_a_short_header() -> None:
    (packet,), _ = packets(b"\x41" + bytes(range(30)), 8)
    tree = decode_header(packet, Unmasked(0x64, 77, 1))
    assert_tiles(tree, 10)
    assert labels(tree)["first_byte"] == "short header · 1-RTT · spin bit 1, key phase 1 · packet number of 1 byte"
    assert [child.name for child in tree.children] == ["first_byte", "destination_connection_id", "packet_number"]


def test_retry_and_version_negotiation_are_header_all_through() -> None:
    retry = only(RETRY)
    assert (retry.kind, retry.token, retry.scid.hex()) == ("Retry", b"token", "c1c2")
    assert_tiles(decode_header(retry), len(RETRY))
    tree = decode_header(retry, verdict=(None, "wrong"))
    assert [node.name for node in notes(tree)] == ["retry_integrity_tag"]
    negotiation = only(NEGOTIATION)
    tree = decode_header(negotiation)
    assert_tiles(tree, len(NEGOTIATION))
    listed = tree.child("supported_versions")
    assert listed is not None
    assert [node.label for node in listed.children] == ["QUIC v1", "QUIC v2", "GREASE"]


def test_the_retry_of_early_drafts_repeats_the_first_id() -> None:
    data = bytes.fromhex("f0ff0000180002c1c20483948503") + b"token"
    tree = decode_header(only(data))
    assert_tiles(tree, len(data))
    assert tree.get("original_destination_connection_id.data") is not None
    assert tree.child("retry_integrity_tag") is None


def test_versions_number_the_packet_types_differently() -> None:
    names = ["Initial", "0-RTT", "Handshake", "Retry"]
    assert [packet_type(1, 0xC0 | code << 4) for code in range(4)] == names
    assert [packet_type(V2, 0xC0 | code << 4) for code in range(4)] == [names[-1], *names[:-1]]
    assert packet_type(0, 0xC0) == "Version Negotiation"
    assert packet_type(0x1A2A3A4A, 0xC0) == "unknown version"
    assert known(0xFF000017) and known(0xFF000022) and not known(0xFF000010) and not known(2)


def test_a_long_connection_id_is_noted_and_not_sound() -> None:
    data = bytes.fromhex("c000000001") + bytes([21]) + bytes(21) + b"\0\0" + b"\x40\x14" + bytes(20)
    (packet,), _ = packets(data, None)
    assert not packet.sound
    assert [node.name for node in notes(decode_header(packet))] == ["destination_connection_id"]


@pytest.mark.parametrize("data", [INITIAL, RETRY, NEGOTIATION], ids=["initial", "retry", "negotiation"])
def test_headers_are_total(data: bytes) -> None:
    chance = random.Random(3)
    spoiled = [data[:size] for size in range(1, len(data))]
    for _ in range(300):
        changed = bytearray(data)
        changed[chance.randrange(len(data))] = chance.randrange(256)
        spoiled.append(bytes(changed))
    for one in spoiled:
        found, rest = packets(one, chance.randrange(21))
        assert b"".join(packet.data for packet in found) + rest == one
        for packet in found:
            assert 0 <= packet.start <= len(packet.data)
            for unmasked in (None, Unmasked(0xC3, 5, 4)):
                tree = decode_header(packet, unmasked)
                at = 0
                for leaf in leaves(tree):
                    assert leaf.start == at
                    at = leaf.end
                assert at == tree.end <= len(packet.data)
