"""The work that hostile datagrams make is linear in them, and what is kept of them is bounded. Counted, not timed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from effort import growth
from quic_flow import ACK, CLIENT_ID, QuicFlow, close_frame

from tlsviz.connection.dtls.engine import MARKS_KEPT, DtlsEngine
from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.connection.quic.engine import QuicEngine
from tlsviz.lab.quic import crypto_frame
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

LINEAR = 1.6
"""What is sorted costs a little more than linear; squared it would be 8."""
CERTIFICATE, LENGTH = 11, 40_000


def fragment(offset: int, size: int = 1, number: int = 0, length: int = LENGTH) -> bytes:
    """One piece of a long message in a DTLS handshake message of its own."""
    head = bytes([CERTIFICATE]) + length.to_bytes(3, "big") + number.to_bytes(2, "big")
    return head + offset.to_bytes(3, "big") + size.to_bytes(3, "big") + bytes(size)


def record(number: int, data: bytes) -> bytes:
    return b"\x16\xfe\xfd\0\0" + number.to_bytes(6, "big") + len(data).to_bytes(2, "big") + data


def shuffled(count: int) -> list[int]:
    places = list(range(count))
    random.Random(6347).shuffle(places)
    return places


ASSOCIATIONS: dict[str, Callable[[int], list[bytes]]] = {
    "pieces in order": lambda n: [record(at, fragment(at)) for at in range(n)],
    "pieces backwards": lambda n: [record(at, fragment(n - at)) for at in range(n)],
    "every other piece": lambda n: [record(at, fragment(at * 2)) for at in shuffled(n)],
    "pieces in one datagram": lambda n: [b"".join(record(at, fragment(at * 2)) for at in shuffled(n))],
    "the same piece": lambda n: [record(at, fragment(7)) for at in range(n)],
    "messages that never end": lambda n: [record(at, fragment(0, 1, at)) for at in range(n)],
    "messages from the last to the first": lambda n: [record(at, fragment(0, 1, n - at, 1)) for at in range(n)],
    "numbers with gaps": lambda n: [record(at * 9, b"\x0e" + bytes(11)) for at in range(n)],
    "what is no record": lambda n: [record(0, fragment(0)), *[b"\x16\xfe\xfd nothing"] * n],
}


def followed(engine: Engine, datagrams: list[bytes], sender: Sender = SERVER) -> Connection:
    for number, data in enumerate(datagrams):
        engine.receive(Chunk(sender, 0.0, data, (number,)))
    engine.finish()
    return engine.connection()


@pytest.mark.parametrize("name", ASSOCIATIONS)
def test_dtls(name: str) -> None:
    def work(count: int) -> Callable[[], Connection]:
        datagrams = ASSOCIATIONS[name](count)
        return lambda: followed(DtlsEngine(), datagrams)

    assert growth(work, 200, 8) < LINEAR


def initials(*payloads: bytes) -> list[bytes]:
    """The client's Initial packets, one in a datagram."""
    flow = QuicFlow()
    return [flow.initial(CLIENT, payload + bytes(40)) for payload in payloads]


def frames(count: int, places: list[int]) -> list[bytes]:
    """CRYPTO frames of one byte at these places, 100 in a packet."""
    made = [crypto_frame(place, b"x") for place in places]
    return initials(*(b"".join(made[at : at + 100]) for at in range(0, count, 100)))


VERSIONS = b"\x80\0\0\0\0\0" + bytes([len(CLIENT_ID)]) + CLIENT_ID + b"\0\0\0\1"
CONVERSATIONS: dict[str, Callable[[int], list[bytes]]] = {
    "bytes in order": lambda n: frames(n, list(range(n))),
    "bytes backwards": lambda n: frames(n, list(range(n, 0, -1))),
    "every other byte": lambda n: frames(n, [1 + 2 * place for place in shuffled(n)]),
    "one byte, behind a thousand": lambda n: frames(n, [*range(50_000, 50_000 + n // 2), *range(n // 2)]),
    "pings": lambda n: initials(b"\1" * n),
    "acknowledgements": lambda n: initials(ACK * n),
    "frames that nobody knows": lambda n: initials(*[b"\x40\xee"] * n),
    "goodbyes": lambda n: initials(*(close_frame(number) for number in range(n))),
    "versions": lambda n: [*initials(b"\1"), *[VERSIONS] * n],
    "what is no packet": lambda n: [*initials(b"\1"), *[b"\x40 nothing that could be opened"] * n],
    "connections anew": lambda n: [
        initials(b"\1")[0][:6] + bytes([at % 251]) + initials(b"\1")[0][7:] for at in range(n)
    ],
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_quic(name: str) -> None:
    def work(count: int) -> Callable[[], Connection]:
        datagrams = CONVERSATIONS[name](count)
        return lambda: followed(QuicEngine(), datagrams, CLIENT)

    assert growth(work, 200 if "byte" in name else 40, 8) < LINEAR


@pytest.mark.parametrize("name", ["versions", "goodbyes"])
def test_marks_of_quic_are_bounded(name: str) -> None:
    made = followed(QuicEngine(), CONVERSATIONS[name](MARKS_KEPT + 150), CLIENT)
    assert len(made.marks) == MARKS_KEPT
