"""Extensions about certificates: stapled status, transparency, wanted issuers, types."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.der.kinds import (
    AnyNode,
    ExtensionsNode,
    NameNode,
    OcspResponseNode,
    PublicKeyNode,
    ResponderIdNode,
)
from tlsviz.tls.der.node import der_vector
from tlsviz.tls.extensions.table import CH, CR, CT, EE, SH, extension
from tlsviz.tls.fields import codes, empty, structs
from tlsviz.tls.sct import sct_list
from tlsviz.tls.signatures import signature, signature_scheme
from tlsviz.wire.reader import Reader


@extension(5, CH)
def status_request(r: Reader) -> None:
    """``CertificateStatusRequest`` (RFC 6066 8)."""
    if r.uint("status_type", 1, registry.certificate_status_types) == 1:
        _ocsp_request(r)
    else:
        _unknown(r)


def _ocsp_request(r: Reader) -> None:
    r.vector("responder_id_list", 2, lambda v: v.each(_responder_id))
    der_vector(r, "request_extensions", 2, ExtensionsNode)


def _responder_id(r: Reader) -> None:
    der_vector(r, "responder_id", 2, ResponderIdNode)


extension(5, SH, CR)(empty)


@extension(5, CT)
def certificate_status(r: Reader) -> None:
    """``CertificateStatus`` beside its certificate (RFC 8446 4.4.2.1); also the message of TLS 1.2 (RFC 6066 8)."""
    kind = r.uint("status_type", 1, registry.certificate_status_types)
    if kind == 1:
        _ocsp_response(r)
    elif kind == 2:
        r.vector("ocsp_response_list", 3, lambda v: v.each(_ocsp_response))
    else:
        r.rest("response")


def _ocsp_response(r: Reader) -> None:
    der_vector(r, "ocsp_response", 3, OcspResponseNode)


@extension(17, CH)
def status_request_v2(r: Reader) -> None:
    """``CertificateStatusRequestItemV2 certificate_status_req_list<1..2^16-1>`` (RFC 6961 2.2)."""

    def item(v: Reader) -> None:
        kind = v.uint("status_type", 1, registry.certificate_status_types)
        v.vector("request", 2, _ocsp_request if kind in (1, 2) else _unknown, "request_length")

    structs(r, "certificate_status_req_list", 2, "certificate_status_request_item", item)


extension(17, SH)(empty)
extension(18, CH, CR)(empty)


@extension(18, SH, CT)
def signed_certificate_timestamp(r: Reader) -> None:
    """``SerializedSCT sct_list<1..2^16-1>`` (RFC 6962 3.3)."""
    sct_list(r)


@extension(19, CH)
def client_certificate_types(r: Reader) -> None:
    """``CertificateType client_certificate_types<1..2^8-1>`` (RFC 7250 3)."""
    codes(r, "client_certificate_types", 1, "client_certificate_type", 1, registry.certificate_types)


@extension(19, SH, EE)
def client_certificate_type(r: Reader) -> None:
    """``CertificateType client_certificate_type``."""
    r.uint("client_certificate_type", 1, registry.certificate_types)


@extension(20, CH)
def server_certificate_types(r: Reader) -> None:
    """``CertificateType server_certificate_types<1..2^8-1>`` (RFC 7250 3)."""
    codes(r, "server_certificate_types", 1, "server_certificate_type", 1, registry.certificate_types)


@extension(20, SH, EE)
def server_certificate_type(r: Reader) -> None:
    """``CertificateType server_certificate_type``."""
    r.uint("server_certificate_type", 1, registry.certificate_types)


@extension(34, CT)
def delegated_credential(r: Reader) -> None:
    """``DelegatedCredential`` (RFC 9345 4)."""

    def credential(v: Reader) -> None:
        v.uint("valid_time", 4)
        v.uint("dc_cert_verify_algorithm", 2, registry.signature_schemes)
        der_vector(v, "ASN1_subjectPublicKeyInfo", 3, PublicKeyNode)

    r.struct("cred", credential)
    signature(r, signature_scheme(r))


@extension(47, CH, CR)
def certificate_authorities(r: Reader) -> None:
    """``DistinguishedName authorities<3..2^16-1>`` (RFC 8446 4.2.4)."""
    distinguished_names(r, "authorities")


def distinguished_names(r: Reader, name: str) -> None:
    """``opaque DistinguishedName<1..2^16-1>``, any number of them, in DER."""

    def body(v: Reader) -> None:
        while v.remaining:
            der_vector(v, "distinguished_name", 2, NameNode)

    r.vector(name, 2, body)


@extension(48, CR)
def oid_filters(r: Reader) -> None:
    """``OIDFilter filters<0..2^16-1>`` (RFC 8446 4.2.5)."""

    def one(v: Reader) -> None:
        der_vector(v, "certificate_extension_oid", 1, AnyNode)
        v.vector_opaque("certificate_extension_values", 2)

    structs(r, "filters", 2, "oid_filter", one)


def _unknown(r: Reader) -> None:
    r.rest("request")
