"""Name constraints: which names an authority may issue for (RFC 5280 4.2.1.10)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.links import parse
from tlsviz.pki.names import as_address
from tlsviz.wire.text import safe, shorten

if TYPE_CHECKING:
    from cryptography import x509

MAX_CHECKS = 20_000
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Directory(NamedTuple):
    """A directory name: its relative names from the root down, folded for comparison, and how it is written."""

    rdns: tuple[str, ...]
    text: str

    def within(self, tree: Directory) -> bool:
        """Whether the subtree holds this name: it begins with the same relative names."""
        return self.rdns[: len(tree.rdns)] == tree.rdns


Subtree = str | ipaddress.IPv4Network | ipaddress.IPv6Network | Directory


def broken_constraint(authority: bytes, below: Sequence[bytes]) -> str:
    """How the certificates below break an authority's constraints on host names, addresses and subjects; "" if not."""
    found = _subtrees(authority)
    if found is None:
        return "its name constraints cannot be read"
    permitted, excluded = found
    broken = _broken_subject(permitted, excluded, below)
    if broken:
        return broken
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
            alike = [tree for tree in permitted if _alike(tree, address)]
            if alike and not any(_within(name, address, tree) for tree in alike):
                allowed = ", ".join(shorten(str(tree), 60) for tree in alike[:3])
                return f"may issue for {allowed} only, but did for {shorten(name, 80)}"
    return ""


def _broken_subject(permitted: list[Subtree], excluded: list[Subtree], below: Sequence[bytes]) -> str:
    """How the subjects, and directory names in subjectAltName, break constraints on directory names."""
    allowed = [tree for tree in permitted if isinstance(tree, Directory)]
    forbidden = [tree for tree in excluded if isinstance(tree, Directory)]
    if not (allowed or forbidden):
        return ""
    for der in below:
        cert = read(der)
        if der != below[0] and cert.self_issued:
            continue
        for name in _directories(der):
            shown = shorten(name.text, 80)
            if any(name.within(tree) for tree in forbidden):
                return f"must not issue for subjects such as {shown}, but did"
            if allowed and not any(name.within(tree) for tree in allowed):
                return f"may issue for {shorten(allowed[0].text, 80)} only, but did for {shown}"
    return ""


def _directories(der: bytes) -> Iterator[Directory]:
    from cryptography import x509

    parsed = parse(der)[0]
    try:
        if parsed is None:
            return
        if parsed.subject.rdns:
            yield _directory(parsed.subject)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        yield from map(_directory, names.get_values_for_type(x509.DirectoryName))
    except Exception:  # no such extension, or whatever a parser says of hostile bytes
        return


def _directory(name: x509.Name) -> Directory:
    return Directory(tuple(rdn.rfc4514_string().casefold() for rdn in name.rdns), safe(name.rfc4514_string()))


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
        elif isinstance(name, x509.DirectoryName):
            subtrees.append(_directory(name.value))
        elif isinstance(name, x509.IPAddress) and isinstance(name.value, ipaddress.IPv4Network | ipaddress.IPv6Network):
            subtrees.append(name.value)
    return subtrees


def _alike(subtree: Subtree, address: Address | None) -> bool:
    """Whether a constraint is on the same kind of name: a constraint says nothing of the other kinds."""
    return isinstance(subtree, str) if address is None else not isinstance(subtree, str | Directory)


def _within(name: str, address: Address | None, subtree: Subtree) -> bool:
    if isinstance(subtree, Directory):
        return False
    if isinstance(subtree, str):
        base = subtree.lstrip(".")
        return address is None and (not base or f".{name.lower()}".endswith(f".{base}"))
    return address is not None and address in subtree
