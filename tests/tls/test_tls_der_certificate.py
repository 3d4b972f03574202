"""Certificates as trees of DER, held against what the cryptography package reads in the same bytes."""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from deep import examples
from der_build import assert_der_tiles, der_faults, opened, tlv, vectors
from hypothesis import given
from hypothesis import strategies as st
from tls_build import SERVER_12, SERVER_13, assert_tiles, at, certificate_12, certificate_13, faults
from x509_peer import attempt, compare, made

from tlsviz.tls import views
from tlsviz.tls.der.kinds import ExtensionsNode
from tlsviz.tls.handshake import decode_handshake
from tlsviz.wire.nodes import lookup, walk


@pytest.mark.parametrize("kind", ["rsa", "pss", "ec", "ec521", "dsa", "ed25519", "ed448", "mldsa", "rich", "bare"])
def test_made_certificates_are_read_like_cryptography_reads_them(kind: str) -> None:
    der = made()[kind]
    assert compare(der) >= 9
    assert_der_tiles(opened(der), der)
    assert der_faults(opened(der)) == []


@pytest.mark.skipif(not vectors(), reason="no certificate vectors")
def test_certificates_of_the_vectors_are_read_like_cryptography_reads_them() -> None:
    compared = values = 0
    for der in vectors().values():
        if attempt(lambda der=der: x509.load_der_x509_certificate(der)) is not None:
            values += compare(der)
            compared += 1
    assert compared > 800 and values > 9 * compared


@pytest.mark.skipif(not vectors(), reason="no certificate vectors")
def test_certificates_of_the_vectors_tile() -> None:
    for der in vectors().values():
        assert_der_tiles(opened(der, start=10), der, 10)


def spans(der: bytes) -> set[tuple[int, int, int]]:
    """Start, header size and length of every element, as ``openssl asn1parse`` sees them."""
    out = subprocess.run(["openssl", "asn1parse", "-inform", "DER"], input=der, capture_output=True, check=True).stdout
    rows = re.findall(rb"^ *(\d+):d=\d+ +hl=(\d+) +l= *(\d+) ", out, re.MULTILINE)
    return {(int(start), int(header), int(length)) for start, header, length in rows}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
def test_elements_stand_where_openssl_finds_them() -> None:
    ders = [*made().values(), *list(vectors().values())[::40]]
    for der in ders:
        ours = {
            (node.start, node.children[1].end - node.start, node.children[1].value)
            for _, node in walk(opened(der))
            if [child.name for child in node.children[:2]] == ["identifier", "length"]
        }
        assert spans(der) <= ours


# -- names and labels --------------------------------------------------------------------------------------


def test_names_of_the_parts() -> None:
    tree = opened(made()["rich"])
    assert [child.name for child in tree.children] == [
        "identifier",
        "length",
        "tbsCertificate",
        "signatureAlgorithm",
        "signatureValue",
    ]
    assert [child.name for child in at(tree, "tbsCertificate").children[2:]] == [
        "version",
        "serialNumber",
        "signature",
        "issuer",
        "validity",
        "subject",
        "subjectPublicKeyInfo",
        "extensions",
    ]
    assert tree.label == "CN=server.test, O=Überall & Söhne, C=DE"
    assert at(tree, "tbsCertificate.version").label == "v3 (2)"
    assert at(tree, "tbsCertificate.serialNumber").label == "1234567890abcdef1234"
    assert at(tree, "tbsCertificate.validity").label == "2026-01-01 00:00:00 UTC to 2055-01-01 00:00:00 UTC"
    assert at(tree, "tbsCertificate.validity.notAfter").children[0].label == "GeneralizedTime"
    assert at(tree, "signatureValue.ECDSA-Sig-Value.s").label


