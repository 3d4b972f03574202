"""The extensions of certificates, and those of OCSP responses (RFC 5280 4.1.2.9 and 4.2; RFC 6960 4.4)."""

from __future__ import annotations

from tlsviz.tls import oids
from tlsviz.tls.der import values
from tlsviz.tls.der.extension_bodies import BODIES
from tlsviz.tls.der.reader import Body, Der, contents
from tlsviz.tls.der.tags import BOOLEAN, NULL, OCTET_STRING, OID, SEQUENCE, SET


def extensions(r: Der) -> str | None:
    """``Extensions``: each is named by its object identifier, or ``Extension``."""
    seen: set[bytes] = set()

    def one(v: Der) -> None:
        content = _identifier(v)
        known = oids.family("extension").get(oids.words(content)[0])
        v.sequence(known.name if known else "Extension", _extension)
        if content in seen:
            v.note("a second extension of the same type (RFC 5280 4.2)")
        elif content:
            seen.add(content)

    r.each(one)
    found = len(r.nodes) - 2
    if found < 1:
        r.note("must hold at least one extension")
    return f"{found} extension{'s' * (found != 1)}"


def wrapped_extensions(r: Der) -> str | None:
    """``extensions [n] EXPLICIT Extensions``."""
    return r.sequence("Extensions", extensions).label


def _identifier(r: Der) -> bytes:
    """The contents of the object identifier that the next element, a SEQUENCE, begins with."""
    data, at, end = r.data, r.position, r.end
    if r.tag != SEQUENCE or at + 2 > end:
        return b""
    at += 2 + (data[at + 1] & 0x7F) * (data[at + 1] > 0x80)
    if at + 2 > end or data[at] != OID or data[at + 1] > oids.MAX_SIZE:
        return b""
    return data[at + 2 : min(at + 2 + data[at + 1], end)]


def _extension(r: Der) -> str | None:
    """``Extension``: critical must be left out when it is FALSE."""
    dotted = r.oid("extnID")
    critical = False
    if r.tag == BOOLEAN:
        critical = r.element("critical", BOOLEAN, contents(values.boolean)).label == "TRUE"
        if not critical:
            r.note("FALSE is what is meant without it: DER leaves it out (X.690 11.5)")
    label = r.element("extnValue", OCTET_STRING, _value(dotted)).label
    return ", ".join(filter(None, ("critical" * critical, label))) or None


def _value(dotted: str) -> Body:
    known = BODIES.get(dotted)
    if known is None:
        return any_der
    name, tag, body = known

    def value(r: Der) -> str | None:
        return r.element(name, tag, body).label

    return value


_TAGS = {*range(1, 7), 0x0A, 0x0C, 0x13, 0x16, 0x17, 0x18, SEQUENCE, SET}


def any_der(r: Der) -> str | None:
    """Contents that are an element, if they look like exactly one; else bytes."""
    content = r.content
    if content and content[0] in _TAGS and _is_one(content):
        return r.any().label
    return contents(values.opaque)(r)


def _is_one(content: bytes) -> bool:
    """Whether the length at the beginning is that of all the rest."""
    if len(content) < 2 or (content[0] == NULL and len(content) > 2):
        return False
    size = content[1]
    if size <= 0x80:
        return size == len(content) - 2
    count = size & 0x7F
    return int.from_bytes(content[2 : 2 + count], "big") == len(content) - 2 - count
