"""Algorithm identifiers with their parameters, public keys and signatures (RFC 3279, 4055, 5480, 8017, 8410)."""

from __future__ import annotations

from tlsviz.tls import oids
from tlsviz.tls.der import values
from tlsviz.tls.der.reader import Body, Der, anything, bits, contents, opaque, unused_bits
from tlsviz.tls.der.tags import BIT_STRING, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE

RSA, RSA_PSS, RSA_OAEP = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.7"
DSA, EC = "1.2.840.10040.4.1", "1.2.840.10045.2.1"
MGF1 = "1.2.840.113549.1.1.8"
_ECDSA = ("1.2.840.10045.4.", "1.2.156.10197.1.501")
_DSS = ("1.2.840.10040.4.3", "2.16.840.1.101.3.4.3.1", "2.16.840.1.101.3.4.3.2")


def algorithm_identifier(r: Der) -> str | None:
    """``AlgorithmIdentifier`` (RFC 5280 4.1.1.2): its label is the algorithm's name."""
    dotted = r.oid("algorithm")
    detail = None
    if r.tag >= 0:
        detail = r.element("parameters", None, _PARAMETERS.get(dotted, anything)).label
    known = oids.get(dotted)
    name = known.name if known else dotted
    return f"{name} with {detail}" if detail and detail != "NULL" and dotted in _PARAMETERS else name or None


def algorithm_of(r: Der) -> str:
    """The object identifier of the algorithm identifier read last; "" when it has none."""
    first = r.nodes[-1].child("algorithm")
    content = first.children[-1].value if first and len(first.children) > 2 else None
    return oids.words(content)[0] if isinstance(content, bytes) else ""


# -- parameters --------------------------------------------------------------------------------------------


def _only(tag: int, body: Body) -> Body:
    """Parameters of one type; others are read by their own tag, and noted."""

    def parameters(r: Der) -> str | None:
        if r.data[r.nodes[0].start - r.base] == tag:
            return body(r)
        r.note("not what the algorithm's parameters are")
        return anything(r)

    return parameters


def _ec_parameters(r: Der) -> str | None:
    """``ECParameters``: a named curve, or one spelled out, which certificates must not have (RFC 5480 2.1.1)."""
    octet = r.data[r.nodes[0].start - r.base]
    if octet == OID:
        label = contents(values.object_identifier)(r)
        return label.partition(" ")[0] if label else None
    if octet != SEQUENCE:
        return anything(r)
    r.integer("version")
    r.sequence("fieldID", _field_id)
    r.sequence("curve", _curve)
    r.element("base", OCTET_STRING, opaque)
    r.integer("order", values.sized_integer)
    if r.tag == INTEGER:
        r.integer("cofactor")
    return "explicit parameters"


def _field_id(r: Der) -> str | None:
    dotted = r.oid("fieldType")
    r.element("parameters", None, contents(values.sized_integer) if r.tag == INTEGER else anything)
    known = oids.get(dotted)
    return known.name if known else None


def _curve(r: Der) -> str | None:
    r.element("a", OCTET_STRING, opaque)
    r.element("b", OCTET_STRING, opaque)
    if r.tag == BIT_STRING:
        r.element("seed", BIT_STRING, bits)
    return None


def _dss_parameters(r: Der) -> str | None:
    """``Dss-Parms`` (RFC 3279 2.3.2)."""
    size = r.integer("p", values.sized_integer).label
    r.integer("q", values.sized_integer)
    r.integer("g", values.sized_integer)
    return size


def _pss_parameters(r: Der) -> str | None:
    """``RSASSA-PSS-params`` (RFC 4055 3.1): what is left out has a default, SHA-1 and 20 bytes of salt."""
    name: str | None = "SHA1"
    if r.tag == 0xA0:
        name = r.element("hashAlgorithm", 0xA0, _hash_algorithm).label
    if r.tag == 0xA1:
        r.element("maskGenAlgorithm", 0xA1, _mask_algorithm)
    if r.tag == 0xA2:
        r.element("saltLength", 0xA2, _integer)
    if r.tag == 0xA3:
        r.element("trailerField", 0xA3, _integer)
    return name


