"""The engine where something is missing: keys, bytes, or any bound on what a peer sends."""

from __future__ import annotations

import random
import time

import pytest
from dialogue import Dialogue, shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.ledger import MESSAGE_COUNT_LIMIT
from tlsviz.connection.model import Connection
from tlsviz.connection.proofs import prove
from tlsviz.connection.runs import RUN_LIMIT
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Input
from tlsviz.wire.nodes import Node


@pytest.fixture(scope="module")
def tls13() -> Dialogue:
    return shake()


@pytest.fixture(scope="module")
def tls12() -> Dialogue:
    return shake("1.2")


def follow(said: Dialogue, keylog: KeyLog | None = None, inputs: list[Input] | None = None) -> Connection:
    engine = Engine(keylog=said.keys() if keylog is None else keylog)
    for item in inputs or said.chunks:
        engine.receive(item)
    engine.finish()
    return engine.connection()


def without(said: Dialogue, label: str) -> KeyLog:
    log = KeyLog()
    log.add_text(b"\n".join(line for line in said.keylog if not line.startswith(label.encode() + b" ")))
    return log


def statuses(connection: Connection) -> list[str]:
    return [record.protection.status for record in connection.records if record.protection]


@pytest.mark.parametrize(
    "label",
    [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
    ],
)
def test_a_missing_key_is_not_a_failure(tls13: Dialogue, label: str) -> None:
    connection = follow(tls13, without(tls13, label))
    found = statuses(connection)
    assert "failed" not in found
    assert found.count("verified") > 2
    closed = [r.protection for r in connection.records if r.protection and r.protection.status == "not_provable"]
    assert {protection.why for protection in closed} == {f"the key log has no {label}"}
    assert {proof.status for proof in prove(connection) if proof.what == "record_protection"} == {"verified"}


def test_one_changed_record_fails_alone(tls13: Dialogue) -> None:
    place = next(i for i, chunk in enumerate(tls13.chunks) if chunk.sender == SERVER and chunk.data[0] == 23)
    chunk = tls13.chunks[place]
    spoiled = chunk._replace(data=chunk.data[:-1] + bytes([chunk.data[-1] ^ 1]))
    connection = follow(tls13, inputs=[*tls13.chunks[:place], spoiled, *tls13.chunks[place + 1 :]])
    assert statuses(connection).count("failed") == 1
    assert not any("missing" in r.protection.why for r in connection.records if r.protection)


def test_a_finished_after_the_handshake_changes_no_keys(tls13: Dialogue) -> None:
    engine = tls13.engine()
    for chunk in tls13.chunks[:-2]:
        engine.receive(chunk)
    half = engine._halves[CLIENT]
    opener, epoch = half.opener, half.epoch
    engine.facts.learn(half, Node("finished", 0, 0), b"", 0)
    assert half.opener is opener
    assert half.epoch == epoch


def test_a_hole_inside_a_message_is_not_passed_off_as_bytes(tls12: Dialogue) -> None:
    flight = next(chunk for chunk in tls12.merged() if chunk.sender == SERVER)
    middle = flight.data.index(b"server.test")
    inputs: list[Input] = []
    for chunk in tls12.merged():
        if chunk is flight or chunk == flight:
            inputs.append(chunk._replace(data=chunk.data[:middle]))
            inputs.append(Gap(SERVER, chunk.time, 50))
            inputs.append(chunk._replace(data=chunk.data[middle + 50 :]))
        else:
            inputs.append(chunk)
    connection = follow(tls12, inputs=inputs)
    (certificate,) = connection.messages_of("certificate")
    assert not certificate.whole
    assert certificate.sha256 is None
    assert certificate.note == "50 bytes of it are missing; zeros stand in for them"
    assert not connection.certificates
    assert connection.messages_of("server_key_exchange")[0].whole
    assert "failed" not in {proof.status for proof in prove(connection)}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_spoiled_streams_do_not_depend_on_their_chunks(version: str) -> None:
    """Mutated, cut and holed dialogues, whole and in small pieces: never an exception, always the same model."""
    said = shake(version)
    dice = random.Random(8446)
    for _ in range(15):
        inputs: list[Input] = []
        for chunk in said.merged():
            data = bytearray(chunk.data)
            if dice.random() < 0.4:
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            cut = dice.randrange(len(data)) if dice.random() < 0.3 else None
            if cut is None:
                inputs.append(chunk._replace(data=bytes(data)))
                continue
            lost = dice.randrange(1, 60)
            inputs.append(chunk._replace(data=bytes(data[:cut])))
            inputs.append(Gap(chunk.sender, chunk.time, lost))
            inputs.append(chunk._replace(data=bytes(data[cut + lost :])))
        size = dice.choice((1, 3, 50))
        pieces: list[Input] = []
        for item in inputs:
            if isinstance(item, Chunk):
                parts = range(0, len(item.data), size)
                pieces += [item._replace(data=item.data[start : start + size]) for start in parts]
            else:
                pieces.append(item)
        assert follow(said, inputs=pieces) == follow(said, inputs=inputs)


def seconds(inputs: list[Input]) -> float:
    engine = Engine()
    start = time.process_time()
    for item in inputs:
        engine.receive(item)
    engine.finish()
    engine.connection()
    return time.process_time() - start


def tiny(data: bytes, sender: str = CLIENT) -> list[Input]:
    return [Chunk(sender, 0.0, data[i : i + 1], (i,)) for i in range(len(data))]  # type: ignore[arg-type]


TINY = {
    "plaintext": b"a line of text\r\n" * 2000,
    "application data": (b"\x17\x03\x03\x40\x00" + b"x" * 16384) * 2,
    "garbage behind TLS": b"\x16\x03\x01\x00\x04\x0e\x00\x00\x00" + b"\x99" * 32000,
    "one-byte records": b"".join(b"\x16\x03\x03\x00\x01" + bytes([byte]) for byte in b"\x0b\0\x27\x10" * 2500),
}


@pytest.mark.parametrize("name", TINY)
def test_tiny_pieces_take_linear_time(name: str) -> None:
    """Four times the bytes may not take sixteen times as long; the bound leaves room for a busy machine."""
    data = TINY[name]
    quarter = min(seconds(tiny(data[: len(data) // 4])) for _ in range(2))
    whole = min(seconds(tiny(data)) for _ in range(2))
    assert whole < 10 * quarter + 0.2


def test_what_a_peer_can_make_us_keep_is_bounded() -> None:
    engine = Engine()
    engine.receive(Chunk(SERVER, 0.0, b"\x15\x03\x03\x00\x02\x01\x5a" * (MESSAGE_COUNT_LIMIT + 500)))
    for _ in range(RUN_LIMIT + 100):
        engine.receive(Chunk(CLIENT, 0.0, b"\x17\x03\x03\x00\x01x"))
        engine.receive(Chunk(SERVER, 0.0, b"\x17\x03\x03\x00\x01x"))
    connection = engine.connection()
    assert len(connection.messages) == MESSAGE_COUNT_LIMIT
    assert connection.messages[-1].note == "500 messages after it are not kept: too many"
    assert len(connection.application) == RUN_LIMIT
    assert sum(run.records for run in connection.application) == 2 * (RUN_LIMIT + 100)


def test_plaintext_after_a_hello_is_not_hoarded() -> None:
    engine = Engine()
    for _ in range(50):
        engine.receive(Chunk(SERVER, 0.0, b"not TLS at all\n" * 5000))
    assert len(engine._halves[SERVER].stream._buffer) < 200_000
