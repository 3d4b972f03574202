"""TLS in associations that are spoiled: the connection is as it was, or says what is missing. Without tshark."""

from __future__ import annotations

import random
from functools import cache

import pytest
from dialogue import Dialogue, shake
from dtls_flow import associate
from sctp_writer import Sent, conversation

from tlsviz.connection.judge import Evidence
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.crypto.keylog import KeyLog
from tlsviz.explain.narrate import narrate_step
from tlsviz.report.text import render_text
from tlsviz.sources.following import Following
from tlsviz.sources.opinions import Opinions


@cache
def handshake(version: str) -> Dialogue:
    return shake(version)


def follow(sent: list[Sent]) -> list[Connection]:
    following, opinions = Following(KeyLog(), strict=True), Opinions((), None, Evidence())
    following.take_all(each.datagram(at) for at, each in enumerate(sent, 1))
    following.end()
    return list(following.finished(lambda each: opinions.next(each, whole=True).connection))


def hashes(connection: Connection) -> list[tuple[str, str | None]]:
    return [(message.type, message.sha256) for message in connection.messages]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("seed", range(10))
def test_order_and_repetition_change_nothing(version: str, seed: int) -> None:
    dice = random.Random(seed)
    sent = conversation(handshake(version).chunks, part=300, message=900)
    body = [each for each in sent[4:-3] for _ in range(1 + (dice.random() < 0.2))]
    order = sorted(range(len(body)), key=lambda at: at + dice.choice((0, 0, 3.5)))
    (found,) = follow([*sent[:4], *(body[at] for at in order), *sent[-3:]])
    assert hashes(found) == hashes(handshake(version).connection(keys=False)) and not found.holes


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("how", [{"message": 500}, {"message": 1200, "part": 300}], ids=["messages", "fragments"])
def test_each_loss_is_named(version: str, how: dict[str, int]) -> None:
    sent = conversation(handshake(version).chunks, **how)
    for at in [at for at, each in enumerate(sent) if each.has_data]:
        (found,) = follow(sent[:at] + sent[at + 1 :])
        side = "server" if sent[at].back else "client"
        missing = [hole for hole in found.holes if hole.stray is None]
        assert [(hole.sender, hole.length, hole.cut) for hole in missing] == [(side, 0, False)], at
        codes = {finding.code for finding in found.findings}
        assert codes & {"capture_lost_packets", "capture_one_sided"}, at
        assert "bytes missing" in [step.title for step in steps(found)]
        assert all(narrate_step(found, step).lead for step in steps(found))
        assert " 0 bytes" not in render_text(Trace(Source("capture", "lost", 1), (found,)))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_what_is_not_missing_is_as_it_was(version: str) -> None:
    """Whatever is lost, the messages that are whole are those that were said."""
    said = dict.fromkeys(hashes(handshake(version).connection(keys=False)))
    sent = conversation(handshake(version).chunks, message=500)
    for seed in range(30):
        dice = random.Random(seed)
        for found in follow([each for each in sent if dice.random() < 0.9]):
            whole = [each for each in found.messages if each.whole and each.provenance == "wire"]
            assert all((each.type, each.sha256) in said for each in whole), seed


def test_dtls_says_what_is_lost_by_its_own_numbers() -> None:
    chunks = associate().chunks
    sent = conversation(chunks, message=1 << 14, ppid=47)
    (at, *_) = [at for at, each in enumerate(sent) if each.has_data and each.back][2:]
    (found,) = follow(sent[:at] + sent[at + 1 :])
    assert found.holes and {hole.sender for hole in found.holes} == {"server"}


def test_a_capture_that_begins_in_the_middle_says_so() -> None:
    sent = conversation(handshake("1.2").chunks, number=9)
    begin = next(at for at, each in enumerate(sent) if each.has_data and at > 10)
    (found,) = follow(sent[begin:])
    assert "capture_started_late" in {finding.code for finding in found.findings}
