"""Every proof says what it is made of: the messages, the key, the hash."""

from __future__ import annotations

from collections.abc import Callable

import flows
import made13
import pytest
from dialogue import shake

from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection, Proof
from tlsviz.explain.inputs import inputs


def told(connection: Connection) -> dict[str, str]:
    return {proof.what: inputs(connection, proof) for proof in judged(connection).proofs}


KINDS: dict[str, Callable[[], Connection]] = {
    "TLS 1.0": lambda: shake("1.0", "ECDHE-RSA-AES128-SHA", "rsa").connection(),
    "TLS 1.2": lambda: shake("1.2").connection(),
    "TLS 1.2, both authenticated": lambda: shake("1.2", client_certificate=True).connection(),
    "TLS 1.2, renegotiated": lambda: flows.renegotiated().connection(),
    "TLS 1.3": lambda: shake("1.3").connection(),
    "TLS 1.3, both authenticated": lambda: shake("1.3", client_certificate=True).connection(),
    "TLS 1.3, no keys": lambda: shake("1.3").connection(keys=False),
    "TLS 1.3, retried": lambda: shake(server_groups=b"P-384", client_groups=b"X25519:P-384").connection(),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_proof_is_without_inputs(kind: str) -> None:
    connection = judged(KINDS[kind]())
    assert len(connection.proofs) > 2
    assert [proof for proof in connection.proofs if not inputs(connection, proof)] == []


def test_tls13_names_secret_hash_and_messages() -> None:
    found = told(shake("1.3").connection())
    assert found["server_finished"].startswith(
        "HMAC-SHA-384; key: finished key of SERVER_HANDSHAKE_TRAFFIC_SECRET; over: the transcript hash of 5 messages, "
        "0 (ClientHello) to "
    )
    assert "CLIENT_HANDSHAKE_TRAFFIC_SECRET" in found["client_finished"]
    assert found["client_finished"].endswith("(Finished)")
    assert found["certificate_verify"].startswith(
        "signature ecdsa_secp256r1_sha256; key: public key of the certificate in"
    )
    assert (
        "64 spaces, “TLS 1.3, server CertificateVerify”, a zero, and the SHA-384 of 4 messages"
        in (found["certificate_verify"])
    )


def test_older_versions_name_theirs() -> None:
    found = told(shake("1.2").connection())
    assert "PRF with SHA-" in found["server_finished"]
    assert "master secret, label “server finished”" in found["server_finished"]
    assert "the randoms of messages 0 and 1, and the parameters in message 3" in found["server_key_exchange"]
    assert "“extended master secret”" in found["extended_master_secret"]
    old = told(shake("1.0", "ECDHE-RSA-AES128-SHA", "rsa").connection())
    assert "MD5 and SHA-1" in old["client_finished"]


def test_binder_and_later_answers() -> None:
    made = made13.resumed(b"\x91\x7f" * 16, early="accepted")
    made.log("PSK", b"\x91\x7f" * 16)
    connection = judged(made.connection())
    found = told(connection)
    assert "finished key of the binder key" in found["psk_binder"]
    assert f"bytes of message {connection.messages[0].index}, up to the binders" in found["psk_binder"]
    made = made13.full()
    made.authenticate_later(b"")
    later = [inputs(each, proof) for each in (judged(made.connection()),) for proof in each.proofs]
    assert any("the whole handshake, the CertificateRequest" in text for text in later)


def test_renegotiation_names_the_handshake_before() -> None:
    found = told(flows.renegotiated().connection())
    assert "of the handshake before" in found["renegotiation_info"]


def test_unknown_proofs_and_odd_messages_say_nothing() -> None:
    connection = shake("1.3").connection()
    assert inputs(connection, Proof("something_new", "verified", "", 3)) == ""
    assert inputs(connection, Proof("server_finished", "verified", "", 999)) == ""
    assert inputs(connection, Proof("server_finished", "verified", "")) == ""
    assert inputs(Connection(), Proof("client_finished", "failed", "", 0)) == ""
