"""Whatever a peer sent or a capture lost: proofs and key schedules come out, with a reason for all that is unknown."""

from __future__ import annotations

import random
from dataclasses import replace

import flows
import made13
import pytest
from dialogue import identity, shake
from mutations import Region, changed
from test_rsa_key_exchange import key_holder
from test_schedule import check_shape

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.connection.proofs import prove
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import Chunk, Gap

ROUNDS = 25


def conversations() -> list[tuple[list[Chunk], list[bytes]]]:
    resumed = made13.resumed(early="accepted", retry=False)
    said = [shake("1.2", "AES128-SHA", "rsa"), shake("1.0", kind="rsa", client_certificate=True), shake("1.3")]
    said += [flows.renegotiated(), flows.authenticated_later()]
    found = [(one.chunks, list(one.keylog)) for one in said]
    return [*found, (resumed.chunks, [line.encode() for line in resumed.lines])]


def spoiled(chunks: list[Chunk], dice: random.Random) -> list[Chunk | Gap]:
    """The conversation with some bits changed, bytes cut out, chunks left out or swapped."""
    items: list[Chunk | Gap] = list(chunks)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(items))
        item = items[at]
        if not isinstance(item, Chunk):
            continue
        data = bytearray(item.data)
        kind = dice.randrange(5)
        if kind == 0:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        elif kind == 1:
            start = dice.randrange(len(data))
            del data[start : start + dice.randint(1, 40)]
        elif kind == 2:
            items[at] = Gap(item.sender, item.time, len(data))
            continue
        elif kind == 3:
            data[dice.randrange(len(data)) :] = dice.randbytes(dice.randint(0, 60))
        else:
            other = dice.randrange(len(items))
            items[at], items[other] = items[other], items[at]
            continue
        items[at] = item._replace(data=bytes(data))
    return items


def check(connection: Connection) -> None:
    for proof in prove(connection):
        assert proof.what
        assert proof.why
        assert proof.message is None or proof.message in {message.index for message in connection.messages}
    for number in range(2 + len(connection.renegotiated)):
        check_shape(key_schedule(connection, number))


@pytest.mark.parametrize("number", range(6))
def test_spoiled_conversations(number: int) -> None:
    chunks, lines = conversations()[number]
    for seed in range(ROUNDS):
        dice = random.Random(seed)
        log = key_holder(identity("rsa")[1]) if seed % 2 else KeyLog()
        log.add_text(b"\n".join(dice.sample(lines, dice.randint(0, len(lines)))))
        engine = Engine(keylog=log)
        for item in spoiled(chunks, dice):
            if isinstance(item, Gap) or item.data:
                engine.receive(item)
        engine.finish()
        check(engine.connection())


@pytest.mark.parametrize("number", range(6))
def test_spoiled_messages(number: int) -> None:
    """Messages cut short or changed behind the protection, also in their lengths and codes."""
    chunks, lines = conversations()[number]
    log = KeyLog()
    log.add_text(b"\n".join(lines))
    engine = Engine(keylog=log)
    for chunk in chunks:
        engine.receive(chunk)
    connection = engine.connection()
    dice = random.Random(number)
    for message in connection.messages:
        if message.content_type == "handshake" and message.buffer is not None:
            for _ in range(4):
                whole = Region("", message.index, 0, len(message.buffer.data), frozenset())
                check(changed(connection, whole, dice.randrange(len(message.buffer.data) * 8)))
        check(replace(connection, messages=tuple(m for m in connection.messages if m is not message)))
    check(replace(connection, secrets=(), renegotiated=(), premasters=()))
    check(replace(connection, secrets=tuple((label, b"") for label, _ in connection.secrets)))
    check(replace(connection, secrets=tuple((label, b"x" * 300) for label, _ in connection.secrets)))
