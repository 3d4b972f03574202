"""Private roots: what OpenSSL accepts is trusted, and where the judge is stricter the words say so."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from certificate_makers import CLIENT_AUTH, DAY, HOST, NOW, SERVER_AUTH, Made, ec_key, make, name, rsa_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from tlsviz.pki import stores
from tlsviz.pki.trust import Reason
from tlsviz.pki.verify import judge

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
CA, NO_CA = x509.BasicConstraints(True, None), x509.BasicConstraints(False, None)
SAN = x509.SubjectAlternativeName([x509.DNSName(HOST)])


def bare(cn: str, key: Any, issuer: Made | None, *extensions: x509.ExtensionType, critical: bool = False) -> Made:
    """A certificate with exactly these extensions."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(cn))
        .issuer_name(issuer.cert.subject if issuer else name(cn))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical)
    signer = issuer.key if issuer else key
    return Made(builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()), key)


def usage(*, handshake: bool, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(handshake, False, False, False, False, sign, False, False, False)


@dataclass(frozen=True)
class Case:
    """What is sent, which certificate is trusted, and why it is refused; ``strict``: by the judge alone."""

    label: str
    chain: Sequence[Made]
    anchor: Made
    reasons: tuple[Reason, ...] = ()
    strict: bool = False
    at: datetime = NOW


def alone(label: str, made: Made, *reasons: Reason, at: datetime = NOW) -> Case:
    return Case(label, [made], made, reasons, at=at)


ROOT = bare("Plain Root", ec_key(0), None, CA)
MIDDLE = bare("Plain Middle", ec_key(1), ROOT, CA)
NO_AUTHORITY = bare("No Authority", ec_key(1), ROOT, NO_CA)
UNSIGNING = bare("Unsigning", ec_key(1), ROOT, CA, usage(handshake=True, sign=False))
FOR_CLIENTS = bare("For Clients", ec_key(1), ROOT, CA, x509.ExtendedKeyUsage([CLIENT_AUTH]))
SHORT = bare("Short Root", ec_key(3), None, x509.BasicConstraints(True, 0))
SHORT_MIDDLE = bare("Short Middle", ec_key(1), SHORT, CA)
LIMITED = bare("Limited Root", ec_key(3), None, CA, x509.NameConstraints([x509.DNSName("other.test")], None))
ED25519 = bare("Ed25519 Root", ed25519.Ed25519PrivateKey.generate(), None, CA)
ODD_CURVE = bare("Odd Root", ec.generate_private_key(ec.SECP256K1()), None, CA)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
CASES = [
    alone("self-signed authority", bare(HOST, ec_key(2), None, SAN, CA)),
    alone("self-signed, no basicConstraints", bare(HOST, ec_key(2), None, SAN)),
    alone("self-signed, not an authority", make(HOST, ec_key(2), names=(HOST,))),
    alone("self-signed authority, both usages", make(HOST, ec_key(2), ca=True, names=(HOST,))),
    alone(
        "self-signed authority, for certificates only",
        bare(HOST, ec_key(2), None, SAN, CA, usage(handshake=False, sign=True)),
        "key_usage",
    ),
    alone("self-signed, expired", bare(HOST, ec_key(2), None, SAN, CA), "expired", at=NOW + 2 * DAY),
    alone("self-signed, not yet valid", bare(HOST, ec_key(2), None, SAN, CA), "not_yet_valid", at=NOW - 2 * DAY),
    alone("Ed25519, self-signed", bare(HOST, ed25519.Ed25519PrivateKey.generate(), None, SAN, CA)),
    alone("for clients", bare(HOST, ec_key(2), None, SAN, x509.ExtendedKeyUsage([CLIENT_AUTH])), "extended_key_usage"),
    alone("for servers", bare(HOST, ec_key(2), None, SAN, x509.ExtendedKeyUsage([SERVER_AUTH]))),
    alone("unknown critical extension", bare(HOST, ec_key(2), None, SAN, UNKNOWN, critical=True), "unsupported"),
    alone("critical subjectAltName", bare(HOST, ec_key(2), None, SAN, critical=True)),
    Case("plain chain", [bare(HOST, ec_key(2), MIDDLE, SAN), MIDDLE], ROOT),
    Case("authority as a server", [bare(HOST, ec_key(2), MIDDLE, SAN, CA), MIDDLE], ROOT),
    Case("issuer is no authority", [bare(HOST, ec_key(2), NO_AUTHORITY, SAN), NO_AUTHORITY], ROOT, ("not_a_ca",)),
    Case("issuer may not sign", [bare(HOST, ec_key(2), UNSIGNING, SAN), UNSIGNING], ROOT, ("key_usage",)),
    Case(
        "issuer is for clients", [bare(HOST, ec_key(2), FOR_CLIENTS, SAN), FOR_CLIENTS], ROOT, ("extended_key_usage",)
    ),
    Case("path too long", [bare(HOST, ec_key(2), SHORT_MIDDLE, SAN), SHORT_MIDDLE], SHORT, ("path_length",)),
    Case("outside the name constraints", [bare(HOST, ec_key(2), LIMITED, SAN)], LIMITED, ("name_constraints",)),
    Case("another root", [bare(HOST, ec_key(2), MIDDLE, SAN), MIDDLE], LIMITED, ("unknown_issuer",)),
    Case("Ed25519 root", [bare(HOST, ec_key(2), ED25519, SAN)], ED25519, ("unsupported",), strict=True),
    Case("odd curve", [bare(HOST, ec_key(2), ODD_CURVE, SAN)], ODD_CURVE, ("unsupported",), strict=True),
]


@needs_openssl
@pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])
def test_the_verdict_is_openssls_or_the_words_name_the_stricter_rule(case: Case, tmp_path: Path) -> None:
    store = stores.from_ders("own", [case.anchor.der])
    trust = judge([made.der for made in case.chain], HOST, case.at, [store])
    assert trust.reasons == case.reasons
    accepted = openssl_accepts(case, tmp_path)
    assert accepted == (trust.verdict == "trusted" or case.strict)
    for fault in trust.faults:
        assert ("strict web rules: " in fault.detail) == case.strict


