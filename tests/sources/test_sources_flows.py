"""UDP conversations: who is the client, what is taken off, what is passed over; and DTLS out of a capture file."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import pcap_writer as w
import pytest
from dtls_flow import Association, associate
from quic_flow import PING, QuicFlow, tls13

from tlsviz.connection.model import Endpoint
from tlsviz.crypto.keylog import KeyLog
from tlsviz.sources.capture import load_capture
from tlsviz.sources.flows import Flow
from tlsviz.sources.following import Following
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.segments import ACK, Datagram, Packet
from tlsviz.wire.chunks import CLIENT, SERVER

A, B = Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 4433)
STUN = bytes.fromhex("000100002112a442") + bytes(12)
SRTP = b"\x80\x60" + bytes(50)


def datagrams(said: Association, wrap: bytes = b"", missing: int = 0) -> list[Datagram]:
    found = []
    for number, chunk in enumerate(said.chunks, 1):
        ends = (A, B) if chunk.sender == CLIENT else (B, A)
        found.append(Datagram(number, chunk.time, 0, *ends, wrap + chunk.data, missing))
    return found


def followed(items: list[Datagram]) -> Flow:
    flow = Flow(KeyLog())
    for item in items:
        flow.feed(item)
    assert flow.engine is not None
    flow.engine.finish()
    return flow


def udp(datagram: Datagram) -> w.Frame:
    """The datagram in an Ethernet frame, over IPv4."""
    size = 8 + len(datagram.payload)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, 17, 0)
    ends = (ipaddress.ip_address(end.address).packed for end in (datagram.source, datagram.destination))
    ports = struct.pack(">HHHH", datagram.source.port, datagram.destination.port, size, 0)
    data = bytes(12) + b"\x08\x00" + head + b"".join(ends) + ports + datagram.payload
    return datagram.time, data, len(data)


@pytest.mark.parametrize("first", [0, 1, 5])
def test_the_client_is_who_says_hello(first: int) -> None:
    """Also where the capture begins with the server's answer."""
    engine = followed(datagrams(associate())[first:]).engine
    assert engine is not None
    assert (engine.client, engine.server) == (A, B)
    assert engine.connection().transport == "dtls"


def test_what_comes_before_is_passed_over() -> None:
    said = datagrams(associate())
    noise = [said[0]._replace(payload=data) for data in (STUN, SRTP, b"", b"\x16\xfe\xfd", b"\0\1\0\0")]
    flow = Flow(KeyLog())
    assert [flow.feed(item) for item in noise] == [False] * 5 and flow.engine is None
    assert flow.feed(said[0]) is True and flow.engine is not None
    assert flow.feed(said[1]) is False  # news only once


@pytest.mark.parametrize("wrap", ["capwap", "turn"])
def test_wrapped_in_others(wrap: str) -> None:
    plain = datagrams(associate(cookie=False))
    wrapped = []
    for item in plain:
        head = b"\1\0\0\0" if wrap == "capwap" else b"\x40\1" + len(item.payload).to_bytes(2, "big")
        wrapped.append(item._replace(payload=head + item.payload))
    wrapped.insert(1, plain[1]._replace(payload=SRTP))
    engine, other = followed(wrapped).engine, followed(plain).engine
    assert engine is not None and other is not None
    assert engine.connection().messages == other.connection().messages


def test_cut_datagrams_leave_a_hole() -> None:
    engine = followed([item._replace(missing=7) for item in datagrams(associate(cookie=False))[:1]]).engine
    assert engine is not None
    assert [hole.length for hole in engine.connection().holes] == [7]


def test_udp_and_tcp_are_numbered_together() -> None:
    said = datagrams(associate(cookie=False))
    hello = bytes.fromhex("16030100310100002d0303") + bytes(32) + bytes.fromhex("000002c02b010000020000")
    tcp = Packet(100, said[0].time + 1, 7, A, B, 1, 1, ACK, hello + bytes(10))
    following = Following(KeyLog(), strict=True)
    for item in (*said[:3], tcp, *said[3:], said[0]._replace(stream=9, source=A._replace(port=1), number=101)):
        following.take(item)
    following.end()
    assert following.found == 3
    found = list(following.finished(lambda connection: connection))
    told = [(one.id, one.tcp_stream, one.transport) for one in found]
    assert told == [(0, None, "dtls"), (1, 7, "tcp"), (2, None, "dtls")]


def test_a_mistake_costs_one_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise KeyError("a mistake")

    following = Following(KeyLog())
    monkeypatch.setattr(Flow, "feed", broken)
    for item in datagrams(associate(cookie=False))[:2]:
        following.take(item)
    assert len(following.faults) == 1 and following.faults[0].startswith("UDP stream 0 is left out")


@pytest.mark.tshark
def test_a_capture_of_webrtc(tmp_path: Path) -> None:
    """STUN and SRTP on the same ports; decrypted by the key log."""
    said = associate(client_certificate=True)
    items: list[Datagram] = []
    for item in datagrams(said):
        items += [item._replace(payload=STUN), item, item._replace(payload=SRTP)]
    path, keys = tmp_path / "a.pcap", tmp_path / "keys"
    path.write_bytes(w.pcap(map(udp, items)))
    keys.write_bytes(b"\n".join(said.keylog))
    trace = load_capture(path, OpenOptions(keylogs=(keys,)), strict=True)
    (connection,) = trace.connections
    assert (connection.transport, connection.complete, trace.source.packets) == ("dtls", True, len(items))
    assert (connection.client, connection.server) == (A, B)
    assert [message.type for message in connection.messages] == [m.type for m in said.connection().messages]
    assert connection.messages[0].packets == (2,)
    statuses = {proof.what: proof.status for proof in connection.proofs}
    assert statuses["client_finished"] == statuses["client_certificate_verify"] == "verified"
    assert trace.notices == ()


@pytest.mark.tshark
def test_a_capture_of_quic_with_a_greased_fixed_bit(tmp_path: Path) -> None:
    """Any first byte; what looks like others (STUN, RTP, WireGuard) is not read from the file at all."""
    flow = QuicFlow(fixed=0)
    flow.conversation()
    for _ in range(40):
        flow.send(SERVER, flow.one_rtt(SERVER, PING))
    items = []
    for number, chunk in enumerate(flow.datagrams, 1):
        ends = (A, B) if chunk.sender == CLIENT else (B, A)
        items.append(Datagram(number, chunk.time, 0, *ends, chunk.data))
    firsts = {item.payload[0] for item in items}
    assert min(firsts) < 0x14 and any(0x80 <= first < 0xC0 for first in firsts)
    path, keys = tmp_path / "a.pcap", tmp_path / "keys"
    others = [items[-1]._replace(payload=data) for data in (STUN, SRTP, b"\x04\0\0\0" + b"\x77" * 50)]
    path.write_bytes(w.pcap(map(udp, items + others)))
    log = tls13()[1]
    lines = [
        f"{name} {of.hex()} {secret.hex()}" for of in log.client_randoms() for name, secret in log.labels(of).items()
    ]
    keys.write_text("\n".join(lines))
    trace = load_capture(path, OpenOptions(keylogs=(keys,)), strict=True)
    (connection,) = trace.connections
    assert connection.transport == "quic" and [hole.stray for hole in connection.holes] == []
    assert {number for record in connection.records for number in record.packets} == {item.number for item in items}
