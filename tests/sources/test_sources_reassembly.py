"""TCP streams put back together, whatever happened to their packets."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlsviz.connection.model import Endpoint
from tlsviz.sources.reassembly import Stream
from tlsviz.sources.roles import hello
from tlsviz.sources.segments import ACK, FIN, RST, SYN, Packet, near
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Input, Mark

A, B = Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 443)
CLIENT_HELLO = b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03" + bytes(range(58))
SERVER_HELLO = b"\x16\x03\x03\x00\x30\x02\x00\x00\x2c\x03\x03" + bytes(range(42))


class Talk:
    """Writes the packets of a conversation as a capture has them."""

    def __init__(self, client_isn: int = 1000, server_isn: int = 5000) -> None:
        self.packets: list[Packet] = []
        self.next = {A: client_isn, B: server_isn}
        self.time = 100.0

    def say(self, sender: Endpoint, data: bytes = b"", flags: int = ACK, missing: int = 0) -> Packet:
        other = B if sender == A else A
        self.time += 0.001
        packet = Packet(
            len(self.packets) + 1,
            self.time,
            0,
            sender,
            other,
            self.next[sender] % 2**32,
            self.next[other] % 2**32 if flags & ACK else 0,
            flags,
            data,
            missing,
        )
        self.next[sender] += len(data) + missing + bool(flags & SYN) + bool(flags & FIN)
        self.packets.append(packet)
        return packet

    def open(self) -> Talk:
        self.say(A, flags=SYN)
        self.say(B, flags=SYN | ACK)
        return self


def run(packets: list[Packet], **limits: int) -> list[Input]:
    stream = Stream(**limits)
    return [event for packet in packets for event in stream.feed(packet)] + stream.finish()


def data(events: list[Input], sender: str) -> bytes:
    """What one side said, its gaps as dots."""
    return b"".join(
        event.data if isinstance(event, Chunk) else b"." * event.length
        for event in events
        if event.sender == sender and isinstance(event, Chunk | Gap)
    )


def conversation(client_isn: int = 1000, server_isn: int = 5000, rounds: int = 4, size: int = 40) -> Talk:
    """Handshake, then questions and answers of several segments each, then farewell."""
    source = random.Random(7)
    talk = Talk(client_isn, server_isn).open()
    talk.say(A, CLIENT_HELLO)
    talk.say(B, SERVER_HELLO)
    for _ in range(rounds):
        for sender in (A, B):
            for _ in range(3):
                talk.say(sender, source.randbytes(size))
    talk.say(A, flags=FIN | ACK)
    talk.say(B, flags=FIN | ACK)
    return talk


def said(packets: list[Packet], sender: Endpoint) -> bytes:
    return b"".join(packet.payload for packet in packets if packet.source == sender)


def test_plain_conversation() -> None:
    talk = conversation()
    events = run(talk.packets)
    assert [event.kind for event in events if isinstance(event, Mark)] == ["syn", "syn_ack", "fin", "fin"]
    assert data(events, CLIENT) == said(talk.packets, A)
    assert data(events, SERVER) == said(talk.packets, B)
    assert not any(isinstance(event, Gap) for event in events)
    numbers = [event.packets[0] for event in events]
    assert numbers == sorted(numbers), "an orderly capture keeps its order"
    assert [event.time for event in events] == [packet.time for packet in talk.packets]


@pytest.mark.parametrize("isn", [0, 2**32 - 1, 2**32 - 30, 2**31 - 10, 2**31])
def test_sequence_numbers_wrap_around(isn: int) -> None:
    talk = conversation(isn, (isn + 2**31) % 2**32)
    events = run(talk.packets)
    assert data(events, CLIENT) == said(talk.packets, A)
    assert data(events, SERVER) == said(talk.packets, B)


def test_near_unwraps() -> None:
    assert near(5, 2**32 - 5) == 2**32 + 5
    assert near(2**32 - 5, 5) == -5
    assert near(7, 3 * 2**32 + 9) == 3 * 2**32 + 7


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[list[Packet], list[Packet]]:
    """A conversation, and the same with packets moved, doubled, split and joined."""
    talk = conversation(draw(st.sampled_from([1000, 2**32 - 60])), rounds=2)
    packets: list[Packet] = []
    for packet in talk.packets:
        pieces = [packet]
        if packet.payload and draw(st.booleans()):
            pieces = split(packet, draw(st.integers(1, len(packet.payload))))
        for piece in pieces:
            packets.append(piece)
            if draw(st.integers(0, 4)) == 0:
                packets.append(piece)
    opening = 2
    for index in range(opening, len(packets) - 1):
        if draw(st.integers(0, 3)) == 0:
            target = min(index + draw(st.integers(1, 6)), len(packets) - 1)
            packets.insert(target, packets.pop(index))
    numbered = [packet._replace(number=i + 1, time=100 + i / 1000) for i, packet in enumerate(packets)]
    return talk.packets, numbered


def split(packet: Packet, at: int) -> list[Packet]:
    """A packet as two, the second one sometimes overlapping the first."""
    overlap = min(at, 2)
    first = packet._replace(payload=packet.payload[:at], flags=packet.flags & ~FIN)
    second = packet._replace(payload=packet.payload[at - overlap :], sequence=(packet.sequence + at - overlap) % 2**32)
    return [first, second]


@settings(max_examples=150, deadline=None)
@given(spoiled())
def test_reordered_doubled_split_and_overlapping_packets_give_the_same_streams(
    case: tuple[list[Packet], list[Packet]],
) -> None:
    original, packets = case
    events = run(packets)
    assert data(events, CLIENT) == said(original, A)
    assert data(events, SERVER) == said(original, B)
    assert_causal(original, events)


def assert_causal(original: list[Packet], events: list[Input]) -> None:
    """Whatever was sent comes after everything that its sender had acknowledged."""
    told = {CLIENT: 0, SERVER: 0}
    needs = []
    sent = {A: 0, B: 0}
    for packet in original:
        other = B if packet.source == A else A
        if packet.payload:
            needs.append((packet.source, sent[packet.source], sent[other]))
        sent[packet.source] += len(packet.payload)
    for event in events:
        if isinstance(event, Chunk):
            mine, other = (A, SERVER) if event.sender == CLIENT else (B, CLIENT)
            for sender, start, seen in needs:
                if sender == mine and told[event.sender] <= start < told[event.sender] + len(event.data):
                    assert told[other] >= seen
            told[event.sender] += len(event.data)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_dropped_packets_are_gaps_of_exact_size(draw: st.DataObject) -> None:
    talk = conversation(rounds=3)
    candidates = [i for i, packet in enumerate(talk.packets) if packet.payload and packet.number > 4]
    dropped = set(draw.draw(st.lists(st.sampled_from(candidates), max_size=6)))
    packets = [packet for i, packet in enumerate(talk.packets) if i not in dropped]
    events = run(packets)
    for endpoint, sender in ((A, CLIENT), (B, SERVER)):
        expected = b"".join(
            b"." * len(packet.payload) if i in dropped else packet.payload
            for i, packet in enumerate(talk.packets)
            if packet.source == endpoint
        )
        assert data(events, sender) == expected


def test_one_direction_only_shows_what_the_other_must_have_said() -> None:
    talk = conversation()
    events = run([packet for packet in talk.packets if packet.source == A])
    assert data(events, CLIENT) == said(talk.packets, A)
    assert data(events, SERVER) == b"." * len(said(talk.packets, B))


def test_the_first_bytes_win() -> None:
    talk = Talk().open()
    talk.say(A, CLIENT_HELLO)
    first = talk.say(A, b"honest bytes")
    lie = first._replace(number=9, payload=b"forged bytes, and more")
    events = run([*talk.packets, lie])
    assert data(events, CLIENT) == CLIENT_HELLO + b"honest bytes, and more"


def test_first_bytes_win_among_waiting_ones_too() -> None:
    talk = Talk().open()
    hello_packet = talk.say(A, CLIENT_HELLO)
    late = talk.say(A, b"0123456789")
    base = late.sequence
    early = late._replace(number=8, sequence=base + 4, payload=b"EFGHIJKL")
    wide = late._replace(number=9, sequence=base + 2, payload=b"cdefghijklmnop")
    events = run([*talk.packets[:2], hello_packet, early, wide, late._replace(number=10, payload=b"01234567")])
    assert data(events, CLIENT) == CLIENT_HELLO + b"01cdEFGHIJKLmnop"


def test_keep_alives_are_no_data() -> None:
    talk = Talk().open()
    talk.say(A, CLIENT_HELLO)
    talk.say(B, SERVER_HELLO)
    alive = talk.packets[-2]._replace(number=7, sequence=talk.next[A] - 1, payload=b"\0")
    talk.packets.append(alive)
    talk.say(A, b"next")
    assert data(run(talk.packets), CLIENT) == CLIENT_HELLO + b"next"


def test_keep_alive_before_the_first_data_of_a_capture_that_starts_late() -> None:
    talk = Talk()
    talk.next[A] -= 1
    talk.say(A, b"\0")
    talk.say(B, SERVER_HELLO)
    talk.next[A] = 1000
    talk.say(A, b"data")
    assert data(run(talk.packets), CLIENT) == b"data"


def test_padding_counted_into_acknowledgements_is_no_data() -> None:
    talk = Talk().open()
    talk.packets[1] = talk.packets[1]._replace(payload=bytes(2))
    for sender, payload in ((A, CLIENT_HELLO), (B, SERVER_HELLO), (A, b"\x14\x03\x03")):
        before = dict(talk.next)
        talk.say(sender, bytes(6))
        talk.next = before
        talk.say(sender, payload)
    padded = talk.packets[-1]._replace(payload=b"\x14\x03\x03\0\0\0")
    talk.packets[-1] = padded
    talk.say(A, b"and so on")
    assert data(run(talk.packets), CLIENT) == CLIENT_HELLO + b"\x14\x03\x03and so on"
    assert data(run(talk.packets), SERVER) == SERVER_HELLO


def test_one_byte_segments_of_zeros_are_data() -> None:
    talk = Talk().open()
    for byte in CLIENT_HELLO + bytes(20):
        talk.say(A, bytes([byte]))
    talk.say(B, SERVER_HELLO)
    assert data(run(talk.packets), CLIENT) == CLIENT_HELLO + bytes(20)


def test_snap_length_cuts_are_gaps_in_their_place() -> None:
    talk = Talk().open()
    talk.say(A, CLIENT_HELLO)
    cut = talk.say(B, SERVER_HELLO[:20], missing=33)
    talk.say(B, b"rest")
    events = run(talk.packets)
    assert data(events, SERVER) == SERVER_HELLO[:20] + b"." * 33 + b"rest"
    assert [event.packets for event in events if isinstance(event, Gap)] == [(cut.number,)]


def test_a_reply_captured_before_its_question_comes_after_it() -> None:
    talk = Talk().open()
    question = talk.say(A, CLIENT_HELLO)
    answer = talk.say(B, SERVER_HELLO)
    swapped = [*talk.packets[:2], answer._replace(number=3, time=100.1), question._replace(number=4, time=100.2)]
    events = [event for event in run(swapped) if isinstance(event, Chunk)]
    assert [event.sender for event in events] == [CLIENT, SERVER]
    assert [event.time for event in events] == [100.2, 100.2], "a reply is not earlier than its question"


def test_retransmission_that_fills_a_hole_gives_its_time_to_what_waited() -> None:
    talk = Talk().open()
    talk.say(A, CLIENT_HELLO)
    lost = talk.say(B, b"first half")
    talk.say(B, b"second half")
    packets = [packet for packet in talk.packets if packet is not lost]
    packets.append(lost._replace(number=9, time=101.5))
    chunks = [event for event in run(packets) if isinstance(event, Chunk) and event.sender == SERVER]
    assert [(chunk.data, chunk.time) for chunk in chunks] == [(b"first half", 101.5), (b"second half", 101.5)]


def test_acknowledged_hole_is_given_up_after_some_packets() -> None:
    talk = Talk().open()
    talk.say(A, CLIENT_HELLO)
    lost = talk.say(B, SERVER_HELLO)
    talk.say(A, b"something more")
    stream = Stream(patience=5)
    events = [event for packet in talk.packets if packet is not lost for event in stream.feed(packet)]
    assert not [event for event in events if isinstance(event, Gap)]
    for _ in range(5):
        events += stream.feed(talk.say(A, b"still more"))
    assert [event.length for event in events if isinstance(event, Gap)] == [len(SERVER_HELLO)]


def test_memory_for_what_waits_is_bounded() -> None:
    talk = Talk().open()
    talk.say(A, CLIENT_HELLO)
    stream = Stream(limit=100_000)
    for packet in talk.packets:
        stream.feed(packet)
    talk.next[B] += 10  # never captured
    got = 0
    for _ in range(300):
        got += sum(len(event.data) for event in stream.feed(talk.say(B, bytes(1000))) if isinstance(event, Chunk))
        held = sum(side.waiting_bytes for side in stream._sides)
        assert held <= 100_000 + 2000
    assert got >= 200_000
    for _ in range(1000):
        talk.next[B] += 1
        stream.feed(talk.say(B, b"x"))
        assert sum(side.waiting_bytes for side in stream._sides) <= 102_000


def test_start_in_mid_stream() -> None:
    talk = conversation()
    packets = talk.packets[8:]
    events = run(packets)
    assert data(events, CLIENT) == said(packets, A)
    assert data(events, SERVER) == said(packets, B)


def test_start_in_mid_stream_out_of_order() -> None:
    talk = conversation()
    packets = talk.packets[4:]
    packets[0], packets[2] = packets[2], packets[0]
    events = run(packets)
    assert data(events, CLIENT) == said(talk.packets[4:], A)
    assert data(events, SERVER) == said(packets, B)


def test_reset_is_told_last_and_its_payload_is_no_data() -> None:
    talk = Talk().open()
    talk.say(A, CLIENT_HELLO)
    talk.say(B, b"blocked by policy", flags=RST | ACK)
    events = run(talk.packets)
    assert [event.kind for event in events if isinstance(event, Mark)] == ["syn", "syn_ack", "rst"]
    assert events[-1] == Mark("rst", SERVER, talk.time, (4,))
    assert data(events, SERVER) == b""


def test_retransmitted_syn_is_told_and_a_flood_is_not() -> None:
    talk = Talk()
    syn = talk.say(A, flags=SYN)
    packets = [syn._replace(number=i) for i in range(1000)] + [talk.say(B, flags=SYN | ACK)]
    events = run(packets)
    marks = [event for event in events if isinstance(event, Mark)]
    assert marks[0].detail == ""
    assert marks[1].detail == "retransmitted"
    assert len(marks) <= 17


@pytest.mark.parametrize("acknowledged", [False, True])
def test_of_several_answers_to_a_syn_that_counts_which_data_follow(acknowledged: bool) -> None:
    talk = Talk(server_isn=3_000_000_000)
    talk.say(A, flags=SYN)
    talk.say(B, flags=SYN | ACK)
    if acknowledged:
        talk.say(A, CLIENT_HELLO)
    else:
        talk.next[B] = 5000
    other = talk.say(B, flags=SYN | ACK)
    if acknowledged:
        talk.packets[-1] = other._replace(sequence=77)
        talk.next[B] = 3_000_000_001
    else:
        talk.say(A, CLIENT_HELLO)
    talk.say(B, SERVER_HELLO)
    talk.packets.append(talk.packets[1]._replace(number=99, time=talk.time + 1))  # long after: it begins nothing
    events = run(talk.packets)
    assert (data(events, CLIENT), data(events, SERVER)) == (CLIENT_HELLO, SERVER_HELLO)
    assert not any(isinstance(event, Gap) for event in events)
    details = [event.detail for event in events if isinstance(event, Mark) and event.kind == "syn_ack"]
    assert details == ["", "with another number"]


def test_data_in_the_syn() -> None:
    talk = Talk()
    talk.say(A, CLIENT_HELLO, flags=SYN)
    talk.say(B, flags=SYN | ACK)
    talk.say(B, SERVER_HELLO)
    assert data(run(talk.packets), CLIENT) == CLIENT_HELLO


def test_fin_that_was_not_captured_is_no_missing_byte() -> None:
    talk = Talk().open()
    talk.say(A, CLIENT_HELLO)
    fin = talk.say(B, flags=FIN | ACK)
    talk.say(A, b"goodbye")
    events = run([packet for packet in talk.packets if packet is not fin])
    assert not any(isinstance(event, Gap) for event in events)
    assert data(events, CLIENT) == CLIENT_HELLO + b"goodbye"


@pytest.mark.parametrize(
    ("first", "server_first", "expected"),
    [
        (CLIENT_HELLO, False, A),
        (CLIENT_HELLO, True, B),
        (SERVER_HELLO, True, A),
        (b"220 mail.example.com ESMTP", True, A),
        (b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", True, B),
    ],
)
def test_who_is_the_client_without_a_syn(first: bytes, server_first: bool, expected: Endpoint) -> None:
    talk = Talk()
    talk.say(B if server_first else A, first)
    stream = Stream()
    for packet in talk.packets:
        stream.feed(packet)
    events = stream.finish()
    assert stream.client == expected
    sender = CLIENT if talk.packets[0].source == expected else SERVER
    assert events[0].sender == sender


def test_the_client_is_who_says_the_client_hello_even_if_the_other_called() -> None:
    talk = Talk().open()
    talk.say(B, CLIENT_HELLO)
    talk.say(A, SERVER_HELLO)
    stream = Stream()
    events = [event for packet in talk.packets for event in stream.feed(packet)]
    assert stream.client == B
    assert [event.sender for event in events] == [SERVER, CLIENT, CLIENT, SERVER]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.integers(0, 2**32 - 1) | st.integers(0, 40),
            st.integers(0, 2**32 - 1) | st.integers(0, 40),
            st.integers(0, 31),
            st.binary(max_size=12),
            st.integers(0, 3),
        ),
        max_size=60,
    )
)
def test_any_packets_whatsoever(rows: list[tuple[bool, int, int, int, bytes, int]]) -> None:
    """Nothing raises, nothing is told twice, and finish leaves nothing behind."""
    stream = Stream(limit=4096, patience=4)
    events: list[Input] = []
    for number, (left, seq, ack, flags, payload, missing) in enumerate(rows):
        ends = (A, B) if left else (B, A)
        events += stream.feed(Packet(number, number / 10, 0, *ends, seq, ack, flags, payload, missing))
    events += stream.finish()
    assert all(not side.waiting and side.waiting_bytes == 0 for side in stream._sides)
    assert sum(len(event.data) for event in events if isinstance(event, Chunk)) <= sum(len(row[4]) for row in rows)
    assert stream.finish() == []


def test_hello_tells_sides() -> None:
    assert hello(CLIENT_HELLO) == CLIENT
    assert hello(SERVER_HELLO) == SERVER
    assert hello(b"GET / HTTP/1.1") == CLIENT
    assert hello(b"HTTP/1.1 200 OK") == SERVER
    assert hello(b"220 ready") is None
    assert hello(b"") is None
