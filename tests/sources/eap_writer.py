"""A TLS conversation put into EAP (RFC 5216 2 and 3), and EAP into RADIUS (RFC 3579) and EAPOL (IEEE 802.1X)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from itertools import groupby

from encapsulations import ethernet, ipv4
from pcap_writer import Frame

from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

REQUEST, RESPONSE, SUCCESS = 1, 2, 3
IDENTITY, EAP_TLS, PEAP = 1, 13, 25
STATION, ACCESS_POINT, GROUP = b"\x02\0\0\0\0\x11", b"\x02\0\0\0\0\x22", b"\x01\x80\xc2\0\0\3"

Said = tuple[float, Sender, bytes]


def eap(code: int, identifier: int, kind: int = 0, body: bytes = b"") -> bytes:
    rest = bytes([kind]) + body if code < SUCCESS else b""
    return struct.pack(">BBH", code, identifier, 4 + len(rest)) + rest


def conversation(
    chunks: list[Chunk], kind: int = EAP_TLS, size: int = 700, name: bytes = b"alice@lab.test"
) -> list[Said]:
    """Who says which EAP packet when: identity, start, the TLS bytes in lock-step fragments, success."""
    start = chunks[0].time
    said: list[Said] = [
        (start - 0.004, SERVER, eap(REQUEST, 1, IDENTITY)),
        (start - 0.003, CLIENT, eap(RESPONSE, 1, IDENTITY, name)),
        (start - 0.002, SERVER, eap(REQUEST, 2, kind, b"\x20")),
    ]
    number = 2
    sender: Sender = SERVER
    for sender, group in groupby(chunks, key=lambda chunk: chunk.sender):
        flight = list(group)
        data = b"".join(chunk.data for chunk in flight)
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        for index, piece in enumerate(pieces):
            more = index + 1 < len(pieces)
            first = index == 0 and more
            flags = bytes([0x80 * first | 0x40 * more]) + (struct.pack(">I", len(data)) if first else b"")
            when = flight[-1].time + index / 10_000
            if sender == CLIENT:
                said.append((when, CLIENT, eap(RESPONSE, number, kind, flags + piece)))
                number += more
                said += [(when + 0.00005, SERVER, eap(REQUEST, number, kind, b"\0"))] * more
            else:
                number += 1
                said.append((when, SERVER, eap(REQUEST, number, kind, flags + piece)))
                said += [(when + 0.00005, CLIENT, eap(RESPONSE, number, kind, b"\0"))] * more
    end = chunks[-1].time
    if sender == SERVER:
        said.append((end + 0.01, CLIENT, eap(RESPONSE, number, kind, b"\0")))
    return [*said, (end + 0.02, SERVER, eap(SUCCESS, number))]


def _attributes(*pairs: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BB", kind, 2 + len(value)) + value for kind, value in pairs)


def in_radius(
    said: list[Said], station: bytes = b"02-00-00-00-00-11", port: int = 33000, state: bytes = b"s1"
) -> list[Frame]:
    """An access point's conversation with its RADIUS server; what it asks the station itself stays outside."""
    return [(when, data, len(data)) for when, data in _radius(said[1:], station, port, state)]


def _radius(said: list[Said], station: bytes, port: int, state: bytes) -> Iterator[tuple[float, bytes]]:
    known = b""
    for number, (when, sender, data) in enumerate(said):
        pieces = [(79, data[at : at + 253]) for at in range(0, len(data), 253)]
        identifier = number // 2 & 0xFF
        if sender == CLIENT:
            code, ports = 1, (port, 1812)
            beside = [(1, b"alice@lab.test"), (31, station), *([(24, known)] if known else [])]
        else:
            code, ports = (2 if data[0] == SUCCESS else 11), (1812, port)
            known = state
            beside = [(24, state)]
        body = _attributes(*beside, *pieces, (80, bytes(16)))
        token = hashlib.md5(bytes([number & 0xFF]) + state + station, usedforsecurity=False).digest()
        packet = struct.pack(">BBH", code, identifier, 20 + len(body)) + token + body
        datagram = struct.pack(">HHHH", *ports, 8 + len(packet), 0) + packet
        yield when, ethernet(ipv4(datagram, 17, back=sender == SERVER))


def in_eapol(said: list[Said], station: bytes = STATION, group: bool = False) -> list[Frame]:
    """The conversation on the link between a station and what lets it in; ``group``: sent to 802.1X's group address."""
    found = []
    for when, sender, data in said:
        target = GROUP if group else (ACCESS_POINT if sender == CLIENT else station)
        source = station if sender == CLIENT else ACCESS_POINT
        frame = target + source + b"\x88\x8e\x01\x00" + struct.pack(">H", len(data)) + data
        frame += bytes(max(60 - len(frame), 0))
        found.append((when, frame, len(frame)))
    return found
