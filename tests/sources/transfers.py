"""Captures of long transfers, and how carving is held against reading them whole."""

from __future__ import annotations

import random
import struct
from functools import cache
from pathlib import Path

import pcap_writer as w
from dialogue import Dialogue, shake

from tlsviz.connection.model import Trace
from tlsviz.sources.capture import load_capture
from tlsviz.sources.feeding import Mapped
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.segments import ACK, Packet
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk

Frames = list[Packet]


def record(size: int, kind: int = 23) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, size) + random.Random(size).randbytes(size)


def transfer(version: str) -> Dialogue:
    """A handshake and a long download, an upload, another download; the last chunks are the farewells."""
    said = shake(version)
    last = said.chunks[-1].time
    at = next(
        index for index, chunk in enumerate(said.chunks) if chunk.sender == SERVER and index > len(said.chunks) - 4
    )
    pieces = [
        (SERVER, 120, 3000),
        (CLIENT, 30, 700),
        (SERVER, 1, 40),
        (SERVER, 40, 5000),
        (CLIENT, 1, 30),
        (SERVER, 9, 16000),
    ]
    bulk = [Chunk(sender, last, record(size) * count) for sender, count, size in pieces]  # type: ignore[arg-type]
    return Dialogue(chunks=[*said.chunks[:at], *bulk, *said.chunks[at:]], keylog=said.keylog)


@cache
def captured(version: str) -> Frames:
    """The packets of a transfer, with bare acknowledgements, a millisecond apart."""
    out: Frames = []
    for packet in w.packets(transfer(version)):
        out.append(packet)
        if len(packet.payload) == 1000 and len(out) % 3 == 0:
            back = packet.sequence + len(packet.payload)
            out.append(Packet(0, 0, 0, packet.destination, packet.source, packet.acknowledgement, back, ACK, b""))
    return timed(out)


def timed(packets: Frames) -> Frames:
    return [packet._replace(time=1_700_000_000 + index / 1000) for index, packet in enumerate(packets)]


def loaded(path: Path, carve: bool) -> Trace:
    return load_capture(path, OpenOptions(carve=carve), strict=True)


def assert_equal(path: Path) -> None:
    carved = loaded(path, True)
    assert carved == loaded(path, False)
    assert carved.connections


def left_out(path: Path) -> int:
    """How many frames the plan leaves out."""
    with Mapped(path) as mapped:
        mapped.look_through()
        assert mapped.plan is not None
        return mapped.plan.keep.count(0)
