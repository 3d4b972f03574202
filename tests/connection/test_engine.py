"""The engine over real handshakes, whole and spoiled."""

from __future__ import annotations

import pickle

import pytest
from dialogue import Dialogue, shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap
from tlsviz.wire.nodes import leaves

FULL_13 = [
    "client_hello",
    "server_hello",
    "change_cipher_spec",
    "encrypted_extensions",
    "certificate",
    "certificate_verify",
    "finished",
    "change_cipher_spec",
    "finished",
    "new_session_ticket",
    "new_session_ticket",
    "alert",
    "alert",
]
FULL_12 = [
    "client_hello",
    "server_hello",
    "certificate",
    "server_key_exchange",
    "server_hello_done",
    "client_key_exchange",
    "change_cipher_spec",
    "finished",
    "new_session_ticket",
    "change_cipher_spec",
    "finished",
    "alert",
    "alert",
]


def types(connection: Connection) -> list[str]:
    return [message.type for message in connection.messages]


@pytest.fixture(scope="module")
def tls13() -> Dialogue:
    return shake()


@pytest.fixture(scope="module")
def tls12() -> Dialogue:
    return shake("1.2")


def test_tls13_is_decrypted_to_the_last_alert(tls13: Dialogue) -> None:
    connection = tls13.connection()
    assert types(connection) == FULL_13
    assert connection.complete
    assert str(connection.version) == "TLS 1.3"
    assert str(connection.group) == "X25519MLKEM768"
    assert connection.alpn == "http/1.1"
    assert connection.server_name == "server.test"
    plaintexts = [run.plaintext.data for run in connection.application if run.plaintext]
    assert plaintexts[0].startswith(b"GET / HTTP/1.1")
    assert plaintexts[1].endswith(b"hi")


def test_tls13_without_keys_is_inferred_once(tls13: Dialogue) -> None:
    connection = tls13.connection(keys=False)
    inferred = [(m.sender, m.type) for m in connection.messages if m.provenance == "inferred"]
    assert inferred == [
        (SERVER, "encrypted_extensions"),
        (SERVER, "certificate"),
        (SERVER, "certificate_verify"),
        (SERVER, "finished"),
        (CLIENT, "finished"),
    ]
    assert connection.complete
    assert all(run.opaque and run.plaintext is None for run in connection.application)
    assert not connection.certificates


def test_of_a_flight_that_broke_off_no_more_is_inferred_than_came(tls13: Dialogue) -> None:
    answer = next(chunk for chunk in tls13.chunks if chunk.sender == SERVER)
    hello = 5 + int.from_bytes(answer.data[3:5], "big")
    sealed = answer.data.index(b"\x17\x03\x03", hello)
    for length in (4, 20):
        engine = tls13.engine(keys=False)
        engine.receive(tls13.chunks[0])
        engine.receive(answer._replace(data=answer.data[: sealed + 5 + length]))
        engine.finish(answer.time)
        found = engine.connection()
        inferred = [message.type for message in found.messages if message.provenance == "inferred"]
        # As many bytes as there are count, whatever their header says.
        assert (inferred, found.server_data.bytes) == (["encrypted_extensions"], length)


def test_tls12_is_decrypted(tls12: Dialogue) -> None:
    connection = tls12.connection()
    assert types(connection) == FULL_12
    assert connection.complete


def test_tls12_without_keys_shows_encrypted_messages(tls12: Dialogue) -> None:
    connection = tls12.connection(keys=False)
    assert types(connection).count("encrypted_handshake") == 2
    assert connection.complete
    assert connection.certificates
    assert [run.bytes for run in connection.application] != []


