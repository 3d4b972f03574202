"""A QUIC connection for the samples: a TLS 1.3 handshake made here, in packets of the lab's writer.

OpenSSL's QUIC cannot be reached from Python, so both ends are played: keys, signature, Finished and ticket are real
ones, and nothing in them knows of the decoder that will read them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from tlsviz.connection.model import Endpoint
from tlsviz.crypto import schedule
from tlsviz.lab.authority import SERVER_NAME, Issued
from tlsviz.lab.quic import PacketWriter, crypto_frame, stream_frame, varint
from tlsviz.sources.tape import Tape
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

NAME, NUMBER = "quic", 98
TITLE = "QUIC version 1, over UDP"
WHAT = "TLS 1.3 without records: CRYPTO frames in packets, and first packets under keys that everybody can compute."
VERSION, SUITE = "TLS 1.3", "TLS_AES_128_GCM_SHA256"
SUITE_CODE, HASH = 0x1301, "sha256"
DATAGRAM = 1200
"""Bytes of a datagram that holds an Initial packet, at least (RFC 9000 14.1)."""
SEALED = 16
CLIENT_SPEED, LINE_SPEED = 0.004, 0.0003
"""Seconds that a side thinks before a flight, and between two datagrams."""

CLIENT_HELLO, SERVER_HELLO, TICKET, ENCRYPTED_EXTENSIONS = 1, 2, 4, 8
CERTIFICATE, CERTIFICATE_VERIFY, FINISHED = 11, 15, 20
X25519, P256, ECDSA_P256, RSA_PSS = 29, 23, 0x0403, 0x0804
HANDSHAKE_DONE, HTTP3_NO_ERROR = b"\x1e", 0x0100
SETTINGS = b"\x00" + b"\x04\x00"
"""The beginning of HTTP/3's control stream (RFC 9114 6.2.1): its type, and SETTINGS without any."""


def number(value: int, size: int = 2) -> bytes:
    return value.to_bytes(size, "big")


def vector(size: int, data: bytes) -> bytes:
    return number(len(data), size) + data


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(3, body)


def extension(code: int, body: bytes) -> bytes:
    return number(code) + vector(2, body)


def parameters(*pairs: tuple[int, int | bytes]) -> bytes:
    """The quic_transport_parameters extension (RFC 9000 18)."""
    bodies = ((code, varint(value) if isinstance(value, int) else value) for code, value in pairs)
    return extension(57, b"".join(varint(code) + varint(len(body)) + body for code, body in bodies))


LIMITS = ((0x01, 30_000), (0x04, 1_000_000), (0x05, 250_000), (0x06, 250_000), (0x07, 250_000), (0x08, 100), (0x09, 3))
"""max_idle_timeout, then flow control (RFC 9000 18.2)."""
H3 = extension(16, vector(2, vector(1, b"h3")))
SUPPORTED_VERSIONS = 43


