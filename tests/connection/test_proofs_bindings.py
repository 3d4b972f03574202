"""Pre-shared keys, extended master secrets, delegated credentials: proven, spoiled, and not known."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import made13
import pytest
import rfc8448_trace as rfc8448
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from dialogue import shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, Proof
from tlsviz.connection.proofs import prove
from tlsviz.connection.proofs.signatures import DELEGATION_USAGE, credential_content
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "rfc8448" / "transcripts.vec"


def proof(connection: Connection, what: str) -> Proof:
    (found,) = [proof for proof in prove(connection) if proof.what == what]
    return found


def with_psk(connection: Connection, psk: bytes) -> KeyLog:
    hello = connection.messages[0]
    assert hello.buffer
    log = KeyLog()
    assert log.add_line(f"PSK {hello.buffer.data[6:38].hex()} {psk.hex()}")
    return log


# -- pre-shared keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("retry", [False, True])
def test_a_binder_that_was_made_here(external: bool, retry: bool) -> None:
    made = made13.resumed(b"\x55" * 32, external=external, retry=retry)
    unknown = made.connection()
    assert proof(unknown, "psk_binder").status == "not_provable"
    right = made.connection(log=with_psk(unknown, b"\x55" * 32))
    told = proof(right, "psk_binder")
    assert told.status == "verified"
    assert told.message == right.messages_of("client_hello")[-1].index
    assert ("from outside" in told.why) == external
    wrong = made.connection(log=with_psk(unknown, b"\x56" * 32))
    assert proof(wrong, "psk_binder").status == "failed"
    binder = key_schedule(right).node("binder")
    step = key_schedule(right).step("binder_key")
    assert binder
    assert step
    assert (binder.origin, binder.why) == ("computed", "")
    assert step.label == ("ext binder" if external else "res binder")


def test_openssls_binder() -> None:
    first = shake("1.3")
    psk = first.psk
    second = shake("1.3", resume=first)
    connection = second.connection()
    assert proof(connection, "psk_binder").status == "not_provable"
    log = with_psk(connection, psk)
    engine = Engine(keylog=log)
    for chunk in second.chunks:
        engine.receive(chunk)
    assert proof(engine.connection(), "psk_binder").status == "verified"


def trace(records: list[tuple[str, bytes]], log: KeyLog) -> Connection:
    engine = Engine(keylog=log)
    for sender, record in records:
        engine.receive(Chunk(CLIENT if sender == CLIENT else SERVER, 0.0, record))
    return engine.connection()


def sections() -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for part in re.split(r"^\[", VECTORS.read_text(), flags=re.MULTILINE)[1:]:
        name, _, body = part.partition("]")
        fields = {key: value.replace(" ", "") for key, value in re.findall(r"^(\w+) = ([0-9a-fA-F ]+)$", body, re.M)}
        found[name] = {key: bytes.fromhex(value) for key, value in fields.items() if len(value) % 2 == 0}
    return found


RESUMED = {
    "psk": "4ecd0eb6ec3b4d87f5d6028f922ca4c5851a277fd41311c9e62d2c9492e1c4f3",
    "early_secret": "9b2188e9b2fc6d64d71dc329900e20bb41915000f678aa839cbb797cb7d8332c",
    "binder_key": "69fe131a3bbad5d63c64eebcc30e395b9d8107726a13d074e389dbc8a4e47256",
    "binder_key.finished_key": "5588673e72cb59c87d220caffe94f2dea9a3b1609f7d50e90a48227db9ed7eaa",
    "binder": "3add4fb2d8fdf822a0ca3cf7678ef5e88dae990141c5924d57bb6fa31b9e5f9d",
    "client_early_traffic_secret": "3fbbe6a60deb66c30a32795aba0eff7eaa10105586e7be5c09678d63b6caab62",
    "client_early_traffic_secret.key": "920205a5b7bf2115e6fc5c2942834f54",
    "client_early_traffic_secret.iv": "6d475f0993c8e564610db2b9",
    "early_exporter_secret": "b2026866610937d7423e5be90862ccf24c0e6091186d34f812089ff5be2ef7df",
}


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not here")
def test_rfc_8448_resumption() -> None:
    """Section 4: from the first connection's resumption secret to the second's binder and early keys."""
    log = KeyLog()
    random = rfc8448.CLIENT_HELLO_RECORD[11:43].hex()
    log.add_line(f"RESUMPTION_SECRET {random} {rfc8448.RESUMPTION_SECRET.hex()}")
    log.add_line(f"SERVER_HANDSHAKE_TRAFFIC_SECRET {random} {rfc8448.SERVER_HANDSHAKE_TRAFFIC_SECRET.hex()}")
    log.add_line(f"SERVER_TRAFFIC_SECRET_0 {random} {rfc8448.SERVER_TRAFFIC_SECRET_0.hex()}")
    first = [
        (CLIENT, rfc8448.CLIENT_HELLO_RECORD),
        (SERVER, rfc8448.SERVER_HELLO_RECORD),
        (SERVER, rfc8448.SERVER_FLIGHT_RECORD),
        (SERVER, rfc8448.NEW_SESSION_TICKET_RECORD),
    ]
    assert trace(first, log).messages_of("new_session_ticket")
    fields = sections()["Resumed_0RTT_Handshake"]
    second = trace([(CLIENT, fields["Record_ClientHello_1"]), (SERVER, fields["Record_ServerHello"])], log)
    assert proof(second, "psk_binder").status == "verified"
    schedule = key_schedule(second)
    known = {node.id: node.value.hex() for node in schedule.nodes if node.value is not None}
    assert {id: known[id] for id in RESUMED} == RESUMED


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not here")
def test_an_external_psk() -> None:
    fields = sections()["Externally_Provided_PSK_with_Ephemeral_Key"]
    records = [(CLIENT, fields["Record_ClientHello_1"]), (SERVER, fields["Record_ServerHello"])]
    told = proof(trace(records, with_psk(trace(records, KeyLog()), fields["PskSecret"])), "psk_binder")
    assert (told.status, told.why) == ("verified", "it is the MAC over the hello, with a pre-shared key from outside")


# -- extended master secret ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_the_extended_master_secret(version: str) -> None:
    """OpenSSL logs the premaster secret of RSA key exchange; a changed message breaks what is made of it."""
    from test_proofs import damaged

    connection = shake(version, "AES128-SHA", "rsa").connection()
    assert proof(connection, "extended_master_secret").status == "verified"
    assert proof(damaged(connection, "certificate", SERVER, -9), "extended_master_secret").status == "failed"
    ephemeral = shake(version, "ECDHE-RSA-AES128-SHA", "rsa").connection()
    assert proof(ephemeral, "extended_master_secret").status == "not_provable"


# -- delegated credentials -----------------------------------------------------------------------------------


KEY = ec.generate_private_key(ec.SECP256R1())
SHORT_LIVED = ec.generate_private_key(ec.SECP256R1())
BEGIN = datetime.datetime(2026, 1, 8, tzinfo=datetime.UTC)  # the made connections are of 2026-01-09


def delegating(allowed: bool = True, signs: bool = True) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server.test")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(8)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + datetime.timedelta(days=365))
        .add_extension(x509.KeyUsage(signs, False, True, False, False, False, False, False, False), True)
    )
    if allowed:
        usage = x509.UnrecognizedExtension(x509.ObjectIdentifier(DELEGATION_USAGE), b"\x05\x00")
        builder = builder.add_extension(usage, False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def delegated(
    monkeypatch: pytest.MonkeyPatch,
    *,
    days: int = 3,
    allowed: bool = True,
    signs: bool = True,
    spoil: bool = False,
    scheme: int = 0x0403,
    signer: ec.EllipticCurvePrivateKey = SHORT_LIVED,
) -> Connection:
    der = delegating(allowed, signs)
    monkeypatch.setattr(made13, "leaf", lambda: der)
    spki = SHORT_LIVED.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    cred = (days * 86400).to_bytes(4, "big") + scheme.to_bytes(2, "big") + made13.vector(3, spki)
    algorithm = (0x0403).to_bytes(2, "big")
    signature = KEY.sign(credential_content(SERVER, der, cred, algorithm), ec.ECDSA(hashes.SHA256()))
    if spoil:
        cred = cred[:3] + bytes([cred[3] ^ 1]) + cred[4:]
    extension = made13.extension(34, cred + algorithm + made13.vector(2, signature))
    made = made13.Made()
    made.say(CLIENT, made.hello(made13.extension(34, b"\x00\x02\x04\x03")))
    made.server_hello(psk=False)
    made.server_flight(extensions=extension, key=signer)
    made.client_flight()
    return made.connection()


def test_a_delegated_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate's key signs the credential, the credential's key the handshake."""
    connection = delegated(monkeypatch)
    told = proof(connection, "delegated_credential")
    assert (told.status, told.message) == ("verified", connection.messages_of("certificate")[0].index)
    assert proof(connection, "certificate_verify").status == "verified"
    assert proof(connection, "server_finished").status == "verified"


