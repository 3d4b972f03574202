"""Large captures for the benchmarks, made from the project's samples: many handshakes, or much data.

    python tests/support/large_captures.py bulk FILE [--megabytes 429] [--connections 50]
    python tests/support/large_captures.py dense FILE [--megabytes 50] [--connections 2000]

Each connection repeats the bytes of a sample's handshake with a client port and a client random of its own, then the
server sends application data in whole records. Connections of `bulk` run side by side for the whole file; those of
`dense` follow each other, twenty at a time. Every second segment is acknowledged, as TCP does.
"""

from __future__ import annotations

import argparse
import itertools
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from tlsviz.sources.packets import read_packets
from tlsviz.sources.reassembly import Stream
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ("tls13-no-keys.pcapng", "tls12-no-keys.pcapng", "hello-retry.pcapng", "tls12-cbc.pcapng")
MSS, RECORD = 1448, 16401
FIN, SYN, PSH, ACK = 1, 2, 8, 16
START = 1_700_000_000.0
TOGETHER, AT_A_TURN = 20, 4


class Turn(NamedTuple):
    """Bytes that one side sends at a stretch."""

    sender: Sender
    data: bytes


def turns(sample: str) -> list[Turn]:
    """What the two sides of a sample's connection said."""
    stream, said = Stream(), []

    def take(packets: list[object], _: object) -> None:
        for packet in packets:
            said.extend(stream.feed(packet))  # type: ignore[arg-type]

    read_packets(ROOT / "captures" / sample, take)  # type: ignore[arg-type]
    said += stream.finish()
    return [Turn(item.sender, item.data) for item in said if isinstance(item, Chunk)]


def segments(client_port: int, said: list[Turn], seed: int) -> Iterator[bytes]:
    """The Ethernet frames of one connection."""
    chance = random.Random(seed)
    next_of = {CLIENT: chance.getrandbits(32), SERVER: chance.getrandbits(32)}
    address = struct.pack(">BBH", 10, 1 + (client_port >> 16) % 200, client_port & 0xFFFF)
    ends = {CLIENT: address, SERVER: b"\xc0\x00\x02\x01"}
    ports = {CLIENT: 1024 + client_port % 60000, SERVER: 443}
    since = {CLIENT: 0, SERVER: 0}

    def frame(sender: Sender, flags: int, data: bytes = b"") -> bytes:
        receiver = SERVER if sender == CLIENT else CLIENT
        acknowledged = next_of[receiver] if flags & ACK else 0
        tcp = struct.pack(
            ">HHIIBBHHH", ports[sender], ports[receiver], next_of[sender], acknowledged, 80, flags, 65535, 0, 0
        )
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0) + ends[sender] + ends[receiver]
        size = len(data) + (1 if flags & (SYN | FIN) else 0)
        next_of[sender] = (next_of[sender] + size) & 0xFFFFFFFF
        return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00" + ip + tcp + data

    yield frame(CLIENT, SYN)
    yield frame(SERVER, SYN | ACK)
    yield frame(CLIENT, ACK)
    for turn in said:
        other: Sender = SERVER if turn.sender == CLIENT else CLIENT
        for at in range(0, len(turn.data), MSS):
            yield frame(turn.sender, ACK | PSH, turn.data[at : at + MSS])
            since[turn.sender] += 1
            if since[turn.sender] == 2:
                since[turn.sender] = 0
                yield frame(other, ACK)
    yield frame(CLIENT, FIN | ACK)
    yield frame(SERVER, FIN | ACK)
    yield frame(CLIENT, ACK)


def with_data(template: list[Turn], size: int, chance: random.Random) -> list[Turn]:
    """The template with a client random of its own and ``size`` bytes of the server's records before its last turn."""
    said = []
    for turn in template:
        data = turn.data
        if turn.sender == CLIENT and data[:1] == b"\x16" and data[5:6] == b"\1":
            data = data[:11] + chance.randbytes(32) + data[43:]
        said.append(Turn(turn.sender, data))
    block = chance.randbytes(RECORD)
    record = b"\x17\x03\x03" + struct.pack(">H", RECORD) + block
    said.insert(len(said) - 1, Turn(SERVER, record * (size // len(record))))
    return said


def write(file: IO[bytes], connections: Iterator[Iterator[bytes]], together: int, step: float) -> int:
    """Writes the connections, ``together`` of them at a time in turns; returns how many packets that were."""
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    running = list(itertools.islice(connections, together))
    count = 0
    while running:
        for connection in tuple(running):
            turn = list(itertools.islice(connection, AT_A_TURN))
            for frame in turn:
                moment = START + count * step
                head = struct.pack("<IIII", int(moment), int(moment % 1 * 1e6), len(frame), len(frame))
                file.write(head + frame)
                count += 1
            if len(turn) < AT_A_TURN:
                running.remove(connection)
                running += itertools.islice(connections, 1)
    return count


def make(path: Path, connections: int, size: int, together: int) -> int:
    """Makes a capture of about ``size`` bytes; returns its number of packets."""
    templates = [turns(name) for name in SAMPLES]
    each = max(size // connections - 6000, 0) * 100 // 109

    def all_of_them() -> Iterator[Iterator[bytes]]:
        for number in range(connections):
            chance = random.Random(number)
            said = with_data(templates[number % len(templates)], each, chance)
            yield segments(number, said, number)

    with path.open("wb") as file:
        return write(file, all_of_them(), together, 0.00005)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("bulk", "dense"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--megabytes", type=int)
    parser.add_argument("--connections", type=int)
    given = parser.parse_args()
    bulk = given.kind == "bulk"
    connections = given.connections or (50 if bulk else 2000)
    size = (given.megabytes or (429 if bulk else 50)) * 1_000_000
    packets = make(given.file, connections, size, connections if bulk else TOGETHER)
    print(f"{given.file}: {packets:,} packets, {given.file.stat().st_size / 1e6:.0f} MB, {connections:,} connections")


if __name__ == "__main__":
    main()
