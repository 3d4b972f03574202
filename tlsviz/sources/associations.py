"""SCTP associations told apart, and their streams, each of which is a connection (RFC 3436 3). No I/O.

An association is known by its ports and verification tags: with several addresses an end (RFC 9260 6.4), its packets
take several ways. Where no INIT says which two tags belong together, the addresses of the first packets with them do,
or what those acknowledge. With DTLS all of its streams are one connection (RFC 6083 3.1, 4.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tlsviz.connection.datagrams import carrier_of
from tlsviz.connection.model import Endpoint
from tlsviz.sources import sctp
from tlsviz.sources.delivery import Delivery
from tlsviz.sources.sctp import Piece
from tlsviz.sources.segments import ALL_STREAMS, Datagram, Said, near
from tlsviz.sources.sessions import MOST, SCTP

_Ends = tuple[Endpoint, Endpoint]
_Key = tuple[int, int, int]
"""Ports of the sender and the receiver, and the verification tag."""
MOST_OVER = 64
"""Associations that are over and remembered: some of their packets may come late."""
MOST_ALIKE = 64
"""Associations between the same ports of which one side may be unheard."""
_NEAR, _FEW = 1 << 16, 8
"""TSNs that may be on their way; chunks of a packet that are looked at for them."""
MOST_WAITING = 32 << 20
"""Bytes that may wait in all associations."""


class Associations:
    """Gives what each packet brings to connections."""

    def __init__(self) -> None:
        self._count = 0
        self._known: dict[_Key, tuple[_Association, int]] = {}
        """The association and the side of the sender."""
        self._unheard: dict[_Ends, tuple[_Association, int]] = {}
        """Those of which one side's tag is not known yet, by the ends of the packets that will show it."""
        self._alike: dict[tuple[int, int], dict[_Ends, None]] = {}
        """The same ends by their ports."""
        self._brought: list[Datagram] = []
        self._over: dict[_Association, None] = {}
        self._waiting: dict[_Association, int] = {}
        """Where something waits, and how many bytes."""
        self._bytes = 0

    def told(self, datagram: Datagram) -> Sequence[Datagram]:
        """What a packet brings, in order: messages, gaps and marks, each with the number of its connection."""
        packet = sctp.packet(datagram.payload)
        if packet is None or not packet.chunks:
            return ()
        association, side = self._of(packet, datagram)
        self._brought += association.take(side, packet, datagram)
        if any(chunk.kind in (sctp.ABORT, sctp.SHUTDOWN_COMPLETE) for chunk in packet.chunks):
            self._brought += association.rest()
            self._over[association] = None
            if len(self._over) > MOST_OVER:
                self._let_go(next(iter(self._over)))
        self._weigh(association)
        while self._bytes > MOST_WAITING:
            longest = next(iter(self._waiting))
            self._brought += longest.rest()
            self._weigh(longest)
        while len(self._known) > MOST:
            self._let_go(next(iter(self._known.values()))[0])
        brought, self._brought = self._brought, []
        return brought

    def _weigh(self, association: _Association) -> None:
        """Counts what waits there."""
        waiting = association.delivery.waiting
        self._bytes += waiting - self._waiting.get(association, 0)
        if waiting:
            self._waiting[association] = waiting
        else:
            self._waiting.pop(association, None)

    def _let_go(self, association: _Association) -> None:
        """Forgets an association: what still waits there is told."""
        self._brought += association.rest()
        self._bytes -= self._waiting.pop(association, 0)
        self._over.pop(association, None)
        for key in association.keys:
            if key in self._known and self._known[key][0] is association:
                del self._known[key]
        for ends in (association.ends, association.ends[::-1]):
            if ends in self._unheard and self._unheard[ends][0] is association:
                self._heard(ends)

    def rest(self) -> list[Datagram]:
        """Nothing more comes: what still waits."""
        every = {id(association): association for association, _ in self._known.values()}
        return [each for association in every.values() for each in association.rest()]

    def _of(self, packet: sctp.Packet, datagram: Datagram) -> tuple[_Association, int]:
        key = packet.source, packet.destination, packet.tag
        back = packet.destination, packet.source
        first = packet.chunks[0]
        opens = sctp.opening(first)
        if first.kind in (sctp.ABORT, sctp.SHUTDOWN_COMPLETE) and first.flags & sctp.REFLECTED:
            found = self._known.get((*back, packet.tag))
            if found is not None:
                return found[0], 1 - found[1]
        if opens is not None and first.kind == sctp.INIT:
            return self._opened((*back, opens[0]), datagram)
        found = self._known.get(key) or self._paired(key, packet, datagram)
        if opens is not None:
            self._learn((*back, opens[0]), found[0], 1 - found[1])
            self._heard((datagram.destination, datagram.source))
        return found

    def _opened(self, back: _Key, datagram: Datagram) -> tuple[_Association, int]:
        """The association of an INIT, which names the tag of all that its sender will get: ``back``."""
        ends = datagram.source, datagram.destination
        known = self._known.get(back)
        if known is not None and known[0] in self._over:
            self._let_go(known[0])
        elif known is not None:
            return known[0], 1 - known[1]
        found = self._heard(ends[::-1])  # both sides may begin at once
        if found is None:
            found = self._new(ends), 1
            self._expect(ends, found[0], 0)
        self._learn(back, *found)
        return found[0], 1 - found[1]

    def _paired(self, key: _Key, packet: sctp.Packet, datagram: Datagram) -> tuple[_Association, int]:
        """The association of a tag that no INIT has named, or a new one."""
        ends = datagram.source, datagram.destination
        found = self._heard(ends)
        if found is None:
            # It may take another way than what the other side sends.
            alike = [each for each in self._alike.get(key[:2], ()) if _answers(packet, *self._unheard[each])]
            found = self._heard(alike[0]) if len(alike) == 1 else None
        if found is None:
            found = self._new(ends), 0
            self._expect(ends[::-1], found[0], 1)
        self._learn(key, *found)
        return found

    def _expect(self, ends: _Ends, association: _Association, side: int) -> None:
        """Remembers who was not heard yet."""
        if len(self._unheard) >= MOST:
            self._heard(next(iter(self._unheard)))
        self._unheard[ends] = association, side
        alike = self._alike.setdefault((ends[0].port, ends[1].port), {})
        alike[ends] = None
        if len(alike) > MOST_ALIKE:
            self._heard(next(iter(alike)))

    def _heard(self, ends: _Ends) -> tuple[_Association, int] | None:
        """Whose packets go between these ends, if that was not known."""
        found = self._unheard.pop(ends, None)
        if found is not None:
            ports = ends[0].port, ends[1].port
            del self._alike[ports][ends]
            if not self._alike[ports]:
                del self._alike[ports]
        return found

    def _learn(self, key: _Key, association: _Association, side: int) -> None:
        self._known[key] = association, side
        association.keys.add(key)

    def _new(self, ends: tuple[Endpoint, Endpoint]) -> _Association:
        self._count += 1
        return _Association(SCTP + self._count * 2 * ALL_STREAMS, ends)


