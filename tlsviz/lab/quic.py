"""Makes QUIC packets, for samples and tests: the other direction of `tlsviz.crypto.quic`, written on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from tlsviz.crypto.quic import PacketKeys, initial_keys, initial_secrets
from tlsviz.crypto.schedule import xor
from tlsviz.tls.suites import Suite
from tlsviz.wire.chunks import CLIENT, Chunk, Sender, other

V1 = 1
FIXED = 0x40
"""The fixed bit, which two ends that have agreed on it may leave out (RFC 9287)."""
CHACHA20 = 0x1303
LONG_TYPES = {"Initial": 0, "0-RTT": 1, "Handshake": 2}


def varint(value: int) -> bytes:
    """A variable-length integer in as few bytes as it needs."""
    for power in range(4):
        if value < 1 << (8 << power) - 2:
            return (value | power << (8 << power) - 2).to_bytes(1 << power, "big")
    raise ValueError(value)


def sealed(keys: PacketKeys, header: bytes, number: int, number_length: int, payload: bytes, chacha: bool) -> bytes:
    """A protected packet; ``header`` without its packet number, the first byte unmasked."""
    header += (number & ((1 << 8 * number_length) - 1)).to_bytes(number_length, "big")
    nonce = xor(keys.iv, number.to_bytes(12, "big"))
    cipher = ChaCha20Poly1305(keys.key) if chacha else AESGCM(keys.key)
    body = cipher.encrypt(nonce, payload, header)
    mask = keys.mask(body[4 - number_length : 20 - number_length])
    first = header[0] ^ mask[0] & (0x0F if header[0] & 0x80 else 0x1F)
    masked = xor(header[-number_length:], mask[1 : 1 + number_length])
    return bytes([first]) + header[1:-number_length] + masked + body


def long_packet(
    keys: PacketKeys,
    kind: str,
    number: int,
    payload: bytes,
    dcid: bytes,
    scid: bytes,
    token: bytes = b"",
    version: int = V1,
    chacha: bool = False,
    fixed: int = FIXED,
) -> bytes:
    """A sealed packet with a long header and a packet number of four bytes."""
    code = LONG_TYPES[kind] if version != 0x6B3343CF else LONG_TYPES[kind] + 1
    header = bytes([0x83 | fixed | code << 4]) + version.to_bytes(4, "big")
    header += bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid
    if kind == "Initial":
        header += varint(len(token)) + token
    header += varint(4 + len(payload) + 16)
    return sealed(keys, header, number, 4, payload, chacha)


def short_packet(
    keys: PacketKeys,
    number: int,
    payload: bytes,
    dcid: bytes,
    phase: int = 0,
    chacha: bool = False,
    fixed: int = FIXED,
) -> bytes:
    """A 1-RTT packet with a packet number of four bytes."""
    return sealed(keys, bytes([0x03 | fixed | phase << 2]) + dcid, number, 4, payload, chacha)


def initial(
    sender: Sender,
    first_id: bytes,
    number: int,
    payload: bytes,
    dcid: bytes,
    scid: bytes,
    token: bytes = b"",
    version: int = V1,
) -> bytes:
    """An Initial packet under the keys that follow from ``first_id``."""
    secrets = initial_secrets(version, first_id)
    assert secrets is not None
    keys = initial_keys(version, secrets.of(sender))
    return long_packet(keys, "Initial", number, payload, dcid, scid, token, version)


def crypto_frame(offset: int, data: bytes) -> bytes:
    """A CRYPTO frame."""
    return b"\x06" + varint(offset) + varint(len(data)) + data


def stream_frame(stream: int, offset: int, data: bytes) -> bytes:
    """A STREAM frame with offset and length."""
    return b"\x0e" + varint(stream) + varint(offset) + varint(len(data)) + data


def ack_frame(largest: int) -> bytes:
    """An ACK of all packets up to this one."""
    return b"\x02" + varint(largest) + b"\x00\x00" + varint(largest)


@dataclass
class PacketWriter:
    """Makes the packets of one connection, numbers them, and puts them into datagrams.

    ``ids``: the connection ID that each side chose for itself; ``first_id``: what the client calls the server before it
    knows the server's. ``secrets``: traffic secrets by their labels in key logs. ``fixed``: the fixed bit, but of
    Initial packets.
    """

    suite: Suite
    secrets: Mapping[str, bytes]
    first_id: bytes
    ids: Mapping[Sender, bytes]
    version: int = V1
    fixed: int = FIXED
    datagrams: list[Chunk] = field(default_factory=list)
    numbers: dict[tuple[Sender, str], int] = field(default_factory=dict)

    @property
    def chacha(self) -> bool:
        return self.suite.code == CHACHA20

    def keys(self, sender: Sender, label: str) -> PacketKeys:
        """The packet keys of a traffic secret: ``HANDSHAKE_TRAFFIC_SECRET`` or ``TRAFFIC_SECRET_0``."""
        return PacketKeys(self.version, self.suite, self.secrets[f"{sender.upper()}_{label}"])

    def number(self, sender: Sender, level: str) -> int:
        """The next packet number."""
        self.numbers[sender, level] = self.numbers.get((sender, level), -1) + 1
        return self.numbers[sender, level]

    def ack(self, sender: Sender, level: str) -> bytes:
        """A frame that acknowledges all that the other side has sent at this level."""
        return ack_frame(self.numbers[other(sender), level])

    def initial(self, sender: Sender, payload: bytes, token: bytes = b"", dcid: bytes | None = None) -> bytes:
        """An Initial packet."""
        to = dcid or (self.first_id if sender == CLIENT else self.ids[CLIENT])
        number = self.number(sender, "Initial")
        return initial(sender, self.first_id, number, payload, to, self.ids[sender], token, self.version)

    def handshake(self, sender: Sender, payload: bytes) -> bytes:
        """A Handshake packet."""
        keys, number = self.keys(sender, "HANDSHAKE_TRAFFIC_SECRET"), self.number(sender, "Handshake")
        to, of = self.ids[other(sender)], self.ids[sender]
        return long_packet(keys, "Handshake", number, payload, to, of, b"", self.version, self.chacha, self.fixed)

    def one_rtt(self, sender: Sender, payload: bytes, updates: int = 0) -> bytes:
        """A 1-RTT packet under keys that were updated so often."""
        keys = self.keys(sender, "TRAFFIC_SECRET_0")
        for _ in range(updates):
            keys = keys.updated()
        number, to = self.number(sender, "1-RTT"), self.ids[other(sender)]
        return short_packet(keys, number, payload, to, updates & 1, self.chacha, self.fixed)

    def send(self, sender: Sender, *packets: bytes, time: float = 0.0) -> None:
        """One datagram of these packets."""
        self.datagrams.append(Chunk(sender, time, b"".join(packets), (len(self.datagrams) + 1,)))
