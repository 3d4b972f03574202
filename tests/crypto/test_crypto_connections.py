"""Whole connections through the engine: what only the right key derivation opens, and suites that we cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest
from loopback import NO_EXTENDED_MASTER_SECRET, Recording, shake_hands

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.proofs import prove
from tlsviz.crypto.keylog import KeyLog
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk

CAPTURES = Path(__file__).parents[3] / "shared" / "captures"


def followed(recording: Recording) -> Connection:
    log = KeyLog()
    log.add_text("\n".join(recording.keylog))
    engine = Engine(id=0, client=Endpoint("127.0.0.1", 1), server=Endpoint("127.0.0.1", 2), keylog=log)
    for number, (sender, record) in enumerate(recording.records):
        engine.receive(Chunk(CLIENT if sender == CLIENT else SERVER, float(number), record))
    return engine.connection()


@pytest.mark.parametrize("version", [0x0301, 0x0303])
@pytest.mark.parametrize("options", [0, NO_EXTENDED_MASTER_SECRET])
def test_a_logged_premaster_opens_and_proves(version: int, options: int) -> None:
    recording = shake_hands(version, "AES128-SHA", options=options)
    recording.keylog = [line for line in recording.keylog if line.startswith("RSA ")]
    proofs = {proof.what: proof.status for proof in prove(followed(recording))}
    assert proofs["record_protection"] == "verified"
    assert proofs["client_finished"] == proofs["server_finished"] == "verified"


def test_a_retry_with_a_gost_suite_raises_nothing() -> None:
    recording = shake_hands(0x0304, "TLS_AES_128_GCM_SHA256")
    hello = next(record for sender, record in recording.records if sender == SERVER)
    end = 44 + hello[43]
    gost = hello[:end] + b"\xc1\x03" + hello[end + 2 :]
    retry = gost[:11] + bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c") + gost[43:]
    place = recording.records.index((SERVER, hello))
    recording.records[place : place + 1] = [(SERVER, retry), recording.records[0], (SERVER, gost)]
    connection = followed(recording)
    assert connection.hello_retry
    assert not [proof for proof in prove(connection) if proof.status == "verified" and "finished" in proof.what]


@pytest.mark.tshark
@pytest.mark.skipif(not CAPTURES.exists(), reason="the shared captures are not here")
@pytest.mark.parametrize(
    "name",
    [
        "snet/ssl3_0.pcap",  # SSL 3.0, AES-256-CBC
        "fq/dump-broken.pcapng",  # SSL 3.0, RC2 for export and IDEA
        "fq/TLS_RSA_EXPORT_WITH_RC4_40_MD5.pcap",
        "fq/TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA.pcap",
        "tls-handshake-analyzer/tls13-18-cert-sct-ocsp.pcap",  # draft 18 of TLS 1.3
    ],
)
def test_captures_of_what_no_library_speaks_any_more(name: str) -> None:
    trace = load_capture(CAPTURES / name, OpenOptions(keylogs=(CAPTURES / f"{name}.keylog",)))
    assert trace.connections
    for connection in trace.connections:
        statuses = [record.protection.status for record in connection.records if record.protection]
        assert len(statuses) >= 5
        assert set(statuses) == {"verified"}
        finished = [proof.status for proof in prove(connection) if proof.what.endswith("_finished")]
        assert finished == ["verified", "verified"]
