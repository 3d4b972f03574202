"""DTLS from real handshakes: in order, out of order, twice, with holes, and spoiled."""

from __future__ import annotations

import random
from functools import cache

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dtls_flow import Association, associate
from soundness import assert_sound

from tlsviz.connection.dtls.engine import DtlsEngine
from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import steps
from tlsviz.connection.lens import anatomy
from tlsviz.connection.model import Connection
from tlsviz.connection.proofs import prove
from tlsviz.crypto.schedule import key_block
from tlsviz.tls.dtls import record_header
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk

FULL = [
    "client_hello",
    "hello_verify_request",
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


@cache
def said() -> Association:
    return associate()


def kinds(connection: Connection) -> list[str]:
    return [message.type for message in connection.messages]


def statuses(connection: Connection) -> dict[str, str]:
    return {proof.what: proof.status for proof in prove(connection)}


def joined(chunks: list[Chunk]) -> list[Chunk]:
    """Flights as single datagrams."""
    made: list[Chunk] = []
    for chunk in chunks:
        if made and made[-1].sender == chunk.sender:
            last = made.pop()
            made.append(chunk._replace(data=last.data + chunk.data, packets=last.packets + chunk.packets))
        else:
            made.append(chunk)
    return made


def test_a_whole_association() -> None:
    connection = said().connection()
    assert connection.transport == "dtls"
    assert kinds(connection) == FULL
    assert connection.complete and connection.version is not None and connection.version.name == "DTLS 1.2"
    assert [run.plaintext.data for run in connection.application if run.plaintext] == [b"ping", b"pong"]
    assert [message.note for message in connection.messages if message.note] == []
    assert connection.marks == connection.holes == ()
    found = statuses(connection)
    assert {"server_key_exchange", "client_finished", "server_finished", "record_protection"} <= found.keys()
    assert all(found[what] == "verified" for what in found if what != "extended_master_secret")
    certificate = connection.messages_of("certificate")[0]
    assert len(certificate.records) > 1 and certificate.buffer is not None and certificate.tree is not None
    assert certificate.buffer.kind == "reassembled" and certificate.length == len(certificate.buffer.data) - 12
    for name, value in (("fragment_offset", 0), ("fragment_length", certificate.length), ("message_seq", 2)):
        child = certificate.tree.child(name)
        assert child is not None and child.value == value


@pytest.mark.parametrize(
    ("options", "version", "suite"),
    [
        ({"old": True, "ciphers": "AES128-SHA"}, "DTLS 1.0", "TLS_RSA_WITH_AES_128_CBC_SHA"),
        ({"ciphers": "AES256-SHA256", "client_certificate": True}, "DTLS 1.2", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
        ({"ciphers": "ECDHE+CHACHA20"}, "DTLS 1.2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        ({"ciphers": "AES128-CCM8", "cookie": False}, "DTLS 1.2", "TLS_RSA_WITH_AES_128_CCM_8"),
        ({"ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256", "kind": "ec", "mtu": 1400}, "DTLS 1.2", None),
    ],
)
def test_versions_and_suites(options: dict[str, object], version: str, suite: str | None) -> None:
    connection = associate(**options).connection()  # type: ignore[arg-type]
    assert connection.version is not None and connection.cipher_suite is not None
    assert connection.version.name == version
    assert suite is None or connection.cipher_suite.name == suite
    found = statuses(connection)
    wanted = {"client_finished", "server_finished", "record_protection"}
    wanted |= {"client_certificate_verify"} if options.get("client_certificate") else set()
    wanted |= {"extended_master_secret"} if connection.cipher_suite.name.startswith("TLS_RSA") else set()
    assert {what: found.get(what) for what in wanted} == dict.fromkeys(wanted, "verified")


def test_datagrams_may_hold_many_records() -> None:
    flights = said().connection(chunks=joined(said().chunks))
    single = said().connection()
    assert kinds(flights) == kinds(single)
    assert [m.buffer for m in flights.messages] == [m.buffer for m in single.messages]
    assert statuses(flights) == statuses(single)


def test_without_keys_the_protected_stays_closed() -> None:
    connection = said().connection(keys=False)
    assert kinds(connection).count("encrypted_handshake") == 2
    assert connection.complete and statuses(connection)["server_key_exchange"] == "verified"
    assert connection.client_data.records == 1 and connection.application[0].plaintext is None


def test_everything_twice_is_told_once() -> None:
    """Each datagram comes a second time: nothing new, but said."""
    chunks = [twin for chunk in said().chunks for twin in (chunk, chunk)]
    connection = said().connection(chunks=chunks)
    assert kinds(connection) == FULL
    assert connection.client_data.records == connection.server_data.records == 1
    assert {placed.mark.kind for placed in connection.marks} == {"repeated"}
    assert [step.title for step in steps(connection)].count("sent again") == len(said().chunks)


def test_a_flight_sent_again_has_new_numbers() -> None:
    """A retransmission is another record with the same messages (RFC 6347 4.2.4)."""
    chunks: list[Chunk] = []
    for chunk in said().chunks:
        chunks.append(chunk)
        header = record_header(chunk.data)
        assert header is not None
        if header.epoch == 0:
            number = (header.sequence + 1000).to_bytes(6, "big")
            chunks.append(chunk._replace(data=chunk.data[:5] + number + chunk.data[11:]))
    connection = said().connection(chunks=chunks)
    assert kinds(connection) == FULL
    assert "certificate" in {placed.mark.detail for placed in connection.marks}
    assert statuses(connection)["server_finished"] == "verified"


@pytest.mark.parametrize("seed", range(12))
def test_flights_out_of_order(seed: int) -> None:
    """The datagrams of each flight are shuffled; the messages are not."""
    shuffle = random.Random(seed)
    flights: list[list[Chunk]] = []
    for chunk in said().chunks:
        if not flights or flights[-1][-1].sender != chunk.sender:
            flights.append([])
        flights[-1].append(chunk)
    for flight in flights:
        shuffle.shuffle(flight)
    connection = said().connection(chunks=[chunk for flight in flights for chunk in flight])
    handshake = [m.type for m in connection.messages if m.content_type == "handshake"]
    assert handshake == [kind for kind in FULL if kind not in ("change_cipher_spec", "alert")]
    assert statuses(connection)["client_finished"] == statuses(connection)["server_finished"] == "verified"
    assert [run.plaintext.data for run in connection.application if run.plaintext] == [b"ping", b"pong"]


@pytest.mark.parametrize("lost", range(18))
def test_a_lost_datagram_is_named_and_never_failed(lost: int) -> None:
    chunks = [chunk for index, chunk in enumerate(said().chunks) if index != lost]
    connection = judged(said().connection(chunks=chunks), ())
    assert "failed" not in statuses(connection).values()
    whole = [m for m in connection.messages if m.whole]
    assert set(kinds(connection)) <= set(FULL) | {"encrypted_handshake"}
    assert len(whole) >= len(FULL) - 2


def test_a_lost_fragment_is_told_with_its_bytes() -> None:
    part = next(i for i, c in enumerate(said().chunks) if c.sender == SERVER and c.data[13] == 11)
    connection = said().connection(chunks=[c for i, c in enumerate(said().chunks) if i != part])
    certificate = connection.messages_of("certificate")[0]
    assert not certificate.whole and "never came" in (certificate.note or "")
    found = statuses(connection)
    assert found["client_finished"] == found["server_finished"] == "not_provable"


def test_others_share_the_port() -> None:
    """WebRTC: STUN, TURN and SRTP between the datagrams (RFC 7983)."""
    noise = [bytes.fromhex("000100002112a442") + bytes(12), b"\x80\x60" + bytes(30), b"\x40\x01\x00\x04abcd", b""]
    chunks: list[Chunk] = []
    for index, chunk in enumerate(said().chunks):
        chunks += [chunk._replace(data=noise[index % len(noise)]), chunk]
    connection = said().connection(chunks=chunks)
    assert connection.messages == tuple(said().connection().messages)
    assert connection.holes == ()


def with_id(association: Association, chunk: Chunk, connection_id: bytes, content: bytes) -> Chunk:
    """The datagram's record as one with a connection ID (RFC 9146), sealed anew under the same keys."""
    connection = association.connection()
    chosen = suite(connection.cipher_suite.code if connection.cipher_suite else 0)
    hellos = [connection.messages_of(kind)[-1] for kind in ("client_hello", "server_hello")]
    randoms = [hello.buffer.data[14:46] for hello in hellos if hello.buffer is not None]
    assert chosen is not None
    master = connection.secrets_of(0)["CLIENT_RANDOM"]
    _, key, iv = key_block(chosen, 0x0303, master, randoms[0], randoms[1]).of(chunk.sender)
    number, explicit = chunk.data[3:11], bytes(8)
    inner = content + b"\x17" + bytes(3)
    covered = b"\xff" * 8 + b"\x19" + bytes([len(connection_id)]) + b"\x19\xfe\xfd" + number + connection_id
    sealed = explicit + AESGCM(key).encrypt(iv + explicit, inner, covered + len(inner).to_bytes(2, "big"))
    header = b"\x19\xfe\xfd" + number + connection_id + len(sealed).to_bytes(2, "big")
    return chunk._replace(data=header + sealed)


@pytest.mark.parametrize("spoiled", [False, True])
def test_records_with_a_connection_id(monkeypatch: pytest.MonkeyPatch, spoiled: bool) -> None:
    """Opened, with the true type and the padding inside; the ID itself is covered."""
    found = associate("ECDHE-RSA-AES128-GCM-SHA256")
    chunks = list(found.chunks)
    place = next(place for place, chunk in enumerate(chunks) if chunk.sender == CLIENT and chunk.data[0] == 23)
    chunks[place] = with_id(found, chunks[place], b"\x01\x02\x03", b"with an ID")
    if spoiled:
        data = bytearray(chunks[place].data)
        data[11] ^= 1
        chunks[place] = chunks[place]._replace(data=bytes(data))
    monkeypatch.setattr(DtlsEngine, "_cid_length", lambda _, sender: 3 if sender == CLIENT else 0)
    connection = found.connection(chunks=chunks)
    (record,) = (record for record in connection.records if record.content_type == 25)
    assert record.protection is not None
    if spoiled:
        assert record.protection.status == "failed" and record.plaintext is None
        return
    assert record.plaintext is not None and record.plaintext.data == b"with an ID"
    assert (record.protection.status, record.inner_type, record.protection.padding) == ("verified", 23, 3)
    kinds_inside = [(part.kind, part.length) for part in anatomy(connection, record).inside]
    assert kinds_inside == [("content", 10), ("content_type", 1), ("padding", 3)]
    assert record.header.child("connection_id") is not None


def test_a_new_handshake_on_the_same_ports() -> None:
    """Another association takes the place of the first: its messages count from 0 again (RFC 6347 4.2.8)."""
    second = associate(cookie=False)
    both = Association([*said().chunks, *second.chunks], [*said().keylog, *second.keylog])
    connection = both.connection()
    assert kinds(connection)[: len(FULL)] == FULL
    assert kinds(connection)[len(FULL) :][:2] == ["client_hello", "server_hello"]


def test_bytes_that_the_capture_lacks() -> None:
    chunks = list(said().chunks)
    connection = said().connection(chunks=[chunks[0]._replace(data=chunks[0].data[:60])])
    assert [record.missing for record in connection.records] == [len(chunks[0].data) - 60]
    assert kinds(connection) == ["client_hello"] and not connection.messages[0].whole


def test_any_change_gives_a_picture() -> None:
    """Bytes changed, cut, dropped and put in: no exception, sound trees, and no proof of what is not there."""
    base = [chunk.data for chunk in said().chunks]
    for seed in range(120):
        chance = random.Random(seed)
        chunks = []
        for chunk, data in zip(said().chunks, base, strict=True):
            wrong = bytearray(data)
            for _ in range(chance.choice((0, 0, 1, 3))):
                wrong[chance.randrange(len(wrong))] = chance.randrange(256)
            if chance.random() < 0.1:
                del wrong[chance.randrange(len(wrong)) :]
            if chance.random() < 0.1:
                wrong += chance.randbytes(chance.randrange(40))
            if chance.random() > 0.05:
                chunks.append(chunk._replace(data=bytes(wrong)))
        connection = judged(said().connection(chunks=chunks), ())
        steps(connection)
        for message in connection.messages:
            if message.tree is not None and message.buffer is not None and message.tree.name != "encrypted_handshake":
                data = message.buffer.data[message.tree.start : message.tree.end]
                assert_sound(message.tree, data, message.tree.start)
        for record in connection.records:
            assert_sound(record.header, record.buffer.data[: record.header.end])


def test_each_changed_byte_of_a_finished_fails_its_record() -> None:
    index = next(i for i, c in enumerate(said().chunks) if c.sender == CLIENT and c.data[3:5] == b"\0\1")
    for at in range(13, len(said().chunks[index].data)):
        chunks = list(said().chunks)
        wrong = bytearray(chunks[index].data)
        wrong[at] ^= 1
        chunks[index] = chunks[index]._replace(data=bytes(wrong))
        assert statuses(said().connection(chunks=chunks))["record_protection"] == "failed"
