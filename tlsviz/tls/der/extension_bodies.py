"""What stands in the extnValue of each known extension: type name, tag, and what reads it."""

from __future__ import annotations

from tlsviz.tls import oids, registry
from tlsviz.tls.der import values
from tlsviz.tls.der.names import check_order, general_name, general_names, relative_name, summary
from tlsviz.tls.der.reader import Body, Der, bits, contents, opaque
from tlsviz.tls.der.tags import (
    BIT_STRING,
    BMP_STRING,
    BOOLEAN,
    ENUMERATED,
    GENERAL_STRING,
    GENERALIZED_TIME,
    IA5_STRING,
    INTEGER,
    NULL,
    OCTET_STRING,
    OID,
    PRINTABLE_STRING,
    SEQUENCE,
    SET,
    UTF8_STRING,
)
from tlsviz.tls.sct import sct_list
from tlsviz.wire.nodes import Deferred, Node
from tlsviz.wire.reader import decode

REASONS = (
    "unused",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
    "aACompromise",
)
"""RFC 5280 4.2.1.13, by bit."""

_NETSCAPE_TYPES = (
    "sslClient",
    "sslServer",
    "smime",
    "objectSigning",
    "reserved",
    "sslCA",
    "smimeCA",
    "objectSigningCA",
)
_boolean = contents(values.boolean)
_integer = contents(values.integer)
_identifier = contents(values.object_identifier)
_null = contents(values.null)
_ia5 = contents(values.ia5_string)
_utf8 = contents(values.utf8_string)
_time = contents(values.generalized_time)


def _named_bits(*names: str) -> Body:
    say = values.bit_names(names)
    return lambda r: bits(r, say)


def _each(name: str, tag: int, body: Body) -> Body:
    """A SEQUENCE OF elements of one type."""

    def elements(r: Der) -> str | None:
        r.each(lambda v: v.element(name, tag, body))
        return summary(r)

    return elements


# -- RFC 5280 4.2.1 ----------------------------------------------------------------------------------------


def _authority_key_identifier(r: Der) -> str | None:
    label = None
    if r.tag == 0x80:
        label = r.element("keyIdentifier", 0x80, opaque).label
    if r.tag == 0xA1:
        r.element("authorityCertIssuer", 0xA1, general_names)
    if r.tag == 0x82:
        r.element("authorityCertSerialNumber", 0x82, contents(values.hex_integer))
    return label


def _key_usage_period(r: Der) -> str | None:
    if r.tag == 0x80:
        r.element("notBefore", 0x80, _time)
    if r.tag == 0x81:
        r.element("notAfter", 0x81, _time)
    return None


def _policy_information(r: Der) -> str | None:
    r.oid("policyIdentifier")
    label = r.nodes[-1].label
    if r.tag >= 0:
        r.sequence("policyQualifiers", _each("PolicyQualifierInfo", SEQUENCE, _policy_qualifier))
    return label


def _policy_qualifier(r: Der) -> str | None:
    dotted = r.oid("policyQualifierId")
    known = oids.get(dotted)
    if known and known.name == "unotice" and r.tag == SEQUENCE:
        return r.sequence("qualifier", _user_notice).label
    return r.any("qualifier").label


def _user_notice(r: Der) -> str | None:
    label = None
    if r.tag == SEQUENCE:
        r.sequence("noticeRef", _notice_reference)
    if r.tag >= 0:
        label = r.any("explicitText").label
    return label


def _notice_reference(r: Der) -> str | None:
    label = r.any("organization").label
    r.sequence("noticeNumbers", _each("INTEGER", INTEGER, _integer))
    return label


def _policy_mapping(r: Der) -> str | None:
    r.oid("issuerDomainPolicy")
    r.oid("subjectDomainPolicy")
    return None


def _basic_constraints(r: Der) -> str | None:
    authority = False
    if r.tag == BOOLEAN:
        authority = r.element("cA", BOOLEAN, _boolean).label == "TRUE"
        if not authority:
            r.note("FALSE is what is meant without it: DER leaves it out (X.690 11.5)")
    label = "CA" if authority else "not a CA"
    if r.tag == INTEGER:
        label += f", at most {r.integer('pathLenConstraint').label} below it"
        if not authority:
            r.note("only a CA may have it (RFC 5280 4.2.1.9)")
    return label


def _name_constraints(r: Der) -> str | None:
    labels = []
    for name, tag in (("permittedSubtrees", 0xA0), ("excludedSubtrees", 0xA1)):
        if r.tag == tag:
            label = r.element(name, tag, _each("GeneralSubtree", SEQUENCE, _general_subtree)).label
            labels.append(f"{name.removesuffix('Subtrees')} {label}")
    return "; ".join(labels) or None


