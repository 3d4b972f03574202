"""Compressed certificates: decompressed into a buffer of their own, known, judged and proven like others."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import brotli
import pytest
from compressed_trace import CompressedHandshake, certificate_message, compressed, vec
from dialogue import START

from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection, Message
from tlsviz.pki.stores import from_ders
from tlsviz.wire.nodes import leaves


def followed(handshake: CompressedHandshake) -> Connection:
    return judged(handshake.engine().connection(), [from_ders("lab", [handshake.der])])


def message(connection: Connection) -> Message:
    return connection.messages_of("compressed_certificate")[0]


@pytest.mark.parametrize("algorithm", [1, 2, 3])
def test_the_certificate_inside_is_known(algorithm: int) -> None:
    handshake = CompressedHandshake(algorithm)
    connection = followed(handshake)
    assert [(sent.sender, sent.der) for sent in connection.certificates] == [("server", handshake.der)]
    sent = message(connection)
    assert connection.certificates[0].message == sent.index
    assert sent.note is None
    inner = sent.inner
    assert inner is not None and sent.certificate == inner
    assert (inner.buffer.kind, inner.tree.name) == ("decompressed", "certificate")
    assert inner.buffer.data == certificate_message(handshake.der)
    assert b"".join(inner.buffer.data[leaf.start : leaf.end] for leaf in leaves(inner.tree)) == inner.buffer.data
    subject = inner.tree.get("certificate_list.certificate_entry.cert_data.data.tbsCertificate.subject")
    assert subject is not None and subject.label == "CN=server.test"


def test_its_bytes_come_from_the_compressed_ones() -> None:
    sent = message(CompressedHandshake(2).engine().connection())
    assert sent.inner is not None and sent.buffer is not None
    origins = sent.inner.buffer.origins(5, 9)
    assert origins[0].buffer == sent.buffer
    assert sent.buffer.data[origins[0].start : origins[0].end] == sent.buffer.data[4 + 2 + 3 + 3 :]
    assert origins[-1].buffer.kind == "wire"


def test_it_is_judged_and_proven_with_the_transcript_as_sent() -> None:
    connection = followed(CompressedHandshake())
    proofs = {proof.what: proof.status for proof in connection.proofs}
    for what in ("certificate_verify", "server_finished", "client_finished"):
        assert proofs[what] == "verified"
    assert connection.trust is not None and connection.trust.verdict != "unknown"
    assert connection.trust.at == datetime.fromtimestamp(START, UTC)
    assert any(step.detail and step.detail.startswith("×1") for step in steps(connection))


def test_another_certificate_inside_fails_the_proof() -> None:
    other = certificate_message(b"\x30\x03\x02\x01\x01")
    connection = followed(CompressedHandshake(body=compressed(1, other)))
    proofs = {proof.what: proof.status for proof in connection.proofs}
    assert proofs["certificate_verify"] != "verified"
    assert proofs["server_finished"] == "verified"


@pytest.mark.parametrize(
    ("body", "note", "held"),
    [
        (compressed(1, certificate_message(b"x"), 99), "decompresses to 10 bytes, but should be 99", True),
        (b"\0\x01" + (9).to_bytes(3, "big") + vec(3, b"nonsense"), "is no sound zlib stream (RFC 1950)", False),
        (b"\0\x09" + (9).to_bytes(3, "big") + vec(3, b"?"), "compressed by an algorithm that is not known", False),
        (
            b"\0\x02\xff\xff\xff" + vec(3, brotli.compress(bytes(1 << 24))),
            "decompresses to more than 65,536 bytes; only 100 times its size is looked at",
            True,
        ),
    ],
    ids=["size", "damage", "algorithm", "bomb"],
)
def test_damage_is_noted_on_the_compressed_bytes(body: bytes, note: str, held: bool) -> None:
    sent = message(CompressedHandshake(body=body).engine().connection())
    assert sent.tree is not None and sent.note is not None
    node = sent.tree.child("compressed_certificate_message")
    assert node is not None and node.note == note
    assert sent.note == f"compressed_certificate_message: {note}"
    assert (sent.inner is not None) is held


@pytest.mark.parametrize("size", range(16))
def test_a_cut_message_has_what_is_there(size: int) -> None:
    body = compressed(1, certificate_message(b"x" * 20))[:size]
    sent = message(CompressedHandshake(body=body).engine().connection())
    assert sent.note is not None


def test_it_is_the_same_after_a_journey_between_processes() -> None:
    connection = CompressedHandshake(3).engine().connection()
    assert pickle.loads(pickle.dumps(connection)) == connection


def test_without_keys_nothing_is_unpacked() -> None:
    connection = CompressedHandshake().engine(keys=False).connection()
    assert connection.certificates == ()
    assert all(sent.inner is None for sent in connection.messages)
