"""Decoding is linear in the input, also for input that was made to be slow. Counted, not timed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from effort import growth
from soundness import assert_sound
from tls_build import (
    CLIENT_12,
    FROM_CLIENT,
    SERVER_12,
    SERVER_13,
    certificate_13,
    client_hello,
    ext,
    handshake,
    u16,
    vec,
)

from tlsviz.tls.context import Context
from tlsviz.tls.der.kinds import AnyNode, CertificateNode, ExtensionsNode, NameNode, OcspResponseNode
from tlsviz.tls.der.node import DerNode, _decode
from tlsviz.tls.handshake import decode_handshake
from tlsviz.tls.sct import sct_list
from tlsviz.wire.nodes import Node, leaves
from tlsviz.wire.reader import decode

LINEAR = 1.5
"""Work may grow by so much more than the input: known and unknown code points differ. Squared it would be 8."""
SMALL, TIMES = 300, 8

MESSAGES: dict[str, tuple[Callable[[int], bytes], Context]] = {
    "cipher suites": (lambda n: client_hello(suites=bytes(2 * n)), FROM_CLIENT),
    "empty extensions": (lambda n: client_hello(*[ext(0x1234)] * n), FROM_CLIENT),
    "the same extension": (lambda n: client_hello(*[ext(51, b"\0\0")] * n), FROM_CLIENT),
    "every extension": (lambda n: client_hello(*(ext(code) for code in range(n))), FROM_CLIENT),
    "key shares": (lambda n: client_hello(ext(51, vec(2, *[u16(29) + vec(2)] * n))), FROM_CLIENT),
    "identities": (lambda n: client_hello(ext(41, vec(2, *[vec(2) + bytes(4)] * n) + vec(2))), FROM_CLIENT),
    "protocols": (lambda n: client_hello(ext(16, vec(2, *[vec(1)] * n))), FROM_CLIENT),
    "server names": (lambda n: client_hello(ext(0, vec(2, *[b"\0" + vec(2)] * n))), FROM_CLIENT),
    "transport parameters": (lambda n: client_hello(ext(57, b"\x01\x00" * n)), FROM_CLIENT),
    "certificates": (lambda n: handshake(11, vec(3, *[vec(3, b"\x30\0")] * min(n, 200))), SERVER_12),
    "certificate entries": (lambda n: certificate_13(*[b"\x30\0"] * n), SERVER_13),
    "authorities": (lambda n: handshake(13, vec(1), vec(2), vec(2, *[vec(2)] * n)), SERVER_12),
    "supplemental data": (lambda n: handshake(23, vec(3, *[u16(0) + vec(2)] * n)), CLIENT_12),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str) -> None:
    make, context = MESSAGES[name]

    def work(size: int) -> Callable[[], Node]:
        data = make(size)
        return lambda: decode_handshake(data, context)

    assert growth(work, SMALL, TIMES) < LINEAR
    for data in (make(SMALL), make(SMALL * TIMES)):
        assert_sound(decode_handshake(data, context), data)


def nested(depth: int) -> bytes:
    """SEQUENCEs in SEQUENCEs, with honest lengths."""
    der = b"\x05\0"
    for _ in range(depth):
        size = len(der)
        der = b"\x30" + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + der
    return der


def wrapped(der: bytes, tag: int = 0x30) -> bytes:
    return bytes([tag, 0x83]) + len(der).to_bytes(3, "big") + der


DER: dict[str, tuple[Callable[[int], bytes], type[DerNode]]] = {
    "nested": (nested, AnyNode),
    "nested without lengths": (lambda n: b"\x30\x80" * n, AnyNode),
    "nested with ends": (lambda n: b"\x30\x80" * n + b"\0\0" * n, AnyNode),
    "nested in many": (lambda n: wrapped((b"\x30\x80" * 30 + b"\0\0" * 30) * (n // 30)), AnyNode),
    "empty elements": (lambda n: wrapped(b"\x05\0" * n), AnyNode),
    "lengths that lie": (lambda n: b"\x30\x82\xff\xff" * n, AnyNode),
    "high tags": (lambda n: b"\x3f\xff\xff\xff\xff\x01\x80" * n, AnyNode),
    "names": (lambda n: wrapped(b"\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02\x61\x62" * n), NameNode),
    "a set out of order": (lambda n: wrapped(wrapped(b"\x30\x02\x05\0" * n, 0x31)), NameNode),
    "extensions": (lambda n: wrapped(b"\x30\x07\x06\x03\x55\x1d\x0f\x04\0" * n), ExtensionsNode),
    "a certificate of nothing": (lambda n: wrapped(wrapped(b"\x02\x01\x01" * n)), CertificateNode),
    "responses": (lambda n: wrapped(b"\x0a\x01\0" + wrapped(wrapped(b"\x30\0" * n), 0xA0)), OcspResponseNode),
    "text to escape": (lambda n: b"\x0c\x82" + (n * 4).to_bytes(2, "big") + b"\x1b\xe2\x80\xae" * n, AnyNode),
}


@pytest.mark.parametrize("name", DER)
def test_der(name: str) -> None:
    make, kind = DER[name]

    def tree(der: bytes) -> Node:
        return kind("der", 0, len(der), der)

    def work(size: int) -> Callable[[], int]:
        der = make(size)

        def opened() -> int:
            _decode.cache_clear()
            return sum(1 for _ in leaves(tree(der)))

        return opened

    assert growth(work, SMALL, TIMES) < LINEAR
    for der in (make(SMALL), make(SMALL * TIMES)):
        assert_sound(tree(der), der)


def test_timestamps() -> None:
    def work(size: int) -> Callable[[], Node]:
        data = vec(2, *[vec(2, b"\0" + bytes(46))] * size)
        return lambda: decode("scts", data, sct_list)

    assert growth(work, 100, TIMES) < LINEAR
