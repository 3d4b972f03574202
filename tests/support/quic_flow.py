"""A QUIC connection made of a real TLS 1.3 handshake: OpenSSL's messages and secrets, in packets of our own.

The transcript is the same in both carriers, so everything that proves the one proves the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from dialogue import START, shake
from quic_packets import FIXED, V1, crypto_frame, initial, long_packet, short_packet, stream_frame, varint

from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.quic.engine import QuicEngine
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.quic import PacketKeys
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

FIRST_ID = bytes.fromhex("8394c8f03e515708")
CLIENT_ID, SERVER_ID = bytes.fromhex("c1c2c3c4"), bytes.fromhex("5152535455")
PING = b"\x01" + bytes(3)
ACK = bytes.fromhex("0200000000")
CHACHA20 = 0x1303


@cache
def tls13() -> tuple[Connection, KeyLog]:
    """The handshake over TCP, decrypted, and its key log."""
    dialogue = shake("1.3")
    return dialogue.connection(), dialogue.keys()


@dataclass
class QuicFlow:
    """Makes the datagrams of the connection, one after the other. ``fixed``: the fixed bit, but of Initial packets."""

    version: int = V1
    first_id: bytes = FIRST_ID
    fixed: int = FIXED
    datagrams: list[Chunk] = field(default_factory=list)
    numbers: dict[tuple[Sender, str], int] = field(default_factory=dict)

    def said(self, sender: Sender, *kinds: str) -> bytes:
        """The handshake messages of these types that a side said."""
        found = (m for m in tls13()[0].messages if m.sender == sender and m.type in kinds)
        return b"".join(m.buffer.data for m in found if m.buffer is not None)

    def keys(self, sender: Sender, label: str) -> PacketKeys:
        """The packet keys of a traffic secret: ``HANDSHAKE_TRAFFIC_SECRET`` or ``TRAFFIC_SECRET_0``."""
        connection, _ = tls13()
        assert connection.cipher_suite is not None
        chosen = suite(connection.cipher_suite.code)
        assert chosen is not None
        return PacketKeys(self.version, chosen, connection.secrets_of(0)[f"{sender.upper()}_{label}"])

    @property
    def chacha(self) -> bool:
        chosen = tls13()[0].cipher_suite
        return chosen is not None and chosen.code == CHACHA20

    def number(self, sender: Sender, level: str) -> int:
        """The next packet number."""
        self.numbers[sender, level] = self.numbers.get((sender, level), -1) + 1
        return self.numbers[sender, level]

    def initial(self, sender: Sender, payload: bytes, token: bytes = b"", dcid: bytes | None = None) -> bytes:
        """An Initial packet."""
        to, of = (self.first_id if dcid is None else dcid, CLIENT_ID) if sender == CLIENT else (CLIENT_ID, SERVER_ID)
        number = self.number(sender, "Initial")
        return initial(sender, self.first_id, number, payload, to, of, token, self.version)

    def handshake(self, sender: Sender, payload: bytes) -> bytes:
        """A Handshake packet."""
        to, of = (SERVER_ID, CLIENT_ID) if sender == CLIENT else (CLIENT_ID, SERVER_ID)
        keys = self.keys(sender, "HANDSHAKE_TRAFFIC_SECRET")
        number = self.number(sender, "Handshake")
        return long_packet(keys, "Handshake", number, payload, to, of, b"", self.version, self.chacha, self.fixed)

    def one_rtt(self, sender: Sender, payload: bytes, updates: int = 0) -> bytes:
        """A 1-RTT packet under keys that were updated so often."""
        keys = self.keys(sender, "TRAFFIC_SECRET_0")
        for _ in range(updates):
            keys = keys.updated()
        to = SERVER_ID if sender == CLIENT else CLIENT_ID
        return short_packet(keys, self.number(sender, "1-RTT"), payload, to, updates & 1, self.chacha, self.fixed)

    def send(self, sender: Sender, *packets: bytes) -> None:
        """One datagram of these packets."""
        count = len(self.datagrams)
        self.datagrams.append(Chunk(sender, START + count / 100, b"".join(packets), (count + 1,)))

    def handshake_flights(self) -> None:
        """The whole handshake, with the server's flight in two datagrams."""
        hello = self.said(CLIENT, "client_hello")
        self.send(CLIENT, self.initial(CLIENT, crypto_frame(0, hello) + bytes(600)))
        flight = self.said(SERVER, "encrypted_extensions", "certificate", "certificate_verify", "finished")
        first = self.initial(SERVER, ACK + crypto_frame(0, self.said(SERVER, "server_hello")))
        self.send(SERVER, first, self.handshake(SERVER, crypto_frame(0, flight[:200])))
        self.send(SERVER, self.handshake(SERVER, crypto_frame(200, flight[200:])))
        finished = crypto_frame(0, self.said(CLIENT, "finished"))
        self.send(CLIENT, self.initial(CLIENT, ACK, dcid=SERVER_ID), self.handshake(CLIENT, ACK + finished))

    def conversation(self) -> None:
        """The handshake, a question and an answer."""
        self.handshake_flights()
        self.send(CLIENT, self.one_rtt(CLIENT, stream_frame(0, 0, b"GET / HTTP/1.1\r\n\r\n")))
        self.send(SERVER, self.one_rtt(SERVER, b"\x1e" + stream_frame(0, 0, b"HTTP/1.1 200 OK\r\n\r\n") + ACK))


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """A CONNECTION_CLOSE of the transport."""
    return b"\x1c" + varint(code) + b"\x06" + varint(len(reason)) + reason


def follow(datagrams: Iterable[Chunk], keys: bool = True) -> Connection:
    """The engine's model of these datagrams."""
    log = tls13()[1] if keys else KeyLog()
    engine = QuicEngine(client=Endpoint("10.0.0.1", 40000), server=Endpoint("10.0.0.2", 443), keylog=log)
    for datagram in datagrams:
        engine.receive(datagram)
    engine.finish()
    return engine.connection()
