"""SCTP's chunks back in order: whatever happens to packets, each stream is as it was said, or its gap is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import groupby

import pytest
from effort import growth
from hypothesis import given, settings
from hypothesis import strategies as st
from sctp_writer import (
    ABORT,
    COOKIE_ACK,
    LAST,
    SHUTDOWN,
    SHUTDOWN_ACK,
    UNORDERED,
    Association,
    Sent,
    chunk,
    sack,
)

from tlsviz.sources import delivery, sctp
from tlsviz.sources.associations import Associations
from tlsviz.sources.segments import ALL_STREAMS
from tlsviz.sources.sessions import SCTP

Told = list[tuple[int, int, str, bytes]]
"""Connection, side, kind and bytes."""


def told(packets: list[Sent]) -> Told:
    associations = Associations()
    found = [each for at, sent in enumerate(packets, 1) for each in associations.told(sent.datagram(at))]
    found += associations.rest()
    return [(each.stream, each.sctp.side, each.sctp.kind, each.payload) for each in found if each.sctp is not None]


def bytes_of(found: Told) -> dict[tuple[int, int], bytes]:
    """What each side said on each connection; a gap is a line of its own."""
    said: dict[tuple[int, int], bytes] = {}
    for stream, side, kind, data in found:
        if kind in ("message", "gap"):
            said[stream % ALL_STREAMS, side] = said.get((stream % ALL_STREAMS, side), b"") + (data or b"<gap>")
    return said


def exchange(rounds: int = 12, streams: int = 3, **how: object) -> list[Sent]:
    """Questions and answers, on several streams by turns, of several sizes."""
    made = Association(**how)  # type: ignore[arg-type]
    made.begin(1000.0)
    for at in range(rounds):
        for stream in range(streams):
            made.say(1000 + at, False, stream, f"<question {stream}.{at}>".encode() * (1 + at % 5 * 9))
            made.say(1000.5 + at, True, stream, f"<answer {stream}.{at}>".encode() * (1 + at % 7 * 9))
    made.end(2000.0)
    return made.sent


WAYS: dict[str, dict[str, object]] = {
    "plain": {},
    "fragments": {"part": 50},
    "fragments, bundled": {"part": 30, "bundle": 4},
    "short messages, bundled": {"message": 20, "bundle": 8},
    "numbers that wrap": {"tsns": (0xFFFFFFF0, 0xFFFFFFFF), "part": 60},
    "I-DATA": {"interleaved": True, "part": 50},
    "two ways": {"ways": 2, "part": 100},
}


@pytest.mark.parametrize("way", WAYS)
def test_streams_are_as_they_were_said(way: str) -> None:
    assert bytes_of(told(exchange(**WAYS[way]))) == bytes_of(told(exchange()))


def late(packets: list[Sent], dice: random.Random) -> list[Sent]:
    """Packets that come some places later."""
    order = sorted(range(len(packets)), key=lambda at: at + dice.choice((0, 0, 0, 0, 3.5, 7.5)))
    return [packets[at] for at in order]


def twice(packets: list[Sent], dice: random.Random) -> list[Sent]:
    """Packets that come again, at once or later."""
    found = list(packets)
    for sent in packets:
        if dice.random() < 0.3:
            found.insert(dice.randint(found.index(sent), len(found)), sent)
    return found


def rebundled(packets: list[Sent], dice: random.Random) -> list[Sent]:
    """Chunks that go in other packets: alone, or with those that follow."""
    single = [sent._replace(chunks=(each,)) for sent in packets for each in sent.chunks]
    found = []
    for _, run in groupby(single, key=lambda sent: (sent.back, sent.tag, dice.random() < 0.4)):
        parts = list(run)
        found.append(parts[0]._replace(chunks=tuple(each.chunks[0] for each in parts)))
    return found


SPOILS: tuple[Callable[[list[Sent], random.Random], list[Sent]], ...] = (late, twice, rebundled)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1 << 30), st.sampled_from(sorted(WAYS)), st.lists(st.sampled_from(SPOILS), min_size=1, max_size=3)
)
def test_nothing_is_lost_by_order_repetition_and_bundles(
    seed: int, way: str, spoils: list[Callable[[list[Sent], random.Random], list[Sent]]]
) -> None:
    packets, ended = exchange(**WAYS[way])[4:-3], exchange(**WAYS[way])
    dice = random.Random(seed)
    for spoil in spoils:
        packets = spoil(packets, dice)
    assert bytes_of(told([*ended[:4], *packets, *ended[-3:]])) == bytes_of(told(exchange()))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from(sorted(WAYS)))
def test_what_is_lost_is_a_gap_in_its_place(seed: int, way: str) -> None:
    """What is told between two gaps was said in one piece, all is in order, and there is no gap without a loss."""
    packets = exchange(**WAYS[way])
    dice = random.Random(seed)
    lost = [sent for sent in packets if sent.has_data and dice.random() < 0.1]
    whole, found = bytes_of(told(packets)), bytes_of(told([sent for sent in packets if sent not in lost]))
    for place, data in whole.items():
        at = 0
        pieces = found.get(place, b"").split(b"<gap>")
        for piece in pieces:
            begin = data.find(piece, at)
            assert begin >= 0 and (begin == at or piece is not pieces[0])
            at = begin + len(piece)
    if not lost:
        assert found == whole
    for side in (0, 1):
        on_all = [place for place in whole if place[1] == side]
        gaps = sum(found.get(place, b"").count(b"<gap>") for place in on_all)
        assert gaps <= len([sent for sent in lost if sent.back == bool(side)])


def test_a_loss_that_was_acknowledged_does_not_wait_for_the_end() -> None:
    packets = exchange(rounds=60, streams=1)
    (lost,) = [at for at, sent in enumerate(packets) if b"<question 0.3>" in b"".join(sent.chunks)]
    associations = Associations()
    found = [each for at, sent in enumerate(packets[: lost + 3 * delivery.PATIENCE]) if at != lost
             for each in associations.told(sent.datagram(at))]  # fmt: skip
    kinds = [(each.sctp.kind, each.payload[:14]) for each in found if each.sctp is not None]
    at = kinds.index(("gap", b""))
    # The answer to what was lost comes behind the gap, and the next question behind that.
    assert [data[:12] for _, data in kinds[at - 1 : at + 3]] == [b"<answer 0.2>", b"", b"<answer 0.3>", b"<question 0."]


def test_an_answer_comes_behind_its_question_even_where_the_capture_swaps_them() -> None:
    made = Association()
    made.begin(0.0)
    made.say(1.0, False, 0, b"question")
    made.say(2.0, True, 0, b"answer")
    at = next(at for at, sent in enumerate(made.sent) if b"question" in b"".join(sent.chunks))
    made.sent.insert(at + 2, made.sent.pop(at))
    assert b"answer" in b"".join(made.sent[at + 1].chunks)
    assert [data for _, _, kind, data in told(made.sent) if kind == "message"] == [b"question", b"answer"]


def test_a_capture_that_begins_later_has_what_is_left() -> None:
    """Its numbers begin anywhere, and wrap."""
    packets = exchange(tsns=(0xFFFFFFFA, 0xFFFFFFF0), number=0xFFFA)[4:]
    assert bytes_of(told(packets)) == bytes_of(told(exchange()))


def test_what_is_acknowledged_before_it_comes_is_not_lost() -> None:
    """Where a capture begins in the middle, with TSNs that wrap, too."""
    for tsns in ((1000, 77), (0xFFFFFFFF, 0)):
        packets = exchange(rounds=3, streams=1, tsns=tsns)
        data, reply, *rest = packets[4:]
        assert data.has_data and not reply.has_data
        whole, found = bytes_of(told(packets)), bytes_of(told([reply, data, *rest]))
        assert [found[0, side] for side in (1, 0)] == [whole[0, side] for side in (0, 1)]  # 0 is who speaks first


def test_a_side_that_was_not_captured_is_a_gap() -> None:
    made = Association()
    made.begin(0.0)
    for at in range(3):
        made.say(1.0 + at, False, 0, b"question")
        made.say(1.5 + at, True, 0, b"<%d>" % at)
    found = told([sent for sent in made.sent[4:] if sent.back])
    assert bytes_of(found) == {(0, 0): b"<0><1><2>", (0, 1): b"<gap>"}


def test_associations_at_the_same_ports_are_told_apart() -> None:
    one, two = exchange(), exchange(tags=(3, 4), tsns=(5, 6), part=70)
    mixed = [sent for pair in zip(one, two, strict=False) for sent in pair] + two[len(one) :]
    found = told(mixed)
    bases = sorted({(stream - SCTP) // (2 * ALL_STREAMS) for stream, *_ in found})
    assert len(bases) == 2
    for base in bases:
        mine = [each for each in found if (each[0] - SCTP) // (2 * ALL_STREAMS) == base]
        assert bytes_of(mine) == bytes_of(told(exchange()))


def test_both_ends_may_begin_at_once() -> None:
    made = Association()
    made.begin(0.0)
    other = made.sent[1].chunks[0]
    crossing = made.sent[1]._replace(tag=0, chunks=(b"\1" + other[1:],))
    made.say(1.0, False, 0, b"question")
    made.say(2.0, True, 0, b"answer")
    found = told([made.sent[0], crossing, *made.sent[4:]])
    assert len({stream for stream, *_ in found}) == 1


@pytest.mark.parametrize("swapped", [False, True])
def test_numbers_that_begin_again_are_a_reset_of_the_stream(swapped: bool) -> None:
    """RFC 6525: with nothing missing, and where what is new overtakes."""
    made = Association()
    made.begin(0.0)
    for at in range(3):
        made.say(1.0 + at, False, 0, b"<old %d>" % at)
    made.numbers[False, 0] = 0
    for at in range(5):
        made.say(10.0 + at, False, 0, b"<new %d>" % at)
    if swapped:
        first, second = [at for at, sent in enumerate(made.sent) if sent.has_data and sent.time >= 10][:2]
        made.sent[first], made.sent[second] = made.sent[second], made.sent[first]
    said = b"".join([b"<old %d>" % at for at in range(3)] + [b"<new %d>" % at for at in range(5)])
    assert bytes_of(told(made.sent))[0, 0] == said


def test_a_reset_ends_what_waits_and_what_is_not_whole() -> None:
    made = Association(part=6)
    made.begin(0.0)
    for at in range(4):
        made.say(1.0 + at, False, 0, b"<old %d>" % at)
    made.numbers[False, 0] = 0
    made.say(10.0, False, 0, b"<new 0>")
    data = [sent for sent in made.sent[4:] if sent.has_data]
    # The second message is lost, and the end of the last one.
    found = told([*made.sent[:4], *data[:2], *data[4:7], *data[8:]])
    assert bytes_of(found)[0, 0] == b"<old 0><gap><old 2><old 3<gap><new 0>"


def test_numbers_that_begin_anywhere_are_a_gap() -> None:
    """Behind INIT they begin at 0."""
    for number in (7, 65534):
        made = Association(number=number)
        made.begin(0.0)
        for at in range(4):
            made.say(1.0 + at, False, 0, b"<%d>" % at)
        assert bytes_of(told(made.sent))[0, 0] == b"<gap><0><1><2><3>"


def test_what_comes_too_late_is_a_gap() -> None:
    """Once, where a stream is joined in the middle."""
    made = Association(number=40000)
    made.begin(0.0)
    for at in range(5):
        made.say(1.0 + at, False, at % 2, b"<%d>" % at)
    data = [sent for sent in made.sent[4:] if sent.has_data]
    found = bytes_of(told([data[0], data[3], data[1], data[2], data[4]]))
    assert found == {(0, 0): b"<0><2><4>", (1, 0): b"<3><gap>"}


def test_unordered_messages_do_not_wait() -> None:
    made = Association()
    made.begin(0.0)
    made.say(1.0, False, 0, b"lost")
    made.say(2.0, False, 0, b"at once", UNORDERED)
    packets = [sent for sent in made.sent if b"lost" not in b"".join(sent.chunks)]
    associations = Associations()
    found = [each.payload for sent in packets for each in associations.told(sent.datagram()) if each.payload]
    assert found == [b"at once"]


@pytest.mark.parametrize("reflected", [False, True])
def test_an_abort_ends_every_stream(reflected: bool) -> None:
    made = Association()
    made.begin(0.0)
    for stream in (0, 7):
        made.say(1.0, False, stream, b"question")
    why = chunk(ABORT, b"\0\x0c\0\4", flags=int(reflected))
    made.put(2.0, True, why, tag=made.tags[reflected])
    found = [each for each in told(made.sent) if each[2] == "abort"]
    assert [(stream % ALL_STREAMS, side) for stream, side, *_ in found] == [(0, 1), (7, 1)]
    assert sctp.cause(sctp.Chunk(6, 0, b"\0\x0c\0\4", 0)) == "ended by the user"


def test_who_gets_a_shutdown_may_still_send() -> None:
    """And what it sends may overtake: no gap is told before it says that it is done."""
    made = Association(part=10)
    made.begin(0.0)
    made.say(1.0, False, 0, b"question")
    made.put(2.0, False, chunk(SHUTDOWN, bytes(4)))
    made.say(3.0, True, 0, b"an answer in two chunks")
    made.put(4.0, True, chunk(SHUTDOWN_ACK))
    early, late = [at for at, sent in enumerate(made.sent) if sent.has_data and sent.back][:2]
    made.sent[early], made.sent[late] = made.sent[late], made.sent[early]
    found = told(made.sent)
    assert [(side, kind) for _, side, kind, _ in found[2:]] == [
        *((0, "message"), (0, "shutdown")),
        *((1, "message"), (1, "shutdown")),
    ]


def test_forged_acknowledgements_hide_nothing() -> None:
    made = Association()
    made.begin(0.0)
    made.put(0.5, True, sack(1000 + (1 << 30)))
    for at in range(2 * delivery.PATIENCE):
        made.say(1.0 + at, at % 2 == 1, 0, f"<{at}>".encode())
    forged = [sent for sent in made.sent if sent.has_data or sent.time < 1]
    said = b"".join(f"<{at}>".encode() for at in range(0, 2 * delivery.PATIENCE, 2))
    assert bytes_of(told(forged))[0, 0] == said + b"<gap>"  # as the last acknowledgement says


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([1, 2, 3]), st.binary(max_size=60)), max_size=12))
def test_any_bytes_are_taken(packets: list[tuple[bool, int, bytes]]) -> None:
    associations = Associations()
    for back, tag, data in packets:
        sent = Sent(1.0, back, tag, ())
        datagram = sent.datagram()
        associations.told(datagram._replace(payload=sent.packet(sound=False) + data))
    associations.rest()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 30))
def test_any_chunks_are_taken(seed: int) -> None:
    """Chunks of all kinds with small and great numbers, contradictions included; each byte is told at most once."""
    dice = random.Random(seed)
    kinds = (0, 0, 0, 64, 1, 2, 3, 6, 7, 8, 14, 16, 192, 194, 130)
    packets = []
    sent = 0
    for _ in range(40):
        chunks = []
        for _ in range(dice.randint(1, 4)):
            numbers = [dice.choice((0, 1, 2, 3, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000001)) for _ in range(2)]
            body = b"".join(number.to_bytes(4, "big") for number in numbers) + bytes(dice.choice((0, 4, 8, 12, 30)))
            kind = dice.choice(kinds)
            sent += len(body)
            chunks.append(chunk(kind, body, dice.randrange(8)))
        packets.append(Sent(1.0, dice.random() < 0.5, dice.randrange(3), tuple(chunks)))
    found = told(packets)
    assert sum(len(data) for *_, data in found) <= sent


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "backwards"])
@pytest.mark.parametrize("acknowledged", [False, True])
def test_work_grows_with_the_packets(turned: bool, acknowledged: bool) -> None:
    def work(size: int) -> Callable[[], object]:
        made = Association(part=20, message=60)
        made.begin(0.0)
        made.say(1.0, False, 0, bytes(20 * size))
        pieces = [sent for sent in made.sent[4:] if sent.has_data][1:]
        beside = [made.sent[-1]] if acknowledged else []
        return lambda: told([*made.sent[:4], *beside, *(pieces[::-1] if turned else pieces)])

    assert growth(work, 300, 8) < 1.6


def test_work_grows_with_the_messages_that_wait() -> None:
    """Every other message first, then what is between them: each tells two."""

    def work(size: int) -> Callable[[], object]:
        made = Association(message=20, bundle=60)
        made.begin(0.0)
        made.say(1.0, False, 0, bytes(20 * size))
        chunks = [each for sent in made.sent[4:] for each in sent.chunks if each[0] == 0]
        turns = [*chunks[1::2], *chunks[::2]]
        packets = [made.sent[4]._replace(chunks=tuple(turns[at : at + 60])) for at in range(0, size, 60)]
        assert len(bytes_of(told([*made.sent[:2], *packets]))[0, 0]) == 20 * size
        return lambda: told([*made.sent[:2], *packets])

    assert growth(work, 1000, 8) < 1.6


def test_work_grows_with_the_resets() -> None:
    """Of a stream with many parts that belong to nothing."""

    def work(size: int) -> Callable[[], object]:
        made = Association(part=10, message=30)
        made.begin(0.0)
        made.say(1.0, False, 0, bytes(30 * size))
        ends = [sent for sent in made.sent[4:] if sent.has_data][2::3]
        other = Association(message=1, tsns=(1000 + 30 * size, 77))
        for _ in range(size):
            other.numbers.clear()
            other.say(1.0, False, 0, b"!")
        packets = [*made.sent[:4], *ends, *(sent for sent in other.sent if sent.has_data)]
        return lambda: told(packets)

    assert growth(work, 100, 8) < 1.6


def test_what_waits_is_bounded() -> None:
    """A message that never ends, and a stream whose first message never comes."""
    made = Association(part=1000, message=1 << 30)
    made.begin(0.0)
    made.say(1.0, False, 0, bytes(6 << 20))
    endless = [sent._replace(chunks=tuple(_endless(each) for each in sent.chunks)) for sent in made.sent]
    associations = Associations()
    seen = sum(len(each.payload) for sent in endless for each in associations.told(sent.datagram()))
    assert seen > (6 << 20) - delivery.LIMIT
    other = Association(part=1000, message=1000)
    other.begin(0.0)
    other.say(1.0, False, 0, bytes(6 << 20))
    unheard = [sent for sent in other.sent[5:] if sent.has_data]
    associations = Associations()
    seen = sum(len(each.payload) for sent in [*other.sent[:2], *unheard] for each in associations.told(sent.datagram()))
    assert seen > (6 << 20) - delivery.LIMIT


def _endless(one: bytes) -> bytes:
    return one[:1] + bytes([one[1] & ~LAST]) + one[2:] if one[0] == 0 else one


def test_what_is_cut_is_told_as_missing() -> None:
    made = Association()
    made.begin(0.0)
    made.say(1.0, False, 0, b"a message of some length")
    associations = Associations()
    (cut,) = [sent for sent in made.sent if sent.has_data]
    datagrams = [sent.datagram() for sent in made.sent[:4]] + [cut.datagram()._replace(payload=cut.packet()[:-10])]
    (found,) = [each for each in (one for datagram in datagrams for one in associations.told(datagram)) if each.payload]
    assert (found.payload, found.missing) == (b"a message of s", 10)


def test_shutdown_acknowledges_too() -> None:
    assert sctp.acknowledged(sctp.Chunk(SHUTDOWN, 0, b"\0\0\0\7", 0)) == 7
    assert sctp.acknowledged(sctp.Chunk(COOKIE_ACK, 0, b"\0\0\0\7", 0)) is None
