from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

from tlsviz.tls.distinguished import distinguished_name


def test_names_as_cryptography_writes_them() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Grün & Söhne"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Example CA"),
            x509.NameAttribute(NameOID.DN_QUALIFIER, "x"),
        ]
    )
    assert distinguished_name(name.public_bytes()) == "oid:55042e=x, CN=Example CA, O=Grün & Söhne, C=DE"
    several = x509.Name(
        [x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, text) for text in ("a", "b")])]
    )
    assert distinguished_name(several.public_bytes()) == "CN=a+CN=b"
    assert distinguished_name(x509.Name([]).public_bytes()) == ""


def test_long_lengths_and_hostile_text() -> None:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "o" * 64)
    long = x509.Name([organization] * 6)
    assert len(distinguished_name(long.public_bytes()) or "") == 200
    evil = bytes.fromhex("300f310d300b0603550403 0c04 1b5b316d")
    assert distinguished_name(evil) == "CN=\\x1b[1m"


def test_what_is_not_a_name() -> None:
    der = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example CA")]).public_bytes()
    for size in range(len(der)):
        assert distinguished_name(der[:size]) is None
    assert distinguished_name(der + b"\0") is None
    for index in range(len(der)):
        for change in (0x01, 0x80, 0xFF):
            damaged = bytearray(der)
            damaged[index] ^= change
            text = distinguished_name(bytes(damaged))
            assert text is None or text.isprintable()
