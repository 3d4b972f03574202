"""Proofs: verified on honest bytes, failed on changed ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rfc8448_trace as rfc8448
from dialogue import shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, Message
from tlsviz.connection.proofs import prove
from tlsviz.crypto.keylog import KeyLog
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_handshake
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk


def statuses(connection: Connection) -> dict[str, str]:
    return {proof.what: proof.status for proof in prove(connection)}


def damaged(connection: Connection, kind: str, sender: str, offset: int) -> Connection:
    """The connection with one bit of one message changed behind the protection."""

    def change(message: Message) -> Message:
        if (message.type, message.sender) != (kind, sender) or message.buffer is None:
            return message
        data = bytearray(message.buffer.data)
        data[offset] ^= 1
        version = connection.version.code if connection.version else None
        suite = connection.cipher_suite.code if connection.cipher_suite else None
        tree = decode_handshake(bytes(data), Context(message.sender, version, suite))
        return replace(message, buffer=Buffer("wire", bytes(data)), tree=tree)

    return replace(connection, messages=tuple(change(message) for message in connection.messages))


@pytest.mark.parametrize(
    ("version", "kind", "client", "expected"),
    [
        ("1.3", "ec", False, {"certificate_verify", "server_finished", "client_finished"}),
        ("1.3", "rsa", True, {"certificate_verify", "client_certificate_verify", "server_finished", "client_finished"}),
        ("1.2", "ec", True, {"server_key_exchange", "client_certificate_verify", "server_finished", "client_finished"}),
        ("1.2", "rsa", False, {"server_key_exchange", "server_finished", "client_finished"}),
        (
            "1.1",
            "rsa",
            True,
            {"server_key_exchange", "client_certificate_verify", "server_finished", "client_finished"},
        ),
        ("1.0", "rsa", False, {"server_key_exchange", "server_finished", "client_finished"}),
    ],
)
def test_everything_provable_is_verified(version: str, kind: str, client: bool, expected: set[str]) -> None:
    connection = shake(version, kind=kind, client_certificate=client).connection()
    found = statuses(connection)
    assert {what for what, status in found.items() if status == "verified"} == expected | {"record_protection"}


def test_without_keys_nothing_is_claimed() -> None:
    found = statuses(shake().connection(keys=False))
    assert set(found.values()) == {"not_provable"}
    assert {"server_finished", "client_finished", "certificate_verify"} <= set(found)


def test_a_retried_hello_keeps_the_transcript() -> None:
    found = statuses(shake(server_groups=b"P-384").connection())
    assert found["server_finished"] == found["client_finished"] == found["certificate_verify"] == "verified"


def test_resumed_handshakes_are_proven() -> None:
    for version in ("1.2", "1.3"):
        first = shake(version)
        found = statuses(shake(version, resume=first).connection())
        assert found["server_finished"] == found["client_finished"] == "verified"


@pytest.mark.parametrize(
    ("version", "kind", "sender", "offset", "proof"),
    [
        ("1.3", "finished", SERVER, 10, "server_finished"),
        ("1.3", "finished", CLIENT, 10, "client_finished"),
        ("1.3", "certificate_verify", SERVER, -5, "certificate_verify"),
        ("1.3", "certificate", SERVER, -40, "certificate_verify"),
        ("1.3", "client_hello", CLIENT, 8, "server_finished"),
        ("1.3", "encrypted_extensions", SERVER, -1, "certificate_verify"),
        ("1.2", "server_key_exchange", SERVER, -3, "server_key_exchange"),
        ("1.2", "server_hello", SERVER, 8, "server_key_exchange"),
        ("1.2", "client_hello", CLIENT, 9, "server_finished"),
        ("1.2", "finished", SERVER, 6, "server_finished"),
        ("1.2", "client_key_exchange", CLIENT, 9, "client_finished"),
    ],
)
def test_one_changed_bit_fails_the_proof(version: str, kind: str, sender: str, offset: int, proof: str) -> None:
    connection = shake(version).connection()
    assert statuses(connection)[proof] == "verified"
    assert statuses(damaged(connection, kind, sender, offset))[proof] == "failed"


def test_a_changed_ciphertext_fails_its_record() -> None:
    said = shake()
    engine = said.engine()
    for chunk in said.chunks:
        data = bytearray(chunk.data)
        if chunk is said.chunks[-1]:
            data[-1] ^= 1
        engine.receive(chunk._replace(data=bytes(data)))
    assert statuses(engine.connection())["record_protection"] == "failed"


def test_the_downgrade_mark_is_seen() -> None:
    """The server of the dialogue can do TLS 1.3 and marks its random when it is made to speak less."""
    connection = shake("1.2").connection()
    hello = connection.messages_of("server_hello")[0]
    assert hello.buffer is not None
    data = bytearray(hello.buffer.data)
    assert data[30:38] == b"DOWNGRD\x01"
    data[30:38] = bytes(8)
    tree = decode_handshake(bytes(data), Context(SERVER, 0x0303))
    changed = replace(hello, buffer=Buffer("wire", bytes(data)), tree=tree)
    offered = connection.offered._replace(versions=(connection.version._replace(code=0x0304),))  # type: ignore[union-attr]
    messages = tuple(changed if message is hello else message for message in connection.messages)
    assert statuses(replace(connection, offered=offered))["downgrade_sentinel"] == "failed"
    assert statuses(replace(connection, offered=offered, messages=messages))["downgrade_sentinel"] == "verified"


def test_rfc_8448_simple_handshake() -> None:
    """Section 3: every message decrypts, both Finished and the signature are as published."""
    random = rfc8448.CLIENT_HELLO_RECORD[11:43].hex()
    log = KeyLog()
    for label, secret in (
        ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", rfc8448.CLIENT_HANDSHAKE_TRAFFIC_SECRET),
        ("SERVER_HANDSHAKE_TRAFFIC_SECRET", rfc8448.SERVER_HANDSHAKE_TRAFFIC_SECRET),
        ("CLIENT_TRAFFIC_SECRET_0", rfc8448.CLIENT_TRAFFIC_SECRET_0),
        ("SERVER_TRAFFIC_SECRET_0", rfc8448.SERVER_TRAFFIC_SECRET_0),
    ):
        log.add_line(f"{label} {random} {secret.hex()}")
    engine = Engine(keylog=log)
    for sender, record in (
        (CLIENT, rfc8448.CLIENT_HELLO_RECORD),
        (SERVER, rfc8448.SERVER_HELLO_RECORD),
        (SERVER, rfc8448.SERVER_FLIGHT_RECORD),
        (CLIENT, rfc8448.CLIENT_FINISHED_RECORD),
        (SERVER, rfc8448.NEW_SESSION_TICKET_RECORD),
        (CLIENT, rfc8448.CLIENT_DATA_RECORD),
        (SERVER, rfc8448.SERVER_DATA_RECORD),
        (CLIENT, rfc8448.CLIENT_CLOSE_RECORD),
        (SERVER, rfc8448.SERVER_CLOSE_RECORD),
    ):
        engine.receive(Chunk(sender, 0.0, record))
    connection = engine.connection()
    assert [message.type for message in connection.messages] == [
        "client_hello",
        "server_hello",
        "encrypted_extensions",
        "certificate",
        "certificate_verify",
        "finished",
        "finished",
        "new_session_ticket",
        "alert",
        "alert",
    ]
    found = statuses(connection)
    assert found["server_finished"] == found["client_finished"] == found["certificate_verify"] == "verified"
    server, client = connection.messages_of("finished")
    assert server.buffer is not None
    assert client.buffer is not None
    assert server.buffer.data[4:] == rfc8448.SERVER_VERIFY_DATA
    assert client.buffer.data[4:] == rfc8448.CLIENT_VERIFY_DATA
    assert connection.messages_of("certificate")[0].buffer == Buffer(
        "reassembled",
        rfc8448.CERTIFICATE_MESSAGE,
        connection.messages_of("certificate")[0].buffer.pieces,  # type: ignore[union-attr]
    )
    assert connection.server_name == "server"
