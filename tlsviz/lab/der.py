"""DER written by hand, for what no certificate library would sign: old hashes, explicit curves, hostile names.

X.690 for the encoding, RFC 5280 4.1 for the certificate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tlsviz.lab.keys import Key
from tlsviz.pki.der import BIT_STRING, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, SET, first

UTF8_STRING, PRINTABLE_STRING, T61_STRING = 0x0C, 0x13, 0x14

EC_PUBLIC_KEY = "1.2.840.10045.2.1"
PRIME_FIELD = "1.2.840.10045.1.1"

Signature = Literal["ecdsa-sha256", "ecdsa-sha1", "rsa-md5"]
"""How a certificate made by hand is signed."""

_ALGORITHMS: dict[Signature, tuple[str, hashes.HashAlgorithm]] = {
    "ecdsa-sha256": ("1.2.840.10045.4.3.2", hashes.SHA256()),
    "ecdsa-sha1": ("1.2.840.10045.4.1", hashes.SHA1()),  # noqa: S303  # the lab shows what is weak
    "rsa-md5": ("1.2.840.113549.1.1.4", hashes.MD5()),  # noqa: S303
}

# Where the parts of a TBSCertificate of version 3 stand, RFC 5280 4.1.
_SIGNATURE, _SUBJECT, _KEY_INFO = 2, 5, 6

# FIPS 186-4 D.1.2.3, P-256: the field, the curve's two coefficients, and the order of its group.
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element, its length as short as DER wants it."""
    data = b"".join(parts)
    if len(data) < 0x80:
        return bytes([tag, len(data)]) + data
    octets = len(data).to_bytes((len(data).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + data


def integer(value: int) -> bytes:
    """A positive INTEGER."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    top, second, *rest = map(int, dotted.split("."))
    return tlv(OID, *map(_base128, (top * 40 + second, *rest)))


def _base128(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))


def name(attributes: Iterable[tuple[str, int, bytes]]) -> bytes:
    """A distinguished name: per attribute its identifier, the tag of its string, and the string's bytes, unchecked."""
    return tlv(SEQUENCE, *(tlv(SET, tlv(SEQUENCE, oid(kind), tlv(tag, content))) for kind, tag, content in attributes))


def explicit_p256(key: ec.EllipticCurvePublicKey) -> bytes:
    """A SubjectPublicKeyInfo that spells the curve P-256 out instead of naming it, which RFC 5480 forbids."""
    curve = tlv(SEQUENCE, *(tlv(OCTET_STRING, value.to_bytes(32, "big")) for value in (_P - 3, _B)))
    field = tlv(SEQUENCE, oid(PRIME_FIELD), integer(_P))
    parameters = tlv(SEQUENCE, integer(1), field, curve, tlv(OCTET_STRING, _G), integer(_N), integer(1))
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return tlv(SEQUENCE, tlv(SEQUENCE, oid(EC_PUBLIC_KEY), parameters), tlv(BIT_STRING, b"\0", point))


def remade(
    certificate: x509.Certificate,
    signer: Key,
    how: Signature = "ecdsa-sha256",
    subject: bytes | None = None,
    key_info: bytes | None = None,
) -> x509.Certificate:
    """The certificate with some of its parts replaced (each in DER), signed anew with the issuer's key."""
    outer = first(certificate.tbs_certificate_bytes)
    assert outer is not None
    parts = [part.whole for part in outer.children]
    algorithm = _algorithm(how)
    parts[_SIGNATURE] = algorithm
    parts[_SUBJECT] = subject or parts[_SUBJECT]
    parts[_KEY_INFO] = key_info or parts[_KEY_INFO]
    tbs = tlv(SEQUENCE, *parts)
    signature = tlv(BIT_STRING, b"\0", _sign(tbs, signer, _ALGORITHMS[how][1]))
    return x509.load_der_x509_certificate(tlv(SEQUENCE, tbs, algorithm, signature))


def _algorithm(how: Signature) -> bytes:
    """The AlgorithmIdentifier; RSA's has parameters that say nothing (RFC 3279 2.2.1)."""
    return tlv(SEQUENCE, oid(_ALGORITHMS[how][0]), tlv(NULL) if how.startswith("rsa") else b"")


def _sign(data: bytes, signer: Key, digest: hashes.HashAlgorithm) -> bytes:
    if isinstance(signer, rsa.RSAPrivateKey):
        return signer.sign(data, padding.PKCS1v15(), digest)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    return signer.sign(data, ec.ECDSA(digest))
