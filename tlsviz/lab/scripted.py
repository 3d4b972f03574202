"""A server that says what OpenSSL would not: it answers a ClientHello with bytes made by hand."""

from __future__ import annotations

import contextlib
import hashlib
import socket
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tlsviz.lab.authority import Issued
from tlsviz.lab.listener import Listener, Waiter

Script = Callable[[bytes, Issued], bytes]
"""From the record with the ClientHello and the server's identity to what the server says."""

_RANDOM_AT, _RANDOM_SIZE = 11, 32
"""The random behind a ClientHello's record header, message header and version (RFC 5246 7.4.1.2)."""

_HANDSHAKE_RECORD = 22
_SERVER_HELLO, _CERTIFICATE, _SERVER_KEY_EXCHANGE, _SERVER_HELLO_DONE = 2, 11, 12, 14
_TLS12 = (0x0303).to_bytes(2, "big")
_ECDHE_ECDSA_AES128_GCM = (0xC02B).to_bytes(2, "big")
_NAMED_CURVE_P256 = bytes.fromhex("03 0017")
_ECDSA_P256_SHA256 = bytes.fromhex("0403")
_RENEGOTIATION_INFO = bytes.fromhex("ff01 0001 00")


class ScriptedServer(Listener):
    """Reads one record, answers as the script says, and listens until the client is gone."""

    def __init__(self, script: Script, identity: Issued, host: str = "127.0.0.1", port: int = 0) -> None:
        """Raises OSError when the port cannot be had; ``port`` 0 takes a free one."""
        self._script = script
        self._identity = identity
        super().__init__(host, port)

    def answer(self, client: socket.socket) -> None:
        waiter, heard = Waiter(client, self.stop), b""
        while len(heard) < 5 or len(heard) < 5 + int.from_bytes(heard[3:5], "big"):
            more = waiter.read()
            if not more:
                return
            heard += more
        waiter.write(self._script(heard, self._identity))
        with contextlib.suppress(OSError):
            while waiter.read():
                pass


def empty_certificate(hello: bytes, _identity: Issued) -> bytes:
    """ServerHello of TLS 1.2, a Certificate message with no certificate in it, ServerHelloDone (RFC 5246 7.4)."""
    return _record(_server_hello(hello), _message(_CERTIFICATE, _vector(3, b"")), _message(_SERVER_HELLO_DONE))


def leaf_last(hello: bytes, identity: Issued) -> bytes:
    """A flight of TLS 1.2 with the certificates in reverse order, signed with the key of the last one."""
    certificates = [_vector(3, one.public_bytes(Encoding.DER)) for one in reversed(identity.chain)]
    share = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = share.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    parameters = _NAMED_CURVE_P256 + _vector(1, point)
    signed = hello[_RANDOM_AT : _RANDOM_AT + _RANDOM_SIZE] + _random(hello) + parameters
    assert isinstance(identity.key, ec.EllipticCurvePrivateKey)
    signature = _ECDSA_P256_SHA256 + _vector(2, identity.key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return _record(
        _server_hello(hello),
        _message(_CERTIFICATE, _vector(3, b"".join(certificates))),
        _message(_SERVER_KEY_EXCHANGE, parameters + signature),
        _message(_SERVER_HELLO_DONE),
    )


def _random(hello: bytes) -> bytes:
    """The server's random: another for every hello, and no need to remember it."""
    return hashlib.sha256(b"tlsviz lab" + hello).digest()


def _server_hello(hello: bytes) -> bytes:
    """TLS 1.2 with ECDHE, without a session, and with extended_master_secret left out."""
    extensions = _vector(2, _RENEGOTIATION_INFO)
    return _message(_SERVER_HELLO, _TLS12 + _random(hello) + b"\0" + _ECDHE_ECDSA_AES128_GCM + b"\0" + extensions)


def _record(*messages: bytes) -> bytes:
    return bytes([_HANDSHAKE_RECORD]) + _TLS12 + _vector(2, b"".join(messages))


def _message(kind: int, body: bytes = b"") -> bytes:
    return bytes([kind]) + _vector(3, body)


def _vector(size: int, data: bytes) -> bytes:
    """``data`` behind its length of ``size`` bytes."""
    return len(data).to_bytes(size, "big") + data
