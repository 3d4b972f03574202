"""What is made of a DTLS 1.3 association: its key schedule, its records taken apart, and the words about them."""

from __future__ import annotations

import pytest
from samples import foreign

from tlsviz.connection.lens import anatomy
from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto.schedule import DTLS13, traffic_keys
from tlsviz.explain.record import kept
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

NAME = "illustrated-dtls/capture.pcap"


@pytest.fixture(scope="module")
def connection() -> Connection:
    found = foreign(NAME).get(NAME)
    if not found:
        pytest.skip("the shared captures are not here")
    return found[0]


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
def test_the_key_schedule_has_the_labels_of_dtls(connection: Connection, sender: Sender) -> None:
    """Computed values agree with the key log and with what was sent."""
    schedule = key_schedule(connection)
    assert schedule.version == DTLS13
    secret = schedule.node(f"{sender}_handshake_traffic_secret")
    verify = schedule.node(f"{sender}_handshake_traffic_secret.verify_data")
    assert secret is not None and secret.value is not None and secret.origin == "key log"
    assert verify is not None and (verify.origin, verify.why) == ("computed", "")
    chosen = suite(connection.cipher_suite.code) if connection.cipher_suite else None
    key = schedule.node(f"{sender}_handshake_traffic_secret.key")
    assert chosen is not None and key is not None
    assert key.value == traffic_keys(chosen, secret.value, DTLS13)[0] != traffic_keys(chosen, secret.value)[0]
    finished = next(m for m in connection.messages_of("finished") if m.sender == sender)
    assert verify.message == finished.index


def test_records_with_the_short_header_are_taken_apart(connection: Connection) -> None:
    sealed = [record for record in connection.records if record.header.name == "dtls_unified_header"]
    assert len(sealed) >= 5
    for record in sealed:
        taken = anatomy(connection, record)
        assert taken.scheme == "tls13" and taken.recipe is not None
        assert [part.kind for part in taken.wire] == ["header", "ciphertext", "tag"]
        assert taken.wire[0].end == record.header.end and taken.wire[-1].end == len(record.buffer.data)
        assert taken.inside[-1].end == taken.wire[1].length
        said = kept(connection, record, taken)
        assert any("number" in one for one in said.hidden) and any("no type" in one for one in said.keeps)
