"""JA4X against the values that its authors published for these lists of attributes and extensions."""

from __future__ import annotations

import pytest
from certificate_makers import NOW
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tlsviz.pki.certificate import read
from tlsviz.pki.fingerprint import ja4x

KEY = ec.generate_private_key(ec.SECP256R1())
CN, O, OU = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME  # noqa: E741
C, ST, L = NameOID.COUNTRY_NAME, NameOID.STATE_OR_PROVINCE_NAME, NameOID.LOCALITY_NAME


def certificate(issuer: tuple[x509.ObjectIdentifier, ...], subject: tuple[x509.ObjectIdentifier, ...]) -> bytes:
    """Names of these attributes; extensions keyUsage, extendedKeyUsage, subjectAltName in this order."""
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    made = (
        x509.CertificateBuilder(_name(issuer), _name(subject), KEY.public_key(), 1, NOW, NOW)
        .add_extension(usage, True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.test")]), False)
    )
    return made.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def _name(attributes: tuple[x509.ObjectIdentifier, ...]) -> x509.Name:
    return x509.Name([x509.NameAttribute(each, "US" if each == C else "x") for each in attributes])


@pytest.mark.parametrize(
    ("attributes", "digits"),
    [
        ((CN, C, ST, O), "96a6439c8f5c"),
        ((C, O, CN), "a373a9f83c6b"),
        ((C, O, OU, CN), "7d5dbb3783b4"),
        ((C, ST, L, O, CN), "2bab15409345"),
        ((C, ST, O, CN), "2e9214a636bc"),
        ((), "000000000000"),
    ],
)
def test_published_values(attributes: tuple[x509.ObjectIdentifier, ...], digits: str) -> None:
    found = ja4x(read(certificate(attributes, (CN, C, ST, O))))
    assert found == f"{digits}_96a6439c8f5c_aae71e8db6d7"


def test_any_bytes_have_one() -> None:
    der = certificate((CN,), (CN, O))
    assert ja4x(read(b"")) == ja4x(read(b"\x30\x03abc")) == "000000000000_000000000000_000000000000"
    for size in range(len(der)):
        assert len(ja4x(read(der[:size]))) == 38
