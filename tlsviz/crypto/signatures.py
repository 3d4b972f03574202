"""Signatures of the handshake: CertificateVerify, ServerKeyExchange, delegated credentials."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tlsviz.crypto import ssl3
from tlsviz.crypto.hashing import digest
from tlsviz.crypto.spki import key_algorithm, subject_public_key_info
from tlsviz.tls import registry
from tlsviz.wire.chunks import SERVER, Sender

Status = Literal["verified", "failed", "not_provable"]
Verdict = tuple[Status, str]

TLS12, TLS13 = 0x0303, 0x0304
MOST_RSA_BITS = 16384
MOST_EXPONENT_BITS = 64
PSS_KEY = "RSASSA-PSS"
"""The kind of an RSA key whose OID is id-RSASSA-PSS: rsa_pss_pss_* are for it alone (RFC 8446 4.2.3)."""
_ID_RSASSA_PSS = bytes.fromhex("2a864886f70d01010a")  # 1.2.840.113549.1.1.10 (RFC 8017 A.2.3)

MlDsaKey = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey


class Scheme(NamedTuple):
    """A signature scheme taken apart. ``binding``: the curve or parameter set that TLS 1.3 ties to it.

    ``kind``: that of its key, but for "RSA-PSS", which is RSASSA-PSS with an ordinary RSA key (rsa_pss_rsae_*).
    """

    kind: str
    hash: hashes.HashAlgorithm | None = None
    binding: str | None = None
    tls13: bool = False


_LEGACY_HASHES: dict[int, hashes.HashAlgorithm] = {
    1: hashes.MD5(),  # noqa: S303 - what was signed decides
    2: hashes.SHA1(),  # noqa: S303
    3: hashes.SHA224(),
    4: hashes.SHA256(),
    5: hashes.SHA384(),
    6: hashes.SHA512(),
}
_LEGACY_KINDS = {1: "RSA", 2: "DSA", 3: "EC"}
_TLS13_CURVES = {0x0403: "secp256r1", 0x0503: "secp384r1", 0x0603: "secp521r1"}

_SCHEMES: dict[int, Scheme] = {
    high << 8 | low: Scheme(kind, hash_, _TLS13_CURVES.get(high << 8 | low), high << 8 | low in _TLS13_CURVES)
    for high, hash_ in _LEGACY_HASHES.items()
    for low, kind in _LEGACY_KINDS.items()
} | {
    0x0420: Scheme("RSA", hashes.SHA256(), tls13=True),
    0x0520: Scheme("RSA", hashes.SHA384(), tls13=True),
    0x0620: Scheme("RSA", hashes.SHA512(), tls13=True),
    0x0804: Scheme("RSA-PSS", hashes.SHA256(), tls13=True),
    0x0805: Scheme("RSA-PSS", hashes.SHA384(), tls13=True),
    0x0806: Scheme("RSA-PSS", hashes.SHA512(), tls13=True),
    0x0807: Scheme("Ed25519", tls13=True),
    0x0808: Scheme("Ed448", tls13=True),
    0x0809: Scheme(PSS_KEY, hashes.SHA256(), tls13=True),
    0x080A: Scheme(PSS_KEY, hashes.SHA384(), tls13=True),
    0x080B: Scheme(PSS_KEY, hashes.SHA512(), tls13=True),
    0x081A: Scheme("EC", hashes.SHA256(), "brainpoolP256r1", tls13=True),
    0x081B: Scheme("EC", hashes.SHA384(), "brainpoolP384r1", tls13=True),
    0x081C: Scheme("EC", hashes.SHA512(), "brainpoolP512r1", tls13=True),
    0x0904: Scheme("ML-DSA", None, "ML-DSA-44", tls13=True),
    0x0905: Scheme("ML-DSA", None, "ML-DSA-65", tls13=True),
    0x0906: Scheme("ML-DSA", None, "ML-DSA-87", tls13=True),
}


def certificate_verify_13_content(sender: Sender, transcript_hash: bytes) -> bytes:
    """What TLS 1.3's CertificateVerify signs (RFC 9846 section 4.4.3)."""
    side = b"server" if sender == SERVER else b"client"
    return b" " * 64 + b"TLS 1.3, " + side + b" CertificateVerify\x00" + transcript_hash