@dataclass
class Handshake:
    """The messages of a TLS 1.3 handshake, and the secrets that follow from them (RFC 8446 7.1)."""

    identity: Issued
    first_id: bytes = field(default_factory=lambda: secrets.token_bytes(8))
    ids: dict[Sender, bytes] = field(
        default_factory=lambda: {CLIENT: secrets.token_bytes(5), SERVER: secrets.token_bytes(8)}
    )
    random: dict[Sender, bytes] = field(
        default_factory=lambda: {CLIENT: secrets.token_bytes(32), SERVER: secrets.token_bytes(32)}
    )
    said: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mine, yours = X25519PrivateKey.generate(), X25519PrivateKey.generate()
        self.said["client_hello"] = self._client_hello(mine.public_key().public_bytes_raw())
        self.said["server_hello"] = self._server_hello(yours.public_key().public_bytes_raw())
        early = schedule.early_secret(HASH)
        handshake = schedule.next_stage(HASH, early, mine.exchange(yours.public_key()))
        for sender, letter in ((CLIENT, "c"), (SERVER, "s")):
            self._log(sender, "HANDSHAKE_TRAFFIC_SECRET", handshake, f"{letter} hs traffic")
        self._server_flight()
        main = schedule.next_stage(HASH, handshake)
        for sender, letter in ((CLIENT, "c"), (SERVER, "s")):
            self._log(sender, "TRAFFIC_SECRET_0", main, f"{letter} ap traffic")
        self.said["client_finished"] = self._finished(CLIENT)
        ticket = (
            number(7200, 4)
            + number(0x5EED1E55, 4)
            + vector(1, b"\0")
            + vector(2, secrets.token_bytes(64))
            + vector(2, b"")
        )
        self.said["ticket"] = message(TICKET, ticket)

    def keylog(self) -> list[bytes]:
        """The key log's lines."""
        return [f"{label} {self.random[CLIENT].hex()} {value.hex()}".encode() for label, value in self.secrets.items()]

    def _hashed(self) -> bytes:
        return hashlib.new(HASH, b"".join(self.said.values())).digest()

    def _log(self, sender: Sender, label: str, source: bytes, name: str) -> None:
        self.secrets[f"{sender.upper()}_{label}"] = schedule.derive_secret(HASH, source, name, self._hashed())

    def _client_hello(self, share: bytes) -> bytes:
        extensions = (
            extension(0, vector(2, b"\0" + vector(2, SERVER_NAME.encode()))),
            extension(10, vector(2, number(X25519) + number(P256))),
            H3,
            extension(13, vector(2, number(ECDSA_P256) + number(RSA_PSS))),
            extension(SUPPORTED_VERSIONS, vector(1, number(0x0304))),
            extension(45, vector(1, b"\x01")),
            extension(51, vector(2, number(X25519) + vector(2, share))),
            parameters(*LIMITS, (0x0F, self.ids[CLIENT])),
        )
        suites = number(SUITE_CODE) + number(0x1302) + number(0x1303)
        body = number(0x0303) + self.random[CLIENT] + b"\0" + vector(2, suites) + vector(1, b"\0")
        return message(CLIENT_HELLO, body + vector(2, b"".join(extensions)))

    def _server_hello(self, share: bytes) -> bytes:
        extensions = extension(51, number(X25519) + vector(2, share)) + extension(SUPPORTED_VERSIONS, number(0x0304))
        body = number(0x0303) + self.random[SERVER] + b"\0" + number(SUITE_CODE) + b"\0"
        return message(SERVER_HELLO, body + vector(2, extensions))

    def _server_flight(self) -> None:
        chosen = parameters((0x00, self.first_id), (0x02, secrets.token_bytes(16)), *LIMITS, (0x0F, self.ids[SERVER]))
        self.said["encrypted_extensions"] = message(ENCRYPTED_EXTENSIONS, vector(2, H3 + chosen))
        ders = (one.public_bytes(Encoding.DER) for one in self.identity.chain)
        entries = b"".join(vector(3, der) + vector(2, b"") for der in ders)
        self.said["certificate"] = message(CERTIFICATE, vector(1, b"") + vector(3, entries))
        content = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + self._hashed()
        key = self.identity.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(content, ec.ECDSA(hashes.SHA256()))
        self.said["certificate_verify"] = message(CERTIFICATE_VERIFY, number(ECDSA_P256) + vector(2, signature))
        self.said["server_finished"] = self._finished(SERVER)

    def _finished(self, sender: Sender) -> bytes:
        secret = self.secrets[f"{sender.upper()}_HANDSHAKE_TRAFFIC_SECRET"]
        return message(FINISHED, hmac.digest(schedule.finished_key(HASH, secret), self._hashed(), HASH))


class Line(PacketWriter):
    """A `PacketWriter` that knows the time, and fills datagrams up."""

    def say(self, sender: Sender, *packets: bytes) -> None:
        """A datagram a little later than the one before it."""
        last = self.datagrams[-1] if self.datagrams else None
        pause = LINE_SPEED if last is not None and last.sender == sender else CLIENT_SPEED
        self.send(sender, *packets, time=(last.time if last is not None else 0.0) + pause)

    def room(self, sender: Sender, before: bytes) -> int:
        """Bytes of frames that a Handshake packet has room for, behind another packet in a datagram."""
        ids = len(self.ids[CLIENT]) + len(self.ids[SERVER])
        return DATAGRAM - len(before) - (1 + 4 + 2 + ids + 2 + 4 + SEALED)


