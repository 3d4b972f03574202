"""A dictionary for libFuzzer: the code points, tags, labels and magic bytes that decoders know."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.crypto import keylog
from tlsviz.tls import oids, registry
from tlsviz.tls.messages.hello import HELLO_RETRY_REQUEST_RANDOM
from tlsviz.tls.registry import Registry

_KEPT = {"cipher_suites": 80}
"""Of the longest registry only some: their bytes are all alike to the decoders."""


def dictionary() -> str:
    """The text of a libFuzzer dictionary."""
    found = dict.fromkeys(word for word in _words() if 1 <= len(word) <= 64)
    return "".join(f'"{_escaped(word)}"\n' for word in found)


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _words() -> Iterator[bytes]:
    yield from (
        HELLO_RETRY_REQUEST_RANDOM,
        b"DOWNGRD\x01",
        b"DOWNGRD\x00",
        b"\x16\x03\x01",
        b"\x17\x03\x03",
        b"\x14\x03\x03\0\1\1",
    )
    yield from (b"\x15\x03\x01\0\2\2\x28", b"\x30\x80", b"\xa0\x03\x02\x01\x02", b"\x04\x82", b"\x03\x82", b"\0\0")
    yield from (b"STARTTLS\r\n", b"220 ", b"CONNECT ", b"HTTP/1.1 200 OK\r\n\r\n", b"http/1.1", b"h2")
    for label in sorted(keylog.LABELS):
        yield label.encode() + b" "
    for listed in vars(registry).values():
        if isinstance(listed, Registry):
            yield from _codes(listed)
    for row in oids.table():
        yield _oid(row.dotted)


def _codes(listed: Registry) -> Iterator[bytes]:
    codes = list(listed)
    width = 1 if listed.name == "quic_transport_parameters" else listed.width
    step = max(len(codes) // _KEPT.get(listed.name, len(codes)), 1)
    for code in codes[::step]:
        if code < 1 << 8 * width:
            plain = code.to_bytes(width, "big")
            yield plain + b"\0\0" if listed is registry.extensions else plain


def _oid(dotted: str) -> bytes:
    """An object identifier with its tag and length."""
    first, second, *others = map(int, dotted.split("."))
    content = b"".join(_base128(arc) for arc in (first * 40 + second, *others))
    return b"\x06" + bytes([len(content)]) + content


def _base128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))
