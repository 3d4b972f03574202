"""Certificates that were compressed on the way (RFC 8879): what they were before."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from tlsviz.wire.text import plural

ZLIB, BROTLI, ZSTD = 1, 2, 3
MOST = (1 << 24) - 1
"""Bytes that a handshake message can have at all (RFC 8446 4)."""
FREELY, TIMES = 1 << 16, 100
"""So many bytes are always made, and so many times the compressed ones; no honest chain shrinks more."""
_WINDOW = 1 << 24


class Decompressed(NamedTuple):
    """The bytes that came out (what there is of them), and what is wrong, None when nothing is."""

    data: bytes
    fault: str | None = None


class _Damaged(Exception):  # noqa: N818 - never leaves this module
    """The compressed bytes are none of their format; its arguments are what came out before, and why."""


@lru_cache(maxsize=4)
def decompress(algorithm: int, packed: bytes, size: int) -> Decompressed:
    """The Certificate message of ``size`` bytes that ``packed`` holds. Total, and bounded in time and memory."""
    inflate = _INFLATERS.get(algorithm)
    if inflate is None:
        return Decompressed(b"", "compressed by an algorithm that is not known")
    limit = min(size, MOST, max(FREELY, TIMES * len(packed)))
    try:
        data = inflate(packed, limit + 1)
    except _Damaged as damage:
        return Decompressed(damage.args[0][:limit], damage.args[1])
    if len(data) > limit:
        why = f"should be {plural(size, 'byte')}" if limit == size else f"only {TIMES} times its size is looked at"
        return Decompressed(data[:limit], f"decompresses to more than {plural(limit, 'byte')}; {why}")
    if len(data) < size:
        return Decompressed(data, f"decompresses to {plural(len(data), 'byte')}, but should be {size:,}")
    return Decompressed(data)


def _zlib(packed: bytes, most: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, most)
    except zlib.error:
        raise _Damaged(b"", "is no sound zlib stream (RFC 1950)") from None
    if stream.unused_data:
        raise _Damaged(data, f"{plural(len(stream.unused_data), 'byte')} follow the end of the zlib stream")
    if not stream.eof and len(data) < most:
        raise _Damaged(data, "the zlib stream is cut short")
    return data


def _brotli(packed: bytes, most: int) -> bytes:
    import brotli

    stream = brotli.Decompressor()
    data = bytearray()
    try:
        piece = stream.process(packed, output_buffer_limit=most)
        while piece:
            data += piece
            if len(data) >= most or stream.is_finished():
                break
            piece = stream.process(b"", output_buffer_limit=most - len(data))
    except brotli.error:
        raise _Damaged(bytes(data), "is no sound Brotli stream (RFC 7932)") from None
    if not stream.is_finished() and len(data) < most:
        raise _Damaged(bytes(data), "the Brotli stream is cut short")
    return bytes(data[:most])


def _zstd(packed: bytes, most: int) -> bytes:
    import zstandard

    stream = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(packed)
    data = bytearray()
    try:
        while len(data) < most and (piece := stream.read(min(most - len(data), FREELY))):
            data += piece
    except zstandard.ZstdError:
        raise _Damaged(bytes(data), "is no sound Zstandard frame (RFC 8878)") from None
    return bytes(data)


_INFLATERS: dict[int, Callable[[bytes, int], bytes]] = {ZLIB: _zlib, BROTLI: _brotli, ZSTD: _zstd}
