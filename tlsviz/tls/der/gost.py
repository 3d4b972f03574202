"""Wrapped keys of GOST key exchanges (RFC 9189 8.2.4, RFC 4490 2.2). Context tags are implicit."""

from __future__ import annotations

from tlsviz.tls.der.algorithms import subject_public_key_info
from tlsviz.tls.der.reader import Der, opaque
from tlsviz.tls.der.tags import OCTET_STRING, SEQUENCE


def key_transport(r: Der) -> str | None:
    """``PSKeyTransport`` (suites with CTR_OMAC), or ``TLSGostKeyTransportBlob`` (28147 and older ones)."""
    if r.tag == SEQUENCE:
        r.sequence("keyBlob", _key_blob)
        return "TLSGostKeyTransportBlob"
    r.element("PSEXP", OCTET_STRING, opaque)
    r.sequence("ephemeralPublicKey", subject_public_key_info)
    if r.tag == OCTET_STRING:
        r.element("ukm", OCTET_STRING, opaque)
    return "PSKeyTransport"


def _key_blob(r: Der) -> str | None:
    """``GostR3410-KeyTransport``."""
    r.sequence("sessionEncryptedKey", _encrypted_key)
    if r.tag == 0xA0:
        r.element("transportParameters", 0xA0, _transport_parameters)
    return None


def _encrypted_key(r: Der) -> str | None:
    """``Gost28147-89-EncryptedKey``."""
    r.element("encryptedKey", OCTET_STRING, opaque)
    if r.tag == 0x80:
        r.element("maskKey", 0x80, opaque)
    r.element("macKey", OCTET_STRING, opaque)
    return None


def _transport_parameters(r: Der) -> str | None:
    """``GostR3410-TransportParameters``."""
    r.oid("encryptionParamSet")
    if r.tag == 0xA0:
        r.element("ephemeralPublicKey", 0xA0, subject_public_key_info)
    r.element("ukm", OCTET_STRING, opaque)
    return None
