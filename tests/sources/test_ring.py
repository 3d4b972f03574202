"""The queue on disk: everything comes out as it went in, and what is let go is let go by whole blocks."""

from __future__ import annotations

import random
import struct
import threading

import pytest

from tlsviz.sources.ring import Ring


def blocks(count: int, seed: int = 0) -> list[bytes]:
    """Blocks of pcapng with their number inside, each of another size."""
    sizes = random.Random(seed)
    found = []
    for number in range(count):
        body = struct.pack("=I", number) + bytes(4 * sizes.randrange(60))
        found.append(struct.pack("=II", 6, len(body) + 12) + body + struct.pack("=I", len(body) + 12))
    return found


def numbers(data: bytes) -> list[int]:
    """The numbers of the blocks in the bytes; raises where they are no whole blocks."""
    found, at = [], 0
    while at < len(data):
        kind, size, number = struct.unpack_from("=III", data, at)
        assert kind == 6
        assert struct.unpack_from("=I", data, at + size - 4)[0] == size
        found.append(number)
        at += size
    return found


def drain(ring: Ring) -> bytes:
    out = bytearray()
    while data := ring.read(777):
        out += data
    return bytes(out)


@pytest.mark.parametrize("step", [1, 7, 100, 100_000])
def test_nothing_is_lost_however_it_is_cut(step: int) -> None:
    data = b"".join(blocks(200))
    ring = Ring(1 << 20, piece=1000)
    for at in range(0, len(data), step):
        ring.write(data[at : at + step])
    ring.end()
    assert drain(ring) == data
    assert (ring.taken, ring.lost) == (len(data), 0)
    ring.close()


def test_the_oldest_are_let_go_by_whole_blocks() -> None:
    data = b"".join(blocks(500))
    ring = Ring(10_000, piece=1000)
    ring.write(data[:40])
    start = ring.read(40)
    for at in range(40, len(data), 333):
        ring.write(data[at : at + 333])
    ring.end()
    assert ring.waiting <= 12_000
    seen = numbers(start + drain(ring))
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 499
    assert len(seen) < 500
    assert ring.lost > 0
    ring.close()


def test_what_was_read_can_be_read_again_for_a_while() -> None:
    data = b"".join(blocks(300))
    ring = Ring(1 << 20, piece=1000)
    ring.write(data)
    assert ring.again(0, 8) == b""
    assert ring.read(100) == data[:100]
    assert (ring.again(0, 8), ring.again(90, 20), ring.again(100, 1)) == (data[:8], data[90:100], b"")
    read = 100
    while read < len(data) // 2:
        read += len(ring.read(100))
        for back in range(8, 1000, 8):
            assert data.startswith(ring.again(max(read - back, 0), 8), max(read - back, 0))
            assert ring.again(max(read - back, 0), 8)
    assert ring.again(0, 8) == b""
    ring.close()
    assert ring.again(read - 8, 8) == b""


def test_what_was_let_go_shifts_no_place() -> None:
    data = b"".join(blocks(500))
    ring = Ring(10_000, piece=1000)
    ring.write(data[:40])
    seen = ring.read(40)
    ring.write(data[40:])
    ring.end()
    while more := ring.read(300):
        seen += more
        assert ring.again(len(seen) - len(more), len(more)) == more
    assert ring.lost > 0
    ring.close()


def test_a_reader_waits_for_the_writer() -> None:
    data = b"".join(blocks(300))
    ring = Ring(1 << 20, piece=500)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(drain(ring)))
    reader.start()
    for at in range(0, len(data), 97):
        ring.write(data[at : at + 97])
    ring.end()
    reader.join(10)
    assert got == [data]
    ring.close()
