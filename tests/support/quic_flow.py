"""A QUIC connection made of a real TLS 1.3 handshake: OpenSSL's messages and secrets, in packets of our own.

The transcript is the same in both carriers, so everything that proves the one proves the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from dialogue import START, shake

from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.quic.engine import QuicEngine
from tlsviz.crypto.keylog import KeyLog
from tlsviz.lab.quic import PacketWriter, crypto_frame, stream_frame, varint
from tlsviz.tls.suites import Suite, suite
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

FIRST_ID = bytes.fromhex("8394c8f03e515708")
CLIENT_ID, SERVER_ID = bytes.fromhex("c1c2c3c4"), bytes.fromhex("5152535455")
PING = b"\x01" + bytes(3)
ACK = bytes.fromhex("0200000000")


@cache
def tls13() -> tuple[Connection, KeyLog]:
    """The handshake over TCP, decrypted, and its key log."""
    dialogue = shake("1.3")
    return dialogue.connection(), dialogue.keys()


def _suite() -> Suite:
    chosen = tls13()[0].cipher_suite
    found = suite(chosen.code) if chosen is not None else None
    assert found is not None
    return found


@dataclass
class QuicFlow(PacketWriter):
    """Makes the datagrams of the connection, one after the other."""

    suite: Suite = field(default_factory=_suite)
    secrets: Mapping[str, bytes] = field(default_factory=lambda: tls13()[0].secrets_of(0))
    first_id: bytes = FIRST_ID
    ids: Mapping[Sender, bytes] = field(default_factory=lambda: {CLIENT: CLIENT_ID, SERVER: SERVER_ID})

    def said(self, sender: Sender, *kinds: str) -> bytes:
        """The handshake messages of these types that a side said."""
        found = (m for m in tls13()[0].messages if m.sender == sender and m.type in kinds)
        return b"".join(m.buffer.data for m in found if m.buffer is not None)

    def send(self, sender: Sender, *packets: bytes, time: float = 0.0) -> None:
        """One datagram of these packets."""
        super().send(sender, *packets, time=time or START + len(self.datagrams) / 100)

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
