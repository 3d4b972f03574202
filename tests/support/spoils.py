"""Captured connections that are spoiled on purpose, and what must be known of each of them all the same.

`timed` gives a dialogue the packets that a capture between both ends would hold: round trips, bare acknowledgements,
segments. A spoil takes such packets and gives them back with something done to them; the packets' order is the
capture's.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from dialogue import Dialogue

from tlsviz.connection.model import Endpoint
from tlsviz.sources.segments import ACK, FIN, PSH, RST, SYN, Packet
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

Packets = list[Packet]
Spoil = Callable[[Packets], Packets]

SERVER_END = Endpoint("192.0.2.1", 443)
MSS = 700
"""Small, so that even short messages span segments."""
START = 1_768_000_000.0
WORK = 0.0002
"""Seconds that a side takes before it sends, where nobody says otherwise."""


def timed(
    said: Dialogue,
    port: int = 40000,
    to_client: float = 0.001,
    to_server: float = 0.010,
    think: float = WORK,
    mss: int = MSS,
) -> Packets:
    """The dialogue's packets as seen by a capture ``to_client`` and ``to_server`` seconds away from its ends.

    ``think``: seconds that the server takes for its first answer.
    """
    ends: dict[Sender, Endpoint] = {CLIENT: Endpoint("10.0.0.1", port), SERVER: SERVER_END}
    following: dict[Sender, int] = {CLIENT: 1_000_000, SERVER: 7_000_000}
    away = {CLIENT: to_client, SERVER: to_server}
    out: Packets = []

    def say(sender: Sender, when: float, flags: int, data: bytes = b"") -> None:
        receiver: Sender = SERVER if sender == CLIENT else CLIENT
        ack = following[receiver] if flags & ACK else 0
        out.append(Packet(0, when, 0, ends[sender], ends[receiver], following[sender], ack, flags, data))
        following[sender] = (following[sender] + len(data) + bool(flags & (SYN | FIN))) % 2**32

    say(CLIENT, START, SYN)
    say(SERVER, START + 2 * to_server, SYN | ACK)
    clock = START + 2 * to_server + 2 * to_client
    say(CLIENT, clock, ACK)
    thought = False
    for chunk in said.merged():
        receiver: Sender = SERVER if chunk.sender == CLIENT else CLIENT
        if chunk.sender == SERVER and not thought:
            clock, thought = clock + think, True
        clock += WORK
        for at in range(0, len(chunk.data), mss):
            last = at + mss >= len(chunk.data)
            say(chunk.sender, clock, ACK | PSH if last else ACK, chunk.data[at : at + mss])
            clock += 0.00005
        clock += 2 * away[receiver]
        say(receiver, clock, ACK)
    say(CLIENT, clock + 0.01, FIN | ACK)
    say(SERVER, clock + 0.01 + 2 * to_server, FIN | ACK)
    say(CLIENT, clock + 0.01 + 2 * to_server + 2 * to_client, ACK)
    return out


def data(packets: Packets, sender: Sender) -> list[int]:
    """The places of the packets with data of one side."""
    return [i for i, each in enumerate(packets) if each.payload and (each.source.port != 443) == (sender == CLIENT)]


# -- what changes nothing that was said ----------------------------------------------------------------------


def duplicated(packets: Packets) -> Packets:
    """Every packet captured twice, as on the interface `any`."""
    return [copy for each in packets for copy in (each, each._replace(time=each.time + 0.00002))]


def sent_again(packets: Packets) -> Packets:
    """The server's first segments once more, 0.03 s later: longer than a round trip."""
    again = [packets[i]._replace(time=packets[i].time + 0.03) for i in data(packets, SERVER)[:3]]
    return sorted([*packets, *again], key=lambda each: each.time)


def lost_before(packets: Packets) -> Packets:
    """The server's second segment is lost before the capture, and comes again 0.3 s later."""
    at = data(packets, SERVER)[1]
    end = data(packets, SERVER)[2]
    late = [each._replace(time=each.time + 0.3) for each in [packets[at], *packets[end + 1 :]]]
    return [*packets[:at], *packets[at + 1 : end + 1], *late]


def reordered(packets: Packets) -> Packets:
    """Neighbours of one side change places."""
    out = list(packets)
    places = data(packets, SERVER)
    for one, two in zip(places[::2], places[1::2], strict=False):
        if two == one + 1:
            out[one], out[two] = out[two]._replace(time=out[one].time), out[one]._replace(time=out[two].time)
    return out


def shuffled(packets: Packets) -> Packets:
    """Everything behind TCP's handshake displaced by some places."""
    chance = random.Random(9293)
    order = sorted(range(len(packets)), key=lambda i: i + (chance.random() * 6 if 3 < i < len(packets) - 3 else 0))
    return [packets[i]._replace(time=packets[place].time) for place, i in enumerate(order)]


def overlapping(packets: Packets) -> Packets:
    """Segments that begin 100 bytes earlier than the one before ended."""
    out: Packets = []
    for each in packets:
        before = next((p for p in reversed(out) if p.source == each.source and p.payload), None)
        if each.payload and before is not None and before.sequence + len(before.payload) == each.sequence:
            back = min(100, len(before.payload))
            each = each._replace(sequence=each.sequence - back, payload=before.payload[-back:] + each.payload)
        out.append(each)
    return out


