"""Names: distinguished names and general names (RFC 5280 4.1.2.4 and 4.2.1.6)."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

from tlsviz.tls import oids
from tlsviz.tls.der import values
from tlsviz.tls.der.reader import Body, Der, anything, contents
from tlsviz.tls.der.tags import SET
from tlsviz.wire.text import shorten

WIDTH = 200


def name(r: Der) -> str | None:
    """``Name``: a SEQUENCE of relative names; the label is RFC 4514's, most specific first."""
    r.each(lambda v: v.element("RelativeDistinguishedName", SET, relative_name))
    parts = [node.label for node in r.nodes[2:] if node.label]
    return shorten(", ".join(reversed(parts)), WIDTH) or "empty"


def relative_name(r: Der) -> str | None:
    """``RelativeDistinguishedName``: mostly one attribute; DER puts several in order."""
    r.each(lambda v: v.sequence("AttributeTypeAndValue", _attribute))
    check_order(r)
    return "+".join(node.label for node in r.nodes[2:] if node.label) or None


def check_order(r: Der) -> None:
    """Notes the first element of a SET OF that stands too late (X.690 11.6)."""
    found = [r.data[node.start - r.base : node.end - r.base] for node in r.nodes[2:]] if len(r.nodes) > 3 else []
    for index, (before, after) in enumerate(pairwise(found), 3):
        if before > after:
            r.nodes[index] = r.nodes[index]._replace(note="must come before the one before it in DER (X.690 11.6)")
            return


def _attribute(r: Der) -> str | None:
    dotted = r.oid("type")
    known = oids.get(dotted)
    text = r.any("value").label
    return f"{known.short if known else dotted}={text or ''}"


def general_names(r: Der) -> str | None:
    """``GeneralNames``."""
    r.each(general_name)
    if len(r.nodes) < 3:
        r.note("must hold at least one name")
    return summary(r)


def summary(r: Der) -> str | None:
    """The labels of the elements read, the first eight."""
    found = [node.label for node in r.nodes[2:] if node.label]
    return shorten(", ".join(found[:8]), WIDTH) + (", …" if len(found) > 8 else "") or None


def general_name(r: Der, called: str | None = None) -> None:
    """``GeneralName``: the node has the alternative's name, unless the component has one."""
    known = GENERAL_NAMES.get(r.tag)
    if known is None:
        r.any(called)
        r.note("no kind of name")
        return
    alternative, body = known
    node = r.element(called or alternative, r.tag, body)
    kind = _KINDS.get(alternative)
    if kind and node.label:
        r.label(f"{kind}:{node.label}")


def _other_name(r: Der) -> str | None:
    """``OtherName`` (its value is tagged explicitly)."""
    known = oids.get(dotted := r.oid("type-id"))
    text = r.element("value", 0xA0, lambda v: v.any().label).label
    return f"{known.name if known else dotted}:{text or ''}"


def _directory_name(r: Der) -> str | None:
    """``directoryName``: a Name, which being a CHOICE is tagged explicitly."""
    return r.sequence("Name", name).label


def _edi_party_name(r: Der) -> str | None:
    if r.tag == 0xA0:
        r.element("nameAssigner", 0xA0, lambda v: v.any().label)
    return r.element("partyName", 0xA1, lambda v: v.any().label).label


def _address(content: bytes) -> values.Said:
    """``iPAddress``: 4 or 16 bytes, twice as many with a mask in name constraints (RFC 5280 4.2.1.10)."""
    size = len(content)
    if size in (4, 16):
        return str(ipaddress.ip_address(content)), None
    if size in (8, 32):
        return f"{ipaddress.ip_address(content[: size // 2])}/{_mask(content[size // 2 :])}", None
    return values.opaque(content)[0], "an address has 4 or 16 bytes, with a mask 8 or 32"


def _mask(content: bytes) -> str:
    number = int.from_bytes(content, "big")
    width = len(content) * 8
    ones = number.bit_count()
    whole = number == ((1 << ones) - 1) << (width - ones)
    return str(ones) if whole else str(ipaddress.ip_address(content))


_ia5 = contents(values.ia5_string)
GENERAL_NAMES: dict[int, tuple[str, Body]] = {
    0xA0: ("otherName", _other_name),
    0x81: ("rfc822Name", _ia5),
    0x82: ("dNSName", _ia5),
    0xA3: ("x400Address", anything),
    0xA4: ("directoryName", _directory_name),
    0xA5: ("ediPartyName", _edi_party_name),
    0x86: ("uniformResourceIdentifier", _ia5),
    0x87: ("iPAddress", contents(_address)),
    0x88: ("registeredID", contents(values.object_identifier)),
}
_KINDS = {
    "rfc822Name": "email",
    "dNSName": "DNS",
    "uniformResourceIdentifier": "URI",
    "iPAddress": "IP",
    "directoryName": "DN",
}
