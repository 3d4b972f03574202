"""Distinguished names in words, as RFC 4514 writes them."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID
from der_build import assert_der_tiles, der_faults, opened, tlv

from tlsviz.tls.der.kinds import NameNode


def label(der: bytes) -> str | None:
    tree = opened(der, NameNode)
    assert_der_tiles(tree, der)
    return tree.label


def test_names_as_cryptography_writes_them() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Grün & Söhne"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Example CA"),
            x509.NameAttribute(x509.ObjectIdentifier("1.2.3.4"), "x"),
        ]
    )
    assert label(name.public_bytes()) == "1.2.3.4=x, CN=Example CA, O=Grün & Söhne, C=DE"
    assert label(x509.Name([]).public_bytes()) == "empty"


def test_several_attributes_in_one_step() -> None:
    pairs = [tlv(0x30, tlv(6, b"\x55\x04\x03"), tlv(0x0C, text)) for text in (b"a", b"b")]
    in_order = opened(tlv(0x30, tlv(0x31, *pairs)), NameNode)
    assert (in_order.label, der_faults(in_order)) == ("CN=a+CN=b", [])
    swapped = opened(tlv(0x30, tlv(0x31, *reversed(pairs))), NameNode)
    assert swapped.label == "CN=b+CN=a"
    assert der_faults(swapped) == [("AttributeTypeAndValue", "must come before the one before it in DER (X.690 11.6)")]


def test_long_and_hostile_text() -> None:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "o" * 64)
    assert len(label(x509.Name([organization] * 6).public_bytes()) or "") == 200
    evil = tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\x04\x03"), tlv(0x0C, b"\x1b[1m\xe2\x80\xae"))))
    assert label(evil) == "CN=\\x1b[1m\\u202e"
