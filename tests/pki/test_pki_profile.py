"""One certificate in full: kinds, limits by date, pins, names one by one, and its time line."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, SERVER_AUTH, Made, ec_key, make, rsa_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tlsviz.pki.baseline import allowed_days
from tlsviz.pki.certificate import read
from tlsviz.pki.lifetime import lifetime, state
from tlsviz.pki.naming import compare, deceptive, to_unicode
from tlsviz.pki.profile import Profile, profile


def made(cert: Made) -> Profile:
    return profile(read(cert.der))


def broken(cert: Made) -> set[str]:
    return {limit.code for limit in made(cert).broken}


def with_policy(dotted: str) -> Made:
    builder = x509.CertificateBuilder().subject_name(LEAF.cert.subject).issuer_name(MIDDLE.cert.subject)
    builder = builder.public_key(ec_key(2).public_key()).serial_number(1 << 64)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    policy = x509.PolicyInformation(x509.ObjectIdentifier(dotted), None)
    builder = builder.add_extension(x509.CertificatePolicies([policy]), False)
    return Made(builder.sign(ec_key(1), hashes.SHA256()), ec_key(2))


@pytest.mark.parametrize(
    ("dotted", "kind"),
    [
        ("2.23.140.1.1", "EV"),
        ("2.23.140.1.2.1", "DV"),
        ("2.23.140.1.2.2", "OV"),
        ("2.23.140.1.2.3", "IV"),
        ("1.2.3", None),
    ],
)
def test_validation_kinds_by_policy(dotted, kind):
    assert made(with_policy(dotted)).validation == kind


def test_pins_fingerprints_and_pem_are_those_of_other_programs():
    spki = LEAF.cert.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    shown = made(LEAF)
    assert base64.b64decode(shown.pin) == hashlib.sha256(spki).digest()
    assert bytes.fromhex(shown.sha1) == LEAF.cert.fingerprint(hashes.SHA1())
    assert bytes.fromhex(shown.sha256) == LEAF.cert.fingerprint(hashes.SHA256())
    assert shown.pem.encode() == LEAF.cert.public_bytes(Encoding.PEM)
    assert (shown.role, made(ROOT).role, made(MIDDLE).role) == ("end entity", "self-signed root", "authority")


@pytest.mark.parametrize(
    ("day", "days"),
    [
        ((2011, 1, 1), None),
        ((2018, 2, 28), 1188),
        ((2018, 3, 1), 825),
        ((2020, 9, 1), 398),
        ((2026, 3, 14), 398),
        ((2026, 3, 15), 200),
        ((2027, 3, 15), 100),
        ((2029, 3, 15), 47),
    ],
)
def test_lifetimes_that_the_forum_allows(day, days):
    assert allowed_days(datetime(*day, tzinfo=UTC)) == days


def test_limits_are_kept_or_broken_by_the_date_of_issue():
    def lived(begin: datetime, days: int) -> Made:
        end = begin + timedelta(days=days, seconds=-1)
        return make(HOST, ec_key(2), MIDDLE, names=(HOST,), start=begin, end=end, usages=(SERVER_AUTH,))

    march = datetime(2026, 3, 15, tzinfo=UTC)
    assert "lifetime" not in broken(lived(march, 200))
    assert "lifetime" in broken(lived(march, 201))
    assert "lifetime" not in broken(lived(march - DAY, 398))
    assert broken(make(HOST, rsa_key(1024), MIDDLE, names=(HOST,), usages=(SERVER_AUTH,))) == {"key_size", "policies"}
    assert "subject_alt_name" in broken(make(HOST, ec_key(2), MIDDLE))
    assert "common_name" in broken(make("another.example", ec_key(2), MIDDLE, names=(HOST,)))
    assert "internal_name" in broken(make("printer", ec_key(2), MIDDLE, names=("printer", "10.0.0.1")))
    assert "underscore" in broken(make(HOST, ec_key(2), MIDDLE, names=("a_b.example.com",)))
    assert "server_purpose" in broken(LEAF)
    assert not broken(ROOT)


def test_short_serial_numbers_cannot_be_random():
    builder = x509.CertificateBuilder().subject_name(ROOT.cert.subject).issuer_name(ROOT.cert.subject)
    builder = builder.public_key(ec_key(0).public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    short = Made(builder.sign(ec_key(0), hashes.SHA256()), ec_key(0))
    assert "serial_entropy" in broken(short) and made(short).serial_bits == 3


@pytest.mark.parametrize(
    ("own", "asked", "why"),
    [
        ("*.wild.test", "a.b.wild.test", "exactly one label"),
        ("*.wild.test", "wild.test", "has none there"),
        ("f*.wild.test", "foo.wild.test", "a whole label"),
        ("foo.*.test", "foo.bar.test", "must be the first label"),
        ("*.test", "foo.test", "top-level domain"),
        ("example.test", "www.example.test", "one label away"),
        ("192.0.2.7", "www.example.test", "not a name"),
        ("www.example.test", "192.0.2.7", "not an address"),
        ("192.0.2.7", "192.0.2.8", "another address"),
    ],
)
def test_why_a_name_does_not_cover(own, asked, why):
    report = compare(read(make("n", ec_key(2), MIDDLE, names=(own,)).der), asked)
    assert report.matches is False and why in report.tries[0].why


def test_the_common_name_is_refused_and_explained():
    report = compare(read(make(HOST, ec_key(2), MIDDLE, names=("other.test",)).der), HOST)
    assert report.matches is False and "would fit, but clients compare only" in report.common_name
    assert compare(read(LEAF.der), HOST).common_name == ""
    assert compare(read(LEAF.der), None).matches is None


def test_international_names_both_ways():
    report = compare(read(make("n", ec_key(2), MIDDLE, names=("xn--bcher-kva.test",)).der), "Bücher.test")
    assert (report.matches, report.ascii, report.unicode) == (True, "xn--bcher-kva.test", "bücher.test")
    assert report.tries[0].unicode == "bücher.test" and report.odd == ""
    assert to_unicode("xn--a.test") is None or to_unicode("xn--a.test").isprintable()
    assert to_unicode("example.test") is None


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("xn--80ak6aa92e.com", "looks like Latin"),
        ("xn--pypal-4ve.com", "mixes Cyrillic and Latin"),
        ("xn--bcher-kva.de", ""),
        ("xn--e1afmkfd.xn--p1ai", ""),
    ],
)
def test_names_that_may_be_taken_for_others(name, odd):
    found = deceptive(to_unicode(name) or "")
    assert (odd in found) if odd else found == ""


def test_hostile_labels_are_harmless():
    for name in ("xn--\x1b[31m", "xn--" + "9" * 60, "xn--99999999999", "xn--a-\u202e"):
        reads = to_unicode(name)
        assert reads is None or reads.isprintable()


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-31, "not_yet_valid"), (0, "valid"), (41, "valid"), (43, "expires_soon"), (54, "expires_now"), (61, "expired")],
)
def test_the_time_line(days, expected):
    cert = read(LEAF.der)
    assert state(cert, NOW + days * DAY) == expected
    line = lifetime(cert, NOW, NOW + days * DAY)
    assert (line.days, line.judged.share, line.now.state) == (90, pytest.approx(1 / 3), expected)
    assert line.judged.words == "60 days left of 90 days"
