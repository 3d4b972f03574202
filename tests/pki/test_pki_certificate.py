"""Certificates taken apart: against cryptography's reading of the same bytes, and totality on broken ones."""

from __future__ import annotations

import base64
import re
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, ec_key, make, rsa_key
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from tlsviz.pki import oids
from tlsviz.pki.certificate import read
from tlsviz.pki.words import age, describe_key, lifetime_days, span, weak_key

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "certificates"
OVERRIDES = {x509.ObjectIdentifier(dotted): short for dotted, short in oids.ATTRIBUTES.items()}


def test_reads_every_field():
    cert = read(LEAF.der)
    assert cert.problems == ()
    assert cert.subject == f"CN={HOST}" and cert.subject_cn == HOST and cert.title == HOST
    assert cert.issuer == "CN=Test Intermediate,O=Test" and cert.issuer_organization == "Test"
    assert int(cert.serial, 16) == LEAF.cert.serial_number
    assert cert.sha256 == LEAF.cert.fingerprint(hashes.SHA256()).hex()
    assert (cert.not_before, cert.not_after) == (NOW - 30 * DAY, NOW + 60 * DAY)
    assert cert.names == (HOST, "*.wild.test", "192.0.2.7", "2001:db8::7")
    assert (cert.key, cert.key_bits, cert.signature_algorithm) == ("EC P-256", 256, "ecdsa-with-SHA256")
    assert (cert.is_ca, cert.path_length, cert.key_usage) == (False, None, ("digitalSignature",))
    assert cert.authority_key_id == read(MIDDLE.der).subject_key_id
    assert not cert.self_issued and read(ROOT.der).self_issued
    assert (read(MIDDLE.der).is_ca, read(MIDDLE.der).path_length) == (True, 0)
    assert cert.version == 3


def test_keys_have_their_usual_names():
    assert read(make("r", rsa_key(1024)).der).key == "RSA 1024"
    assert "only 1,024 bits" in weak_key(read(make("r", rsa_key(1024)).der))
    assert weak_key(read(LEAF.der)) == ""
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ROOT.cert.subject)
        .public_key(ed25519.Ed25519PrivateKey.generate().public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .sign(ROOT.key, hashes.SHA256())
    )
    cert = read(certificate.public_bytes(Encoding.DER))
    assert cert.key == "Ed25519" and cert.subject == "" and cert.title == "(no name)"
    assert describe_key(cert) == "Ed25519, as strong as a 128-bit key"
    assert describe_key(read(make("r", rsa_key(2048)).der)) == "RSA with 2,048 bits, as strong as a 112-bit key"


def test_hostile_subject_cannot_reach_the_terminal():
    evil = "\x1b[31m[red]x[/]\u202e\x00"
    cert = read(make(evil, ec_key(2), names=("a.test",)).der)
    for text in (cert.subject, cert.subject_cn or "", cert.title, cert.issuer):
        assert text.isprintable() and "\\x1b[31m" in text and "\\u202e" in text
    assert cert.subject == "CN=\\x1b[31m[red]x[/]\\u202e\\x00"


def test_damaged_bytes_are_read_as_far_as_they_go():
    for cut in range(len(LEAF.der)):
        cert = read(LEAF.der[:cut])
        assert cert.problems, cut
    half = read(LEAF.der[:300])
    assert half.issuer == "CN=Test Intermediate,O=Test" and half.not_after == NOW + 60 * DAY
    assert "lacks" in half.problems[0]
    assert read(b"").problems == ("is empty",)
    assert read(b"-----BEGIN CERTIFICATE-----\n").problems == ("is PEM text, not DER",)
    assert read(LEAF.der + b"xy").problems == ("2 bytes after the certificate",)


def test_any_flipped_byte_reads():
    for position in range(len(LEAF.der)):
        broken = bytearray(LEAF.der)
        broken[position] ^= 0xFF
        cert = read(bytes(broken))
        assert (cert.subject + cert.issuer + "".join(cert.names) + "".join(cert.problems)).isprintable()


def published() -> list[tuple[str, bytes]]:
    found = []
    for path in sorted(VECTORS.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found.append((path.name, data))
            blocks = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", data, re.DOTALL)
            found.extend((path.name, base64.b64decode(block)) for block in blocks)
    return found


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the published certificates are not here")
def test_published_odd_certificates_agree_with_cryptography():
    agreed = 0
    for label, der in published():
        cert = read(der)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                other = x509.load_der_x509_certificate(der)
                subject = other.subject.rfc4514_string(OVERRIDES)
                times = (other.not_valid_before_utc, other.not_valid_after_utc)
            except ValueError:
                continue
            assert (label, cert.not_before, cert.not_after) == (label, *times)
            assert int(cert.serial, 16) == other.serial_number, label
            if subject.isascii() and subject.isprintable():
                assert cert.subject == subject, label
            try:
                key_size = getattr(other.public_key(), "key_size", None)
                names = other.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            except (ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension):
                continue
            assert cert.key_bits == key_size, label
            kinds = (x509.DNSName, x509.IPAddress)
            assert cert.names == tuple(str(n.value) for n in names if isinstance(n, kinds)), label
        agreed += 1
    assert agreed > 100


def test_age_and_lifetime_in_words():
    cert = read(LEAF.der)
    assert age(cert, NOW) == "valid for 60 days more"
    assert age(cert, NOW + 61 * DAY) == "expired 24 hours earlier"
    assert age(cert, NOW - 40 * DAY) == "valid only 10 days later"
    assert lifetime_days(cert) == 90
    assert age(read(b""), NOW) == "validity unknown" and lifetime_days(read(b"")) is None
    assert [span(timedelta(seconds=s)) for s in (0, 1, 119, 120, 7_199, 7_200, 172_800)] == [
        "less than a second", "1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours", "2 days",
    ]  # fmt: skip
    assert span(timedelta(days=731)) == "2 years"


def test_times_with_and_without_seconds_and_offsets():
    from tlsviz.pki.der import GENERALIZED_TIME, UTC_TIME, first, time

    def parse(tag: int, text: bytes) -> datetime | None:
        element = first(bytes([tag, len(text)]) + text)
        assert element
        return time(element)

    assert parse(UTC_TIME, b"491231235959Z") == datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert parse(UTC_TIME, b"500101000000Z") == datetime(1950, 1, 1, tzinfo=UTC)
    assert parse(UTC_TIME, b"2606011200Z") == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert parse(UTC_TIME, b"260601120000+0200") == datetime(2026, 6, 1, 10, tzinfo=UTC)
    assert parse(GENERALIZED_TIME, b"99991231235959Z") == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    for odd in (b"", b"Z", b"261301000000Z", b"26060112000\xff", b"260601120000+xx00", b"-----", b"99+0000"):
        assert parse(UTC_TIME, odd) is None, odd