def _hash_algorithm(r: Der) -> str | None:
    return r.sequence("HashAlgorithm", algorithm_identifier).label


def _mask_algorithm(r: Der) -> str | None:
    return r.sequence("MaskGenAlgorithm", algorithm_identifier).label


def _integer(r: Der) -> str | None:
    return r.integer("INTEGER").label


_null = contents(values.null)
_PARAMETERS: dict[str, Body] = {
    RSA: _only(NULL, _null),
    EC: _ec_parameters,
    DSA: _only(SEQUENCE, _dss_parameters),
    RSA_PSS: _only(SEQUENCE, _pss_parameters),
    MGF1: _only(SEQUENCE, algorithm_identifier),
}


# -- keys --------------------------------------------------------------------------------------------------


def subject_public_key_info(r: Der) -> str | None:
    """``SubjectPublicKeyInfo`` (RFC 5280 4.1.2.7)."""
    name = r.sequence("algorithm", algorithm_identifier).label
    key = r.element("subjectPublicKey", BIT_STRING, _KEYS.get(algorithm_of(r), bits)).label
    return ", ".join(filter(None, (name, key))) or None


def _rsa_key(r: Der) -> str | None:
    """``RSAPublicKey`` (RFC 8017 A.1.1)."""
    return _wrapped(r, "RSAPublicKey", _rsa_public_key)


def _rsa_public_key(r: Der) -> str | None:
    size = r.integer("modulus", values.sized_integer).label
    r.integer("publicExponent")
    return size


def _dsa_key(r: Der) -> str | None:
    unused_bits(r)
    return r.integer("DSAPublicKey", values.sized_integer).label


def _wrapped(r: Der, name: str, body: Body) -> str | None:
    """A SEQUENCE inside a BIT STRING."""
    if not unused_bits(r):
        return None
    return r.sequence(name, body).label


def _ec_point(r: Der) -> str | None:
    """``ECPoint`` (RFC 5480 2.2): X and Y, or X and which of the two Y it has."""
    point = unused_bits(r)
    if not point:
        return None
    size = len(point) // 2 if point[0] == 4 else len(point) - 1
    if point[0] not in _FORMS or not size or (point[0] == 4 and not len(point) % 2):
        r.leaf("data", len(point), None, "no point of a curve")
        return None
    r.leaf("form", 1, _FORMS[point[0]])
    r.leaf("X", size)
    if point[0] == 4:
        r.leaf("Y", size)
    return _FORMS[point[0]] + " point"


_FORMS = {2: "compressed", 3: "compressed", 4: "uncompressed"}
_KEYS: dict[str, Body] = {
    RSA: _rsa_key,
    RSA_PSS: _rsa_key,
    RSA_OAEP: _rsa_key,
    DSA: _dsa_key,
    EC: _ec_point,
}


# -- signatures --------------------------------------------------------------------------------------------


def signature(dotted: str) -> Body:
    """What reads the BIT STRING of a signature of that algorithm."""
    if dotted.startswith(_ECDSA):
        return _ecdsa
    return _dss if dotted in _DSS else bits


def _ecdsa(r: Der) -> str | None:
    """RFC 5480 appendix A."""
    return _wrapped(r, "ECDSA-Sig-Value", sig_value)


def _dss(r: Der) -> str | None:
    """RFC 3279 2.2.2."""
    return _wrapped(r, "Dss-Sig-Value", sig_value)


def sig_value(r: Der) -> str | None:
    """``ECDSA-Sig-Value`` and ``Dss-Sig-Value``: two numbers."""
    r.integer("r", values.hex_integer)
    r.integer("s", values.hex_integer)
    return None
