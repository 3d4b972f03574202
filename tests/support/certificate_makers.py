"""Certificates made on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOST = "www.example.test"


@dataclass(frozen=True)
class Made:
    """A certificate with its private key."""

    cert: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.cert.public_bytes(Encoding.DER)


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """One of a few keys, made once."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def name(cn: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def make(
    cn: str,
    key: Any,
    issuer: Made | None = None,
    *,
    ca: bool = False,
    path_length: int | None = None,
    names: tuple[str, ...] = (),
    start: datetime = NOW - 30 * DAY,
    end: datetime = NOW + 60 * DAY,
    usages: tuple[x509.ObjectIdentifier, ...] = (),
    key_usage: bool | None = None,
    aia: str | None = None,
    constraints: x509.NameConstraints | None = None,
    subject: x509.Name | None = None,
    organization: str | None = None,
    usage: x509.KeyUsage | None = None,
    plain: bool = False,
) -> Made:
    """A certificate as authorities make them; ``key_usage`` None: as it should be, else keyCertSign or not.

    ``usage`` is a keyUsage of one's own; ``plain``: without keyUsage and key identifiers, as a beginner makes them.
    """
    subject = subject or name(cn, organization)
    signer = issuer.key if issuer else key
    signs = ca if key_usage is None else key_usage
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.cert.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    )
    if not plain:
        usage = usage or x509.KeyUsage(True, False, False, False, False, signs, False, False, False)
        builder = (
            builder.add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
    if names:
        general = [_general(text) for text in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if aia:
        place = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(aia))
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    if constraints:
        builder = builder.add_extension(constraints, critical=True)
    return Made(builder.sign(signer, hashes.SHA256()), key)


def _general(text: str) -> x509.GeneralName:
    import ipaddress

    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


ROOT = make("Test Root", ec_key(0), ca=True, organization="Test")
MIDDLE = make("Test Intermediate", ec_key(1), ROOT, ca=True, path_length=0, organization="Test")
LEAF = make(HOST, ec_key(2), MIDDLE, names=(HOST, "*.wild.test", "192.0.2.7", "2001:db8::7"))
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