LABELS = {
    "subjectAltName": "DNS:*.server.test, email:a@server.test, URI:http://ca.test/crl, IP:192.0.2.1, IP:2001:db8::1, "
    "DN:CN=inner, 1.2.3.4, dnsSRV:_xmpp.server.test",
    "issuerAltName": "URI:http://ca.test/crl",
    "keyUsage": "critical, digitalSignature, keyAgreement, keyCertSign, decipherOnly",
    "basicConstraints": "critical, CA, at most 3 below it",
    "nameConstraints": "critical, permitted DNS:test, IP:192.0.2.0/24; excluded DNS:bad.test",
    "extKeyUsage": "serverAuth (1.3.6.1.5.5.7.3.1), 1.2.3.5",
    "certificatePolicies": "domain-validated (2.23.140.1.2.1)",
    "cRLDistributionPoints": "URI:http://ca.test/crl",
    "freshestCRL": "CN=x",
    "authorityInfoAccess": "ocsp URI:http://ca.test/crl",
    "subjectInfoAccess": "caIssuers URI:http://ca.test/crl",
    "authorityKeyIdentifier": "07" * 20,
    "subjectKeyIdentifier": "08" * 20,
    "tlsFeature": "status_request",
    "inhibitAnyPolicy": "2",
    "ocspNoCheck": "NULL",
    "precertificatePoison": "critical, NULL",
}


@pytest.mark.parametrize("name", LABELS)
def test_extensions_in_words(name: str) -> None:
    block = at(opened(made()["rich"]), "tbsCertificate.extensions.Extensions")
    assert at(block, name).label == LABELS[name]


def test_extensions_inside() -> None:
    block = at(opened(made()["rich"]), "tbsCertificate.extensions.Extensions")
    qualifiers = "certificatePolicies.extnValue.CertificatePolicies.PolicyInformation.policyQualifiers"
    second = at(block, qualifiers).children[3]
    assert at(second, "qualifier.noticeRef.organization").label == "Org"
    assert at(second, "qualifier.explicitText").label == "said"
    point = at(block, "cRLDistributionPoints.extnValue.CRLDistributionPoints.DistributionPoint")
    assert at(point, "reasons").label == "keyCompromise"
    assert at(point, "cRLIssuer.directoryName.Name").label == "CN=inner"
    assert at(block, "policyConstraints.extnValue.PolicyConstraints.requireExplicitPolicy").label == "1"
    period = at(block, "privateKeyUsagePeriod.extnValue.PrivateKeyUsagePeriod.notBefore")
    assert period.label == "2026-01-01 00:00:00 UTC"
    unknown = [child for child in block.children if child.name == "Extension"]
    assert at(unknown[0], "extnValue.data").value == b"just bytes"
    assert at(unknown[1], "extnValue.SEQUENCE.INTEGER").label == "5"


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("rsa", "rsaEncryption, 1024 bits"),
        ("ec", "id-ecPublicKey with secp256r1, uncompressed point"),
        ("ed25519", "id-Ed25519, 256 bits"),
        ("mldsa", "id-ml-dsa-44, 10496 bits"),
    ],
)
def test_keys_in_words(kind: str, label: str) -> None:
    assert at(opened(made()[kind]), "tbsCertificate.subjectPublicKeyInfo").label == label


def test_pss_says_its_hash() -> None:
    tree = opened(made()["pss"])
    assert at(tree, "signatureAlgorithm").label == "id-RSASSA-PSS with SHA256"
    assert at(tree, "signatureAlgorithm.parameters.saltLength.INTEGER").label == "32"


# -- odd certificates --------------------------------------------------------------------------------------


def test_a_certificate_without_an_end_says_what_is_missing() -> None:
    name = tlv(0x30)
    tree = opened(tlv(0x30, tlv(0x30, tlv(2, b"\x05"), tlv(0x30, tlv(6, b"\x2a\x03")), name)))
    assert [node.name for node in at(tree, "tbsCertificate").children[2:]] == ["serialNumber", "signature", "issuer"]
    assert ("tbsCertificate", "validity is missing") in der_faults(tree)
    assert ("length", "signatureAlgorithm is missing") in der_faults(tree)


def test_the_wrong_order_is_noted_where_it_stands() -> None:
    tree = opened(tlv(0x30, tlv(0x30, tlv(0x30), tlv(2, b"\x05"))))
    assert ("tbsCertificate", "issuer is missing") in der_faults(tree)
    assert at(tree, "tbsCertificate.serialNumber").children[0].note == "should be INTEGER"
    assert at(tree, "tbsCertificate.signature").children[0].note == "should be SEQUENCE"


