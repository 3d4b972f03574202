"""Key pairs for the lab's certificates, strong and weak."""

from __future__ import annotations

from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

KeyKind = Literal["ec", "rsa", "rsa-1024", "p-224", "ed25519", "ml-dsa-65"]
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey

# The orders of the curves' groups, FIPS 186-4 D.1.2.
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P224_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D


def make_key(kind: KeyKind, seed: bytes | None) -> Key:
    """A new key; the same one for the same 32 bytes of ``seed``, but for RSA."""
    if kind in ("rsa", "rsa-1024"):
        return rsa.generate_private_key(public_exponent=65537, key_size=1024 if kind == "rsa-1024" else 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed) if seed else ed25519.Ed25519PrivateKey.generate()
    if kind == "ml-dsa-65":
        return mldsa.MLDSA65PrivateKey.from_seed_bytes(seed) if seed else mldsa.MLDSA65PrivateKey.generate()
    curve, order = (ec.SECP224R1(), _P224_ORDER) if kind == "p-224" else (ec.SECP256R1(), _P256_ORDER)
    if seed is None:
        return ec.generate_private_key(curve)
    return ec.derive_private_key(int.from_bytes(seed, "big") % (order - 1) + 1, curve)
