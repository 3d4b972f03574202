"""Records lost in the capture: decryption goes on behind the hole, and says what is gone, for every protection."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher
from dialogue import Dialogue, make_client, make_server, pump, run
from OpenSSL import SSL

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.schedule import key_block
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Input

PARTS = [f"part {number} ".encode() * 60 for number in range(12)]
RC4_SHA = 0x0005
NO_ENCRYPT_THEN_MAC = 1 << 19


@dataclass
class Told:
    """A conversation: what came before, then the server's parts, each in a record (or more) of its own."""

    before: list[Input]
    parts: list[bytes]
    after: list[Input]
    keylog: KeyLog
    widths: list[int] = field(default_factory=list)


def talked(version: str, ciphers: str | None = None, kind: str = "ec", encrypt_then_mac: bool = True) -> Told:
    said = Dialogue()
    said.server_context = make_server(kind)
    said.server_context.set_cipher_list(b"ALL:eNULL:@SECLEVEL=0")
    said.context = make_client(version, ciphers)
    if not encrypt_then_mac:
        said.context.set_options(NO_ENCRYPT_THEN_MAC)
    said.context.set_keylog_callback(lambda _, line: said.keylog.append(line))
    client, server = SSL.Connection(said.context, None), SSL.Connection(said.server_context, None)
    client.set_connect_state()
    server.set_accept_state()
    run(said, client, server)
    client.sendall(b"go on")
    pump(said, client, server)
    server.recv(100)
    before = list(said.chunks)
    parts = []
    for part in PARTS:
        said.chunks.clear()
        server.sendall(part)
        pump(said, client, server)
        parts.append(b"".join(chunk.data for chunk in said.chunks))
    said.chunks.clear()
    server.shutdown()
    pump(said, client, server)
    return Told(list(before), parts, list(said.chunks), said.keys())


def with_rc4() -> Told:
    """A conversation of TLS 1.0 sealed anew: no OpenSSL of today speaks RC4."""
    told = talked("1.0", "AES128-SHA", "rsa")
    engine = Engine(keylog=told.keylog)
    for item in told.before:
        engine.receive(item)
    connection = engine.connection()
    hellos = [message.buffer.data for message in connection.messages[:2] if message.buffer]
    randoms = {CLIENT: hellos[0][6:38], SERVER: hellos[1][6:38]}
    chosen = suite(RC4_SHA)
    assert chosen
    master = dict(connection.secrets)["CLIENT_RANDOM"]
    block = key_block(chosen, 0x0301, master, randoms[CLIENT], randoms[SERVER])
    sealers = {
        CLIENT: Rc4(block.client_write_mac_key, block.client_write_key),
        SERVER: Rc4(block.server_write_mac_key, block.server_write_key),
    }
    before: list[Input] = []
    for record in connection.records:
        data = record.buffer.data
        if record.plaintext is not None:
            data = sealers[record.sender].seal(record.content_type, record.plaintext.data)
        elif data[5:6] == b"\x02":  # the ServerHello chooses another suite
            at = data.index(randoms[SERVER]) + 32
            at += 1 + data[at]
            data = data[:at] + RC4_SHA.to_bytes(2, "big") + data[at + 2 :]
        before.append(Chunk(record.sender, record.time, data))
    parts = [sealers[SERVER].seal(23, part) for part in PARTS]
    return Told(before, parts, [Chunk(SERVER, 2e9, sealers[SERVER].seal(21, b"\x01\x00"))], told.keylog)


class Rc4:
    def __init__(self, mac_key: bytes, key: bytes) -> None:
        self.mac_key, self.sequence = mac_key, 0
        self.encrypt: Callable[[bytes], bytes] = Cipher(ARC4(key), None).encryptor().update

    def seal(self, content_type: int, data: bytes) -> bytes:
        head = self.sequence.to_bytes(8, "big") + bytes([content_type]) + b"\x03\x01" + len(data).to_bytes(2, "big")
        self.sequence += 1
        fragment = self.encrypt(data + hmac.new(self.mac_key, head + data, "sha1").digest())
        return bytes([content_type]) + b"\x03\x01" + len(fragment).to_bytes(2, "big") + fragment


