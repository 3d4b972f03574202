from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID
from tls_build import (
    CLIENT_10,
    CLIENT_12,
    CLIENT_13,
    SERVER_10,
    SERVER_12,
    SERVER_13,
    assert_tiles,
    at,
    certificate_12,
    certificate_13,
    ext,
    faults,
    handshake,
    u16,
    values,
    vec,
)

from tlsviz.tls.handshake import decode_handshake
from tlsviz.tls.views import certificates, signature_scheme
from tlsviz.wire.nodes import lookup, names

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example CA")]).public_bytes()


def test_certificate_12() -> None:
    data = certificate_12(b"leaf", b"issuer")
    tree = decode_handshake(data, SERVER_12)
    assert faults(tree) == []
    found = certificates(tree, data)
    assert [der for der, _ in found] == [b"leaf", b"issuer"]
    for der, path in found:
        assert lookup(tree, path).value == der
        assert names(tree, path) == ("certificate", "certificate_list", "certificate", "data")


def test_certificate_13() -> None:
    data = certificate_13(b"leaf", b"issuer")
    tree = decode_handshake(data, SERVER_13)
    assert_tiles(tree, data)
    found = certificates(tree, data)
    assert [der for der, _ in found] == [b"leaf", b"issuer"]
    for der, path in found:
        assert lookup(tree, path).value == der
        assert names(tree, path)[2:] == ("certificate_entry", "cert_data", "data")
    entry = at(tree, "certificate_list.certificate_entry")
    assert at(entry, "extensions.signed_certificate_timestamp.sct_list.serialized_sct")


def test_a_raw_public_key_in_place_of_certificates() -> None:
    key = b"\x30\x82\x01\x22" + bytes(290)
    tree = decode_handshake(handshake(11, vec(3, key)), SERVER_12)
    assert at(tree, "certificate_list.ASN1_subjectPublicKeyInfo").value == key and faults(tree) == []


def test_no_certificates() -> None:
    for data, context in ((certificate_12(), CLIENT_12), (certificate_13(), CLIENT_13)):
        tree = decode_handshake(data, context)
        assert certificates(tree, data) == [] and faults(tree) == []


def test_stapled_status_in_both_versions() -> None:
    status = b"\x01" + vec(3, b"ocsp")
    entry = vec(3, b"der") + vec(2, ext(5, status))
    tree = decode_handshake(handshake(11, vec(1), vec(3, entry)), SERVER_13)
    path = "certificate_list.certificate_entry.extensions.status_request.ocsp_response.data"
    assert at(tree, path).value == b"ocsp" and faults(tree) == []
    tree = decode_handshake(handshake(22, status), SERVER_12)
    assert at(tree, "ocsp_response.data").value == b"ocsp" and faults(tree) == []
    multi = decode_handshake(handshake(22, b"\x02", vec(3, vec(3, b"a"), vec(3))), SERVER_12)
    assert len(at(multi, "ocsp_response_list").children) == 3 and faults(multi) == []


def test_certificate_request_by_version() -> None:
    authorities = vec(2, vec(2, NAME), vec(2, b"junk"))
    old = decode_handshake(handshake(13, vec(1, b"\x01\x40"), authorities), SERVER_10)
    assert old.child("supported_signature_algorithms") is None and faults(old) == []
    names = at(old, "certificate_authorities").children[1:]
    assert [at(node, "data").label for node in names] == ["CN=Example CA", None]
    middle = decode_handshake(handshake(13, vec(1, b"\x01"), vec(2, u16(0x0401)), authorities), SERVER_12)
    assert values(middle, "supported_signature_algorithms") == [0x0401] and faults(middle) == []
    block = vec(2, ext(13, vec(2, u16(0x0804))), ext(47, authorities))
    new = decode_handshake(handshake(13, vec(1, b"ctx"), block), SERVER_13)
    assert at(new, "certificate_request_context.data").value == b"ctx"
    assert at(new, "extensions.certificate_authorities.authorities.distinguished_name.data").label == "CN=Example CA"
    assert faults(new) == []


def test_certificate_verify_by_version() -> None:
    new = decode_handshake(handshake(15, u16(0x0804), vec(2, b"sig")), CLIENT_13)
    assert signature_scheme(new) == 0x0804 and at(new, "algorithm").label == "rsa_pss_rsae_sha256"
    old = decode_handshake(handshake(15, vec(2, b"sig")), CLIENT_10)
    assert signature_scheme(old) is None and at(old, "signature.data").value == b"sig"
    assert faults(new) == faults(old) == []


def test_compressed_certificate() -> None:
    tree = decode_handshake(handshake(25, u16(2), (1000).to_bytes(3, "big"), vec(3, b"brotli")), SERVER_13)
    assert at(tree, "algorithm").label == "brotli" and at(tree, "uncompressed_length").value == 1000
    assert at(tree, "compressed_certificate_message.data").value == b"brotli" and faults(tree) == []


def test_certificate_url_and_supplemental_data() -> None:
    url = decode_handshake(handshake(21, b"\0", vec(2, vec(2, b"http://a") + b"\x01" + bytes(20))), CLIENT_12)
    assert at(url, "type").label == "individual_certs" and faults(url) == []
    assert at(url, "url_and_hash_list.url_and_hash.SHA1Hash").length == 20
    data = decode_handshake(handshake(23, vec(3, u16(7) + vec(2, b"x"))), CLIENT_12)
    assert at(data, "supp_data.supplemental_data_entry.supp_data_type").value == 7 and faults(data) == []


def test_a_lying_inner_length_spoils_only_its_certificate_list() -> None:
    data = handshake(11, vec(3, vec(3, b"good"), (99).to_bytes(3, "big") + b"bad"))
    tree = decode_handshake(data, SERVER_12)
    assert_tiles(tree, data)
    assert faults(tree) == [("certificate", "says 99 bytes follow, but only 3 are there")]
    assert [der for der, _ in certificates(tree, data)] == [b"good"]