@pytest.mark.parametrize(
    ("version", "ciphers", "kind"),
    [
        ("1.0", None, "rsa"),
        ("1.1", "ECDHE-RSA-AES256-SHA", "rsa"),
        ("1.2", "AES128-GCM-SHA256", "rsa"),
        ("1.2", "ECDHE-RSA-AES128-SHA256", "rsa"),
        ("1.2", "ECDHE-RSA-AES256-SHA384", "rsa"),
        ("1.2", "ECDHE-RSA-CHACHA20-POLY1305", "rsa"),
        ("1.2", "DHE-RSA-AES128-GCM-SHA256", "rsa"),
        ("1.3", "TLS_AES_128_GCM_SHA256", "ec"),
        ("1.3", "TLS_CHACHA20_POLY1305_SHA256", "ec"),
    ],
)
def test_every_protection_opens(version: str, ciphers: str | None, kind: str) -> None:
    connection = shake(version, ciphers, kind).connection()
    assert [m for m in connection.messages if m.type == "finished" and m.provenance == "decrypted"]
    assert not [r for r in connection.records if r.protection and r.protection.status != "verified"]
    assert b"".join(run.plaintext.data for run in connection.application if run.plaintext).endswith(b"hi")


def test_byte_by_byte_gives_an_equal_connection(tls13: Dialogue, tls12: Dialogue) -> None:
    for said in (tls13, tls12):
        whole = said.connection()
        assert said.connection(size=1) == whole
        assert said.connection(size=7) == whole


def test_a_connection_survives_pickling(tls13: Dialogue) -> None:
    connection = tls13.connection()
    assert pickle.loads(pickle.dumps(connection)) == connection


def test_leaves_tile_every_message(tls13: Dialogue) -> None:
    for message in tls13.connection().messages:
        assert message.tree is not None
        assert message.buffer is not None
        position = message.tree.start
        for leaf in leaves(message.tree):
            assert leaf.start == position
            position = leaf.end
        assert position == len(message.buffer.data)


def test_hello_retry_request() -> None:
    connection = shake(server_groups=b"P-384").connection()
    assert types(connection)[:4] == ["client_hello", "hello_retry_request", "change_cipher_spec", "change_cipher_spec"]
    assert connection.hello_retry
    assert connection.complete
    assert str(connection.group) == "secp384r1"


def test_client_authentication() -> None:
    connection = shake(client_certificate=True).connection()
    assert connection.client_auth
    assert {sent.sender for sent in connection.certificates} == {CLIENT, SERVER}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("tickets", [True, False])
def test_resumption(version: str, tickets: bool) -> None:
    first = shake(version, tickets=tickets)
    second = shake(version, resume=first)
    assert not first.connection().resumed
    for keys in (True, False):
        connection = second.connection(keys)
        assert connection.resumed
        assert connection.complete
        assert "certificate" not in types(connection)


def test_a_wrong_key_log_is_told_from_none(tls13: Dialogue) -> None:
    engine = tls13.engine(keys=False)
    random = tls13.keylog[0].split()[1]
    wrong = KeyLog()
    wrong.add_text(b"\n".join(b" ".join((line.split()[0], random, b"00" * 48)) for line in tls13.keylog))
    engine = Engine(keylog=wrong)
    for chunk in tls13.chunks:
        engine.receive(chunk)
    connection = engine.connection()
    statuses = {record.protection.status for record in connection.records if record.protection}
    assert statuses == {"failed"}
    assert "finished" in types(connection)


def test_plaintext_before_tls_is_kept_apart(tls13: Dialogue) -> None:
    engine = tls13.engine()
    start = tls13.chunks[0].time - 1
    for sender, text in (
        (SERVER, b"220 mail ESMTP\r\n"),
        (CLIENT, b"EHLO me\r\n"),
        (SERVER, b"250 STARTTLS\r\n"),
        (CLIENT, b"STARTTLS\r\n"),
        (SERVER, b"220 go\r\n"),
    ):
        engine.receive(Chunk(sender, start, text))
    for chunk in tls13.chunks:
        engine.receive(chunk)
    connection = engine.connection()
    assert connection.starttls == "smtp"
    assert types(connection) == FULL_13
    assert [(part.sender, part.data) for part in connection.prelude][3] == (CLIENT, b"STARTTLS\r\n")


