"""Where in a certificate a reason lies: the path of the field in its tree of DER."""

from __future__ import annotations

from tlsviz.pki import oids
from tlsviz.pki.certificate import Certificate
from tlsviz.pki.trust import Reason

_EXTENSIONS = "tbsCertificate.extensions"
_FIELDS: dict[Reason, str] = {
    "expired": "tbsCertificate.validity.notAfter",
    "not_yet_valid": "tbsCertificate.validity.notBefore",
    "unknown_issuer": "tbsCertificate.issuer",
    "missing_intermediate": "tbsCertificate.issuer",
    "self_signed": "tbsCertificate.issuer",
    "bad_signature": "signatureValue",
    "weak_key": "tbsCertificate.subjectPublicKeyInfo",
    "weak_signature": "signatureAlgorithm",
    "revoked": "tbsCertificate.serialNumber",
    "wrong_order": "tbsCertificate.subject",
}
_IN_EXTENSIONS: dict[Reason, str] = {
    "name_mismatch": oids.SUBJECT_ALT_NAME,
    "not_a_ca": oids.BASIC_CONSTRAINTS,
    "path_length": oids.BASIC_CONSTRAINTS,
    "key_usage": oids.KEY_USAGE,
    "extended_key_usage": oids.EXTENDED_KEY_USAGE,
    "name_constraints": oids.NAME_CONSTRAINTS,
}


def field_of(reason: Reason, cert: Certificate) -> str:
    """The dotted path of the field that a reason is about, below the certificate's root; "" if it has no one place.

    An extension that is missing gives the extensions; none at all, the whole signed part.
    """
    dotted = _IN_EXTENSIONS.get(reason)
    if dotted is None:
        return _FIELDS.get(reason, "")
    place = extension_field(dotted, cert)
    if reason == "path_length" and cert.path_length is not None:
        return f"{place}.extnValue.BasicConstraints.pathLenConstraint"
    if reason == "name_mismatch" and not cert.has(dotted):
        return "tbsCertificate.subject"
    return place


def extension_field(dotted: str, cert: Certificate) -> str:
    """The path of an extension, by its identifier; of where it is missing."""
    if cert.has(dotted):
        return f"{_EXTENSIONS}.Extensions.{oids.EXTENSIONS.get(dotted, 'Extension')}"
    return _EXTENSIONS if cert.extensions else "tbsCertificate"