def test_delegated_credentials_that_are_not_right(monkeypatch: pytest.MonkeyPatch) -> None:
    told = proof(delegated(monkeypatch, spoil=True), "delegated_credential")
    assert (told.status, "does not match" in told.why) == ("failed", True)
    told = proof(delegated(monkeypatch, days=1), "delegated_credential")
    assert (told.status, "was valid until 2026-01-09 00:00 UTC only" in told.why) == ("failed", True)
    told = proof(delegated(monkeypatch, days=30), "delegated_credential")
    assert (told.status, "longer than 7 days" in told.why) == ("failed", True)
    told = proof(delegated(monkeypatch, allowed=False), "delegated_credential")
    assert (told.status, "does not allow delegation" in told.why) == ("failed", True)
    told = proof(delegated(monkeypatch, signs=False), "delegated_credential")
    assert (told.status, "lacks digitalSignature" in told.why) == ("failed", True)
    # the certificate's own key must not sign where a credential stands
    told = proof(delegated(monkeypatch, signer=KEY), "certificate_verify")
    assert told.status == "failed"
    told = proof(delegated(monkeypatch, scheme=0x0807), "certificate_verify")
    assert (told.status, told.why) == ("failed", "the delegated credential is for another signature scheme")


def test_an_encrypted_hello_is_not_judged() -> None:
    outer = b"\x00" + b"\x00\x01\x00\x01" + b"\x07" + made13.vector(2, b"e" * 32) + made13.vector(2, b"p" * 64)
    told = proof(made13.full(made13.extension(65037, outer)).connection(), "ech_acceptance")
    assert told.status == "not_provable"
    assert "ECH_SECRET" in told.why