class _NotProvable(Exception):  # noqa: N818 - an outcome, as `Unopened`
    """The key or the scheme is not one that can be checked; the text says why."""


def verify_signature(
    scheme: int | None, public_key_der_or_cert: bytes, signature: bytes, signed: bytes, version: int
) -> Verdict:
    """Whether ``signature`` over ``signed`` is right; with the reason in words. Never raises.

    The key is a certificate's or a SubjectPublicKeyInfo, in DER. ``scheme`` is the SignatureScheme of TLS 1.2
    and 1.3; before, it is None and the key's kind decides (RFC 4346 section 7.4.3). "not_provable" means that
    the key cannot be read or the scheme cannot be done here.
    """
    name = _name(scheme, version)
    return _guarded(lambda: _verify(scheme, public_key_der_or_cert, signature, signed, version), name)


verify_lasting = lru_cache(maxsize=1024)(verify_signature)
"""The same of what many connections show: a responder's answer, a log's receipt. Never of a handshake, which is new."""


def verify_certificate_verify_ssl3(
    public_key_der_or_cert: bytes, signature: bytes, messages: bytes, master_secret: bytes
) -> Verdict:
    """The same for SSL 3's CertificateVerify, which signs the messages hashed together with the master secret."""

    def check() -> Verdict:
        key, _, described = _read_key(public_key_der_or_cert)
        return _verify_legacy(key, signature, ssl3.handshake_hashes(master_secret, messages), described)

    return _guarded(check, "legacy scheme of SSL 3.0")


def _guarded(check: Callable[[], Verdict], name: str) -> Verdict:
    try:
        return check()
    except InvalidSignature:
        return "failed", f"the signature does not match ({name})"
    except _NotProvable as reason:
        return "not_provable", str(reason)
    except Exception as error:  # a hostile key can upset the library in many ways; none is worth a crash
        return "not_provable", f"the signature cannot be checked: {type(error).__name__}"


def _name(scheme: int | None, version: int) -> str:
    if version < TLS12:
        return "legacy scheme of TLS 1.0 and 1.1"
    if scheme is None:
        return "unknown scheme"
    return registry.signature_schemes.get(scheme) or f"scheme 0x{scheme:04x}"


def _verify(scheme: int | None, der: bytes, signature: bytes, signed: bytes, version: int) -> Verdict:
    key, kind, described = _read_key(der)
    if version < TLS12:
        return _verify_legacy(key, signature, digest("md5", signed) + digest("sha1", signed), described)
    if scheme is None:
        raise _NotProvable("the signature scheme is unknown")
    plan = _SCHEMES.get(scheme)
    name = _name(scheme, version)
    if plan is None:
        raise _NotProvable(f"{name} is not supported")
    if ("RSA" if plan.kind == "RSA-PSS" else plan.kind) != kind:
        return "failed", f"{name} does not fit the {described} key of the certificate"
    if plan.binding and plan.binding not in described and (version >= TLS13 or kind == "ML-DSA"):
        return "failed", f"{name} does not fit the {described} key of the certificate"
    _check(key, plan, signature, signed)
    if version >= TLS13 and not plan.tls13:
        return "failed", f"the signature is right, but TLS 1.3 does not allow {name} here"
    return "verified", f"{name} with the {described} key"


