"""tshark's EK output, one JSON object a line: which fields are asked for, and how they become packets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import ujson

from tlsviz.connection.model import Endpoint
from tlsviz.sources.segments import EARLIEST, LATEST, Datagram, Packet

FRAME = ("frame.number", "frame.file_off", "frame.time_epoch", "frame.protocols")
ADDRESSES = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst")
FIELDS = (
    *FRAME,
    *ADDRESSES,
    "tcp.srcport",
    "tcp.dstport",
    "tcp.stream",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.flags",
    "tcp.window_size_value",
    "tcp.len",
    "tcp.payload",
    "udp.srcport",
    "udp.dstport",
    "udp.stream",
    "udp.length",
    "udp.payload",
)

# Bare acknowledgements, a third of most captures, say nothing that the packets with data do not, but in the first
# moments of a connection, where they time the way there and back (`segment_log.BARE_WITHIN`), and where a window is
# closed or, after some waiting, probed or opened (`windows`). Of UDP only what can,
# by its first bytes, be QUIC or DTLS (also in TURN and CAPWAP): neither STUN nor RTP nor WireGuard, nor most of DNS
# (RFC 9443). The lines before EAP's are for QUIC whose fixed bit is greased (RFC 9287): long headers say their version,
# short ones begin with any byte. Of SCTP it is enough to know that a packet may hold the beginning of a record.
FILTER = (
    "tcp.len > 0 or tcp.flags & 7 or tcp.time_relative < 2 or tcp.window_size_value == 0 or tcp.time_delta > 0.05"
    " or (udp.payload[0] >= 14 and udp.payload[0] <= 7f) or udp.payload[0] >= c0"
    " or udp.payload[1:4] == 00:00:00:00 or udp.payload[0:4] == 01:00:00:00"
    " or (udp.payload[0] >= 80 and (udp.payload[1:4] == 00:00:00:01 or udp.payload[1:4] == 6b:33:43:cf"
    " or udp.payload[1:2] == ff:00))"
    " or (udp.payload[0] < 14 and udp.length > 28 and udp.payload[1:3] != 00:00:00 and udp.payload[4:4] != 21:12:a4:42)"
    " or eapol.type == 0"
    " or sctp contains 16:03 or sctp contains 16:fe or sctp contains 17:03 or sctp contains 17:fe"
)

UDP_HEADER = 8


@dataclass(slots=True)
class Reading:
    """How far the reading is. ``frames``: the number of the last frame seen; ``offset``: its place in the file
    (uncompressed); ``complaints``: tshark's. ``eapol``: whether there is EAP on the link (`sources.eapol`);
    ``sctp``: whether there may be TLS over SCTP (`sources.sctp`).
    """

    frames: int = 0
    offset: int = 0
    complaints: list[str] = field(default_factory=list)
    failed: bool = False
    eapol: bool = False
    sctp: bool = False


Parse = Callable[[dict[str, Any]], "Packet | Datagram | None"]
Deal = Callable[[bytes, Reading], list[bytes]]
"""Deals out tshark's lines to others (`sources.spread`), and notes how far the reading is."""


def parse_lines(lines: bytes, reading: Reading, parse: Parse | None = None) -> list[Packet | Datagram]:
    """What there is in whole lines of tshark's EK output: TCP packets and UDP datagrams, or what ``parse`` finds."""
    parse = parse or parse_packet
    packets: list[Packet | Datagram] = []
    layers: dict[str, list[str]] | None = None
    for line in lines.split(b"\n"):
        if line.startswith(b'{"index"') or not line:
            continue
        layers = ujson.loads(line).get("layers") or {}
        packet = parse(layers)
        if packet is not None:
            packets.append(packet)
        elif ":eapol" in layers["frame_protocols"][0]:
            reading.eapol = True
    reading.sctp = reading.sctp or b":sctp" in lines
    if layers:
        reached(layers, reading)
    return packets


def reached(layers: dict[str, Any], reading: Reading) -> None:
    """Notes that the reading has come to the frame with these fields."""
    reading.frames = int(layers["frame_number"][0])
    reading.offset = int(layers.get("frame_file_off", ("0",))[0])


def parse_packet(layers: dict[str, Any]) -> Packet | Datagram | None:
    """The innermost TCP packet or UDP datagram of a frame's fields; None if it has none, or only one quoted by ICMP."""
    place = transport_place(layers["frame_protocols"][0])
    if place is None or place[2] == "sctp":
        return None
    family, ip, kind, index = place
    return _datagram(layers, family, ip, index) if kind == "udp" else _packet(layers, family, ip, index)


