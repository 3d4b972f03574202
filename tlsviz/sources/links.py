"""Where IP starts in a frame, by its kind of link (LINKTYPE_* of tcpdump.org); for `carve`, which skips what it can.

Only the plain cases: whatever is tunnelled, tagged in unusual ways or not IP is left to tshark (None).
"""

from __future__ import annotations

from collections.abc import Callable

from tlsviz.sources.frames import Data, Frame

Locate = Callable[[Data, int, int], int | None]
"""Takes the file, and where a frame's bytes start and stop in it; gives where its IP header starts."""

IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"
ETHERNET = 1
_VLAN = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
_MOST_TAGS = 4


def _ethernet(data: Data, start: int, stop: int) -> int | None:
    return _behind(data, start + 12, stop)


def _behind(data: Data, at: int, stop: int) -> int | None:
    """Behind an EtherType at ``at``, and VLAN tags before it."""
    for _ in range(_MOST_TAGS):
        kind = bytes(data[at : at + 2])
        if kind in (IPV4, IPV6):
            return at + 2
        if kind not in _VLAN:
            return None
        at += 4
    return None


def _cooked(data: Data, start: int, stop: int) -> int | None:
    return _behind(data, start + 14, stop)


def _cooked2(data: Data, start: int, stop: int) -> int | None:
    return start + 20 if bytes(data[start : start + 2]) in (IPV4, IPV6) else None


def _raw(data: Data, start: int, stop: int) -> int | None:
    return start


def _loopback(data: Data, start: int, stop: int) -> int | None:
    """BSD's: an address family in the order of whatever machine captured."""
    family = bytes(data[start : start + 4])
    number = min(int.from_bytes(family, "big"), int.from_bytes(family, "little"))
    return start + 4 if number in (2, 24, 28, 30) else None


LOCATE: dict[int, Locate] = {
    0: _loopback,
    ETHERNET: _ethernet,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _loopback,
    113: _cooked,
    228: _raw,
    229: _raw,
    276: _cooked2,
}

_EXTENSIONS = frozenset((0, 43, 60))
"""IPv6 extension headers that may stand before TCP: hop-by-hop, routing, destination options (RFC 8200 4)."""
_MOST_EXTENSIONS = 8
TCP = 6

Place = tuple[bytes, int, int]
"""A packet's addresses (source, destination), where its TCP header starts, and where its IP payload ends."""


def tcp_of(data: Data, frame: Frame) -> Place | None:
    """Where TCP is in a frame; None as for `tcp_place`, and where IP is not known to start."""
    _, begin, stop, _, link, _ = frame
    locate = LOCATE.get(link)
    at = locate(data, begin, stop) if locate is not None else None
    return tcp_place(data, at, stop) if at is not None else None


def tcp_place(data: Data, at: int, stop: int) -> Place | None:
    """Where TCP is in an IP packet; None for other protocols, fragments, and lengths that cannot be right."""
    if stop - at < 40:
        return None
    version = data[at] >> 4
    if version == 4:
        header = (data[at] & 15) * 4
        length = data[at + 2] << 8 | data[at + 3]
        fragment = (data[at + 6] << 8 | data[at + 7]) & 0x3FFF
        if data[at + 9] != TCP or fragment or header < 20 or length < header + 20 or at + length > stop:
            return None
        return bytes(data[at + 12 : at + 20]), at + header, at + length
    if version != 6:
        return None
    end = at + 40 + (data[at + 4] << 8 | data[at + 5])
    kind, place = data[at + 6], at + 40
    for _ in range(_MOST_EXTENSIONS):
        if kind not in _EXTENSIONS or place + 8 > stop:
            break
        kind, place = data[place], place + 8 + data[place + 1] * 8
    if kind != TCP or end > stop or place + 20 > end:
        return None
    return bytes(data[at + 8 : at + 40]), place, end
