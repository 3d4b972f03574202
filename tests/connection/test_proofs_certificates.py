"""Stapled OCSP responses and transparency receipts: proven, spoiled in every way, and not known."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import made13
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tlsviz.connection.model import Connection, Proof
from tlsviz.connection.proofs import prove
from tlsviz.connection.proofs.certificates import vouched
from tlsviz.pki import transparency
from tlsviz.pki.transparency import Log
from tlsviz.wire.chunks import CLIENT

NOW = datetime(2026, 1, 9, 23, 6, 40, tzinfo=UTC)  # when the made connections are
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AUTHORITY, LEAF, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
LOG = ec.generate_private_key(ec.SECP256R1())
RSA_LOG = rsa.generate_private_key(65537, 2048)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def issued(
    subject: str, key: Any, *extensions: x509.ExtensionType, by: Any = AUTHORITY, end: datetime | None = None
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name("Authority"))
        .public_key(key.public_key())
        .serial_number(int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big"))
        .not_valid_before(BEGIN)
        .not_valid_after(end or BEGIN + timedelta(days=300))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    return builder.sign(by, hashes.SHA256())


ISSUER = issued("Authority", AUTHORITY, x509.BasicConstraints(True, None))
SERVER_CERTIFICATE = issued("server.test", LEAF)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def connected(leaf: x509.Certificate, extensions: bytes = b"", issuer: bool = True) -> Connection:
    """A made connection whose server sends this certificate, its extensions, and its issuer's."""
    made = made13.Made()
    made.say(CLIENT, made.hello(made13.extension(18, b"")))
    made.server_hello(psk=False)
    chain = made13.vector(3, der(leaf)) + made13.vector(2, extensions)
    if issuer:
        chain += made13.vector(3, der(ISSUER)) + made13.vector(2, b"")
    made.say("server", made13.message(8, made13.vector(2, b"")))
    made.say("server", made13.message(11, b"\0" + made13.vector(3, chain)))
    return made.connection()


def proofs(connection: Connection, what: str) -> list[Proof]:
    return [proof for proof in prove(connection) if proof.what == what]


# -- OCSP ----------------------------------------------------------------------------------------------------


def response(
    *,
    about: x509.Certificate = SERVER_CERTIFICATE,
    issuer: x509.Certificate = ISSUER,
    signer: Any = AUTHORITY,
    responder: x509.Certificate | None = None,
    update: datetime = NOW - timedelta(days=1),
    days: int | None = 3,
    revoked: bool = False,
) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=about,
        issuer=issuer,
        algorithm=hashes.SHA256(),
        cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        this_update=update,
        next_update=update + timedelta(days=days) if days is not None else None,
        revocation_time=update if revoked else None,
        revocation_reason=None,
    )
    identity = responder or issued("Authority", signer)
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, identity)
    if responder is not None:
        builder = builder.certificates([responder])
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)


def staple(data: bytes) -> bytes:
    return made13.extension(5, b"\x01" + made13.vector(3, data))


def stapled(data: bytes, issuer: bool = True) -> Proof:
    (found,) = proofs(connected(SERVER_CERTIFICATE, staple(data), issuer), "ocsp")
    return found


def responder(*extensions: x509.ExtensionType, by: Any = AUTHORITY, end: datetime | None = None) -> x509.Certificate:
    return issued("Responder", OTHER, *extensions, by=by, end=end)


SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])


def test_a_staple_of_the_issuer() -> None:
    found = stapled(response())
    assert (found.status, found.why) == ("verified", "the certificate is good, signed by its issuer, Authority")
    revoked = stapled(response(revoked=True))
    assert (revoked.status, revoked.why[:26]) == ("verified", "the certificate is revoked")
    assert stapled(response(days=None)).status == "verified"


def test_a_staple_of_a_delegate() -> None:
    found = stapled(response(signer=OTHER, responder=responder(SIGNING)))
    why = "the certificate is good, signed by Responder for its issuer, Authority"
    assert (found.status, found.why) == ("verified", why)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (response(signer=OTHER), "not that of its issuer"),
        (response(signer=OTHER, responder=responder(SIGNING, by=OTHER)), "not that of its issuer"),
        (response(signer=OTHER, responder=responder(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))), "may"),
        (response(signer=OTHER, responder=responder(SIGNING, end=NOW - timedelta(days=2))), "of another time"),
        (response(update=NOW - timedelta(days=9)), "good only until 2026-01-03"),
        (response(update=NOW + timedelta(days=1)), "of a later time"),
        (response(update=NOW - timedelta(days=11), days=None), "does not say until when it is good"),
        (response(signer=OTHER, responder=responder()), "may not sign such responses"),
        (response(about=issued("other.test", LEAF)), "about another certificate"),
        (response(issuer=issued("Authority", OTHER)), "about another certificate"),
    ],
)
def test_staples_that_prove_nothing(data: bytes, why: str) -> None:
    found = stapled(data)
    assert found.status == "failed"
    assert why in found.why


