"""What the lab writes in DER by hand is what it says, and others read it so."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from tlsviz.lab import der
from tlsviz.lab.authority import Authority, Recipe
from tlsviz.lab.scenarios.contents import HOSTILE
from tlsviz.pki.certificate import read
from tlsviz.pki.der import first
from tlsviz.pki.der import integer as read_integer
from tlsviz.pki.der import oid as read_oid

AUTHORITY = Authority()
LEAF = AUTHORITY.server()
SIGNER = AUTHORITY.intermediate


@given(st.integers(0, 2**300))
def test_integers_come_back_and_are_as_short_as_can_be(value: int) -> None:
    element = first(der.integer(value))
    assert element is not None
    assert read_integer(element) == value
    assert len(element.content) == value.bit_length() // 8 + 1


@settings(max_examples=50)
@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**70), max_size=6))
def test_object_identifiers_come_back(top: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, (top, second, *rest)))
    element = first(der.oid(dotted))
    assert element is not None
    assert read_oid(element.content) == dotted


def test_nothing_replaced_is_the_same_certificate_signed_again() -> None:
    again = der.remade(LEAF.certificate, SIGNER.key)
    assert again.tbs_certificate_bytes == LEAF.certificate.tbs_certificate_bytes
    again.verify_directly_issued_by(SIGNER.certificate)


def test_old_hash_is_named_and_used() -> None:
    old = der.remade(LEAF.certificate, SIGNER.key, "ecdsa-sha1")
    assert isinstance(old.signature_hash_algorithm, hashes.SHA1)
    key = SIGNER.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(old.signature, old.tbs_certificate_bytes, ec.ECDSA(hashes.SHA1()))
    issuer = AUTHORITY.issue(Recipe("RSA", key="rsa", authority=True), AUTHORITY.root)
    broken = der.remade(AUTHORITY.issue(Recipe("x"), issuer).certificate, issuer.key, "rsa-md5")
    assert broken.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.4"


def test_curve_spelt_out_is_the_named_one() -> None:
    key = LEAF.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    spelt = der.explicit_p256(key)
    named = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert len(spelt) > len(named) + 150
    outer = first(spelt)
    assert outer is not None
    parameters = outer.children[0].children[1]
    version, field, curve, base, order, cofactor = parameters.children
    prime, b = read_integer(field.children[1]), int.from_bytes(curve.children[1].content, "big")
    x, y = int.from_bytes(base.content[1:33], "big"), int.from_bytes(base.content[33:], "big")
    assert (y * y - (x**3 - 3 * x + b)) % prime == 0, "the base point lies on the curve"
    again = ec.derive_private_key(read_integer(order) - 1, ec.SECP256R1()).public_key().public_numbers()
    assert (again.x, again.y) == (x, prime - y), "one less than the order times the base point is its negative"
    assert (read_integer(version), read_integer(cofactor)) == (1, 1)


def test_hostile_subject_is_in_the_certificate_byte_for_byte() -> None:
    odd = der.remade(LEAF.certificate, SIGNER.key, subject=der.name(HOSTILE))
    raw = odd.public_bytes(Encoding.DER)
    assert all(content in raw for _, _, content in HOSTILE)
    assert odd.issuer == LEAF.certificate.issuer
    assert read(raw).subject.startswith("CN=www.bank.test")
    assert read(raw).subject.isprintable()
