"""The first request and answer of HTTP/2, from the bytes of both sides (RFC 9113 4 and 6, RFC 7541)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tlsviz.connection.http import LONGEST_HEAD, LONGEST_VALUE, MOST_HEADERS, PREFACE, Spoken, made_reply
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from hpack import Decoder

_HEADERS, _CONTINUATION = 1, 9
_END_HEADERS, _PADDED, _PRIORITY = 0x4, 0x8, 0x20

Fields = list[tuple[bytes, bytes]]


def spoken2(asked: bytes, answered: bytes) -> Spoken | None:
    """The first request with its pseudo-headers first, and the final answer on any stream."""
    request = next(_blocks(asked[len(PREFACE) :]), None)
    if request is None:
        return None
    lines = tuple(f"{_text(name)}: {_text(value)}" for name, value in request[:MOST_HEADERS])
    for fields in _blocks(answered):
        status = dict(fields).get(b":status", b"")
        if status.isdigit() and len(status) == 3 and int(status) >= 200:
            plain = [(name, value) for name, value in fields if not name.startswith(b":")]
            return Spoken(lines, made_reply("HTTP/2", int(status), b"", plain))
    return Spoken(lines, None)


def _text(value: bytes) -> str:
    return shorten(value.decode("latin-1"), LONGEST_VALUE)


def _blocks(data: bytes) -> Iterator[Fields]:
    """Each field block of one side, in order: HPACK's table grows with every one. Ends where something is wrong."""
    from hpack import Decoder, HPACKError

    decoder = Decoder(max_header_list_size=LONGEST_HEAD)
    block = b""
    for kind, flags, payload in _frames(data):
        if kind == _HEADERS:
            block = _fragment(flags, payload)
        elif kind == _CONTINUATION:
            block += payload
        else:
            continue
        if flags & _END_HEADERS:
            try:
                yield _fields(decoder, block)
            except HPACKError:
                return


def _fields(decoder: Decoder, block: bytes) -> Fields:
    found = decoder.decode(block, raw=True)
    return [(bytes(field[0]), bytes(field[1])) for field in found]


def _frames(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and payload of each whole frame (RFC 9113 4.1)."""
    at = 0
    while at + 9 <= len(data):
        end = at + 9 + int.from_bytes(data[at : at + 3], "big")
        if end > len(data):
            return
        yield data[at + 3], data[at + 4], data[at + 9 : end]
        at = end


def _fragment(flags: int, payload: bytes) -> bytes:
    """The field block in a HEADERS frame, without padding and priority (RFC 9113 6.2)."""
    padding = payload[0] if flags & _PADDED and payload else 0
    start = (1 if flags & _PADDED else 0) + (5 if flags & _PRIORITY else 0)
    return payload[start : max(len(payload) - padding, start)]
