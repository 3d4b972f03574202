"""What fuzzing found, in as few bytes as show it."""

from __future__ import annotations

import pytest

from tlsviz.connection.carried import PACKETS_KEPT
from tlsviz.connection.engine import Engine
from tlsviz.connection.judge import judged
from tlsviz.wire.chunks import SERVER, Chunk

CUT = {
    "a record without its fragment": "1603010005",
    "and with one byte of it": "160301000501",
    "a protected one": "1703030020",
    "after a whole one": "1503010002020a1603010005",
}


@pytest.mark.parametrize("name", CUT)
def test_streams_that_end_behind_a_header(name: str) -> None:
    engine = Engine()
    engine.receive(Chunk(SERVER, 0.0, bytes.fromhex(CUT[name]), (1,)))
    engine.finish()
    connection = judged(engine.connection())
    assert connection.records[-1].missing > 0


def test_messages_share_the_packets_of_their_record() -> None:
    """A record of one byte a packet, with as many messages as fit in: nothing is kept for each pair of them."""
    data = bytes.fromhex("1603034000") + bytes.fromhex("00000000") * 0x1000
    engine = Engine()
    for number, byte in enumerate(data):
        engine.receive(Chunk(SERVER, 0.0, bytes([byte]), (number,)))
    engine.finish()
    connection = engine.connection()
    assert len(connection.messages) == 0x1000
    assert len({id(message.packets) for message in connection.messages}) == 1
    assert connection.messages[0].packets == tuple(range(PACKETS_KEPT))
