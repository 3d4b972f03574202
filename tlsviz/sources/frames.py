"""The frames of a capture file that is held in memory or mapped: where each one is, on which kind of link.

Reads pcap (both byte orders, micro- and nanoseconds) and pcapng (several sections and interfaces); only
the framing, nothing of what is inside. `pcapng.survey` reads the same from a stream, for compressed files.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tlsviz.sources.pcapng import (
    DECRYPTION_SECRETS,
    LONGEST_BLOCK,
    PCAP_MAGICS,
    SECTION_HEADER,
    Survey,
    take_secrets,
)
from tlsviz.sources.segments import EARLIEST, LATEST

Data = bytes | mmap.mmap

INTERFACE_DESCRIPTION, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6
UNKNOWN_LINK = -1
_RESOLUTION, _OFFSET = 9, 14
_TICKS = {order: struct.Struct(order + "II") for order in "<>"}


class Clock(NamedTuple):
    """How a frame says its time: in which byte order, and how many ticks make a second; 0 where that is not known."""

    order: str
    units: int


_UNKNOWN = (UNKNOWN_LINK, Clock("<", 0))


Frame = tuple[int, int, int, int, int, Clock]
"""A frame's place in the file: where it starts with its header, where the captured bytes start and stop, where the
frame ends, its link type (LINKTYPE_*; -1 where that is not known here), its clock."""


@dataclass(slots=True)
class Framing:
    """The frames of a file. Iterate once; ``found`` and ``others`` (what stands between frames) are right after it.

    ``order`` and ``units`` say how a pcap writes.
    """

    data: Data
    found: Survey
    others: list[tuple[int, int]] = field(default_factory=list)
    order: str = "<"
    units: int = 1_000_000

    def __iter__(self) -> Iterator[Frame]:
        if self.found.kind == "pcapng":
            return self._pcapng()
        if self.found.kind == "pcap":
            return self._pcap()
        return iter(())

    def time(self, frame: Frame) -> float:
        """When a frame was captured, in Unix seconds, as `ek.epoch` has it from tshark."""
        seconds = self._ticks(frame) / frame[5].units
        return min(seconds, LATEST) if seconds < 1 << 63 else EARLIEST  # tshark's seconds have a sign

    def clock(self, frame: Frame) -> tuple[int, int]:
        """When a frame was captured: Unix seconds, and nanoseconds behind them."""
        units = frame[5].units
        seconds, ticks = divmod(self._ticks(frame), units)
        return seconds, ticks * (1_000_000_000 // units)

    def _ticks(self, frame: Frame) -> int:
        """When a frame was captured, by its own clock."""
        order, units = frame[5]
        if self.found.kind == "pcap":
            seconds, ticks = _TICKS[order].unpack_from(self.data, frame[0])
            return int(seconds * units + ticks)
        high, low = _TICKS[order].unpack_from(self.data, frame[0] + 12)
        return int(high << 32 | low)

    # -- pcap ----------------------------------------------------------------------------------------------

    def _pcap(self) -> Iterator[Frame]:
        data, size = self.data, len(self.data)
        found, count = self.found, 0
        self.others.append((0, 24))
        head = struct.Struct(self.order + "8xI")
        header = 16
        link = struct.unpack_from(self.order + "I", data, 20)[0] & 0xFFFF
        start, clock = 24, Clock(self.order, self.units)
        unpack = head.unpack_from
        while start + header <= size:
            (held,) = unpack(data, start)
            if held > LONGEST_BLOCK:
                found.damaged = True
                break
            begin = start + header
            end = begin + held
            if end > size:
                found.cut = True
                break
            count += 1
            yield start, begin, end, end, link, clock
            start = end
        else:
            found.cut = start < size
        found.packets = count

    # -- pcapng --------------------------------------------------------------------------------------------

    def _pcapng(self) -> Iterator[Frame]:
        data, size = self.data, len(self.data)
        found, start, count, order = self.found, 0, 0, "<"
        links: list[tuple[int, Clock]] = []
        while start + 8 <= size:
            kind, length = struct.unpack_from(order + "II", data, start)
            if kind == SECTION_HEADER:
                order = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}.get(
                    bytes(data[start + 8 : start + 12]), ""
                )
                length = struct.unpack_from((order or ">") + "I", data, start + 4)[0]
                links = []
                if not order or not 28 <= length <= LONGEST_BLOCK:
                    found.damaged = True
                    break
            elif not 12 <= length <= LONGEST_BLOCK:
                found.damaged = True
                break
            end = start + (length + 3 & ~3)
            if end > size:
                found.cut = True
                break
            if kind == ENHANCED_PACKET and length >= 32:
                count += 1
                interface, held = struct.unpack_from(order + "I8xI", data, start + 8)
                stop = min(start + 28 + held, end - 4)
                link, clock = links[interface] if interface < len(links) else _UNKNOWN
                yield start, start + 28, stop, end, link, clock
            elif kind in (OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET):
                count += 1
                yield start, end, end, end, *_UNKNOWN
            else:
                self._other(kind, start, end, order, links)
            start = end
        else:
            found.cut = start < size
        found.packets = count

    def _other(self, kind: int, start: int, end: int, order: str, links: list[tuple[int, Clock]]) -> None:
        self.others.append((start, end))
        if kind == INTERFACE_DESCRIPTION and end - start >= 20:
            links.append(_interface(bytes(self.data[start:end]), order))
            self.order = order
        elif kind == DECRYPTION_SECRETS:
            take_secrets(bytes(self.data[start + 8 : end - 4]), order, self.found)


FORGET = 4 << 20
"""After so many bytes of a mapped file the system may take its pages back."""


def let_go(data: Data, end: int) -> int:
    """Lets the system take back the pages that were read; returns where to do so next."""
    if isinstance(data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)
    return end + FORGET


def _interface(block: bytes, order: str) -> tuple[int, Clock]:
    """An interface's link type and clock; unknown where its clock is not a plain decimal one."""
    link = struct.unpack_from(order + "H", block, 8)[0]
    units, at = 1_000_000, 16
    while at + 4 <= len(block) - 4:
        code, size = struct.unpack_from(order + "HH", block, at)
        if code == _OFFSET or (code == _RESOLUTION and (size != 1 or block[at + 4] > 9)):
            return _UNKNOWN
        if code == _RESOLUTION:
            units = 10 ** block[at + 4]
        if code == 0:
            break
        at += 4 + (size + 3 & ~3)
    return link, Clock(order, units)


def framing(data: Data) -> Framing:
    """How the file is framed; ``found.kind`` is "other" for what is not read here (and then it has no frames)."""
    found = Survey(size=len(data))
    made = Framing(data, found)
    if len(data) < 24:
        return made
    magic = bytes(data[:4])
    if int.from_bytes(magic, "big") == SECTION_HEADER:
        found.kind = "pcapng"
        return made
    for order in "<>":
        number = struct.unpack(order + "I", magic)[0]
        if number in PCAP_MAGICS:
            found.kind = "pcap"
            made.order, made.units = order, 1_000_000_000 if number == PCAP_MAGICS[1] else 1_000_000
    return made
