"""What is said about messages and records because datagrams carry them."""

from __future__ import annotations

import pytest
from dtls_flow import associate
from quic_flow import QuicFlow, follow

from tlsviz.connection import titles
from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import steps
from tlsviz.connection.lens import anatomy
from tlsviz.connection.model import Connection
from tlsviz.explain.narrate import narrate_step
from tlsviz.explain.record import kept
from tlsviz.explain.search import search


def quic() -> Connection:
    flow = QuicFlow()
    flow.conversation()
    return follow(flow.datagrams)


def said(connection: Connection, kind: str, sender: str = "client") -> str:
    """Everything that is said of the first message of a type from a side."""
    for step in steps(connection):
        if step.kind == "message" and step.sender == sender and connection.messages[step.index].type == kind:
            return " ".join(sentence.text for sentence in narrate_step(connection, step).sentences)
    raise AssertionError(kind)


def test_dtls_tells_of_numbers_fragments_epochs_and_the_cookie() -> None:
    connection = associate().connection()
    assert "lost" in said(connection, "client_hello") and "message number 0" in said(connection, "client_hello")
    assert "forge their address" in said(connection, "hello_verify_request", "server")
    fragments = len(connection.messages_of("certificate")[0].records)
    assert fragments > 1 and f"{fragments} fragments" in said(connection, "certificate", "server")
    assert "epoch 0 ends here; now its records are of epoch 1" in said(connection, "change_cipher_spec")


def test_quic_tells_of_packets_and_frames_not_of_records() -> None:
    flow = quic()
    assert "message number" not in said(flow, "client_hello") and "CRYPTO frame" in said(flow, "client_hello")
    data = next(step for step in steps(flow) if step.kind == "data")
    assert any("seals each 1-RTT packet" in one.text for one in narrate_step(flow, data).sentences)
    (proof,) = (proof for proof in judged(flow, ()).proofs if proof.what == "record_protection")
    assert "packets are right" in proof.why


def test_a_changed_record_of_dtls_is_dropped_and_its_number_shows() -> None:
    connection = associate().connection()
    sealed = next(record for record in connection.records if record.protection is not None)
    found = kept(connection, sealed, anatomy(connection, sealed))
    assert "drops the record" in found.change and any("epoch and number" in one for one in found.keeps)


def test_connections_are_counted_by_kind() -> None:
    dtls = associate().connection()
    assert titles.count([]) == "no TLS connection"
    assert titles.count([quic(), dtls, dtls, Connection()]) == "1 TLS connection, 2 DTLS connections, 1 QUIC connection"


@pytest.mark.parametrize(
    ("transport", "packets", "expected"),
    [
        ("tcp", (8,), "packet 8"),
        ("quic", (3, 4, 5), "datagrams 3 to 5"),
        ("dtls", (), ""),
        ("dtls", (2,), "datagram 2"),
    ],
)
def test_where_in_the_capture(transport: str, packets: tuple[int, ...], expected: str) -> None:
    assert titles.seen_in(Connection(transport=transport), packets) == expected


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("quic", "QUIC"),
        ("dtls", "DTLS: TLS over UDP"),
        ("initial packet", "Initial packet"),
        ("initial keys", "Initial packet"),
        ("key phase", "Key phase"),
        ("retransmission", "Retransmission"),
        ("cookie exchange", "Cookie exchange"),
    ],
)
def test_words_of_the_carriers_are_found(asked: str, title: str) -> None:
    assert search(asked)[0].title == title