def _general_subtree(r: Der) -> str | None:
    general_name(r, "base")
    label = r.nodes[-1].label
    if r.tag == 0x80:
        r.element("minimum", 0x80, _integer)
    if r.tag == 0x81:
        r.element("maximum", 0x81, _integer)
    return label


def _policy_constraints(r: Der) -> str | None:
    for name, tag in (("requireExplicitPolicy", 0x80), ("inhibitPolicyMapping", 0x81)):
        if r.tag == tag:
            r.element(name, tag, _integer)
    return None


def _distribution_point(r: Der) -> str | None:
    label = None
    if r.tag == 0xA0:
        label = r.element("distributionPoint", 0xA0, _distribution_point_name).label
    if r.tag == 0x81:
        r.element("reasons", 0x81, _named_bits(*REASONS))
    if r.tag == 0xA2:
        r.element("cRLIssuer", 0xA2, general_names)
    return label


def _distribution_point_name(r: Der) -> str | None:
    """``DistributionPointName`` (RFC 5280 4.2.1.13)."""
    if r.tag == 0xA1:
        return r.element("nameRelativeToCRLIssuer", 0xA1, relative_name).label
    return r.element("fullName", 0xA0, general_names).label


def _access_description(r: Der) -> str | None:
    known = oids.get(dotted := r.oid("accessMethod"))
    general_name(r, "accessLocation")
    return f"{known.name if known else dotted} {r.nodes[-1].label or ''}"


def _attribute(r: Der) -> str | None:
    r.oid("type")
    label = r.nodes[-1].label
    r.element("values", SET, _set)
    return label


def _set(r: Der) -> str | None:
    r.each(Der.any)
    check_order(r)
    return summary(r)


# -- others ------------------------------------------------------------------------------------------------


def _qc_statement(r: Der) -> str | None:
    r.oid("statementId")
    label = r.nodes[-1].label
    if r.tag >= 0:
        r.any("statementInfo")
    return label


def _scts(r: Der) -> str | None:
    """A list in TLS's own encoding (RFC 6962 3.3)."""
    tree = decode("", r.content, sct_list)
    by = r.base + r.position
    r.nodes += [_moved(node, by) for node in tree.children]
    r.position = r.end
    count = sum(node.name == "serialized_sct" for block in tree.children for node in block.children)
    return f"{count} timestamp{'s' * (count != 1)}"


def _moved(node: Node, by: int) -> Node:
    moved = node._replace(start=node.start + by, end=node.end + by)
    return moved if isinstance(node, Deferred) else moved._replace(children=tuple(_moved(c, by) for c in node.children))


def _organization_identifier(r: Der) -> str | None:
    """``CABFOrganizationIdentifier`` (CA/Browser Forum EV Guidelines)."""
    r.element("registrationSchemeIdentifier", PRINTABLE_STRING, contents(values.printable_string))
    r.element("registrationCountry", PRINTABLE_STRING, contents(values.printable_string))
    if r.tag == 0x80:
        r.element("registrationStateOrProvince", 0x80, contents(values.printable_string))
    return r.element("registrationReference", UTF8_STRING, _utf8).label


def _certificate_template(r: Der) -> str | None:
    r.oid("templateID")
    label = r.nodes[-1].label
    for name in ("templateMajorVersion", "templateMinorVersion"):
        if r.tag == INTEGER:
            r.integer(name)
    return label


_ENTRUST_FLAGS = (
    "keyUpdateAllowed",
    "newExtensions",
    "pKIXCertificate",
    "enterpriseCategory",
    "webCategory",
    "sETCategory",
)


def _entrust_version(r: Der) -> str | None:
    """``EntrustVersInfoSyntax``: which product of Entrust made the certificate."""
    label = r.element("entrustVers", GENERAL_STRING, contents(values.general_string)).label
    if r.tag == BIT_STRING:
        r.element("entrustVersInfoFlags", BIT_STRING, _named_bits(*_ENTRUST_FLAGS))
    return label


_general_names = (SEQUENCE, general_names)
_distribution_points = ("CRLDistributionPoints", SEQUENCE, _each("DistributionPoint", SEQUENCE, _distribution_point))
_policies = ("CertificatePolicies", SEQUENCE, _each("PolicyInformation", SEQUENCE, _policy_information))
_accesses = (SEQUENCE, _each("AccessDescription", SEQUENCE, _access_description))
_scts_inside = ("SignedCertificateTimestampList", OCTET_STRING, _scts)
_text = ("IA5String", IA5_STRING, _ia5)
_nothing = ("NULL", NULL, _null)
_tls_features = contents(values.integer)