def openssl_accepts(case: Case, folder: Path) -> bool:
    """As ``curl --cacert`` asks: any certificate of the file is an anchor, and the leaf must be a server's."""
    pems = [made.cert.public_bytes(Encoding.PEM) for made in case.chain]
    files = {"leaf": pems[0], "chain": b"".join(pems), "ca": case.anchor.cert.public_bytes(Encoding.PEM)}
    for file, pem in files.items():
        folder.joinpath(file).write_bytes(pem)
    command = ["openssl", "verify", "-CAfile", "ca", "-untrusted", "chain", "-partial_chain", "-purpose", "sslserver"]
    command += ["-verify_hostname", HOST, "-attime", str(int(case.at.timestamp())), "leaf"]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=20).returncode == 0


@needs_openssl
def test_the_classroom_certificate_is_trusted_where_it_is_given(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run([*command.split(), "-out", "c.pem", "-keyout", "k.pem"], cwd=tmp_path, check=True, timeout=60)
    store = stores.from_file(tmp_path / "c.pem")
    at = store.certificates[0].not_before
    assert at is not None and store.certificates[0].is_ca
    assert judge(store.ders, "localhost", at, [store]).verdict == "trusted"
    assert judge(store.ders, "localhost", at, [stores.mozilla()]).reasons == ("self_signed",)
    assert judge(store.ders, "other.test", at, [store]).reasons == ("name_mismatch",)
    later = judge(store.ders, "localhost", at + 90 * DAY, [store])
    assert later.reasons == ("expired",) and later.faults[0].detail.startswith("expired on ")


@pytest.mark.parametrize(
    ("made", "reason", "words"),
    [
        (bare(HOST, ec_key(2), ROOT, SAN), "unsupported", "it does not say which key signed it"),
        (
            make(HOST, ec_key(2), ROOT, names=(HOST,)),
            "key_usage",
            "it has no keyUsage, and an authority's must have one",
        ),
        (bare(HOST, ec_key(2), None, SAN, CA), "unsupported", "(cA is set)"),
        (bare(HOST, ec_key(2), None, SAN, critical=True), "unsupported", "it does not say which key signed it"),
    ],
)
def test_the_webs_rules_are_named_in_our_words(made: Made, reason: Reason, words: str) -> None:
    anchors = [ROOT.der] if made.cert.issuer == ROOT.cert.subject else [made.der]
    trust = judge([made.der], HOST, NOW, [stores.from_ders("web", anchors, profile="web")])
    found = next(fault.detail for fault in trust.faults if fault.reason == reason)
    assert "strict web rules: " in found and words in found


ISSUER = x509.AuthorityKeyIdentifier.from_issuer_public_key(ec_key(2).public_key())
SUBTREES = x509.NameConstraints(None, [x509.DNSName("x.test")])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (bare(HOST, ec_key(2), None, ISSUER, SAN, critical=True), "authorityKeyIdentifier must not be marked critical"),
        (bare(HOST, ec_key(2), None, SAN, ISSUER, critical=True), "subjectAltName is critical although"),
        (bare(HOST, ec_key(2), None, SAN, ISSUER, SUBTREES), "the extension nameConstraints is there and must not be"),
    ],
)
def test_what_our_own_reading_does_not_see_is_put_into_our_words_too(made: Made, words: str) -> None:
    trust = judge([made.der], HOST, NOW, [stores.from_ders("web", [made.der], profile="web")])
    assert trust.reasons == ("unsupported",)
    assert words in trust.faults[0].detail and trust.stores[0].detail == trust.faults[0].detail


def test_an_authority_with_a_weak_key_is_refused_for_that() -> None:
    weak = bare("Weak Root", rsa_key(1024), None, CA)
    trust = judge([bare(HOST, ec_key(2), weak, SAN).der], HOST, NOW, [stores.from_ders("own", [weak.der])])
    assert trust.reasons == ("weak_key",)
    assert trust.faults[0].detail == "Weak Root: its RSA key has only 1,024 bits; 2,048 is the least"
