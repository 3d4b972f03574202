"""Certificate, CertificateRequest, CertificateVerify, CertificateStatus and their kin."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.context import TLS_1_2, TLS_1_3, Context
from tlsviz.tls.der.kinds import CertificateNode, PublicKeyNode
from tlsviz.tls.der.node import der_rest, der_vector
from tlsviz.tls.extensions import extension_block
from tlsviz.tls.extensions.certificates import certificate_status as _certificate_status
from tlsviz.tls.extensions.certificates import distinguished_names
from tlsviz.tls.extensions.table import CR, CT
from tlsviz.tls.fields import codes, never_empty, structs, text
from tlsviz.tls.signatures import signature, signature_scheme
from tlsviz.wire.reader import Body, Reader

MAX_CERTIFICATES = 500
"""More than this many entries in one Certificate are kept as one field."""


def certificate(r: Reader, context: Context) -> None:
    """RFC 8446 4.4.2, where each certificate has extensions; RFC 5246 7.4.2, where it has not."""
    if _is_13(r, context):
        r.vector_opaque("certificate_request_context", 1)
        r.vector("certificate_list", 3, lambda v: _entries(v, lambda w: w.struct("certificate_entry", _entry)))
    else:
        r.vector("certificate_list", 3, _certificates_12)


def _is_13(r: Reader, context: Context) -> bool:
    """By the version; when that is unknown, by whether the first three bytes are the length of all the rest."""
    if context.layout is not None:
        return context.layout >= TLS_1_3
    return int.from_bytes(r.peek(3), "big") != r.remaining - 3


def _certificates_12(r: Reader) -> None:
    """``ASN.1Cert certificate_list<0..2^24-1>``, or one key instead: a DER sequence right here (RFC 7250 3)."""
    if r.peek(1) == b"\x30" and int.from_bytes(r.peek(3), "big") > r.remaining:
        der_rest(r, "ASN1_subjectPublicKeyInfo", PublicKeyNode)
    else:
        _entries(r, _asn1_certificate)


def _entries(r: Reader, body: Body) -> None:
    count = 0
    while r.remaining and count < MAX_CERTIFICATES:
        body(r)
        count += 1
    if r.rest("more_certificates"):
        r.note(f"more than {MAX_CERTIFICATES} certificates: the others are not taken apart")


def _entry(r: Reader) -> None:
    der_vector(r, "cert_data", 3, CertificateNode)
    never_empty(r)
    extension_block(r, CT)


def _asn1_certificate(r: Reader) -> None:
    der_vector(r, "certificate", 3, CertificateNode)
    never_empty(r)


def compressed_certificate(r: Reader, _: Context) -> None:
    """RFC 8879 4."""
    r.uint("algorithm", 2, registry.certificate_compression_algorithms)
    r.uint("uncompressed_length", 3)
    r.vector_opaque("compressed_certificate_message", 3)


def certificate_request(r: Reader, context: Context) -> None:
    """RFC 8446 4.3.2; RFC 5246 7.4.4; without signature algorithms RFC 4346 7.4.4."""
    version = context.layout
    if version is not None and version >= TLS_1_3:
        r.vector_opaque("certificate_request_context", 1)
        extension_block(r, CR)
        if r.nodes[-1].child("signature_algorithms") is None:
            r.note("lacks signature_algorithms (RFC 8446 4.3.2)")
        return
    codes(r, "certificate_types", 1, "certificate_type", 1, registry.client_certificate_types)
    if version == TLS_1_2 or (version is None and not _ends_with_vector(r)):
        codes(r, "supported_signature_algorithms", 2, "signature_scheme", 2, registry.signature_schemes)
    distinguished_names(r, "certificate_authorities")


def _ends_with_vector(r: Reader) -> bool:
    """Whether the next two bytes are the length of all the rest."""
    return int.from_bytes(r.peek(2), "big") == r.remaining - 2


def certificate_verify(r: Reader, context: Context) -> None:
    """RFC 8446 4.4.3, RFC 5246 7.4.8; before TLS 1.2 the signature alone."""
    signed(r, context)


def signed(r: Reader, context: Context) -> None:
    """``digitally-signed``: the algorithm since TLS 1.2, and the signature."""
    version = context.layout
    with_algorithm = not _ends_with_vector(r) if version is None else version >= TLS_1_2
    signature(r, signature_scheme(r) if with_algorithm else None)


def certificate_status(r: Reader, _: Context) -> None:
    """RFC 6066 8."""
    _certificate_status(r)


def certificate_url(r: Reader, _: Context) -> None:
    """RFC 6066 5."""

    def one(v: Reader) -> None:
        text(v, "url", 2)
        if v.uint("padding", 1) != 1:
            v.note("must be 1 (RFC 6066 5)")
        v.opaque("SHA1Hash", 20)

    r.uint("type", 1, registry.cert_chain_types)
    structs(r, "url_and_hash_list", 2, "url_and_hash", one)


def supplemental_data(r: Reader, _: Context) -> None:
    """RFC 4680 2."""

    def one(v: Reader) -> None:
        kind = v.uint("supp_data_type", 2, registry.supplemental_data_formats)
        v.vector("supp_data", 2, _SUPPLEMENTS.get(kind, _unknown_supplement), "supp_data_length")

    structs(r, "supp_data", 3, "supplemental_data_entry", one)


def _unknown_supplement(r: Reader) -> None:
    r.rest("data")


def _user_mapping_data(r: Reader) -> None:
    """``UserMappingDataList`` (RFC 4681 3)."""

    def one(v: Reader) -> None:
        if v.uint("user_mapping_version", 1, registry.user_mapping_types) == 64:
            text(v, "user_principal_name", 2)
            text(v, "domain_name", 2)
        else:
            v.rest("mapping")

    structs(r, "user_mapping_data_list", 2, "user_mapping_data", one)


def _authz_data(r: Reader) -> None:
    """``AuthorizationData`` (RFC 5878 3)."""

    def one(v: Reader) -> None:
        kind = v.uint("authz_format", 1, registry.authorization_data_formats)
        if kind in (0, 1, 64):
            v.vector_opaque("assertion", 2)
        elif kind in (2, 3, 65):
            text(v, "url", 2)
            algorithm = v.uint("hash_type", 1, {0: "sha1", 1: "sha256"})
            v.opaque("url_hash", 32 if algorithm == 1 else 20)
        else:
            v.rest("authz_data")

    structs(r, "authz_data_list", 2, "authz_data_entry", one)


_SUPPLEMENTS: dict[int, Body] = {0: _user_mapping_data, 16386: _authz_data}
