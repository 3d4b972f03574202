"""Signatures of every kind, spoilt ones, and keys that mean harm."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from loopback import key_and_certificate

from tlsviz.crypto.hashing import digest
from tlsviz.crypto.signatures import verify_certificate_verify_ssl3, verify_signature
from tlsviz.crypto.spki import subject_public_key_info

CERTIFICATES = Path(__file__).parents[3] / "shared" / "vectors" / "certificates"
SIGNED = b"what was signed"
TLS10, TLS11, TLS12, TLS13 = 0x0301, 0x0302, 0x0303, 0x0304


def spki(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    key = key_and_certificate("rsa")[0]
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def verdicts(scheme: int | None, der: bytes, signature: bytes, version: int) -> tuple[str, str, str]:
    """Of the signature, of one with a flipped bit, and over a content with a flipped bit."""
    spoilt = signature[:-1] + bytes([signature[-1] ^ 1])
    return (
        verify_signature(scheme, der, signature, SIGNED, version)[0],
        verify_signature(scheme, der, spoilt, SIGNED, version)[0],
        verify_signature(scheme, der, signature, SIGNED[:-1] + b"e", version)[0],
    )


PROVEN = ("verified", "failed", "failed")


@pytest.mark.parametrize(
    ("scheme", "hash_"),
    [
        (0x0101, hashes.MD5()),
        (0x0201, hashes.SHA1()),
        (0x0301, hashes.SHA224()),
        (0x0401, hashes.SHA256()),
        (0x0501, hashes.SHA384()),
        (0x0601, hashes.SHA512()),
    ],
)
def test_rsa_pkcs1(rsa_key: rsa.RSAPrivateKey, scheme: int, hash_: hashes.HashAlgorithm) -> None:
    signature = rsa_key.sign(SIGNED, padding.PKCS1v15(), hash_)
    assert verdicts(scheme, spki(rsa_key), signature, TLS12) == PROVEN
    status, why = verify_signature(scheme, spki(rsa_key), signature, SIGNED, TLS13)
    assert status == "failed"
    assert "TLS 1.3 does not allow" in why


@pytest.mark.parametrize(
    ("scheme", "hash_"),
    [
        (0x0804, hashes.SHA256()),
        (0x0805, hashes.SHA384()),
        (0x0806, hashes.SHA512()),
        (0x0809, hashes.SHA256()),
        (0x080A, hashes.SHA384()),
        (0x080B, hashes.SHA512()),
    ],
)
def test_rsa_pss(rsa_key: rsa.RSAPrivateKey, scheme: int, hash_: hashes.HashAlgorithm) -> None:
    public = spki(rsa_key) if scheme < 0x0809 else pss_spki(rsa_key)
    signature = rsa_key.sign(SIGNED, padding.PSS(padding.MGF1(hash_), hash_.digest_size), hash_)
    for version in (TLS12, TLS13):
        assert verdicts(scheme, public, signature, version) == PROVEN
    another_salt = rsa_key.sign(SIGNED, padding.PSS(padding.MGF1(hash_), 8), hash_)
    assert verify_signature(scheme, public, another_salt, SIGNED, TLS13)[0] == "failed"


def pss_spki(key: rsa.RSAPrivateKey) -> bytes:
    """The key as one for RSASSA-PSS alone: another OID, and no parameters."""
    plain = spki(key)
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    assert plain[:2] == b"\x30\x82" and plain[4 : 4 + len(algorithm)] == algorithm
    rest = bytes.fromhex("300b06092a864886f70d01010a") + plain[4 + len(algorithm) :]
    return b"\x30\x82" + len(rest).to_bytes(2, "big") + rest


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_the_oid_of_an_rsa_key_must_fit_the_scheme(rsa_key: rsa.RSAPrivateKey, version: int) -> None:
    """rsa_pss_rsae and rsa_pss_pss sign the same way, each with a key of its own OID (RFC 8446 4.2.3)."""
    pss = rsa_key.sign(SIGNED, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    pkcs1 = rsa_key.sign(SIGNED, padding.PKCS1v15(), hashes.SHA256())
    for scheme, signature, public in (
        (0x0804, pss, pss_spki(rsa_key)),
        (0x0809, pss, spki(rsa_key)),
        (0x0401, pkcs1, pss_spki(rsa_key)),
    ):
        status, why = verify_signature(scheme, public, signature, SIGNED, version)
        assert status == "failed" and "does not fit the RSA" in why
    status, why = verify_signature(None, pss_spki(rsa_key), pkcs1, SIGNED, TLS10)
    assert (status, "RSASSA-PSS 2048" in why) == ("not_provable", True)


@pytest.mark.parametrize(
    ("scheme", "curve", "hash_"),
    [
        (0x0403, ec.SECP256R1(), hashes.SHA256()),
        (0x0503, ec.SECP384R1(), hashes.SHA384()),
        (0x0603, ec.SECP521R1(), hashes.SHA512()),
        (0x081A, ec.BrainpoolP256R1(), hashes.SHA256()),
        (0x081B, ec.BrainpoolP384R1(), hashes.SHA384()),
        (0x081C, ec.BrainpoolP512R1(), hashes.SHA512()),
    ],
)
def test_ecdsa(scheme: int, curve: ec.EllipticCurve, hash_: hashes.HashAlgorithm) -> None:
    key = ec.generate_private_key(curve)
    signature = key.sign(SIGNED, ec.ECDSA(hash_))
    for version in (TLS12, TLS13):
        assert verdicts(scheme, spki(key), signature, version) == PROVEN
    assert verify_signature(scheme, spki(key), signature, SIGNED, TLS13)[1].endswith(f"EC {curve.name} key")


def test_only_tls13_ties_the_curve_to_the_scheme() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    signature = key.sign(SIGNED, ec.ECDSA(hashes.SHA256()))
    assert verify_signature(0x0403, spki(key), signature, SIGNED, TLS12)[0] == "verified"
    status, why = verify_signature(0x0403, spki(key), signature, SIGNED, TLS13)
    assert (status, "secp384r1" in why) == ("failed", True)


def test_eddsa() -> None:
    for scheme, key in ((0x0807, ed25519.Ed25519PrivateKey.generate()), (0x0808, ed448.Ed448PrivateKey.generate())):
        assert verdicts(scheme, spki(key), key.sign(SIGNED), TLS13) == PROVEN


def test_ml_dsa() -> None:
    keys = {
        0x0904: mldsa.MLDSA44PrivateKey.generate(),
        0x0905: mldsa.MLDSA65PrivateKey.generate(),
        0x0906: mldsa.MLDSA87PrivateKey.generate(),
    }
    for scheme, key in keys.items():
        signature = key.sign(SIGNED)
        assert verdicts(scheme, spki(key), signature, TLS13) == PROVEN
        for other in set(keys) - {scheme}:
            assert verify_signature(other, spki(key), signature, SIGNED, TLS13)[0] == "failed"


def test_dsa() -> None:
    key = dsa.generate_private_key(1024)
    assert verdicts(0x0202, spki(key), key.sign(SIGNED, hashes.SHA1()), TLS12) == PROVEN
    assert verdicts(0x0402, spki(key), key.sign(SIGNED, hashes.SHA256()), TLS12) == PROVEN
    assert verdicts(None, spki(key), key.sign(SIGNED, hashes.SHA1()), TLS10) == PROVEN


def raw_rsa(key: rsa.RSAPrivateKey, block: bytes) -> bytes:
    """RSA's private operation on a block."""
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    return pow(int.from_bytes(block, "big"), numbers.d, modulus).to_bytes((modulus.bit_length() + 7) // 8, "big")


def test_md5_and_sha1_together(rsa_key: rsa.RSAPrivateKey) -> None:
    hashed = digest("md5", SIGNED) + digest("sha1", SIGNED)
    block = b"\x00\x01" + b"\xff" * (256 - 3 - 36) + b"\x00" + hashed
    for version in (TLS10, TLS11):
        assert verdicts(None, spki(rsa_key), raw_rsa(rsa_key, block), version) == PROVEN
    short_fill = b"\x00\x01" + b"\xff" * 100 + b"\x00" + hashed
    wrong_type = b"\x00\x02" + block[2:]
    for forged in (short_fill + bytes(256 - len(short_fill)), wrong_type):
        assert verify_signature(None, spki(rsa_key), raw_rsa(rsa_key, forged), SIGNED, TLS10)[0] == "failed"
    for size in (0, 1, 255, 257, 100_000):
        assert verify_signature(None, spki(rsa_key), b"\xff" * size, SIGNED, TLS10)[0] == "failed"


def test_ssl3_certificate_verify(rsa_key: rsa.RSAPrivateKey) -> None:
    master = bytes(range(48))
    md5 = hashlib.md5(master + b"\x5c" * 48 + hashlib.md5(SIGNED + master + b"\x36" * 48).digest()).digest()
    sha = hashlib.sha1(master + b"\x5c" * 40 + hashlib.sha1(SIGNED + master + b"\x36" * 40).digest()).digest()
    signature = raw_rsa(rsa_key, b"\x00\x01" + b"\xff" * (256 - 3 - 36) + b"\x00" + md5 + sha)
    assert verify_certificate_verify_ssl3(spki(rsa_key), signature, SIGNED, master)[0] == "verified"
    assert verify_certificate_verify_ssl3(spki(rsa_key), signature, SIGNED, bytes(48))[0] == "failed"
    assert verify_certificate_verify_ssl3(b"", signature, SIGNED, master)[0] == "not_provable"
    key = dsa.generate_private_key(1024)
    signature = key.sign(sha, Prehashed(hashes.SHA1()))
    assert verify_certificate_verify_ssl3(spki(key), signature, SIGNED, master)[0] == "verified"
    assert verify_certificate_verify_ssl3(spki(key), signature, SIGNED[1:], master)[0] == "failed"


def test_ecdsa_before_tls12() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert verdicts(None, spki(key), key.sign(SIGNED, ec.ECDSA(hashes.SHA1())), TLS11) == PROVEN


def test_a_certificate_does_as_well_as_a_bare_key() -> None:
    key, certificate = key_and_certificate("p256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    der = certificate.public_bytes(Encoding.DER)
    assert subject_public_key_info(der) == spki(key) == subject_public_key_info(spki(key))
    assert verdicts(0x0403, der, key.sign(SIGNED, ec.ECDSA(hashes.SHA256())), TLS13) == PROVEN


def test_key_and_scheme_must_fit(rsa_key: rsa.RSAPrivateKey) -> None:
    signature = rsa_key.sign(SIGNED, padding.PKCS1v15(), hashes.SHA256())
    for scheme in (0x0402, 0x0403, 0x0807, 0x0905):
        status, why = verify_signature(scheme, spki(rsa_key), signature, SIGNED, TLS12)
        assert status == "failed"
        assert "does not fit the RSA 2048 key" in why


@pytest.mark.parametrize("scheme", [0x0000, 0x0708, 0x0709, 0x0911, 0x0A0A, 0xFFFF, None])
def test_unknown_schemes_are_not_provable(rsa_key: rsa.RSAPrivateKey, scheme: int | None) -> None:
    status, why = verify_signature(scheme, spki(rsa_key), bytes(256), SIGNED, TLS12)
    assert status == "not_provable"
    assert why


def test_keys_that_cannot_sign() -> None:
    key = spki(x25519.X25519PrivateKey.generate())
    assert verify_signature(0x0807, key, bytes(64), SIGNED, TLS13)[0] == "not_provable"
    ed = spki(ed25519.Ed25519PrivateKey.generate())
    assert verify_signature(None, ed, bytes(64), SIGNED, TLS10)[0] == "not_provable"


@pytest.mark.parametrize(("bits", "exponent_bits"), [(20_000, 17), (250_000, 17), (16_384, 16_000), (4096, 4000)])
@pytest.mark.parametrize("version", [TLS10, TLS12])
def test_absurd_rsa_keys_cost_nothing(bits: int, exponent_bits: int, version: int) -> None:
    key = rsa.RSAPublicNumbers((1 << exponent_bits - 1) | 1, (1 << bits - 1) | 0x3039).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    start = time.process_time()
    status, why = verify_signature(0x0401, der, b"\x01" * (bits // 8), SIGNED, version)
    assert time.process_time() - start < 0.5
    assert status == "not_provable"
    assert "more than is checked" in why


def test_the_largest_rsa_key_is_still_quick() -> None:
    key = rsa.RSAPublicNumbers((1 << 64) - 1, (1 << 16_383) | 0x3039).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    start = time.process_time()
    assert verify_signature(None, der, b"\x01" * 2048, SIGNED, TLS10)[0] == "failed"
    assert time.process_time() - start < 1


def test_broken_keys_are_not_provable() -> None:
    der = key_and_certificate("rsa")[1].public_bytes(Encoding.DER)
    for end in range(0, len(der) - 300, 7):
        assert verify_signature(0x0401, der[:end], bytes(256), SIGNED, TLS12)[0] == "not_provable"
    for rubbish in (b"", b"0", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80" + bytes(50), bytes(100), b"\xff" * 100):
        assert verify_signature(0x0401, rubbish, bytes(256), SIGNED, TLS12)[0] == "not_provable"


def test_a_certificate_with_a_broken_rest_gives_its_key() -> None:
    key, certificate = key_and_certificate("p256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    der = bytearray(certificate.public_bytes(Encoding.DER))
    name = der.index(b"localhost")
    der[name - 2] = 0x1F  # no string type at all
    signature = key.sign(SIGNED, ec.ECDSA(hashes.SHA256()))
    assert verdicts(0x0403, bytes(der), signature, TLS13) == PROVEN


@pytest.mark.skipif(not CERTIFICATES.exists(), reason="the shared vectors are not here")
def test_odd_certificates_never_raise() -> None:
    files = sorted(path for path in CERTIFICATES.rglob("*") if path.is_file())[:400]
    assert files
    for path in files:
        der = path.read_bytes()
        for scheme, version in ((None, TLS10), (0x0401, TLS12), (0x0804, TLS13)):
            assert verify_signature(scheme, der, bytes(256), SIGNED, version)[0] in ("failed", "not_provable")
