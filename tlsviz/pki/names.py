"""Names: what certificates call their owners, and whether a server's name is among them."""

from __future__ import annotations

import ipaddress
import re

from tlsviz.pki import oids
from tlsviz.pki.der import OID, Element, oid, string
from tlsviz.wire.text import safe

MAX_VALUE = 1_000
Rdn = list[tuple[str, str]]
"""A relative distinguished name: attribute types with their raw values."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")


def distinguished_name(element: Element) -> list[Rdn]:
    """A Name's relative names in the order of the DER; RFC 5280 4.1.2.4."""
    return [_relative_name(rdn) for rdn in element.children]


def _relative_name(element: Element) -> Rdn:
    found: Rdn = []
    for pair in element.children:
        parts = pair.children
        if len(parts) == 2 and parts[0].tag == OID:
            dotted = oid(parts[0].content)
            found.append((oids.ATTRIBUTES.get(dotted, dotted), string(parts[1])))
    return found


def rfc4514(rdns: list[Rdn]) -> str:
    """The name as RFC 4514 writes it (most specific first), safe to print."""
    relative = ("+".join(f"{kind}={_escape(value)}" for kind, value in rdn) for rdn in reversed(rdns))
    return ",".join(filter(None, relative))


def _escape(value: str) -> str:
    if len(value) > MAX_VALUE:
        value = value[:MAX_VALUE] + "…"
    value = re.sub(r'([,+"\\<>;])', r"\\\1", value)
    if value.startswith(("#", " ")):
        value = "\\" + value
    if value.endswith(" ") and len(value) > 1:
        value = value[:-1] + "\\ "
    return safe(value)


def attribute(rdns: list[Rdn], kind: str) -> str | None:
    """The most specific value of one attribute (``CN``, ``O``), safe to print."""
    values = [value for rdn in rdns for name, value in rdn if name == kind]
    return safe(values[-1][:MAX_VALUE]) if values else None


def general_name(element: Element) -> tuple[str, str]:
    """A GeneralName's kind (``DNS IP email URI DN other``) and its safe text; RFC 5280 4.2.1.6."""
    content = element.content
    match element.tag:
        case 0x82:
            return "DNS", safe(content[:MAX_VALUE].decode("ascii", "backslashreplace"))
        case 0x87:
            return "IP", _address(content)
        case 0x81:
            return "email", safe(content[:MAX_VALUE].decode("ascii", "backslashreplace"))
        case 0x86:
            return "URI", safe(content[:MAX_VALUE].decode("ascii", "backslashreplace"))
        case 0xA4 if element.children:
            return "DN", rfc4514(distinguished_name(element.children[0]))
    return "other", content[:MAX_VALUE].hex()


def _address(content: bytes) -> str:
    if len(content) in (4, 16):
        return str(ipaddress.ip_address(content))
    return f"not an IP address: {content[:20].hex()}"


def as_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a target's name is, if it is one; brackets and zone are ignored."""
    try:
        return ipaddress.ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return None


def ascii_name(name: str) -> str:
    """A host name as certificates write it: lower case, without the final dot, IDN in its ``xn--`` form."""
    name = name.rstrip(".").lower()
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def is_host_name(name: str) -> bool:
    """Whether it could stand in the DNS (underscores allowed)."""
    return len(name) <= 253 and all(_LABEL.match(label) for label in name.split("."))


def matches(pattern: str, name: str) -> bool:
    """Whether a name of a certificate covers the host ``name`` (from `ascii_name`); RFC 9525 6.3.

    A wildcard is the whole first label and stands for exactly one label.
    """
    pattern = pattern.lower().rstrip(".")
    if pattern == name:
        return True
    head, _, parent = pattern.partition(".")
    return head == "*" and "." in parent and parent == name.partition(".")[2]
