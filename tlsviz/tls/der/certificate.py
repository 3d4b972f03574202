"""X.509 certificates (RFC 5280 4.1) and raw public keys (RFC 7250 3)."""

from __future__ import annotations

from tlsviz.tls.der import values
from tlsviz.tls.der.algorithms import algorithm_identifier, algorithm_of, signature, subject_public_key_info
from tlsviz.tls.der.extensions import wrapped_extensions
from tlsviz.tls.der.names import name
from tlsviz.tls.der.reader import Body, Der, bits, contents
from tlsviz.tls.der.tags import BIT_STRING, GENERALIZED_TIME, SEQUENCE, UTC_TIME

_VERSIONS = {0: "v1", 1: "v2", 2: "v3"}
_VERSION, _ISSUER_ID, _SUBJECT_ID, _EXTENSIONS = 0xA0, 0x81, 0x82, 0xA3


def certificate(r: Der) -> str | None:
    """``Certificate``: the label is its subject."""
    subject = r.sequence("tbsCertificate", _tbs_certificate).label
    r.sequence("signatureAlgorithm", algorithm_identifier)
    _same_algorithm(r)
    r.element("signatureValue", BIT_STRING, signature(algorithm_of(r)))
    return subject


def _same_algorithm(r: Der) -> None:
    """Notes a signatureAlgorithm that is not the one inside the signed part (RFC 5280 4.1.1.2)."""
    inner = r.nodes[2].child("signature") if len(r.nodes) > 3 else None
    if inner and _slice(r, inner.start, inner.end) != _slice(r, r.nodes[-1].start, r.nodes[-1].end):
        r.note("not the same as in the signed part (RFC 5280 4.1.1.2)")


def _slice(r: Der, start: int, end: int) -> bytes:
    return r.data[start - r.base : end - r.base]


def certificate_or_key(r: Der) -> str | None:
    """What a certificate message's entry holds: a certificate, or the SubjectPublicKeyInfo of a raw public key."""
    return (subject_public_key_info if _is_key(r) else certificate)(r)


def _is_key(r: Der) -> bool:
    """Whether the second element inside is a BIT STRING. Looks ahead without reading."""
    ahead = Der(r.content[:512])
    if ahead.tag != SEQUENCE:
        return False
    ahead.any()
    return ahead.tag == BIT_STRING


def _tbs_certificate(r: Der) -> str | None:
    """``TBSCertificate``: what the issuer signs."""
    if r.tag == _VERSION:
        r.element("version", _VERSION, _version)
    r.integer("serialNumber", values.hex_integer)
    _check_serial(r)
    r.sequence("signature", algorithm_identifier)
    r.sequence("issuer", name)
    r.sequence("validity", _validity)
    subject = r.sequence("subject", name).label
    r.sequence("subjectPublicKeyInfo", subject_public_key_info)
    if r.tag == _ISSUER_ID:
        r.element("issuerUniqueID", _ISSUER_ID, bits)
    if r.tag == _SUBJECT_ID:
        r.element("subjectUniqueID", _SUBJECT_ID, bits)
    if r.tag == _EXTENSIONS:
        r.element("extensions", _EXTENSIONS, wrapped_extensions)
    return subject


def _version(r: Der) -> str | None:
    label = r.integer("Version", values.named_integer(_VERSIONS)).label
    if label == "v1 (0)":
        r.note("v1 is what is meant without it: DER leaves it out (X.690 11.5)")
    return label


def _check_serial(r: Der) -> None:
    content = r.nodes[-1].children[-1].value
    if isinstance(content, bytes):
        number = int.from_bytes(content, "big", signed=True)
        if number <= 0:
            r.note("must be positive (RFC 5280 4.1.2.2)")
        elif len(content) > 20:
            r.note("must not be longer than 20 bytes (RFC 5280 4.1.2.2)")


def _validity(r: Der) -> str | None:
    first = _time(r, "notBefore")
    last = _time(r, "notAfter")
    return f"{first or '?'} to {last or '?'}"


def _time(r: Der, called: str) -> str | None:
    """``Time``: UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5)."""
    tag = GENERALIZED_TIME if r.tag == GENERALIZED_TIME else UTC_TIME
    label = r.element(called, tag, _TIMES[tag]).label
    if tag == GENERALIZED_TIME and label and label[:4] < "2050":
        r.note("times before 2050 must be a UTCTime (RFC 5280 4.1.2.5)")
    return label


_TIMES: dict[int, Body] = {
    UTC_TIME: contents(values.utc_time),
    GENERALIZED_TIME: contents(values.generalized_time),
}