def perform(identity: Issued) -> Tape:
    """The handshake, a question and its answer over HTTP/3, another one under new keys, and the end."""
    shake, chosen = Handshake(identity), suite(SUITE_CODE)
    assert chosen is not None
    line = Line(chosen, shake.secrets, shake.first_id, shake.ids)
    _shake_hands(line, shake.said)
    _talk(line, shake.said["ticket"])
    return Tape(Endpoint("", 0), Endpoint("", 0), line.datagrams, shake.keylog(), "quic")


def _shake_hands(line: Line, said: dict[str, bytes]) -> None:
    """One round trip: the server's flight fills its first datagram, and goes on in others."""
    ids = len(line.first_id) + len(line.ids[CLIENT])
    size = DATAGRAM - (1 + 4 + 2 + ids + 1 + 2 + 4 + SEALED)
    line.say(CLIENT, line.initial(CLIENT, crypto_frame(0, said["client_hello"]).ljust(size, b"\0")))
    kinds = ("encrypted_extensions", "certificate", "certificate_verify", "server_finished")
    flight = b"".join(said[kind] for kind in kinds)
    first = line.initial(SERVER, line.ack(SERVER, "Initial") + crypto_frame(0, said["server_hello"]))
    room = line.room(SERVER, first) - len(crypto_frame(0, bytes(DATAGRAM))) + DATAGRAM
    line.say(SERVER, first, line.handshake(SERVER, crypto_frame(0, flight[:room])))
    line.say(SERVER, line.handshake(SERVER, crypto_frame(room, flight[room:])))
    done = line.initial(CLIENT, line.ack(CLIENT, "Initial"), dcid=line.ids[SERVER])
    frames = line.ack(CLIENT, "Handshake") + crypto_frame(0, said["client_finished"])
    line.say(CLIENT, done, line.handshake(CLIENT, frames.ljust(line.room(CLIENT, done), b"\0")))


def _talk(line: Line, ticket: bytes) -> None:
    """HTTP/3 (RFC 9114): the client's keys are updated for its second question, the server follows."""
    line.say(CLIENT, line.one_rtt(CLIENT, stream_frame(2, 0, SETTINGS) + _ended(stream_frame(0, 0, _request(b"/")))))
    done = HANDSHAKE_DONE + line.ack(SERVER, "1-RTT") + crypto_frame(0, ticket)
    line.say(SERVER, line.one_rtt(SERVER, done + stream_frame(3, 0, SETTINGS)))
    line.say(SERVER, line.one_rtt(SERVER, _ended(stream_frame(0, 0, _answer(b"Hello over QUIC.\n")))))
    again = line.ack(CLIENT, "1-RTT") + _ended(stream_frame(4, 0, _request(b"/again")))
    line.say(CLIENT, line.one_rtt(CLIENT, again, updates=1))
    answer = line.ack(SERVER, "1-RTT") + _ended(stream_frame(4, 0, _answer(b"The same, under new keys.\n")))
    line.say(SERVER, line.one_rtt(SERVER, answer, updates=1))
    end = b"\x1d" + varint(HTTP3_NO_ERROR) + varint(0)
    line.say(CLIENT, line.one_rtt(CLIENT, line.ack(CLIENT, "1-RTT") + end, updates=1))


def _ended(frame: bytes) -> bytes:
    """The same STREAM frame, with the FIN bit."""
    return bytes([frame[0] | 1]) + frame[1:]


def _request(path: bytes) -> bytes:
    """HEADERS with fields of QPACK's static table (RFC 9204 A): GET, https, authority, path."""
    name = SERVER_NAME.encode()
    where = b"\xc1" if path == b"/" else b"\x51" + bytes([len(path)]) + path
    return _frame(1, b"\0\0\xd1\xd7\x50" + bytes([len(name)]) + name + where)


def _answer(text: bytes) -> bytes:
    """HEADERS with status 200 and text/plain, and DATA."""
    return _frame(1, b"\0\0\xd9\xf5") + _frame(0, text)


def _frame(kind: int, body: bytes) -> bytes:
    return varint(kind) + varint(len(body)) + body
