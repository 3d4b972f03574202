"""A TLS 1.3 handshake whose server compresses its certificate, made from chosen secrets: no library speaks it."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable

import brotli
import zstandard
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from dialogue import START, identity

from tlsviz.connection.engine import Engine
from tlsviz.crypto.finished import verify_data_13
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.schedule import traffic_keys
from tlsviz.crypto.signatures import certificate_verify_13_content
from tlsviz.crypto.transcript import Transcript
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

SUITE = 0x1301
COMPRESSORS: dict[int, Callable[[bytes], bytes]] = {1: zlib.compress, 2: brotli.compress, 3: zstandard.compress}


def vec(prefix: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return len(data).to_bytes(prefix, "big") + data


def _extension(code: int, body: bytes) -> bytes:
    return code.to_bytes(2, "big") + vec(2, body)


def certificate_message(*ders: bytes) -> bytes:
    """The body of a Certificate message."""
    return vec(1) + vec(3, *(vec(3, der) + vec(2) for der in ders))


def compressed(algorithm: int, body: bytes, size: int | None = None) -> bytes:
    """The body of a CompressedCertificate."""
    declared = len(body) if size is None else size
    return algorithm.to_bytes(2, "big") + declared.to_bytes(3, "big") + vec(3, COMPRESSORS[algorithm](body))


class Side:
    """One direction's key, and what it sealed."""

    def __init__(self, secret: bytes) -> None:
        chosen = suite(SUITE)
        assert chosen is not None
        self.secret = secret
        self.key, self.iv = traffic_keys(chosen, secret)
        self.sequence = 0

    def seal(self, content: bytes, kind: int = 22) -> bytes:
        plain = content + bytes([kind])
        header = b"\x17\x03\x03" + (len(plain) + 16).to_bytes(2, "big")
        nonce = bytes(a ^ b for a, b in zip(self.iv, self.sequence.to_bytes(12, "big"), strict=True))
        self.sequence += 1
        return header + AESGCM(self.key).encrypt(nonce, plain, header)


class CompressedHandshake:
    """The chunks and the key log of the handshake. ``body``: of the CompressedCertificate, instead of a sound one."""

    def __init__(self, algorithm: int = 1, body: bytes | None = None) -> None:
        self.certificate, key = identity("ec")
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.der = self.certificate.public_bytes(Encoding.DER)
        self.random = bytes(range(32))
        self.chunks: list[Chunk] = []
        self.transcript = Transcript()
        self.sides = {side: Side(os.urandom(32)) for side in (CLIENT, SERVER)}
        self._hellos()
        packed = compressed(algorithm, certificate_message(self.der)) if body is None else body
        self._sealed(SERVER, 8, vec(2))
        self._sealed(SERVER, 25, packed)
        content = certificate_verify_13_content(SERVER, self.transcript.hash("sha256"))
        self._sealed(SERVER, 15, b"\x04\x03" + vec(2, key.sign(content, ec.ECDSA(hashes.SHA256()))))
        for side in (SERVER, CLIENT):
            digest = self.transcript.hash("sha256")
            self._sealed(side, 20, verify_data_13("sha256", self.sides[side].secret, digest))

    def _hellos(self) -> None:
        name = _extension(0, vec(2, b"\0" + vec(2, b"server.test")))
        versions = _extension(43, vec(1, b"\x03\x04"))
        share = b"\x00\x1d" + vec(2, bytes(range(32)))
        offer = _extension(27, vec(1, b"\x00\x01\x00\x02\x00\x03"))
        schemes = _extension(13, vec(2, b"\x04\x03"))
        block = vec(
            2, name, versions, _extension(51, vec(2, share)), _extension(10, vec(2, b"\x00\x1d")), schemes, offer
        )
        hello = b"\x03\x03" + self.random + vec(1) + vec(2, b"\x13\x01") + vec(1, b"\0") + block
        self._clear(CLIENT, 1, hello)
        block = vec(2, _extension(43, b"\x03\x04"), _extension(51, share))
        self._clear(SERVER, 2, b"\x03\x03" + bytes(reversed(range(32))) + vec(1) + b"\x13\x01\0" + block)

    def _message(self, kind: int, body: bytes) -> bytes:
        message = bytes([kind]) + vec(3, body)
        self.transcript.add(message)
        return message

    def _clear(self, side: Sender, kind: int, body: bytes) -> None:
        self._chunk(side, b"\x16\x03\x01" + vec(2, self._message(kind, body)))

    def _sealed(self, side: Sender, kind: int, body: bytes) -> None:
        self._chunk(side, self.sides[side].seal(self._message(kind, body)))

    def _chunk(self, side: Sender, data: bytes) -> None:
        self.chunks.append(Chunk(side, START + len(self.chunks) / 100, data))

    def engine(self, keys: bool = True) -> Engine:
        log = KeyLog()
        if keys:
            for side in (CLIENT, SERVER):
                label = f"{side.upper()}_HANDSHAKE_TRAFFIC_SECRET"
                log.add_line(f"{label} {self.random.hex()} {self.sides[side].secret.hex()}")
        engine = Engine(keylog=log)
        for chunk in self.chunks:
            engine.receive(chunk)
        engine.finish()
        return engine
