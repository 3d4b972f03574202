"""Record headers: TLS (RFC 8446 5.1) and SSL 2 (two or three bytes)."""

from __future__ import annotations

from functools import lru_cache

from tlsviz.tls import registry
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Reader, decode

MAX_PLAINTEXT = 2**14
MAX_CIPHERTEXT = 2**14 + 2048
"""The largest fragment of a protected record: TLS 1.2's limit (RFC 5246 6.2.3); TLS 1.3 allows 2^14 + 256."""
_NEVER_EMPTY = (20, 21, 22)


# A connection has dozens of records, and few kinds of headers.
@lru_cache(maxsize=4096)
def decode_record_header(data: bytes) -> Node:
    """The five bytes before a fragment: ``content_type``, ``legacy_record_version``, ``length``."""
    return decode("record_header", data, _header)


def _header(r: Reader) -> None:
    kind = r.uint("content_type", 1, registry.record_types)
    if registry.record_types.get(kind) is None:
        r.note("not a content type of TLS")
    if registry.versions.get(r.uint("legacy_record_version", 2, registry.versions)) is None:
        r.note("no version of TLS")
    length = r.uint("length", 2)
    if length == 0 and kind in _NEVER_EMPTY:
        r.note("must not be 0 in a record of this type (RFC 8446 5.1)")
    if length > MAX_CIPHERTEXT:
        r.note(f"longer than any TLS record may be ({MAX_CIPHERTEXT} bytes)")


def decode_ssl2_record_header(data: bytes) -> Node:
    """An SSL 2 record header. Its first two bytes are one number; ``value`` is the length alone, flag bits taken off.

    Two bytes (top bit set) when the record has no padding; else three, the last being the padding's length.
    """
    return decode("ssl2_record_header", data, _ssl2_header)


def _ssl2_header(r: Reader) -> None:
    raw = r.uint("length", 2)
    padded = not raw & 0x8000
    length = raw & (0x3FFF if padded else 0x7FFF)
    r.nodes[-1] = r.nodes[-1]._replace(value=length)
    if padded:
        r.label(f"{length}, {'a security escape, ' if raw & 0x4000 else ''}with padding")
        r.uint("padding_length", 1)
    else:
        r.label(f"{length}, without padding")