def test_staples_that_cannot_be_checked() -> None:
    assert stapled(response(), issuer=False).status == "not_provable"
    assert stapled(b"no response").status == "not_provable"
    unanswered = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    found = stapled(unanswered.public_bytes(Encoding.DER))
    assert (found.status, found.why) == ("not_provable", "the responder has no answer: try_later")
    assert proofs(connected(SERVER_CERTIFICATE, staple(b"")), "ocsp") == []


def test_every_changed_bit_of_the_signed_part_is_noticed() -> None:
    """At least every 40th bit of what is signed, and of the signature: never verified."""
    whole = response()
    read = ocsp.load_der_ocsp_response(whole)
    signed_at, signature_at = whole.index(read.tbs_response_bytes), whole.index(read.signature)
    places = [*range(signed_at * 8, (signed_at + len(read.tbs_response_bytes)) * 8, 37)]
    places += range(signature_at * 8, (signature_at + len(read.signature)) * 8, 37)
    for place in places:
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        assert stapled(bytes(data)).status != "verified", place
    assert len(places) > 50


# -- transparency --------------------------------------------------------------------------------------------


@pytest.fixture
def own_logs(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, Log]:
    """Two logs whose keys we have, in the place of the world's."""
    found = {}
    for key, title in ((LOG, "Ours"), (RSA_LOG, "Ours too")):
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        found[hashlib.sha256(spki).digest()] = Log(title, "us", spki)
    monkeypatch.setattr(transparency, "logs", lambda: found)
    return found


def receipt(
    entry: bytes,
    key: Any = LOG,
    extensions: bytes = b"",
    log_id: bytes | None = None,
    milliseconds: int = 1_767_000_000_000,
) -> bytes:
    """A SerializedSCT over an entry."""
    from cryptography.hazmat.primitives.asymmetric import padding

    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    time = milliseconds.to_bytes(8, "big")
    signed = b"\0\0" + time + entry + made13.vector(2, extensions)
    if key is RSA_LOG:
        scheme, signature = b"\x04\x01", key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        scheme, signature = b"\x04\x03", key.sign(signed, ec.ECDSA(hashes.SHA256()))
    identity = log_id or hashlib.sha256(spki).digest()
    data = b"\0" + identity + time + made13.vector(2, extensions) + scheme + made13.vector(2, signature)
    return made13.vector(2, data)


def listed(*receipts: bytes) -> bytes:
    return made13.vector(2, b"".join(receipts))


def entry(certificate: x509.Certificate) -> bytes:
    return b"\0\0" + made13.vector(3, der(certificate))


def delivered(data: bytes) -> list[Proof]:
    return proofs(connected(SERVER_CERTIFICATE, made13.extension(18, data)), "sct")


@pytest.mark.usefixtures("own_logs")
def test_receipts_beside_the_certificate() -> None:
    (found,) = delivered(
        listed(receipt(entry(SERVER_CERTIFICATE)), receipt(entry(SERVER_CERTIFICATE), RSA_LOG, b"more"))
    )
    assert (found.status, found.why) == ("verified", "signed by Ours, Ours too")
    (found,) = delivered(listed(receipt(entry(SERVER_CERTIFICATE)), receipt(entry(ISSUER))))
    assert (found.status, found.why[:4]) == ("failed", "Ours")
    (found,) = delivered(
        listed(receipt(entry(SERVER_CERTIFICATE)), receipt(entry(SERVER_CERTIFICATE), log_id=b"?" * 32))
    )
    assert found.status == "verified"
    assert "1 not checked: a log that is not in the list" in found.why
    (found,) = delivered(listed(receipt(entry(SERVER_CERTIFICATE), log_id=b"?" * 32)))
    assert found.status == "not_provable"
    (found,) = delivered(listed(receipt(entry(SERVER_CERTIFICATE), milliseconds=1_799_000_000_000)))
    assert (found.status, found.why) == ("not_provable", "1 receipt: signed by Ours, but it is of a later time")
    assert delivered(b"") == delivered(b"\0\0") == delivered(listed(b"\0\x05short")) == []


