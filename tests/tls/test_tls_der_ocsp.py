"""OCSP responses as trees, held against cryptography; and the other places where messages hold DER."""

from __future__ import annotations

import datetime
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from der_build import assert_der_tiles, content, der_faults, opened, tlv
from hypothesis import given, settings
from hypothesis import strategies as st
from tls_build import (
    CLIENT_13,
    FROM_CLIENT,
    SERVER_12,
    SERVER_13,
    assert_tiles,
    at,
    client_hello,
    ext,
    extension_of,
    faults,
    handshake,
    u16,
    vec,
)
from x509_peer import made

from tlsviz.tls import oids
from tlsviz.tls.der.kinds import ExtensionsNode, OcspResponseNode
from tlsviz.tls.handshake import decode_handshake
from tlsviz.wire.nodes import Node

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
BASIC = "responseBytes.ResponseBytes.response.BasicOCSPResponse"


@cache
def response(revoked: bool = False, by_key: bool = False) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")])
    authority = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=9))
        .sign(key, hashes.SHA256())
    )
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=authority,
        issuer=authority,
        algorithm=hashes.SHA1(),
        cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        this_update=START,
        next_update=START + datetime.timedelta(days=3),
        revocation_time=START if revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
    )
    encoding = ocsp.OCSPResponderEncoding.HASH if by_key else ocsp.OCSPResponderEncoding.NAME
    builder = builder.responder_id(encoding, authority).certificates([authority])
    builder = builder.add_extension(x509.OCSPNonce(b"n" * 16), False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("by_key", [False, True])
def test_responses_are_read_like_cryptography_reads_them(revoked: bool, by_key: bool) -> None:
    der = response(revoked, by_key)
    tree = opened(der, OcspResponseNode)
    assert_der_tiles(tree, der)
    assert der_faults(tree) == []
    peer = ocsp.load_der_ocsp_response(der)
    basic = at(tree, BASIC)
    data, single = at(basic, "tbsResponseData"), at(basic, "tbsResponseData.responses.SingleResponse")
    assert at(tree, "responseStatus").label == "successful (0)"
    assert int.from_bytes(content(single.get("certID.serialNumber")), "big") == peer.serial_number == 5
    assert content(single.get("certID.issuerNameHash")) == peer.issuer_name_hash
    assert content(single.get("certID.issuerKeyHash")) == peer.issuer_key_hash
    assert at(single, "thisUpdate").label == f"{peer.this_update_utc:%Y-%m-%d %H:%M:%S} UTC"
    assert at(single, "nextUpdate.GeneralizedTime").label == "2026-01-04 00:00:00 UTC"
    assert der[data.start : data.end] == peer.tbs_response_bytes
    assert at(data, "producedAt").label == f"{peer.produced_at_utc:%Y-%m-%d %H:%M:%S} UTC"
    nonce = at(data, "responseExtensions.Extensions.ocspNonce.extnValue.Nonce")
    assert content(nonce) == b"n" * 16
    assert at(basic, "certs.Certificates.Certificate").label == "CN=CA"
    if by_key:
        assert content(data.get("responderID.byKey")) == peer.responder_key_hash
    else:
        assert at(data, "responderID.byName").label == "CN=CA"


def test_the_status_is_what_a_response_says() -> None:
    good, revoked = opened(response(), OcspResponseNode), opened(response(revoked=True), OcspResponseNode)
    assert good.label == "good"
    assert revoked.label == "revoked 2026-01-01 00:00:00 UTC, keyCompromise (1)"
    status = at(revoked, f"{BASIC}.tbsResponseData.responses.SingleResponse.certStatus")
    assert at(status, "revocationReason.CRLReason").children[0].label == "ENUMERATED"
    unknown = response().replace(b"\x80\x00\x18\x0f", b"\x82\x00\x18\x0f")
    assert opened(unknown, OcspResponseNode).label == "unknown"
    assert opened(tlv(0x30, tlv(0x0A, b"\x03")), OcspResponseNode).label == "tryLater (3)"


def test_other_kinds_of_response_are_opened_as_far_as_they_can_be() -> None:
    body = tlv(0x30, tlv(6, b"\x2a\x03"), tlv(4, tlv(0x30, tlv(2, b"\x07"))))
    tree = opened(tlv(0x30, tlv(0x0A, b"\0"), tlv(0xA0, body)), OcspResponseNode)
    assert at(tree, "responseBytes.ResponseBytes.response.SEQUENCE.INTEGER").label == "7"
    assert der_faults(tree) == []


def test_truncated_and_changed_responses_tile() -> None:
    der = response(revoked=True)
    for place in range(len(der)):
        assert_der_tiles(opened(der[:place], OcspResponseNode), der[:place])
        changed = der[:place] + bytes([der[place] ^ 0x41]) + der[place + 1 :]
        assert_der_tiles(opened(changed, OcspResponseNode), changed)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_tile(data: bytes) -> None:
    assert_der_tiles(opened(data, OcspResponseNode), data)


# -- in messages -------------------------------------------------------------------------------------------


def decoded(data: bytes, context: object = SERVER_13) -> Node:
    tree = decode_handshake(data, context)  # type: ignore[arg-type]
    assert_tiles(tree, data)
    assert faults(tree) == []
    return tree


def test_staples_open_in_every_message() -> None:
    status = decoded(handshake(22, b"\x01" + vec(3, response())), SERVER_12)
    assert at(status, "ocsp_response.data").label == "good"
    many = decoded(handshake(22, b"\x02" + vec(3, vec(3, response()), vec(3, response(True)))), SERVER_12)
    assert [node.children[1].label for node in at(many, "ocsp_response_list").children[1:]] == [
        "good",
        "revoked 2026-01-01 00:00:00 UTC, keyCompromise (1)",
    ]
    entry = vec(3, made()["ec"]) + vec(2, ext(5, b"\x01" + vec(3, response())))
    tree = decoded(handshake(11, vec(1), vec(3, entry)))
    staple = at(tree, "certificate_list.certificate_entry.extensions.status_request.ocsp_response.data")
    assert at(staple, f"{BASIC}.signature.ECDSA-Sig-Value.r").label


def test_responders_that_a_client_asks_for() -> None:
    by_key = tlv(0xA2, tlv(4, b"k" * 20))
    by_name = tlv(0xA1, tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\x04\x03"), tlv(0x0C, b"CA")))))
    nonce = tlv(0x30, tlv(0x30, tlv(6, bytes.fromhex("2b0601050507300102")), tlv(4, tlv(4, b"n"))))
    request = ext(5, b"\x01" + vec(2, vec(2, by_key), vec(2, by_name)) + vec(2, nonce))
    found = extension_of(decoded(client_hello(request), FROM_CLIENT), "status_request")
    first, second = at(found, "responder_id_list").children[1:]
    assert at(first, "data.byKey").length == 22
    assert at(second, "data").label == "CN=CA"
    assert at(found, "request_extensions.data.ocspNonce.extnValue.Nonce").label == "6e"


def test_names_keys_identifiers_and_signatures_in_messages() -> None:
    name = tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\x04\x0a"), tlv(0x13, b"Example"))))
    filters = ext(48, vec(2, vec(1, tlv(6, b"\x55\x1d\x25")) + vec(2, tlv(5))))
    request = decoded(
        handshake(13, vec(1), vec(2, ext(13, vec(2, u16(0x0403))), ext(47, vec(2, vec(2, name))), filters))
    )
    authority = at(extension_of(request, "certificate_authorities"), "authorities.distinguished_name")
    assert at(authority, "data").label == "O=Example"
    assert at(authority, "data.RelativeDistinguishedName.AttributeTypeAndValue.value").label == "Example"
    wanted = at(extension_of(request, "oid_filters"), "filters.oid_filter.certificate_extension_oid.data")
    assert wanted.label == "extKeyUsage (2.5.29.37)"

    key = x509.load_der_x509_certificate(made()["ed25519"]).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signature = tlv(0x30, tlv(2, b"\x11" * 32), tlv(2, b"\x22" * 32))
    credential = bytes(4) + u16(0x0807) + vec(3, spki) + u16(0x0403) + vec(2, signature)
    entry = vec(3, made()["ec"]) + vec(2, ext(34, credential))
    tree = decoded(handshake(11, vec(1), vec(3, entry)))
    delegated = at(tree, "certificate_list.certificate_entry.extensions.delegated_credential")
    assert at(delegated, "cred.ASN1_subjectPublicKeyInfo.data").label == "id-Ed25519, 256 bits"
    assert at(delegated, "signature.data.s").label == "22" * 32
    verify = decoded(handshake(15, u16(0x0403), vec(2, signature)), CLIENT_13)
    assert at(verify, "signature.data").value == signature
    assert at(verify, "signature.data.r").label == "11" * 32
    plain = decoded(handshake(15, u16(0x0804), vec(2, bytes(256))), CLIENT_13)
    assert at(plain, "signature.data").children == ()


def test_timestamps_inside_certificates_are_placed_where_they_stand() -> None:
    sct = b"\0" + b"i" * 32 + (1_767_225_600_000).to_bytes(8, "big") + vec(2) + u16(0x0403) + vec(2, b"sig")
    listed = vec(2, vec(2, sct))
    extension = tlv(0x30, tlv(6, bytes.fromhex("2b06010401d679020402")), tlv(4, tlv(4, listed)))
    der = tlv(0x30, extension)
    tree = opened(der, ExtensionsNode, 1000)
    assert_der_tiles(tree, der, 1000)
    block = at(tree, "signedCertificateTimestampList.extnValue.SignedCertificateTimestampList")
    assert block.label == "1 timestamp"
    assert at(block, "sct_list.serialized_sct.timestamp").label == "2026-01-01 00:00:00 UTC"
    assert oids.words(content(tree.get("signedCertificateTimestampList.extnID")))[0] == "1.3.6.1.4.1.11129.2.4.2"
