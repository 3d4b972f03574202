"""Which frames of a capture tshark need not see: bare acknowledgements, and segments that come in their turn.

A first pass over the mapped file follows every TCP flow that begins with a SYN and speaks TLS from its first byte, by
nothing but its sequence numbers and its records' headers. Where application data records follow each other without
anything else happening on the connection, they are counted here (`Carved`) and the frames that hold nothing else are
left out. Of all else, tshark is shown where a flow begins, its SYN; what follows in its turn is taken out of the
file here (`Taken`). Whatever is unusual (holes, overlaps, tunnels, fragments, other
protocols) goes to tshark as it is, and what was left out too early is put back. With and without carving the
connections are equal: of so much application data only the amount is kept anyway (`connection.runs`).
"""

from __future__ import annotations

import struct
from array import array

from tlsviz.connection.carried import PACKETS_KEPT
from tlsviz.sources.frames import FORGET, Data, Frame, Framing, framing, let_go
from tlsviz.sources.lanes import Flow, Lane, Open
from tlsviz.sources.links import ETHERNET, TCP, tcp_of
from tlsviz.sources.plan import Plan
from tlsviz.sources.segment_log import BARE_KEPT, Bare
from tlsviz.sources.segments import ACK, FIN, RST, SYN, WATCHED, Carved
from tlsviz.sources.taken import Taken

APPLICATION_DATA = 23
LONGEST_RECORD = 16384 + 2048
SETTLED = 256 * 1024 + 64
"""Bytes of a direction's application data records before counting begins: as many are kept (`connection.runs`)."""
MOST_PENDING = 256
"""Segments of a direction that may wait for a hole to be filled; then the flow is left to tshark."""
_PLAIN = struct.Struct(">12xIHxxHxBxx12sI4xHH")
"""EtherType with IPv4's version, header length and type of service; total length; fragment; protocol;
addresses and ports; sequence number; data offset and flags, window of TCP."""
_IPV4, _NOT_SERVICE = 0x08004500, 0xFFFFFF00
_FRAGMENT = 0x3FFF
_HEADERS = b"".join(bytes((4 * words, *bytes(7))) * 512 for words in (*[0] * 5, *range(5, 16)))
"""By data offset and flags: how long a TCP header is; 0 where it cannot be, and of a SYN, FIN or RST."""
_NUMBERS = struct.Struct(">II")
_ACKNOWLEDGED = struct.Struct(">4xI")
_HELLO = 5 + 4 + 2 + 32
"""Where a ClientHello's random ends in its record."""
_WORD = 0xFFFFFFFF
_HALF = 0x80000000


def plan(data: Data) -> Plan | None:
    """Looks through a whole capture file; None if its format is not read here."""
    framed = framing(data)
    if framed.found.kind == "other":
        return None
    carver = _Carver(data, framed)
    carver.run()
    return carver.plan()