KINDS: dict[str, Callable[[], Told]] = {
    "TLS 1.3, AES-GCM": lambda: talked("1.3"),
    "TLS 1.3, ChaCha20-Poly1305": lambda: talked("1.3", "TLS_CHACHA20_POLY1305_SHA256"),
    "TLS 1.2, AES-GCM": lambda: talked("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "TLS 1.2, AES-CCM": lambda: talked("1.2", "ECDHE-ECDSA-AES128-CCM8"),
    "TLS 1.2, ChaCha20-Poly1305": lambda: talked("1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    "TLS 1.2, CBC, encrypt-then-MAC": lambda: talked("1.2", "ECDHE-ECDSA-AES128-SHA"),
    "TLS 1.2, CBC, MAC-then-encrypt": lambda: talked("1.2", "ECDHE-ECDSA-AES128-SHA", encrypt_then_mac=False),
    "TLS 1.1, CBC": lambda: talked("1.1", "ECDHE-ECDSA-AES256-SHA"),
    "TLS 1.0, CBC, chained IV": lambda: talked("1.0", "ECDHE-ECDSA-AES128-SHA", encrypt_then_mac=False),
    "TLS 1.0, CBC, chained IV, encrypt-then-MAC": lambda: talked("1.0", "ECDHE-ECDSA-AES128-SHA"),
    "TLS 1.2, NULL": lambda: talked("1.2", "ECDHE-ECDSA-NULL-SHA"),
    "TLS 1.0, RC4": with_rc4,
}


@pytest.fixture(scope="module", params=list(KINDS))
def told(request: pytest.FixtureRequest) -> Told:
    return KINDS[request.param]()


def followed(told: Told, start: int, end: int) -> Connection:
    """The conversation without the bytes [start, end) of the server's parts."""
    engine = Engine(keylog=told.keylog)
    for item in told.before:
        engine.receive(item)
    stream = b"".join(told.parts)
    engine.receive(Chunk(SERVER, 2e9, stream[:start]))
    if end > start:
        engine.receive(Gap(SERVER, 2e9, end - start))
    engine.receive(Chunk(SERVER, 2e9, stream[end:]))
    for item in told.after:
        engine.receive(item)
    engine.finish()
    return engine.connection()


def place(told: Told, part: int, offset: int = 0) -> int:
    return sum(map(len, told.parts[:part])) + offset


def read(connection: Connection) -> bytes:
    runs = [run.plaintext for run in connection.application if run.sender == SERVER]
    return b"".join(plaintext.data for plaintext in runs if plaintext is not None)


def whys(connection: Connection) -> list[tuple[str, str]]:
    found = [record.protection for record in connection.records if record.protection and record.sender == SERVER]
    return [(each.status, each.why) for each in found if each.status != "verified" or each.why]


def closed(connection: Connection) -> bool:
    """Whether the close_notify at the end could be read."""
    last = [message for message in connection.messages if message.type == "alert" and message.sender == SERVER]
    return bool(last) and last[-1].alert is not None and last[-1].alert.description.code == 0


def test_nothing_lost(told: Told) -> None:
    connection = followed(told, 0, 0)
    assert read(connection) == b"".join(PARTS)
    assert whys(connection) == []
    assert closed(connection)


LOST_KEY_STREAM = ("not_provable", "RC4's key stream runs on from record to record, and some of it was lost")


def rc4(connection: Connection) -> bool:
    """Whether what is behind whole lost records cannot be opened: nobody knows how much key stream they took."""
    return "RC4" in str(connection.cipher_suite)


def test_whole_records_lost(told: Told) -> None:
    """Parts 3 and 4, from border to border: nothing of them is there, not even a header."""
    connection = followed(told, place(told, 3), place(told, 5))
    if rc4(connection):
        assert set(whys(connection)) == {LOST_KEY_STREAM}
        assert read(connection) == b"".join(PARTS[:3])
        return
    assert closed(connection)
    assert [hole.length for hole in connection.holes] == [place(told, 5) - place(told, 3)]
    assert not any(status == "failed" for status, _ in whys(connection))
    got = read(connection)
    assert got.startswith(b"".join(PARTS[:3]))
    assert got.endswith(b"".join(PARTS[6:]))
    assert PARTS[3][:20] not in got
    assert PARTS[4][:20] not in got
    assert any("missing" in why or "lost" in why for _, why in whys(connection))


def test_the_middle_of_a_record_lost(told: Told) -> None:
    connection = followed(told, place(told, 3, 60), place(told, 3, 200))
    assert closed(connection)
    assert not any(status == "failed" for status, _ in whys(connection))
    assert ("not_provable", "140 bytes of the record are missing") in whys(connection)
    assert read(connection) == b"".join(PARTS[:3] + PARTS[4:])


def test_from_one_record_into_another(told: Told) -> None:
    """The next header is not where a record ends: it has to be found."""
    connection = followed(told, place(told, 3, 60), place(told, 5, 200))
    if rc4(connection):
        assert LOST_KEY_STREAM in whys(connection)
        assert read(connection) == b"".join(PARTS[:3])
        return
    assert closed(connection)
    assert not any(status == "failed" for status, _ in whys(connection))
    got = read(connection)
    assert got.startswith(b"".join(PARTS[:3]))
    assert got.endswith(b"".join(PARTS[7:]))
    assert any(status == "not_provable" for status, _ in whys(connection))
