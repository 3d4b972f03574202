"""What a UDP payload carries, told from its bytes."""

from __future__ import annotations

import random

import pytest
from dtls_flow import associate

from tlsviz.connection.datagrams import Follower, carrier_of, unwrapped
from tlsviz.connection.dtls.engine import DtlsEngine
from tlsviz.connection.engine import Engine
from tlsviz.connection.quic.engine import QuicEngine

INITIAL = bytes.fromhex("c300000001088394c8f03e5157080000449e") + bytes(1200)
OTHERS = {
    "STUN": "000100002112a442" + "00" * 12,
    "TURN ChannelData": "40010004deadbeef",
    "RTP": "806000010000000100000001" + "00" * 160,
    "RTCP": "80c9000100000001",
    "DNS": "16fe01000001000000000000076578616d706c6503636f6d0000010001",
    "TLS over UDP": "16030100050100000100",
    "WireGuard": "01000000" + "aa" * 144,
    "empty": "",
    "a lone byte": "16",
    "a DTLS header without its record": "17fefd00010000000000010040",
    "a DTLS version of nobody": "16fefa0000000000000000000101",
    "QUIC's long header of an unknown version": "c3deadbeef08" + "00" * 30,
    "QUIC's short header": "4f" + "00" * 40,
    "Google's old QUIC": "09" + "00" * 8 + "51303433",
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS.keys())
def test_others_are_nothing(data: str) -> None:
    assert carrier_of(bytes.fromhex(data)) is None


def test_dtls_and_quic_are_told() -> None:
    said = associate(cookie=False)
    assert {carrier_of(chunk.data) for chunk in said.chunks} == {"dtls"}
    assert carrier_of(said.chunks[0].data[:60]) == "dtls"  # cut by a snap length
    assert carrier_of(said.chunks[0].data + said.chunks[1].data) == "dtls"
    assert carrier_of(INITIAL) == "quic"
    assert carrier_of(INITIAL.replace(b"\0\0\0\1", bytes.fromhex("6b3343cf"), 1)) == "quic"
    negotiation = bytes.fromhex("8000000000" + "00" + "088394c8f03e515708" + "0a0a0a0a" + "00000001")
    assert carrier_of(negotiation) == "quic"


def test_random_datagrams_are_nothing() -> None:
    chance = random.Random(7)
    found = [carrier_of(chance.randbytes(chance.randrange(1500))) for _ in range(50_000)]
    assert set(found) == {None}
    steered = [bytes([chance.randrange(20, 26)]) + chance.randbytes(chance.randrange(200)) for _ in range(50_000)]
    assert {carrier_of(data) for data in steered} == {None}


def test_wrappings_come_off() -> None:
    inner = bytes.fromhex("16fefd")
    assert unwrapped(b"\x40\x01\x00\x03" + inner) == inner
    assert unwrapped(b"\x40\x01\x00\x03" + inner + b"\0") == inner  # padded to a multiple of four
    assert unwrapped(b"\x40\x01\x00\x09" + inner) is None
    assert unwrapped(b"\x01\0\0\0" + inner) == inner
    assert unwrapped(b"\x00\x01\0\0") is None
    assert unwrapped(b"") is None


@pytest.mark.parametrize("kind", [Engine, DtlsEngine, QuicEngine])
def test_every_engine_is_a_follower(kind: type) -> None:
    engine: Follower = kind(id=3, tcp_stream=None, server_name="a.test")
    assert engine.is_tls is None
    engine.finish(1.0)
    assert engine.connection().id == 3