class _Carver:
    """The first pass."""

    def __init__(self, data: Data, framed: Framing) -> None:
        self.data = data
        self.framing = framed
        self.keep = bytearray()
        self.starts = array("Q")
        self.ends = array("Q")
        self.lanes: dict[bytes, Lane] = {}
        self.done: list[Flow] = []

    def plan(self) -> Plan:
        """What was found, once it has run."""
        made = Plan(self.framing, self.keep, self.starts, self.ends)
        for flow in self.done + [lane.flow for lane in self.lanes.values() if lane is lane.flow.lanes[0]]:
            for lane in flow.lanes:
                self._close(lane)
            one, two = flow.lanes
            if one.carved or two.carved:
                made.carved[flow.first] = (one.carved, two.carved)
                made.flows[flow.first] = flow.frames
                made.randoms[flow.first] = flow.random
            if flow.bare:
                made.bare[flow.first] = flow.bare
            if flow.taken is not None:
                made.taken[flow.first] = flow.taken
        return made

    def run(self) -> None:
        """Follows every frame."""
        data, keep, lanes = self.data, self.keep, self.lanes
        started, ended, keep_it = self.starts.append, self.ends.append, keep.append
        plain, word, ethernet, shortest_frame = _PLAIN.unpack_from, _WORD, ETHERNET, _PLAIN.size
        ipv4, not_service, tcp, cut, headers = _IPV4, _NOT_SERVICE, TCP, _FRAGMENT, _HEADERS
        forget, number = FORGET, 0
        for frame in self.framing:
            start, at, stop, end, link, _ = frame
            number += 1
            keep_it(1)
            started(start)
            ended(end)
            if end > forget:
                forget = let_go(data, end)
            if link == ethernet and stop - at >= shortest_frame:
                kind, total, fragment, protocol, key, sequence, flags, window = plain(data, at)
                if kind & not_service != ipv4 or protocol != tcp or fragment & cut or at + 14 + total > stop:
                    self._unusual(frame)
                    continue
                lane = lanes.get(key)
                header = headers[flags]
                size = total - 20 - header
                if header and lane is not None and size >= 0:
                    lane.frames.append(number)
                    if not size:
                        keep[-1] = 0
                        if not window:
                            self._shut(lane, at + 38)
                        if lane.bare:
                            self._bare(lane, frame, flags & 0xFF, at + 38)
                        continue
                    bulk = lane.bulk
                    if bulk is not None and sequence == lane.next and size < lane.left:
                        # The middle of a record that is being counted: nearly every packet of a long transfer.
                        lane.left -= size
                        lane.next = sequence + size & word
                        bulk.tail.append(number)
                        keep[-1] = 0
                        continue
                    if not window:
                        self._shut(lane, at + 38)
                    if not lane.flow.odd:
                        self._segment(lane, sequence, at + 34, size, frame)
                    continue
            self._unusual(frame)

    def _unusual(self, frame: Frame) -> None:
        """A frame of any kind, slowly."""
        data = self.data
        place = tcp_of(data, frame)
        if place is None:
            return
        addresses, tcp, end = place
        begin = tcp + (data[tcp + 12] >> 4) * 4
        if begin > end or begin < tcp + 20:
            return  # to tshark such a header is none
        key = addresses + data[tcp : tcp + 4]
        flags = data[tcp + 13]
        lane = self.lanes.get(key)
        sequence = int.from_bytes(data[tcp + 4 : tcp + 8], "big")
        if flags & SYN or lane is None:
            self._begin(key, lane, frame, tcp, sequence + 1 & _WORD, end - begin)
            return
        lane.flow.frames.append(len(self.keep))
        if flags & (FIN | RST):
            self._last(lane, frame, tcp, sequence, plain=not flags & RST and begin == end)
            return
        if self._shuts(tcp):
            self._shut(lane, tcp + 4)
        if begin == end:
            self.keep[-1] = 0
            if lane.bare:
                self._bare(lane, frame, flags, tcp + 4)
        elif not lane.flow.odd:
            self._segment(lane, sequence, tcp, end - begin, frame)

    # -- flows ---------------------------------------------------------------------------------------------

    def _begin(self, key: bytes, lane: Lane | None, frame: Frame, header: int, first: int, size: int) -> None:
        """A SYN, or the first packet of a flow that the capture does not have from its start."""
        number, flags = len(self.keep), self.data[header + 13]
        mute = bool(flags & SYN) and self._shuts(header)
        if lane is not None and flags & SYN:
            if lane.first == first:
                lane.flow.frames.append(number)
                return
            if lane.first < 0:
                lane.first = lane.next = first
                lane.mute = mute
                lane.flow.odd = lane.flow.odd or size > 0 or not flags & ACK
                lane.flow.frames.append(number)
                if not lane.flow.odd and not flags & (FIN | RST):
                    self._take(lane, frame, header, 0, False)
                return
            self._stop(lane.flow)
            self.done.append(lane.flow)
        half = (len(key) - 4) // 2
        back = key[half:-4] + key[:half] + key[-2:] + key[-4:-2]
        if back == key:
            return  # a host that talks to itself: nothing tells who said what
        flow = Flow(number, first)
        flow.lanes[0].mute = mute
        flow.odd = size > 0 or flags & (SYN | ACK) != SYN
        flow.frames.append(number)
        if flags & SYN:
            for each in flow.lanes:
                each.bare = BARE_KEPT if flags & (SYN | ACK) == SYN else -BARE_KEPT
        self.lanes[key], self.lanes[back] = flow.lanes

    def _bare(self, lane: Lane, frame: Frame, flags: int, at: int) -> None:
        """A bare acknowledgement that is of use although tshark does not see it; its numbers are at ``at``."""
        if lane.bare < 0:
            lane.bare += 1
            self.keep[-1] = 1
            return
        lane.bare -= 1
        sequence, acknowledgement = _NUMBERS.unpack_from(self.data, at)
        side = int(lane is lane.flow.lanes[1])
        time = self.framing.time(frame)
        lane.flow.bare.append(Bare(side, len(self.keep), time, flags, sequence, acknowledgement))

    def _shuts(self, header: int) -> bool:
        """Whether the window that a TCP header gives is 0."""
        return not (self.data[header + 14] or self.data[header + 15])

    def _shut(self, lane: Lane, at: int) -> None:
        """A window of 0 with the numbers at ``at``: of what closes early, tshark sees all from here on (`windows`).

        Not where records of this side are counted: that is not early.
        """
        if lane.mute:
            return
        (acknowledged,) = _ACKNOWLEDGED.unpack_from(self.data, at)
        peer = lane.peer
        if peer.first < 0 or acknowledged - peer.first & _WORD < WATCHED:
            self._stop(lane.flow)
            lane.bare = peer.bare = -_WORD

    def _last(self, lane: Lane, frame: Frame, header: int, sequence: int, plain: bool) -> None:
        """A FIN or RST; the former is taken in its turn, where it is ``plain`` and nothing odd was before it."""
        flow = lane.flow
        due = plain and (not flow.odd or flow.ending) and sequence == lane.next and not lane.pending
        self._stop(flow)
        flow.ending = due
        if due:
            lane.next = sequence + 1 & _WORD
            self._take(lane, frame, header, 0, False)

    def _stop(self, flow: Flow) -> None:
        """Nothing more of this flow is counted."""
        for lane in flow.lanes:
            self._close(lane)
        flow.odd = True

    # -- segments ------------------------------------------------------------------------------------------

    def _segment(self, lane: Lane, sequence: int, header: int, size: int, frame: Frame) -> None:
        """A segment with data that is not plainly the middle of a counted record; its TCP header is at ``header``."""
        if lane.peer.bulk is not None:
            self._close(lane.peer)
        begin = header + (self.data[header + 12] >> 4) * 4
        flow = lane.flow
        if not flow.random and self.data[begin : begin + 1] == b"\x16" and size >= _HELLO:
            flow.random = bytes(self.data[begin + 11 : begin + _HELLO])
        if sequence != lane.next:
            self._out_of_order(lane, sequence, begin, size)
            return
        bulk = lane.bulk
        if bulk is None and size < lane.left and not lane.pending:
            lane.left -= size
            lane.next = sequence + size & _WORD
            self._take(lane, frame, header, size, lane.inside)
            return
        if bulk is not None:
            bulk.tail.append(len(self.keep))
            self.keep[-1] = 0
        self._walk(lane, begin, size, frame)
        while lane.pending and (sequence := lane.next) in lane.pending:
            self._walk(lane, *lane.pending[sequence], frame)
            del lane.pending[sequence]
        if bulk is None and lane.bulk is None and not flow.odd:
            self._take(lane, frame, header, size, False)

    def _take(self, lane: Lane, frame: Frame, header: int, size: int, middle: bool) -> None:
        """A segment in its turn: tshark need not see it. ``middle``: nothing but the middle of application data."""
        flow = lane.flow
        if flow.taken is None:
            flow.taken = Taken(self.data)
        side = int(lane is flow.lanes[1])
        flow.taken.add(len(self.keep), self.framing.time(frame), side, header, size, middle)
        self.keep[-1] = 0

    def _out_of_order(self, lane: Lane, sequence: int, begin: int, size: int) -> None:
        if lane.next < 0:
            self._stop(lane.flow)
            return
        ahead = sequence - lane.next & _WORD
        if ahead >= _HALF:
            # Repeated bytes say nothing new, unless some of them are.
            if (lane.next - sequence & _WORD) < size:
                self._stop(lane.flow)
            return
        self._close(lane)
        if lane.pending is None:
            lane.pending = {}
        lane.pending[sequence] = (begin, size)
        if len(lane.pending) > MOST_PENDING:
            self._stop(lane.flow)

    def _walk(self, lane: Lane, begin: int, size: int, frame: Frame) -> None:
        """Follows the records through the next ``size`` bytes, which are at ``begin`` in the file."""
        base = lane.next
        lane.next = base + size & _WORD
        at = 0
        while not lane.flow.odd:
            if lane.left:
                step = min(lane.left, size - at)
                lane.left -= step
                at += step
                if lane.left:
                    return
                self._whole(lane, frame)
            if at == size:
                return
            if not lane.head and lane.data >= SETTLED and lane.bulk is None and not self._waiting(lane):
                self._open(lane, base + at & _WORD)
            need = 5 - len(lane.head)
            lane.head += self.data[begin + at : begin + min(at + need, size)]
            at += min(need, size - at)
            if len(lane.head) == 5:
                self._header(lane)

    def _waiting(self, lane: Lane) -> bool:
        """Whether segments of either side wait for a hole to be filled."""
        return bool(lane.pending or lane.peer.pending)

    def _header(self, lane: Lane) -> None:
        kind, major, minor, high, low = lane.head
        lane.size = lane.left = high << 8 | low
        lane.inside = kind == APPLICATION_DATA
        if kind != APPLICATION_DATA:
            self._close(lane)
        if not 20 <= kind <= 24 or major != 3 or minor > 4 or not 0 < lane.size <= LONGEST_RECORD:
            self._stop(lane.flow)
        elif kind == APPLICATION_DATA:
            lane.data += lane.size + 5
        lane.head = b""

    # -- counting ------------------------------------------------------------------------------------------

    def _open(self, lane: Lane, start: int) -> None:
        """From here on records are counted; the frame where that begins is kept."""
        lane.bulk = Open(start, tail=[len(self.keep)])

    def _whole(self, lane: Lane, frame: Frame) -> None:
        """The current record is complete."""
        bulk = lane.bulk
        if bulk is None:
            return
        if len(bulk.packets) < PACKETS_KEPT:
            bulk.packets += bulk.tail if not bulk.packets or bulk.packets[-1] != bulk.tail[0] else bulk.tail[1:]
        bulk.tail = bulk.tail[-1:]
        bulk.first = bulk.first or frame
        bulk.last = frame
        bulk.records += 1
        bulk.bytes += lane.size
        bulk.length += lane.size + 5

    def _close(self, lane: Lane) -> None:
        """Ends the counting behind the last whole record: the frames of the next one are put back."""
        bulk = lane.bulk
        if bulk is None:
            return
        lane.bulk = None
        for number in bulk.tail:
            self.keep[number - 1] = 1
        if bulk.first is None or bulk.last is None:
            return
        time = self.framing.time
        lane.carved.append(
            Carved(
                bulk.start,
                bulk.length,
                time(bulk.first),
                time(bulk.last),
                bulk.records,
                bulk.bytes,
                tuple(bulk.packets[:PACKETS_KEPT]),
            )
        )
