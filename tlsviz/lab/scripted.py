"""A server that says what OpenSSL would not: it answers a ClientHello with bytes made by hand."""

from __future__ import annotations

import contextlib
import hashlib
import socket
from collections.abc import Callable

from tlsviz.lab.listener import Listener, Waiter

MOST_BYTES = 1 << 16

_HANDSHAKE_RECORD = 22
_SERVER_HELLO, _CERTIFICATE, _SERVER_HELLO_DONE = 2, 11, 14
_TLS12 = 0x0303
_ECDHE_ECDSA_AES128_GCM = 0xC02B
_RENEGOTIATION_INFO = bytes.fromhex("ff01 0001 00")


class ScriptedServer(Listener):
    """Reads one record, answers with ``script(record)``, and listens until the client is gone."""

    def __init__(self, script: Callable[[bytes], bytes], host: str = "127.0.0.1", port: int = 0) -> None:
        """Raises OSError when the port cannot be had; ``port`` 0 takes a free one."""
        self._script = script
        super().__init__(host, port)

    def answer(self, client: socket.socket) -> None:
        waiter, heard = Waiter(client, self.stop), b""
        while len(heard) < 5 or len(heard) < 5 + int.from_bytes(heard[3:5], "big"):
            more = waiter.read()
            if not more or len(heard) > MOST_BYTES:
                return
            heard += more
        waiter.write(self._script(heard))
        with contextlib.suppress(OSError):
            while waiter.read():
                pass


def empty_certificate(hello: bytes) -> bytes:
    """ServerHello of TLS 1.2, a Certificate message with no certificate in it, ServerHelloDone (RFC 5246 7.4)."""
    random = hashlib.sha256(b"tlsviz lab" + hello).digest()
    extensions = _vector(2, _RENEGOTIATION_INFO)
    body = _TLS12.to_bytes(2, "big") + random + b"\0" + _ECDHE_ECDSA_AES128_GCM.to_bytes(2, "big") + b"\0" + extensions
    messages = _message(_SERVER_HELLO, body) + _message(_CERTIFICATE, _vector(3, b"")) + _message(_SERVER_HELLO_DONE)
    return bytes([_HANDSHAKE_RECORD]) + _TLS12.to_bytes(2, "big") + _vector(2, messages)


def _message(kind: int, body: bytes = b"") -> bytes:
    return bytes([kind]) + _vector(3, body)


def _vector(size: int, data: bytes) -> bytes:
    """``data`` behind its length of ``size`` bytes."""
    return len(data).to_bytes(size, "big") + data
