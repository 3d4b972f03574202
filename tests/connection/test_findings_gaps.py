"""What a capture lacks is a finding that says how to capture it the next time."""

from __future__ import annotations

import pytest
from dialogue import Dialogue, shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.findings.gaps import FINDERS
from tlsviz.connection.model import Finding
from tlsviz.explain.words import words
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Input, Mark


@pytest.fixture(scope="module")
def said() -> Dialogue:
    return shake()


def found(inputs: list[Input]) -> list[Finding]:
    engine = Engine()
    for item in inputs:
        engine.receive(item)
    engine.finish()
    return [finding for finder in FINDERS for finding in finder(engine.connection())]


def codes(inputs: list[Input]) -> list[str]:
    return [finding.code for finding in found(inputs)]


def begun(said: Dialogue) -> list[Input]:
    return [Mark("syn", CLIENT, said.chunks[0].time), *said.chunks]


def test_a_whole_connection_lacks_nothing(said: Dialogue) -> None:
    assert codes(begun(said)) == []
    assert codes(list(said.chunks)) == []


def test_lost_bytes(said: Dialogue) -> None:
    (finding,) = found([*begun(said), Gap(SERVER, said.chunks[-1].time, 1000)])
    assert finding.code == "capture_lost_packets" and "1,000 bytes" in finding.evidence and finding.mend


def test_cut_packets(said: Dialogue) -> None:
    assert codes([*begun(said), Gap(SERVER, said.chunks[-1].time, 940, (7,))]) == ["capture_cut_packets"]


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
def test_one_direction_alone(said: Dialogue, sender: str) -> None:
    inputs: list[Input] = [
        chunk if chunk.sender == sender else Gap(chunk.sender, chunk.time, len(chunk.data)) for chunk in said.chunks
    ]
    (finding,) = found(inputs)
    assert finding.code == "capture_one_sided"
    assert ("client" if sender == SERVER else "server") in finding.title


def test_a_refusal_is_not_one_sided(said: Dialogue) -> None:
    first = said.chunks[0]
    assert codes([Mark("syn", CLIENT, first.time), first, Mark("rst", SERVER, first.time)]) == []


def test_the_middle_of_a_connection() -> None:
    later = [Chunk(side, 5.0, b"\x17\x03\x03\x00\x20" + bytes(range(32))) for side in (CLIENT, SERVER, CLIENT)]
    assert codes(list(later)) == ["capture_started_late"]


@pytest.mark.parametrize(
    "code", ["capture_one_sided", "capture_lost_packets", "capture_cut_packets", "capture_started_late"]
)
def test_each_has_words(code: str) -> None:
    assert words(f"finding.{code}") is not None