def test_what_is_no_tls_is_not_taken_for_it() -> None:
    engine = Engine()
    engine.receive(Chunk(CLIENT, 0.0, b"GET / HTTP/1.1\r\n\r\n"))
    engine.receive(Chunk(SERVER, 0.0, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000))
    assert engine.is_tls is None
    engine.finish()
    assert engine.is_tls is False
    assert not engine.connection().messages


def test_a_gap_in_application_data_is_bridged() -> None:
    said = shake(answer=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 40000)
    engine = said.engine()
    record = 5 + 16384 + 17
    for chunk in said.merged():
        if len(chunk.data) > 30000:
            # The middle of the first record to the start of the third is not in the capture.
            lost = 2 * record - 100
            engine.receive(chunk._replace(data=chunk.data[:100]))
            engine.receive(Gap(chunk.sender, chunk.time, lost))
            engine.receive(chunk._replace(data=chunk.data[100 + lost :]))
        else:
            engine.receive(chunk)
    engine.finish()
    connection = engine.connection()
    assert connection.holes
    assert types(connection)[-2:] == ["alert", "alert"]
    assert any(record.missing for record in connection.records)


def test_truncated_at_every_message_never_raises(tls12: Dialogue) -> None:
    everything = [(chunk.sender, chunk.data) for chunk in tls12.chunks]
    for place, (_, data) in enumerate(everything):
        for size in range(0, len(data), max(len(data) // 20, 1)):
            engine = tls12.engine()
            for before in tls12.chunks[:place]:
                engine.receive(before)
            engine.receive(tls12.chunks[place]._replace(data=data[:size]))
            engine.finish()
            engine.connection()


def test_every_damaged_byte_gives_a_picture(tls13: Dialogue) -> None:
    for place, chunk in enumerate(tls13.chunks[:3]):
        for offset in range(0, len(chunk.data), 37):
            data = bytearray(chunk.data)
            data[offset] ^= 0xFF
            engine = tls13.engine()
            for index, each in enumerate(tls13.chunks):
                engine.receive(each._replace(data=bytes(data)) if index == place else each)
            engine.finish()
            engine.connection()


def test_what_is_sealed_before_the_capture_began_is_not_read_as_clear() -> None:
    engine = Engine()
    engine.receive(Chunk(SERVER, 0.0, b"\x15\x03\x03\x00\x30" + bytes(range(200, 248))))
    engine.receive(Chunk(SERVER, 0.0, b"\x16\x03\x03\x00\x30" + bytes(range(200, 248))))
    connection = engine.connection()
    assert [(message.type, message.encrypted) for message in connection.messages] == [
        ("alert", True),
        ("encrypted_handshake", True),
    ]
    assert connection.messages[0].alert is None


def test_null_ciphers_are_read_without_the_key_but_prove_nothing() -> None:
    connection = shake("1.2", ciphers="ECDHE-ECDSA-NULL-SHA").connection(keys=False)
    assert types(connection).count("finished") == 2
    sealed = [record.protection for record in connection.records if record.protection is not None]
    assert sealed and {protection.status for protection in sealed} == {"not_provable"}
    assert not [proof for proof in connection.proofs if proof.status == "failed"]


def test_an_abbreviated_handshake_of_which_only_the_client_was_captured(tls13: Dialogue) -> None:
    hello = next(chunk for chunk in tls13.chunks if chunk.sender == CLIENT)
    rest = b"\x14\x03\x03\x00\x01\x01" + b"\x16\x03\x03\x00\x28" + bytes(40) + b"\x15\x03\x03\x00\x1a" + bytes(26)
    engine = Engine()
    engine.receive(hello)
    engine.receive(Gap(SERVER, hello.time, 162))
    engine.receive(Chunk(CLIENT, hello.time, rest))
    engine.finish()
    assert types(engine.connection()) == ["client_hello", "change_cipher_spec", "encrypted_handshake", "alert"]
