"""Sample captures with holes, byte by byte: the same Connection; and the work that tiny pieces make."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import samples
from dialogue import followed
from effort import growth

from tlsviz.connection.model import Connection
from tlsviz.wire.chunks import CLIENT, SERVER, Bulk, Chunk, Gap, Input

LINEAR = 1.5


@pytest.mark.tshark
def test_sample_captures_cut_anywhere_do_not_depend_on_their_chunks() -> None:
    """The end of the capture in the middle of a chunk, and a hole where the next one would be."""
    assert len(samples.tapes()) >= 20
    for number, tape in enumerate(samples.tapes()):
        if any(isinstance(item, Bulk) for item in tape.inputs):
            continue  # what was counted fits in nowhere else
        chunks = [place for place, item in enumerate(tape.inputs) if isinstance(item, Chunk) and len(item.data) > 1]
        place = chunks[number % len(chunks)]
        chunk = tape.inputs[place]
        assert isinstance(chunk, Chunk)
        half = len(chunk.data) // 2
        cut = [*tape.inputs[:place], chunk._replace(data=chunk.data[:half])]
        holed = [*cut, Gap(chunk.sender, chunk.time, len(chunk.data) - half), *tape.inputs[place + 1 :]]
        for inputs in (cut, holed):
            spoiled = tape._replace(inputs=inputs)
            assert spoiled.play(1) == spoiled.play(), (tape.name, place)


def record(kind: int, data: bytes) -> bytes:
    return bytes([kind, 3, 3]) + len(data).to_bytes(2, "big") + data


CERTIFICATE = b"\x0b" + (20_000).to_bytes(3, "big")
"""The header of a message that nobody sends whole."""

STREAMS: dict[str, Callable[[int], bytes]] = {
    "fragments of one byte": lambda n: b"".join(record(22, byte.to_bytes(1, "big")) for byte in CERTIFICATE + bytes(n)),
    "empty records": lambda n: record(22, b"") * n,
    "alerts": lambda n: record(21, b"\x01\x5a") * n,
    "requests to say hello": lambda n: record(22, b"\0\0\0\0" * n),
    "application data": lambda n: record(23, b"x" * 20) * n,
    "headers that lead nowhere": lambda n: record(22, b"\0\0\0\0") + b"\x16\x03\x03\xff" * n,
    "what is no TLS": lambda n: b"a line\r\n" * n,
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_the_work_of_a_stream_is_linear(name: str, size: int) -> None:
    def work(count: int) -> Callable[[], Connection]:
        data = STREAMS[name](count)
        pieces: list[Input] = [Chunk(SERVER, 0.0, data[at : at + size], (at,)) for at in range(0, len(data), size)]
        return lambda: followed(pieces)

    assert growth(work, 200, 8) < LINEAR


def test_the_work_of_holes_is_linear() -> None:
    def work(count: int) -> Callable[[], Connection]:
        one: list[Input] = [Chunk(CLIENT, 0.0, record(22, bytes(9))), Gap(CLIENT, 0.0, 3)]
        return lambda: followed(one * count)

    assert growth(work, 50, 8) < LINEAR
