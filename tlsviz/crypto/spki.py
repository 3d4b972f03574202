"""Finding the public key in a certificate, however odd the rest of it is."""

from __future__ import annotations

SEQUENCE, INTEGER, OBJECT_IDENTIFIER, VERSION = 0x30, 0x02, 0x06, 0xA0


def subject_public_key_info(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo of an X.509 certificate (RFC 5280 section 4.1); ``der`` itself if it is one.

    Only the way to it is parsed, so that a certificate with a broken name or extension still gives its key.
    Raises ValueError if there is none.
    """
    tag, start, end = _element(der, 0, len(der))
    if tag != SEQUENCE:
        raise ValueError("not a certificate")
    inner_tag, position, inner_end = _element(der, start, end)
    if inner_tag != SEQUENCE:
        raise ValueError("not a certificate")
    tag, _, after = _element(der, position, inner_end)
    if tag not in (VERSION, INTEGER):
        return der
    if tag == VERSION:
        position = after
    for _ in ("serialNumber", "signature", "issuer", "validity", "subject"):
        _, _, position = _element(der, position, inner_end)
    tag, _, after = _element(der, position, inner_end)
    if tag != SEQUENCE:
        raise ValueError("no public key in the certificate")
    return der[position:after]


def key_algorithm(spki: bytes) -> bytes:
    """The contents of the OID of a SubjectPublicKeyInfo's algorithm, in DER; ValueError if there is none."""
    _, start, end = _element(spki, 0, len(spki))
    _, start, end = _element(spki, start, end)
    tag, start, end = _element(spki, start, end)
    if tag != OBJECT_IDENTIFIER:
        raise ValueError("the key does not say its algorithm")
    return spki[start:end]


def _element(der: bytes, position: int, limit: int) -> tuple[int, int, int]:
    """Tag, start and end of the contents of the DER element at ``position``, which must end by ``limit``."""
    if position + 2 > limit:
        raise ValueError("the certificate is cut off")
    tag, length = der[position], der[position + 1]
    start = position + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or start + size > limit:
            raise ValueError("the certificate has a broken length")
        length = int.from_bytes(der[start : start + size], "big")
        start += size
    if start + length > limit:
        raise ValueError("the certificate is cut off")
    return tag, start, start + length