def _answers(packet: sctp.Packet, association: _Association, side: int) -> bool:
    """Whether a packet acknowledges what the other side of an association sends, or sends what that acknowledges."""
    mine, other = association.delivery.halves[side], association.delivery.halves[1 - side]
    known = mine.seen.edge if mine.begun else mine.early[1] if mine.early is not None else None
    for chunk in packet.chunks[:_FEW]:
        tsn, piece = sctp.acknowledged(chunk), sctp.piece(chunk, 0, 0.0)
        if tsn is not None and other.begun and _near(tsn, other.seen.edge):
            return True
        if piece is not None and known is not None and _near(piece.tsn, known):
            return True
    return False


def _near(tsn: int, other: int) -> bool:
    return abs(near(tsn, other) - other) < _NEAR


@dataclass(slots=True, eq=False)
class _Association:
    """One association. ``base``: connections are numbered from here on; ``ends``: of the first packet."""

    base: int
    ends: tuple[Endpoint, Endpoint]
    opener: int | None = None
    delivery: Delivery = field(init=False)
    keys: set[_Key] = field(default_factory=set)
    _out: list[Datagram] = field(default_factory=list)
    _beginning: list[tuple[int, str, Datagram]] = field(default_factory=list)
    _channels: dict[int, None] = field(default_factory=dict)
    _ended: set[tuple[int, str]] = field(default_factory=set)
    _dtls: bool = False
    _now: Datagram | None = None

    def __post_init__(self) -> None:
        self.delivery = Delivery(self._told)

    def take(self, side: int, packet: sctp.Packet, datagram: Datagram) -> list[Datagram]:
        """What the next packet brings."""
        self._now = datagram
        self.delivery.arrive()
        mine = self.delivery.halves[side]
        for chunk in packet.chunks:
            piece = sctp.piece(chunk, datagram.number, datagram.time)
            if piece is not None:
                self.delivery.take(side, piece)
            elif (opening := sctp.opening(chunk)) is not None:
                mine.begin(opening[1], synced=True)
                self._begin(side, chunk.kind, datagram)
            elif (tsn := sctp.acknowledged(chunk)) is not None:
                self.delivery.acknowledge(side, tsn)
            elif (tsn := sctp.abandoned(chunk)) is not None:
                mine.acknowledge(tsn)
            self._end(side, chunk)
        self.delivery.deliver()
        return self._flush()

    def rest(self) -> list[Datagram]:
        """What still waits at the end."""
        self.delivery.finish()
        return self._flush()

    def _flush(self) -> list[Datagram]:
        told, self._out = self._out, []
        return told

    def _begin(self, side: int, kind: int, datagram: Datagram) -> None:
        if self.opener is None:
            self.opener = side if kind == sctp.INIT else 1 - side
        name = "init" if kind == sctp.INIT else "init_ack"
        if all(known != name for _, known, _ in self._beginning) and not self._channels:
            self._beginning.append((side, name, datagram))

    def _end(self, side: int, chunk: sctp.Chunk) -> None:
        """ABORT ends all, SHUTDOWN and its acknowledgement one side each; every connection is told of it."""
        if chunk.kind == sctp.ABORT:
            name, detail = "abort", sctp.cause(chunk)
        elif chunk.kind in (sctp.SHUTDOWN, sctp.SHUTDOWN_ACK):
            name, detail = "shutdown", "acknowledged" if chunk.kind == sctp.SHUTDOWN_ACK else ""
        else:
            return
        if (side, name) in self._ended or self._now is None:
            return
        self._ended.add((side, name))
        # Who has got a SHUTDOWN may send what it still has before it acknowledges that.
        self.delivery.finish(side if chunk.kind == sctp.SHUTDOWN else None)
        for channel in self._channels:
            self._put(channel, side, name, self._now.time, (self._now.number,), detail=detail)

    def _told(self, side: int, stream: int, pieces: Sequence[Piece] | None, time: float) -> None:
        """The next of a stream: whose connection it is goes by its bytes."""
        if pieces is None:
            self._put(ALL_STREAMS if self._dtls and stream not in self._channels else stream, side, "gap", time, ())
            return
        data = b"".join(piece.data for piece in pieces)
        self._dtls = self._dtls or carrier_of(data) == "dtls"
        in_dtls = self._dtls and (stream not in self._channels or carrier_of(data) == "dtls")
        channel = ALL_STREAMS if in_dtls else stream
        if not self._channels:
            for sender, name, brought in self._beginning:
                self._put(channel, sender, name, brought.time, (brought.number,))
        self._channels[channel] = None
        packets = tuple(dict.fromkeys(piece.frame for piece in pieces))
        begin = 0
        for at, piece in enumerate(pieces, 1):
            if piece.missing or at == len(pieces):
                data = b"".join(each.data for each in pieces[begin:at])
                self._put(channel, side, "message", time, packets, data, piece.missing)
                begin = at

    def _put(
        self,
        channel: int,
        side: int,
        kind: str,
        time: float,
        packets: tuple[int, ...],
        data: bytes = b"",
        missing: int = 0,
        detail: str = "",
    ) -> None:
        said = Said(kind, side, self.opener, channel, packets, detail)
        number = packets[-1] if packets else self._now.number if self._now is not None else 0
        source, target = self.ends[side], self.ends[1 - side]
        self._out.append(Datagram(number, time, self.base + channel, source, target, data, missing, sctp=said))
