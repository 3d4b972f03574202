"""Public keys and signature algorithms by name, from their DER."""

from __future__ import annotations

from tlsviz.pki import oids
from tlsviz.pki.der import BIT_STRING, INTEGER, OID, SEQUENCE, Element, first, oid

EXPLICIT_CURVE = "EC explicit parameters"
"""The name of a key whose curve is spelt out number by number, which RFC 5480 2.1.1 forbids."""


def signature_name(element: Element) -> str:
    """An AlgorithmIdentifier's usual name, its OID when unknown; PSS with its hash."""
    parts = element.children
    if not parts or parts[0].tag != OID:
        return "?"
    dotted = oid(parts[0].content)
    name = oids.SIGNATURES.get(dotted, dotted)
    return f"{name} with {_pss_hash(parts)}" if dotted == oids.RSA_PSS else name


def _pss_hash(parts: list[Element]) -> str:
    """The hash of RSASSA-PSS-params; SHA-1 is the default (RFC 4055 3.1)."""
    for field in parts[1].children if len(parts) > 1 else ():
        if field.tag == 0xA0 and field.children and field.children[0].children:
            dotted = oid(field.children[0].children[0].content)
            return oids.HASHES.get(dotted, dotted)
    return "SHA1"


def public_key(element: Element) -> tuple[str, int | None, str]:
    """A SubjectPublicKeyInfo in words (``RSA 2048``, ``EC P-256``, ``Ed25519``), its bits, its faults."""
    parts = element.children
    algorithm = parts[0].children if parts else []
    if not algorithm or algorithm[0].tag != OID:
        return "?", None, "public key has no algorithm"
    dotted = oid(algorithm[0].content)
    name = oids.KEYS.get(dotted, dotted)
    if dotted in (oids.RSA, oids.RSA_PSS):
        return _sized(name, _modulus(parts))
    if dotted == oids.DSA:
        inside = algorithm[1].children if len(algorithm) > 1 else []
        return _sized(name, _bit_length(inside[0]) if inside else None)
    if dotted == oids.EC:
        return _curve(algorithm[1] if len(algorithm) > 1 else None)
    return name, None, ""


def _sized(name: str, bits: int | None) -> tuple[str, int | None, str]:
    return (f"{name} {bits}", bits, "") if bits else (name, None, f"the {name} key cannot be read")


def _modulus(parts: list[Element]) -> int | None:
    if len(parts) < 2 or parts[1].tag != BIT_STRING:
        return None
    inner = first(parts[1].content[1:])
    numbers = inner.children if inner and inner.tag == SEQUENCE else []
    return _bit_length(numbers[0]) if numbers else None


def _bit_length(element: Element) -> int | None:
    if element.tag != INTEGER:
        return None
    return int.from_bytes(element.content, "big").bit_length()


def _curve(parameters: Element | None) -> tuple[str, int | None, str]:
    if parameters is None:
        return "EC", None, "the EC key names no curve"
    if parameters.tag == SEQUENCE:
        return (
            EXPLICIT_CURVE,
            None,
            "the EC key spells out its curve instead of naming it (RFC 5480 2.1.1)",
        )
    dotted = oid(parameters.content)
    name, bits = oids.CURVES.get(dotted, (dotted, None))
    return f"EC {name}", bits, ""
