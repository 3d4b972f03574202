"""Signatures in messages: the scheme, and the bytes, which for ECDSA and DSA are two numbers in DER."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.der.kinds import SignatureNode
from tlsviz.tls.der.node import der_vector
from tlsviz.wire.reader import Reader

_WITH_NUMBERS = ("ecdsa_", "dsa_", "sm2sig_")


def signature_scheme(r: Reader) -> int:
    """``SignatureScheme`` of TLS 1.3, the pair ``SignatureAndHashAlgorithm`` of TLS 1.2."""
    return r.uint("algorithm", 2, registry.signature_schemes)


def signature(r: Reader, scheme: int | None) -> None:
    """``opaque signature<0..2^16-1>`` of a scheme; None when there is none, before TLS 1.2."""
    name = registry.signature_schemes.get(scheme) if scheme is not None else None
    if name and name.startswith(_WITH_NUMBERS):
        der_vector(r, "signature", 2, SignatureNode)
    else:
        r.vector_opaque("signature", 2)
