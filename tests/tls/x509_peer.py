"""Certificates made with the cryptography package, and the comparison of our trees with what it reads."""

from __future__ import annotations

import datetime
import ipaddress
import warnings
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from der_build import content, opened, tlv
from tls_build import at

from tlsviz.tls import oids
from tlsviz.wire.nodes import Node

UTC = datetime.UTC
START = datetime.datetime(2026, 1, 1, tzinfo=UTC)
END = datetime.datetime(2055, 1, 1, tzinfo=UTC)
KEY_USAGES = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}
"""Bits of KeyUsage as RFC 5280 and cryptography call them; cryptography reads the other two only with keyAgreement."""
URL = x509.UniformResourceIdentifier("http://ca.test/crl")


def rich_extensions() -> list[tuple[x509.ExtensionType, bool]]:
    """Every extension that cryptography can write, with every part of it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "inner")])
    policy = x509.PolicyInformation(
        x509.ObjectIdentifier("2.23.140.1.2.1"),
        ["http://cps.test", x509.UserNotice(x509.NoticeReference("Org", [1, 2]), "said")],
    )
    point = x509.DistributionPoint(
        [URL], None, frozenset({x509.ReasonFlags.key_compromise}), [x509.DirectoryName(name)]
    )
    relative = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    return [
        (
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("*.server.test"),
                    x509.RFC822Name("a@server.test"),
                    URL,
                    x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
                    x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
                    x509.DirectoryName(name),
                    x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),
                    x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7"), tlv(0x16, b"_xmpp.server.test")),
                ]
            ),
            False,
        ),
        (x509.IssuerAlternativeName([URL]), False),
        (x509.KeyUsage(True, False, False, False, True, True, False, False, True), True),
        (x509.BasicConstraints(True, 3), True),
        (
            x509.NameConstraints(
                [x509.DNSName("test"), x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))],
                [x509.DNSName("bad.test")],
            ),
            True,
        ),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, x509.ObjectIdentifier("1.2.3.5")]), False),
        (x509.CertificatePolicies([policy]), False),
        (x509.PolicyConstraints(1, 0), False),
        (x509.InhibitAnyPolicy(2), False),
        (x509.CRLDistributionPoints([point]), False),
        (x509.FreshestCRL([x509.DistributionPoint(None, relative, None, None)]), False),
        (x509.AuthorityInformationAccess([x509.AccessDescription(x509.OID_OCSP, URL)]), False),
        (x509.SubjectInformationAccess([x509.AccessDescription(x509.OID_CA_ISSUERS, URL)]), False),
        (x509.AuthorityKeyIdentifier(b"\x07" * 20, [x509.DirectoryName(name)], 77), False),
        (x509.SubjectKeyIdentifier(b"\x08" * 20), False),
        (x509.TLSFeature([x509.TLSFeatureType.status_request]), False),
        (x509.OCSPNoCheck(), False),
        (x509.PrecertPoison(), True),
        (x509.PrivateKeyUsagePeriod(START.replace(tzinfo=None), END.replace(tzinfo=None)), False),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.6"), b"just bytes"), False),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.7"), tlv(0x30, tlv(2, b"\x05"), tlv(5))), False),
    ]


@cache
def made() -> dict[str, bytes]:
    """Certificates with every kind of key that signs."""
    keys = {
        "rsa": rsa.generate_private_key(65537, 1024),
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "ec521": ec.generate_private_key(ec.SECP521R1()),
        "dsa": dsa.generate_private_key(1024),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "ed448": ed448.Ed448PrivateKey.generate(),
        "mldsa": mldsa.MLDSA44PrivateKey.generate(),
    }
    found = {kind: build(key) for kind, key in keys.items()}
    found["pss"] = build(keys["rsa"], pss=True)
    found["rich"] = build(keys["ec"], rich_extensions())
    found["bare"] = build(keys["ec"], [])
    return found


def build(key: object, extensions: list[tuple[x509.ExtensionType, bool]] | None = None, pss: bool = False) -> bytes:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Überall & Söhne"),
            x509.NameAttribute(NameOID.COMMON_NAME, "server.test"),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")]))
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(0x1234567890ABCDEF1234)
        .not_valid_before(START)
        .not_valid_after(END)
    )
    for extension, critical in [(x509.BasicConstraints(False, None), True)] if extensions is None else extensions:
        builder = builder.add_extension(extension, critical)
    hashed = (
        None
        if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | mldsa.MLDSA44PrivateKey)
        else hashes.SHA256()
    )
    rsa_padding = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else None
    return builder.sign(key, hashed, rsa_padding=rsa_padding).public_bytes(Encoding.DER)  # type: ignore[arg-type]


# -- the same as cryptography says -------------------------------------------------------------------------


def compare(der: bytes) -> int:
    """Compares what both read; returns how many values. What cryptography refuses to read is left out."""
    tree = opened(der)
    peer = x509.load_der_x509_certificate(der)
    tbs = at(tree, "tbsCertificate")
    assert int.from_bytes(content(tbs.child("serialNumber")), "big", signed=True) == attempt(lambda: peer.serial_number)
    assert tbs.child("validity") is not None
    for ours, theirs in (("notBefore", "not_valid_before_utc"), ("notAfter", "not_valid_after_utc")):
        moment = attempt(lambda theirs=theirs: getattr(peer, theirs))
        assert moment is None or at(tbs, f"validity.{ours}").label == f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    assert _oid(tree, "signatureAlgorithm.algorithm") == peer.signature_algorithm_oid.dotted_string
    assert content(tree.child("signatureValue")) == peer.signature or at(tree, "signatureValue").children[2:]
    assert der[tbs.start : tbs.end] == peer.tbs_certificate_bytes
    compared = 6
    for part in ("issuer", "subject"):
        name = attempt(lambda part=part: getattr(peer, part))
        if name is not None:
            assert _attributes(at(tbs, part)) == [(a.oid.dotted_string, a.value) for rdn in name.rdns for a in rdn]
            compared += 1
    return compared + _compare_key(peer, at(tbs, "subjectPublicKeyInfo"), der) + _compare_extensions(peer, tbs)


def attempt(read: object) -> object:
    try:
        with warnings.catch_warnings(action="ignore"):
            return read()  # type: ignore[operator]
    except Exception:  # cryptography raises many kinds for what it refuses
        return None


def _oid(tree: Node, path: str) -> str:
    return oids.words(content(tree.get(path)))[0]


_ENCODINGS = {0x1E: "utf-16-be", 0x14: "latin-1", 0x1C: "utf-32-be"}


def _attributes(name: Node) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for rdn in (child for child in name.children if child.name == "RelativeDistinguishedName"):
        for pair in (child for child in rdn.children if child.name == "AttributeTypeAndValue"):
            value = at(pair, "value")
            tag = value.children[0].value
            raw = content(value)
            if tag == 3:
                text: object = bytes([_byte(value, "unused_bits")]) + raw
            else:
                text = raw.decode(_ENCODINGS.get(tag, "utf-8") if isinstance(tag, int) else "utf-8")
            found.append((_oid(pair, "type"), text))
    return found


def _byte(node: Node, name: str) -> int:
    value = at(node, name).value
    return value[0] if isinstance(value, bytes) else -1


def _compare_key(peer: x509.Certificate, spki: Node, der: bytes) -> int:
    key = attempt(peer.public_key)
    if key is None:
        return 0
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        inner = at(spki, "subjectPublicKey.RSAPublicKey")
        assert int.from_bytes(content(inner.child("modulus")), "big") == numbers.n
        assert int.from_bytes(content(inner.child("publicExponent")), "big") == numbers.e
        assert at(inner, "modulus").label == f"{key.key_size} bits"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        point = at(spki, "subjectPublicKey")
        assert int.from_bytes(_leaf(point, "X"), "big") == key.public_numbers().x
        if point.child("Y"):
            assert int.from_bytes(_leaf(point, "Y"), "big") == key.public_numbers().y
    elif isinstance(key, dsa.DSAPublicKey):
        numbers_dsa = key.public_numbers()
        assert int.from_bytes(content(spki.get("subjectPublicKey.DSAPublicKey")), "big") == numbers_dsa.y
        if (p := spki.get("algorithm.parameters.p")) is not None:
            assert int.from_bytes(content(p), "big") == numbers_dsa.parameter_numbers.p
    else:
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)  # type: ignore[attr-defined]
        assert content(spki.child("subjectPublicKey")) == raw
    assert der[spki.start : spki.end][:1] == b"\x30"
    return 1


def _leaf(node: Node, name: str) -> bytes:
    value = at(node, name).value
    assert isinstance(value, bytes)
    return value


def _compare_extensions(peer: x509.Certificate, tbs: Node) -> int:
    extensions = attempt(lambda: list(peer.extensions))
    if not isinstance(extensions, list):
        return 0
    block = tbs.get("extensions.Extensions")
    ours = [child for child in block.children if child.child("extnID")] if block else []
    assert [_oid(node, "extnID") for node in ours] == [each.oid.dotted_string for each in extensions]
    for node, each in zip(ours, extensions, strict=True):
        critical = node.child("critical")
        assert (critical is not None and content(critical) != b"\0") is each.critical
        check = _CHECKS.get(type(each.value))
        if check:
            check(at(node, "extnValue").children[-1], each.value)
    return len(extensions)


def _check_names(node: Node, value: object) -> None:
    kinds = {x509.DNSName: "dNSName", x509.RFC822Name: "rfc822Name", x509.IPAddress: "iPAddress"}
    kinds |= {x509.UniformResourceIdentifier: "uniformResourceIdentifier", x509.DirectoryName: "directoryName"}
    kinds |= {x509.RegisteredID: "registeredID", x509.OtherName: "otherName"}
    names = list(value)  # type: ignore[call-overload]
    assert [child.name for child in node.children[2:]] == [kinds[type(each)] for each in names]
    for child, each in zip(node.children[2:], names, strict=True):
        if isinstance(each, x509.DNSName | x509.RFC822Name | x509.UniformResourceIdentifier):
            assert content(child).decode() == each.value
        elif isinstance(each, x509.IPAddress):
            assert child.label == f"IP:{each.value}"


def _check_usage(node: Node, value: object) -> None:
    said = (node.label or "").split(", ")
    assert {ours for ours in said if ours in KEY_USAGES} == {
        ours for ours, theirs in KEY_USAGES.items() if getattr(value, theirs)
    }


def _check_constraints(node: Node, value: object) -> None:
    assert isinstance(value, x509.BasicConstraints)
    assert (node.child("cA") is not None and at(node, "cA").label == "TRUE") is value.ca
    length = node.child("pathLenConstraint")
    assert (int.from_bytes(content(length), "big") if length else None) == value.path_length


def _check_purposes(node: Node, value: object) -> None:
    assert isinstance(value, x509.ExtendedKeyUsage)
    assert [oids.words(content(child))[0] for child in node.children[2:]] == [each.dotted_string for each in value]


def _check_key_id(node: Node, value: object) -> None:
    assert isinstance(value, x509.SubjectKeyIdentifier)
    assert content(node) == value.digest


def _check_issuer_key(node: Node, value: object) -> None:
    assert isinstance(value, x509.AuthorityKeyIdentifier)
    inner = node.child("keyIdentifier")
    assert (content(inner) if inner else None) == value.key_identifier
    serial = node.child("authorityCertSerialNumber")
    number = int.from_bytes(content(serial), "big", signed=True) if serial else None
    assert number == value.authority_cert_serial_number


def _check_policies(node: Node, value: object) -> None:
    assert isinstance(value, x509.CertificatePolicies)
    found = [_oid(child, "policyIdentifier") for child in node.children[2:]]
    assert found == [each.policy_identifier.dotted_string for each in value]


def _check_access(node: Node, value: object) -> None:
    found = [_oid(child, "accessMethod") for child in node.children[2:]]
    assert found == [each.access_method.dotted_string for each in value]  # type: ignore[attr-defined]


def _check_timestamps(node: Node, value: object) -> None:
    items = [child for child in at(node, "sct_list").children if child.name == "serialized_sct"]
    assert [_leaf(item, "id") for item in items] == [each.log_id for each in value]  # type: ignore[attr-defined]
    milliseconds = [at(item, "timestamp").value for item in items]
    assert milliseconds == [round(_utc(each.timestamp) * 1000) for each in value]  # type: ignore[attr-defined]


def _utc(moment: datetime.datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


_CHECKS = {
    x509.SubjectAlternativeName: _check_names,
    x509.IssuerAlternativeName: _check_names,
    x509.KeyUsage: _check_usage,
    x509.BasicConstraints: _check_constraints,
    x509.ExtendedKeyUsage: _check_purposes,
    x509.SubjectKeyIdentifier: _check_key_id,
    x509.AuthorityKeyIdentifier: _check_issuer_key,
    x509.CertificatePolicies: _check_policies,
    x509.AuthorityInformationAccess: _check_access,
    x509.SubjectInformationAccess: _check_access,
    x509.PrecertificateSignedCertificateTimestamps: _check_timestamps,
}
