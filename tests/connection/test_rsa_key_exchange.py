"""Connections opened with the server's RSA key: what it opens, what it cannot, and what is said then."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dialogue import Dialogue, identity, shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.connection.proofs import prove
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.crypto.rsakeys import read_rsa_keys
from tlsviz.wire.chunks import Chunk


def key_holder(*keys: object) -> KeyLog:
    log = KeyLog()
    for key in keys or (identity("rsa")[1],):
        assert isinstance(key, rsa.RSAPrivateKey)
        data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        log.rsa.add(read_rsa_keys(data, "server.pem"))
    return log


def follow(said: Dialogue, log: KeyLog, chunks: list[Chunk] | None = None) -> Connection:
    engine = Engine(keylog=log)
    for chunk in chunks or said.chunks:
        engine.receive(chunk)
    engine.finish()
    return engine.connection()


@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        ("1.2", "AES256-GCM-SHA384"),
        ("1.2", "AES128-CCM8"),
        ("1.2", "AES128-SHA256"),
        ("1.1", "AES256-SHA"),
        ("1.0", "AES128-SHA"),
    ],
)
def test_opens_what_the_key_log_opens(version: str, ciphers: str) -> None:
    said = shake(version, ciphers, "rsa")
    with_log, with_key = said.connection(), follow(said, key_holder())
    assert [run.plaintext for run in with_key.application] == [run.plaintext for run in with_log.application]
    assert [m.buffer for m in with_key.messages] == [m.buffer for m in with_log.messages]
    assert dict(with_key.secrets)["CLIENT_RANDOM"] == dict(with_log.secrets)["CLIENT_RANDOM"]
    assert with_key.key_source == "RSA key server.pem"
    found, logged = ({proof.what: proof.status for proof in prove(one)} for one in (with_key, with_log))
    assert {what: found[what] for what in logged if what != "extended_master_secret"} == {
        what: status for what, status in logged.items() if what != "extended_master_secret"
    }
    (decryption,) = with_key.premasters
    assert with_key.messages[decryption.message].type == "client_key_exchange"
    assert decryption.why == ""
    schedule = key_schedule(with_key)
    assert all(node.value is not None for node in schedule.nodes)
    block, premaster = schedule.node("premaster_block"), schedule.node("premaster_secret")
    assert block
    assert premaster
    assert [part.name for part in block.parts] == ["0", "block type 2", "padding", "0", "premaster secret"]
    assert block.parts[-1].end == 256
    assert [part.name for part in premaster.parts] == ["client_version", "random"]
    assert premaster.why == ""
    assert block.secret
    assert premaster.secret


def test_what_it_cannot_open() -> None:
    connection = follow(shake("1.2", "ECDHE-RSA-AES128-GCM-SHA256", "rsa"), key_holder())
    assert connection.secrets == ()
    sealed = connection.messages_of("encrypted_handshake")[0]
    protection = connection.records[sealed.records[0]].protection
    assert protection
    assert protection.why == "no key: an RSA private key does not open ECDHE key exchange"


def test_another_servers_key() -> None:
    other = rsa.generate_private_key(65537, 2048)
    connection = follow(shake("1.2", "AES128-SHA", "rsa"), key_holder(other))
    (decryption,) = connection.premasters
    assert decryption.premaster is None
    assert decryption.why == "the RSA key is not that of the server's certificate"
    schedule = key_schedule(connection)
    node = schedule.node("premaster_secret")
    assert node
    assert (node.value, node.why) == (None, decryption.why)
    both = follow(shake("1.2", "AES128-SHA", "rsa"), key_holder(other, identity("rsa")[1]))
    assert both.premasters[0].premaster


def test_a_damaged_ciphertext_is_said() -> None:
    said = shake("1.2", "AES128-SHA", "rsa")
    at = next(i for i, chunk in enumerate(said.chunks) if chunk.sender == "client" and chunk.data[5] == 16)
    data = bytearray(said.chunks[at].data)
    data[40] ^= 1
    chunks = [*said.chunks[:at], said.chunks[at]._replace(data=bytes(data)), *said.chunks[at + 1 :]]
    connection = follow(said, key_holder(), chunks)
    (decryption,) = connection.premasters
    assert decryption.premaster is None
    assert "does not begin with 00 02" in decryption.why
    assert len(decryption.block) == 256
    assert key_schedule(connection).node("premaster_block")


@pytest.mark.parametrize("tickets", [True, False])
def test_a_resumed_session_is_opened_too(tickets: bool) -> None:
    """The key opens the first connection, and what is learned there the second: by ticket or session ID."""
    first = shake("1.2", "AES128-SHA", "rsa", tickets=tickets)
    second = shake("1.2", "AES128-SHA", "rsa", resume=first)
    log = key_holder()
    assert follow(second, log).secrets == ()
    follow(first, log)
    connection = follow(second, log)
    assert connection.resumed
    assert connection.application[0].plaintext
    assert connection.application[0].plaintext.data.startswith(b"GET / ")
    found = {proof.what: proof.status for proof in prove(connection)}
    assert found["server_finished"] == found["client_finished"] == "verified"


CAPTURES = Path(__file__).parents[3] / "shared" / "captures"


@pytest.mark.skipif(not CAPTURES.exists(), reason="the shared captures are not here")
@pytest.mark.parametrize(
    ("name", "connections", "handshakes"),
    [
        ("scapy-ssl_tls/RSA_WITH_AES_128_CBC_SHA_w_key.pcap", 1, 1),
        ("wireshark-4.4.18/rsasnakeoil2.pcap", 2, 3),
        ("wireshark-4.4.18/tls-over-tls.pcapng.gz", 1, 1),
        ("wireshark-4.4.18/tls-renegotiation.pcap", 1, 5),
    ],
)
def test_captures_with_their_keys(name: str, connections: int, handshakes: int) -> None:
    """SSL 3 to TLS 1.2, resumed by session ID, renegotiated under encryption: both Finished of each as sent."""
    from tlsviz.sources.capture import load_capture
    from tlsviz.sources.opening import OpenOptions

    path = CAPTURES / name
    trace = load_capture(path, OpenOptions(rsa_keys=(Path(f"{path}.rsakey.pem"),)), strict=True)
    assert len(trace.connections) == connections
    count = 0
    for connection in trace.connections:
        assert not any(record.protection and record.protection.status == "failed" for record in connection.records)
        for number in range(1 + len(connection.renegotiated)):
            schedule = key_schedule(connection, number)
            finished = [node for node in schedule.nodes if node.kind == "verify_data"]
            assert [(node.origin, node.why) for node in finished] == [("computed", "")] * 2
            count += 1
    assert count == handshakes