def _feature(r: Der) -> str | None:
    """A TLS extension's number (RFC 7633 4)."""
    label = _tls_features(r)
    number = int(label) if label and label.isdecimal() else -1
    return registry.extensions.get(number) or label


BODIES: dict[str, tuple[str, int, Body]] = {
    "2.5.29.9": ("SubjectDirectoryAttributes", SEQUENCE, _each("Attribute", SEQUENCE, _attribute)),
    "2.5.29.14": ("KeyIdentifier", OCTET_STRING, opaque),
    "2.5.29.15": ("KeyUsage", BIT_STRING, _named_bits(*oids.KEY_USAGES)),
    "2.5.29.16": ("PrivateKeyUsagePeriod", SEQUENCE, _key_usage_period),
    "2.5.29.17": ("GeneralNames", *_general_names),
    "2.5.29.18": ("GeneralNames", *_general_names),
    "2.5.29.19": ("BasicConstraints", SEQUENCE, _basic_constraints),
    "2.5.29.21": ("CRLReason", ENUMERATED, _integer),
    "2.5.29.30": ("NameConstraints", SEQUENCE, _name_constraints),
    "2.5.29.31": _distribution_points,
    "2.5.29.32": _policies,
    "2.5.29.33": ("PolicyMappings", SEQUENCE, _each("PolicyMapping", SEQUENCE, _policy_mapping)),
    "2.5.29.35": ("AuthorityKeyIdentifier", SEQUENCE, _authority_key_identifier),
    "2.5.29.36": ("PolicyConstraints", SEQUENCE, _policy_constraints),
    "2.5.29.37": ("ExtKeyUsageSyntax", SEQUENCE, _each("KeyPurposeId", OID, _identifier)),
    "2.5.29.46": _distribution_points,
    "2.5.29.54": ("SkipCerts", INTEGER, _integer),
    "2.5.29.56": _nothing,
    "1.3.6.1.5.5.7.1.1": ("AuthorityInfoAccessSyntax", *_accesses),
    "1.3.6.1.5.5.7.1.3": ("QCStatements", SEQUENCE, _each("QCStatement", SEQUENCE, _qc_statement)),
    "1.3.6.1.5.5.7.1.11": ("SubjectInfoAccessSyntax", *_accesses),
    "1.3.6.1.5.5.7.1.24": ("Features", SEQUENCE, _each("INTEGER", INTEGER, _feature)),
    "1.3.6.1.5.5.7.1.31": ("Authorization", OCTET_STRING, opaque),
    "1.3.6.1.5.5.7.48.1.2": ("Nonce", OCTET_STRING, opaque),
    "1.3.6.1.5.5.7.48.1.5": _nothing,
    "1.3.6.1.5.5.7.48.1.6": ("ArchiveCutoff", GENERALIZED_TIME, _time),
    "1.3.6.1.5.5.7.48.1.9": _nothing,
    "1.3.6.1.4.1.11129.2.4.2": _scts_inside,
    "1.3.6.1.4.1.11129.2.4.3": _nothing,
    "1.3.6.1.4.1.11129.2.4.5": _scts_inside,
    "1.3.6.1.4.1.44363.44": _nothing,
    "2.23.140.3.1": ("CABFOrganizationIdentifier", SEQUENCE, _organization_identifier),
    "2.16.840.1.113730.1.1": ("NetscapeCertType", BIT_STRING, _named_bits(*_NETSCAPE_TYPES)),
    "2.16.840.1.113730.1.2": _text,
    "2.16.840.1.113730.1.3": _text,
    "2.16.840.1.113730.1.4": _text,
    "2.16.840.1.113730.1.7": _text,
    "2.16.840.1.113730.1.8": _text,
    "2.16.840.1.113730.1.12": _text,
    "2.16.840.1.113730.1.13": _text,
    "1.2.840.113533.7.65.0": ("EntrustVersInfoSyntax", SEQUENCE, _entrust_version),
    "1.3.6.1.4.1.311.20.2": ("BMPString", BMP_STRING, contents(values.bmp_string)),
    "1.3.6.1.4.1.311.21.1": ("INTEGER", INTEGER, _integer),
    "1.3.6.1.4.1.311.21.2": ("OCTET_STRING", OCTET_STRING, opaque),
    "1.3.6.1.4.1.311.21.7": ("CertificateTemplate", SEQUENCE, _certificate_template),
    "1.3.6.1.4.1.311.21.10": _policies,
}