def test_bytes_behind_a_certificate_are_marked() -> None:
    der = made()["ec"] + b"tail"
    tree = opened(der)
    assert_der_tiles(tree, der)
    assert der_faults(tree) == [("unexpected_bytes", "4 bytes after the end of what belongs here")]


@pytest.mark.parametrize("der", [b"", b"\x30", b"good", b"\x05\x00", b"-----BEGIN CERTIFICATE-----"])
def test_what_is_no_certificate_still_tiles(der: bytes) -> None:
    tree = opened(der)
    assert_der_tiles(tree, der)
    assert bool(der_faults(tree)) is bool(der)


def test_entrusts_extension() -> None:
    identifier = tlv(0x06, bytes.fromhex("2a864886f67d074100"))
    value = tlv(0x30, tlv(0x1B, b"V7.1:4.0"), tlv(0x03, b"\x04\x90"))
    tree = opened(tlv(0x30, tlv(0x30, identifier, tlv(0x04, value))), ExtensionsNode)
    inside = tree.get("entrustVersion.extnValue.EntrustVersInfoSyntax")
    assert inside is not None and der_faults(tree) == []
    assert [node.label for node in inside.children[2:]] == ["V7.1:4.0", "keyUpdateAllowed, enterpriseCategory"]


@pytest.mark.parametrize(("kind", "step"), [("ec", 1), ("rich", 5)])
def test_truncations_and_changed_bytes_tile(kind: str, step: int) -> None:
    der = made()[kind]
    for size in range(0, len(der), step):
        assert_der_tiles(opened(der[:size]), der[:size])
    for place in range(0, len(der), step):
        changed = bytearray(der)
        changed[place] ^= (0x01, 0x80, 0xFF)[place % 3]
        assert_der_tiles(opened(bytes(changed)), bytes(changed))


@examples(150)
@given(st.binary(max_size=300), st.integers(0, 2**31))
def test_any_bytes_tile(data: bytes, seed: int) -> None:
    assert_der_tiles(opened(data), data)
    der = made()["rich"]
    place = seed % len(der)
    mixed = der[:place] + data + der[place + len(data) :]
    assert_der_tiles(opened(mixed), mixed)


# -- inside messages ---------------------------------------------------------------------------------------


def test_messages_hold_certificates_that_open() -> None:
    ders = (made()["ec"], made()["rsa"])
    for data, context in ((certificate_12(*ders), SERVER_12), (certificate_13(*ders), SERVER_13)):
        tree = decode_handshake(data, context)
        assert_tiles(tree, data)
        found = views.certificates(tree, data)
        assert [der for der, _ in found] == list(ders)
        nodes = [lookup(tree, path) for _, path in found]
        assert [node.value for node in nodes] == list(ders)
        assert {node.label for node in nodes} == {"CN=server.test, O=Überall & Söhne, C=DE"}
        assert nodes[1].start > nodes[0].end
        assert at(nodes[1], "tbsCertificate").start == nodes[1].start + 4


def test_raw_public_keys_open_as_keys() -> None:
    spki = (
        x509.load_der_x509_certificate(made()["ec"])
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    data = certificate_13(spki)
    tree = decode_handshake(data, SERVER_13)
    node = lookup(tree, views.certificates(tree, data)[0][1])
    assert node.label == "id-ecPublicKey with secp256r1, uncompressed point"
    assert at(node, "subjectPublicKey.Y").length == 32


def test_faults_inside_a_certificate_are_not_the_messages() -> None:
    data = certificate_12(b"\x30\x80\x05\x01")
    tree = decode_handshake(data, SERVER_12)
    assert faults(tree) == []
    assert der_faults(tree)


def test_trees_are_compared_and_pickled_as_leaves() -> None:
    data = certificate_13(made()["rich"])
    tree = decode_handshake(data, SERVER_13)
    assert len(list(walk(tree))) > 400
    packed = pickle.dumps(tree)
    assert len(packed) < len(data) + 3000
    again = pickle.loads(packed)
    assert again == tree == decode_handshake(data, SERVER_13)
    assert list(walk(again)) == list(walk(tree))