@lru_cache(maxsize=512)
def _read_key(der: bytes) -> tuple[object, str, str]:
    """The key, its kind, and its kind with size, curve or parameter set."""
    try:
        spki = subject_public_key_info(der)
        key, algorithm = load_der_public_key(spki), key_algorithm(spki)
    except Exception as error:  # whatever is wrong with it
        raise _NotProvable(f"the public key cannot be read ({type(error).__name__})") from None
    if isinstance(key, rsa.RSAPublicKey):
        if why := _absurd(key):
            raise _NotProvable(why)
        kind = PSS_KEY if algorithm == _ID_RSASSA_PSS else "RSA"
        return key, kind, f"{kind} {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key, "EC", f"EC {key.curve.name}"
    if isinstance(key, dsa.DSAPublicKey):
        return key, "DSA", f"DSA {key.key_size}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key, "Ed25519", "Ed25519"
    if isinstance(key, ed448.Ed448PublicKey):
        return key, "Ed448", "Ed448"
    if isinstance(key, MlDsaKey):
        return key, "ML-DSA", f"ML-DSA-{type(key).__name__[5:7]}"
    raise _NotProvable("signatures with this kind of key are not supported")


def _absurd(key: rsa.RSAPublicKey) -> str | None:
    """Why an RSA key is not worth the work: OpenSSL's limits, named here, for it only says that it failed."""
    if key.key_size > MOST_RSA_BITS:
        return f"the RSA key has {key.key_size:,} bits, more than is checked"
    if key.public_numbers().e.bit_length() > MOST_EXPONENT_BITS:
        return f"the RSA key's exponent has {key.public_numbers().e.bit_length():,} bits, more than is checked"
    return None


def _check(key: object, plan: Scheme, signature: bytes, signed: bytes) -> None:
    """Checks a signature by its scheme; raises InvalidSignature."""
    if isinstance(key, rsa.RSAPublicKey) and plan.hash:
        pad: padding.AsymmetricPadding = padding.PKCS1v15()
        if plan.kind in ("RSA-PSS", PSS_KEY):
            pad = padding.PSS(padding.MGF1(plan.hash), plan.hash.digest_size)
        key.verify(signature, signed, pad, plan.hash)
    elif isinstance(key, ec.EllipticCurvePublicKey) and plan.hash:
        key.verify(signature, signed, ec.ECDSA(plan.hash))
    elif isinstance(key, dsa.DSAPublicKey) and plan.hash:
        key.verify(signature, signed, plan.hash)
    elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey | MlDsaKey):
        key.verify(signature, signed)
    else:
        raise TypeError("no such scheme")


def _verify_legacy(key: object, signature: bytes, hashed: bytes, described: str) -> Verdict:
    """Before TLS 1.2: RSA over MD5 and SHA-1 together, DSA and ECDSA over SHA-1. ``hashed``: both, 36 bytes."""
    sha1 = hashed[16:]
    if isinstance(key, rsa.RSAPublicKey) and not described.startswith(PSS_KEY):
        _check_md5_sha1(key.public_numbers(), signature, hashed)
        return "verified", f"MD5 and SHA-1 with the {described} key"
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, sha1, ec.ECDSA(Prehashed(_LEGACY_HASHES[2])))
    elif isinstance(key, dsa.DSAPublicKey):
        key.verify(signature, sha1, Prehashed(_LEGACY_HASHES[2]))
    else:
        raise _NotProvable(f"TLS 1.0 and 1.1 have no signatures with {described} keys")
    return "verified", f"SHA-1 with the {described} key"


def _check_md5_sha1(numbers: rsa.RSAPublicNumbers, signature: bytes, hashed: bytes) -> None:
    """RSASSA-PKCS1-v1_5 without DigestInfo, which `cryptography` does not offer (RFC 2246 section 4.7)."""
    size = (numbers.n.bit_length() + 7) // 8
    value = int.from_bytes(signature, "big")
    fill = size - len(hashed) - 3
    if len(signature) != size or value >= numbers.n or fill < 8:
        raise InvalidSignature
    block = b"\x00\x01" + b"\xff" * fill + b"\x00" + hashed
    if pow(value, numbers.e, numbers.n).to_bytes(size, "big") != block:
        raise InvalidSignature
