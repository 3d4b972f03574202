"""OCSP responses (RFC 6960 4.2) and what a ClientHello says about the wanted ones (RFC 6066 8)."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.der import values
from tlsviz.tls.der.algorithms import algorithm_identifier, algorithm_of, signature
from tlsviz.tls.der.certificate import certificate
from tlsviz.tls.der.extensions import any_der, wrapped_extensions
from tlsviz.tls.der.names import name, summary
from tlsviz.tls.der.reader import Der, contents, opaque
from tlsviz.tls.der.tags import BIT_STRING, ENUMERATED, GENERALIZED_TIME, OCTET_STRING

BASIC = "1.3.6.1.5.5.7.48.1.1"
CRL_REASONS = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    8: "removeFromCRL",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}
"""RFC 5280 5.3.1."""

_time = contents(values.generalized_time)


def ocsp_response(r: Der) -> str | None:
    """``OCSPResponse``: the label is the status of the certificates it is about."""
    status = r.integer("responseStatus", values.named_integer(registry.ocsp_response_statuses), ENUMERATED).label
    if r.tag == 0xA0:
        return r.element("responseBytes", 0xA0, _wrapped_bytes).label
    return status


def _wrapped_bytes(r: Der) -> str | None:
    return r.sequence("ResponseBytes", _response_bytes).label


def _response_bytes(r: Der) -> str | None:
    kind = r.oid("responseType")
    return r.element("response", OCTET_STRING, _wrapped_basic if kind == BASIC else any_der).label


def _wrapped_basic(r: Der) -> str | None:
    return r.sequence("BasicOCSPResponse", _basic_response).label


def _basic_response(r: Der) -> str | None:
    label = r.sequence("tbsResponseData", _response_data).label
    r.sequence("signatureAlgorithm", algorithm_identifier)
    r.element("signature", BIT_STRING, signature(algorithm_of(r)))
    if r.tag == 0xA0:
        r.element("certs", 0xA0, _certificates)
    return label


def _certificates(r: Der) -> str | None:
    return r.sequence("Certificates", lambda v: v.each(lambda w: w.sequence("Certificate", certificate))).label


def _response_data(r: Der) -> str | None:
    if r.tag == 0xA0:
        r.element("version", 0xA0, _version)
    if r.tag == 0xA2:
        r.element("responderID", 0xA2, _by_key)
    else:
        r.element("responderID", 0xA1, _by_name)
    r.element("producedAt", GENERALIZED_TIME, _time)
    label = r.sequence("responses", _responses).label
    if r.tag == 0xA1:
        r.element("responseExtensions", 0xA1, wrapped_extensions)
    return label


def _version(r: Der) -> str | None:
    return r.integer("Version", values.named_integer({0: "v1"})).label


def _by_name(r: Der) -> str | None:
    return r.sequence("byName", name).label


def _by_key(r: Der) -> str | None:
    return r.element("byKey", OCTET_STRING, opaque).label


def _responses(r: Der) -> str | None:
    r.each(lambda v: v.sequence("SingleResponse", _single_response))
    return summary(r)


def _single_response(r: Der) -> str | None:
    r.sequence("certID", _cert_id)
    status = _cert_status(r)
    r.element("thisUpdate", GENERALIZED_TIME, _time)
    if r.tag == 0xA0:
        r.element("nextUpdate", 0xA0, _next_update)
    if r.tag == 0xA1:
        r.element("singleExtensions", 0xA1, wrapped_extensions)
    return status


def _cert_id(r: Der) -> str | None:
    r.sequence("hashAlgorithm", algorithm_identifier)
    r.element("issuerNameHash", OCTET_STRING, opaque)
    r.element("issuerKeyHash", OCTET_STRING, opaque)
    return r.integer("serialNumber", values.hex_integer).label


def _cert_status(r: Der) -> str | None:
    """``CertStatus``: a CHOICE told by its tag."""
    if r.tag == 0xA1:
        return r.element("certStatus", 0xA1, _revoked).label
    if r.tag == 0x82:
        r.element("certStatus", 0x82, contents(values.null))
        r.label("unknown")
        return "unknown"
    r.element("certStatus", 0x80, contents(values.null))
    if r.nodes[-1].children[0].value != 0x80:
        return None
    r.label("good")
    return "good"


def _revoked(r: Der) -> str | None:
    """``RevokedInfo``."""
    label = f"revoked {r.element('revocationTime', GENERALIZED_TIME, _time).label}"
    if r.tag == 0xA0:
        label += f", {r.element('revocationReason', 0xA0, _reason).label}"
    return label


def _reason(r: Der) -> str | None:
    return r.integer("CRLReason", values.named_integer(CRL_REASONS), ENUMERATED).label


def _next_update(r: Der) -> str | None:
    return r.element("GeneralizedTime", GENERALIZED_TIME, _time).label


def responder_id(r: Der) -> str | None:
    """The contents of a ``ResponderID``, whose tag says which of the two it is."""
    return _by_key(r) if r.data[r.nodes[0].start - r.base] == 0xA2 else _by_name(r)