def contradicted(packets: Packets) -> Packets:
    """Behind the ClientHello's first segment another one with other bytes at its place."""
    at = data(packets, CLIENT)[0]
    one = packets[at]
    false = one._replace(payload=one.payload[:60] + bytes(len(one.payload) - 60), time=one.time + 0.00001)
    return [*packets[: at + 1], false, *packets[at + 1 :]]


def wrapped(packets: Packets) -> Packets:
    """Sequence numbers that pass 2^32 in the middle of the first flights."""
    shift = {False: 2**32 - 1_000_000 - 300, True: 2**32 - 7_000_000 - 900}
    out = []
    for each in packets:
        mine = each.source.port == 443
        ack = (each.acknowledgement + shift[not mine]) % 2**32 if each.flags & ACK else 0
        out.append(each._replace(sequence=(each.sequence + shift[mine]) % 2**32, acknowledgement=ack))
    return out


def one_by_one(packets: Packets) -> Packets:
    """The hellos in segments of one byte."""
    first = {data(packets, CLIENT)[0], data(packets, SERVER)[0]}
    out: Packets = []
    for i, each in enumerate(packets):
        if i not in first:
            out.append(each)
            continue
        out += [
            each._replace(sequence=each.sequence + at, payload=each.payload[at : at + 1], time=each.time + at * 1e-8)
            for at in range(len(each.payload))
        ]
    return out


def keep_alives(packets: Packets) -> Packets:
    """A keep-alive of the server in front of each of its FINs: the byte before the next, as 0."""
    at = next(i for i, each in enumerate(packets) if each.flags & FIN and each.source.port == 443)
    one = packets[at]
    return [*packets[:at], one._replace(flags=ACK, sequence=one.sequence - 1, payload=b"\0"), *packets[at:]]


def no_syn(packets: Packets) -> Packets:
    return packets[3:]


def asked_again(packets: Packets) -> Packets:
    """The first SYN is lost, the second one comes a second later."""
    later = [each._replace(time=each.time + 1.0) for each in packets]
    return [packets[0], *later]


def clock_step(packets: Packets) -> Packets:
    """The clock is set back by 0.7 s behind the server's first segments."""
    at = data(packets, SERVER)[1]
    return [each._replace(time=each.time - 0.7 * (i > at)) for i, each in enumerate(packets)]


def reset_forged(packets: Packets) -> Packets:
    """Somebody resets in the server's name before its first flight, which comes all the same."""
    at = data(packets, SERVER)[0]
    one = packets[at]
    return [*packets[:at], one._replace(flags=RST | ACK, payload=b"", time=one.time - 0.001), *packets[at:]]


HARMLESS: list[Spoil] = [
    duplicated,
    sent_again,
    lost_before,
    reordered,
    shuffled,
    overlapping,
    contradicted,
    wrapped,
    one_by_one,
    keep_alives,
    no_syn,
    asked_again,
    clock_step,
    reset_forged,
]
"""What leaves every message as it was."""


# -- what loses something ------------------------------------------------------------------------------------


def dropped(packets: Packets) -> Packets:
    """The server's second segment never came to the capture."""
    at = data(packets, SERVER)[1]
    return [*packets[:at], *packets[at + 1 :]]


def cut(packets: Packets) -> Packets:
    """A snap length leaves 90 bytes of every segment."""
    return [each._replace(payload=each.payload[:90], missing=max(len(each.payload) - 90, 0)) for each in packets]


def middle(packets: Packets) -> Packets:
    """The capture begins behind the client's second flight: the handshake is nearly over."""
    hello = data(packets, SERVER)[0]
    return packets[next(i for i in data(packets, CLIENT) if i > hello) + 1 :]


def client_only(packets: Packets) -> Packets:
    return [each for each in packets if each.source.port != 443]


def server_only(packets: Packets) -> Packets:
    return [each for each in packets if each.source.port == 443]


def reset(packets: Packets) -> Packets:
    """The server resets the connection where it would answer."""
    at = data(packets, SERVER)[0]
    return [*packets[:at], packets[at]._replace(flags=RST | ACK, payload=b"")]


def fin_early(packets: Packets) -> Packets:
    """The server closes behind its first segment."""
    at = data(packets, SERVER)[0]
    one = packets[at]
    end = one._replace(flags=FIN | ACK, payload=b"", sequence=one.sequence + len(one.payload), time=one.time + 0.001)
    return [*packets[: at + 1], end]


def stopped(packets: Packets) -> Packets:
    """The capture ends behind the ClientHello."""
    return packets[: data(packets, SERVER)[0]]


def moved(packets: Packets, port: int) -> Packets:
    """The same from another client port."""

    def end(each: Endpoint) -> Endpoint:
        return each if each.port == 443 else each._replace(port=port)

    return [each._replace(source=end(each.source), destination=end(each.destination)) for each in packets]


def renewed(packets: Packets, later: float) -> Packets:
    """Another connection on the same ports ``later``, as after TIME_WAIT: with sequence numbers of its own."""
    step = 123_456_789
    return [
        each._replace(
            time=each.time + later,
            sequence=(each.sequence + step) % 2**32,
            acknowledgement=(each.acknowledgement + step) % 2**32 if each.flags & ACK else 0,
        )
        for each in packets
    ]
