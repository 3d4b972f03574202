"""Name constraints: which names an authority may issue for (RFC 5280 4.2.1.10)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.links import parse
from tlsviz.pki.names import as_address
from tlsviz.wire.text import shorten

MAX_CHECKS = 20_000
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Subtree = str | ipaddress.IPv4Network | ipaddress.IPv6Network


def broken_constraint(authority: bytes, below: Sequence[bytes]) -> str:
    """How the certificates below break an authority's constraints on DNS names and IP addresses, "" if they do not."""
    found = _subtrees(authority)
    if found is None:
        return "its name constraints cannot be read"
    permitted, excluded = found
    checks = 0
    for cert in map(read, below):
        for name in _constrained(cert, below[0]):
            address = as_address(name)
            checks += len(permitted) + len(excluded)
            if checks > MAX_CHECKS:
                return "its name constraints are too many to check"
            subtree = next((tree for tree in excluded if _within(name, address, tree)), None)
            if subtree is not None:
                return f"must not issue for {shorten(str(subtree), 80)}, but did for {shorten(name, 80)}"
            alike = [tree for tree in permitted if isinstance(tree, str) == (address is None)]
            if alike and not any(_within(name, address, tree) for tree in alike):
                allowed = ", ".join(shorten(str(tree), 60) for tree in alike[:3])
                return f"may issue for {allowed} only, but did for {shorten(name, 80)}"
    return ""


def _constrained(cert: Certificate, leaf: bytes) -> Iterator[str]:
    """The names that constraints apply to: not those of an authority that issued itself (RFC 5280 6.1.3)."""
    if cert.der == leaf or not cert.self_issued:
        yield from cert.names


def _subtrees(der: bytes) -> tuple[list[Subtree], list[Subtree]] | None:
    from cryptography import x509

    parsed = parse(der)[0]
    try:
        if parsed is None:
            return None
        value = parsed.extensions.get_extension_for_class(x509.NameConstraints).value
        return _known(value.permitted_subtrees), _known(value.excluded_subtrees)
    except Exception:  # whatever a parser says of hostile bytes
        return None


def _known(names: object) -> list[Subtree]:
    from cryptography import x509

    subtrees: list[Subtree] = []
    for name in names if isinstance(names, list) else ():
        if isinstance(name, x509.DNSName):
            subtrees.append(name.value.lower())
        elif isinstance(name, x509.IPAddress) and isinstance(name.value, ipaddress.IPv4Network | ipaddress.IPv6Network):
            subtrees.append(name.value)
    return subtrees


def _within(name: str, address: Address | None, subtree: Subtree) -> bool:
    if isinstance(subtree, str):
        base = subtree.lstrip(".")
        return address is None and (not base or f".{name.lower()}".endswith(f".{base}"))
    return address is not None and address in subtree