def _datagram(layers: dict[str, Any], family: str, ip: int, udp: int) -> Datagram | None:
    try:
        size = int(layers["udp_length"][udp]) - UDP_HEADER
        index = sum(int(length) > UDP_HEADER for length in layers["udp_length"][:udp])
        payload = bytes.fromhex(layers["udp_payload"][index].replace(":", "")) if size > 0 else b""
        return Datagram(
            int(layers["frame_number"][0]),
            epoch(layers["frame_time_epoch"][0]),
            int(layers["udp_stream"][udp]),
            endpoint(layers[family + "_src"][ip] if family else "", layers["udp_srcport"][udp]),
            endpoint(layers[family + "_dst"][ip] if family else "", layers["udp_dstport"][udp]),
            payload,
            max(size - len(payload), 0),
        )
    except (KeyError, IndexError, ValueError):
        return None  # the capture has only a part of the UDP header


def _packet(layers: dict[str, Any], family: str, ip: int, tcp: int) -> Packet | None:
    try:
        length = int(layers["tcp_len"][tcp])
        payload = _payload(layers, tcp) if length else b""
        return Packet(
            int(layers["frame_number"][0]),
            epoch(layers["frame_time_epoch"][0]),
            int(layers["tcp_stream"][tcp]),
            endpoint(layers[family + "_src"][ip] if family else "", layers["tcp_srcport"][tcp]),
            endpoint(layers[family + "_dst"][ip] if family else "", layers["tcp_dstport"][tcp]),
            int(layers["tcp_seq_raw"][tcp]),
            int(layers["tcp_ack_raw"][tcp]),
            int(layers["tcp_flags"][tcp], 16),
            payload,
            max(length - len(payload), 0),
            int(layers["tcp_window_size_value"][tcp]),
        )
    except (KeyError, IndexError, ValueError):
        return None  # the capture has only a part of the TCP header


def _payload(layers: dict[str, Any], tcp: int) -> bytes:
    """The payload of a frame's TCP layer, as far as it was captured.

    Layers without payload have no entry; proxies' dissectors (SOCKS) add a second one for the same layer.
    """
    lengths = [int(size) for size in layers["tcp_len"]]
    index = sum(size > 0 for size in lengths[:tcp])
    payloads = layers.get("tcp_payload", ())
    return bytes.fromhex(payloads[index].replace(":", "")) if index < len(payloads) else b""


@lru_cache(maxsize=1024)
def transport_place(protocols: str) -> tuple[str, int, str, int] | None:
    """Which of a frame's layers count: the innermost TCP, UDP or SCTP and the IP layer next outside it.

    SCTP that UDP carries is left to UDP: by the port alone tshark takes anything for it.

    ``protocols`` is frame.protocols, such as ``eth:ethertype:ip:gre:ipv6:tcp``. Gives the IP family, and the
    indexes of the layers among their kind; None if there is neither but in what an ICMP message quotes.
    """
    family, before, counts = "", "", {"ip": 0, "ipv6": 0, "tcp": 0, "udp": 0, "sctp": 0}
    found = None
    for name in protocols.split(":"):
        if name in ("icmp", "icmpv6"):
            break
        if name in counts and (before, name) != ("udp", "sctp"):
            counts[name] += 1
            if name in ("tcp", "udp", "sctp"):
                found = family, max(counts.get(family, 0) - 1, 0), name, counts[name] - 1
            else:
                family = name
        before = name
    return found


@lru_cache(maxsize=65536)
def endpoint(address: str, port: str) -> Endpoint:
    return Endpoint(address, int(port))


def epoch(text: str) -> float:
    """A frame's time in Unix seconds: a number, or ISO 8601 as tshark 4.2 and later have it.

    Times that no calendar has (a capture can claim any) become the nearest that one has.
    """
    try:
        return min(max(float(text), EARLIEST), LATEST)
    except ValueError:
        moment, _, rest = text.partition(".")  # datetime knows microseconds only
        zone = rest.lstrip("0123456789")
        digits = rest.removesuffix(zone) or "0"
        seconds = int(datetime.fromisoformat(moment + zone).timestamp())
        ticks = int("1" + "0" * len(digits))
        return (seconds * ticks + int(digits)) / ticks