def test_only_receipts_that_count_prove_something(own_logs: dict[bytes, Log]) -> None:
    ours, too = own_logs
    both = listed(receipt(entry(SERVER_CERTIFICATE)), receipt(entry(SERVER_CERTIFICATE), RSA_LOG))
    own_logs[too] = own_logs[too]._replace(state="rejected")
    (found,) = delivered(both)
    idle = "signed by Ours too, but the log's state is rejected"
    assert (found.status, found.why) == ("verified", f"signed by Ours; 1 not counted: {idle}")
    own_logs[ours] = own_logs[ours]._replace(state="pending")
    (found,) = delivered(both)
    assert found.status == "not_provable"
    assert found.why == f"2 receipts: signed by Ours, but the log's state is pending; {idle}"


def test_a_shard_takes_what_expires_in_its_interval(own_logs: dict[bytes, Log]) -> None:
    """It is the certificate's end that decides, neither the receipt's time nor that of the handshake."""
    (log_id, log), end = next(iter(own_logs.items())), SERVER_CERTIFICATE.not_valid_after_utc
    second, year = timedelta(seconds=1), timedelta(days=365)
    data = made13.extension(18, listed(receipt(entry(SERVER_CERTIFICATE))))
    for begin, until, why in (
        (end, end + second, ""),
        (None, end + second, ""),
        (end, None, ""),
        (end - year, end, "expire before"),
        (end + second, end + year, "expire from"),
    ):
        own_logs[log_id] = log._replace(begin=begin, end=until)
        _, (found,) = vouched(connected(SERVER_CERTIFICATE, data), None)
        assert (found.check, found.counts, why in found.why) == ("verified", not why, True)


@pytest.mark.usefixtures("own_logs")
def test_every_changed_bit_of_a_receipt_is_noticed() -> None:
    whole = listed(receipt(entry(SERVER_CERTIFICATE)))
    for place in range(5 * 8, len(whole) * 8, 5):
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        assert [found for found in delivered(bytes(data)) if found.status == "verified"] == [], place


@pytest.mark.usefixtures("own_logs")
def test_receipts_inside_of_the_certificate() -> None:
    """They are over the certificate without them, and its issuer's key."""
    spki = hashlib.sha256(AUTHORITY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    names = x509.SubjectAlternativeName([x509.DNSName("server.test")])
    tbs = issued("server.test", LEAF, names).tbs_certificate_bytes
    good = b"\0\1" + spki + made13.vector(3, tbs)
    for body, status in ((good, "verified"), (good[:-1] + bytes([good[-1] ^ 1]), "failed")):
        value = listed(receipt(body))
        held = x509.UnrecognizedExtension(
            x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\x04" + _length(value) + value
        )
        leaf = issued("server.test", LEAF, names, held)
        (found,) = proofs(connected(leaf), "sct")
        assert found.status == status
        (found,) = proofs(connected(leaf, issuer=False), "sct")
        assert found.status == "not_provable"


def _length(value: bytes) -> bytes:
    return bytes([len(value)]) if len(value) < 128 else b"\x81" + bytes([len(value)])


def test_the_list_of_logs() -> None:
    """Every key can be read, and the IDs are the keys' hashes, as Google's Argon2021 is known by."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    found = transparency.logs()
    assert len(found) > 100
    assert found[bytes.fromhex("f65c942fd1773022145418083094568ee34d131933bfdf0c2f200bcc4ef164e3")].name.endswith(
        "Argon2021"
    )
    for identity, log in found.items():
        assert hashlib.sha256(log.key).digest() == identity
        assert load_der_public_key(log.key)
        assert log.name.isprintable()


CAPTURES = Path(__file__).parents[3] / "shared" / "captures"


@pytest.mark.tshark
@pytest.mark.skipif(not CAPTURES.exists(), reason="the shared captures are not here")
@pytest.mark.parametrize(("path", "ocsp_count", "sct_count"), [("nDPI/zoom2.pcap", 1, 1), ("nDPI/reddit.pcap", 22, 22)])
def test_staples_and_receipts_of_the_world(path: str, ocsp_count: int, sct_count: int) -> None:
    from tlsviz.sources.capture import load_capture

    found = [proof for connection in load_capture(CAPTURES / path).connections for proof in connection.proofs]
    for what, count in (("ocsp", ocsp_count), ("sct", sct_count)):
        statuses = [proof.status for proof in found if proof.what == what]
        assert statuses.count("verified") >= count
        assert "failed" not in statuses


def test_without_certificates_nothing_is_said() -> None:
    connection = replace(connected(SERVER_CERTIFICATE, staple(response())), certificates=())
    assert proofs(connection, "ocsp") == proofs(connection, "sct") == []
