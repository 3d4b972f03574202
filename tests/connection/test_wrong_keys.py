"""A key log with the right client random and the wrong secrets: everything fails by its reason, nothing falls over."""

from __future__ import annotations

from collections.abc import Callable

import flows
import made13
import pytest
from dialogue import Dialogue, followed, shake

from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import steps
from tlsviz.connection.lens import anatomy
from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.explain.inputs import inputs
from tlsviz.explain.narrate import narrate_step

KINDS: dict[str, Callable[[], Dialogue]] = {
    "TLS 1.3": shake,
    "TLS 1.2, AEAD": lambda: shake("1.2"),
    "TLS 1.2, CBC": lambda: shake("1.2", "ECDHE-ECDSA-AES128-SHA"),
    "TLS 1.2, NULL": lambda: shake("1.2", "ECDHE-ECDSA-NULL-SHA"),
    "TLS 1.0, CBC": lambda: shake("1.0", "ECDHE-RSA-AES128-SHA", "rsa"),
    "TLS 1.2, renegotiated": flows.renegotiated,
}


def spoilt(line: bytes) -> bytes:
    """The line with one bit of its secret flipped."""
    label, random, secret = line.split()
    return b" ".join([label, random, bytes([*secret[:-1], b"0123456789abcdef"[int(secret[-1:], 16) ^ 1]])])


def read_over(connection: Connection) -> None:
    """Everything that is said of it, for what could fall over."""
    for step in steps(connection):
        narrate_step(connection, step)
    for proof in connection.proofs:
        inputs(connection, proof)
    for record in connection.records:
        anatomy(connection, record)
    for number in range(1 + len(connection.renegotiated)):
        key_schedule(connection, number)


@pytest.mark.parametrize("kind", list(KINDS))
def test_wrong_secrets_fail_and_nothing_is_read(kind: str) -> None:
    said = KINDS[kind]()
    log = KeyLog()
    assert log.add_text(b"\n".join(map(spoilt, said.keylog))) > 0
    connection = judged(followed(said.chunks, log))
    right = judged(said.connection())
    found = [record.protection.status for record in connection.records if record.protection]
    assert "failed" in found
    assert "verified" not in found
    assert not any(run.plaintext for run in connection.application)
    proofs = {proof.what: proof.status for proof in connection.proofs}
    assert proofs["record_protection"] == "failed"
    assert "verified" not in {proofs.get("server_finished"), proofs.get("client_finished")}
    assert {proof.what for proof in right.proofs} & {"server_finished"}
    codes = [finding.code for finding in connection.findings]
    assert codes.count("bad_record") == 1 and "proof_failed" not in codes, "told once"
    read_over(connection)


def test_one_wrong_secret_fails_alone() -> None:
    """The others still open what is theirs."""
    said = shake()
    for label in (b"CLIENT_HANDSHAKE", b"SERVER_HANDSHAKE", b"CLIENT_TRAFFIC", b"SERVER_TRAFFIC"):
        log = KeyLog()
        log.add_text(b"\n".join(spoilt(line) if line.startswith(label) else line for line in said.keylog))
        connection = judged(followed(said.chunks, log))
        found = [record.protection.status for record in connection.records if record.protection]
        assert "failed" in found
        assert "verified" in found
        read_over(connection)


def test_a_wrong_pre_shared_key_fails_the_binder() -> None:
    made = made13.resumed(b"\x91\x7f" * 16, early="accepted")
    made.log("PSK", b"\x91\x7e" * 16)
    connection = judged(made.connection())
    assert [proof.status for proof in connection.proofs if proof.what == "psk_binder"] == ["failed"]
    assert {proof.status for proof in connection.proofs if proof.what.endswith("finished")} == {"verified"}
    (found,) = [finding for finding in connection.findings if finding.code == "proof_failed"]
    assert "key log" in found.mend
    odd = [node for node in key_schedule(connection).nodes if "another value" in node.why]
    assert odd
    read_over(connection)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_without_a_key_log_every_version_says_so(version: str) -> None:
    said = shake(version)
    other = KeyLog()
    other.add_text(b"\n".join(shake(version).keylog))
    for log, why in ((KeyLog(), "no key log was given"), (other, "no key: the key log has no")):
        sealed = [record.protection for record in followed(said.chunks, log).records if record.protection is not None]
        assert sealed and all(protection.why.startswith(why) for protection in sealed)
