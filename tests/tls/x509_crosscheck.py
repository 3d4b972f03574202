"""Reads certificates three ways: ``python tests/tls/x509_crosscheck.py [FOLDER OF CAPTURES]``.

Every certificate of the vectors (and those that captures bring) is read by the cryptography package, as a tree of DER
(`x509_peer.compare`) and by `pki.certificate.read`: names, validity, serial number, key, extensions. What cryptography
refuses to read is left out and counted. Exit status 1 if two do not agree.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from der_build import opened, vectors
from x509_peer import KEY_USAGES, attempt, compare

from tlsviz.errors import TlsvizError
from tlsviz.pki import oids
from tlsviz.pki.certificate import Certificate, read
from tlsviz.tls.oids import KEY_USAGES as USAGES
from tlsviz.wire.nodes import walk
from tlsviz.wire.text import safe


@dataclass
class Counts:
    certificates: int = 0
    refused: int = 0
    tree_values: int = 0
    compared: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def crosscheck(named: Iterable[tuple[str, bytes]]) -> Counts:
    """Compares what the three read of each certificate."""
    counts = Counts()
    for name, der in named:
        counts.certificates += 1
        peer = attempt(lambda der=der: x509.load_der_x509_certificate(der))
        if not isinstance(peer, x509.Certificate):
            counts.refused += 1
            continue
        try:
            if _is_whole(der):
                counts.tree_values += compare(der)
        except AssertionError as error:
            counts.wrong.append(f"{name}: the tree: {error}")
        ours = read(der)
        for what, mine, other in values(peer, ours):
            counts.compared[what] += 1
            if mine != other:
                counts.wrong.append(f"{name}: {what}: tlsviz {mine!r}, cryptography {other!r}")
    return counts


def _is_whole(der: bytes) -> bool:
    """Whether its tree is: one of more than `reader.MAX_ELEMENTS` elements is not taken apart to its end."""
    return all(node.name != "more_elements" for _, node in walk(opened(der)))


def values(peer: x509.Certificate, ours: Certificate) -> Iterator[tuple[str, object, object]]:
    """What both read: its name, ours, cryptography's. What cryptography refuses is left out."""
    for what, mine, theirs in (
        ("not_before", ours.not_before, lambda: peer.not_valid_before_utc),
        ("not_after", ours.not_after, lambda: peer.not_valid_after_utc),
        ("serial", int(ours.serial or "0", 16), lambda: peer.serial_number),
        ("version", ours.version, lambda: peer.version.value + 1),
        ("subject_der", ours.subject_der, lambda: peer.subject.public_bytes()),
        ("issuer_der", ours.issuer_der, lambda: peer.issuer.public_bytes()),
        ("subject_cn", ours.subject_cn, lambda: _common_name(peer.subject)),
        ("issuer_cn", ours.issuer_cn, lambda: _common_name(peer.issuer)),
        ("key", (ours.key.partition(" ")[0], ours.key_bits), lambda: _key(peer)),
    ):
        other = attempt(theirs)
        if other is not None:
            yield what, mine, other
    yield from _extensions(peer, ours)


def _common_name(name: x509.Name) -> str | None:
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    value = found[-1].value if found else None
    return safe(value) if isinstance(value, str) else None


def _key(peer: x509.Certificate) -> tuple[str, int] | None:
    key = peer.public_key()
    for kind, name in ((rsa.RSAPublicKey, "RSA"), (dsa.DSAPublicKey, "DSA"), (ec.EllipticCurvePublicKey, "EC")):
        if isinstance(key, kind):
            return name, key.key_size  # type: ignore[attr-defined]
    return None


def _extensions(peer: x509.Certificate, ours: Certificate) -> Iterator[tuple[str, object, object]]:
    extensions = attempt(lambda: list(peer.extensions))
    if not isinstance(extensions, list):
        return
    yield "extensions", ours.extensions, tuple((each.oid.dotted_string, each.critical) for each in extensions)
    for each in extensions:
        if type(each.value) in _CHECKS:
            what, read_ours, read_theirs = _CHECKS[type(each.value)]
            yield what, read_ours(ours), read_theirs(each.value)


def _names(value: x509.SubjectAlternativeName) -> tuple[str, ...]:
    """cryptography takes a dNSName for UTF-8; it is ASCII (RFC 5280 4.2.1.6), and we show other bytes as such."""
    kept = (str(each.value) for each in value if isinstance(each, x509.DNSName | x509.IPAddress))
    return tuple(safe(name.encode().decode("ascii", "backslashreplace")) for name in kept)


def _purposes(value: x509.ExtendedKeyUsage) -> tuple[str, ...]:
    return tuple(oids.PURPOSES.get(each.dotted_string, each.dotted_string) for each in value)


def _usages(value: x509.KeyUsage) -> tuple[str, ...]:
    return tuple(name for name in USAGES if name in KEY_USAGES and getattr(value, KEY_USAGES[name]))


def _addresses(value: x509.AuthorityInformationAccess, method: x509.ObjectIdentifier) -> tuple[str, ...]:
    places = (each.access_location for each in value if each.access_method == method)
    return tuple(safe(place.value) for place in places if isinstance(place, x509.UniformResourceIdentifier))


def _crls(value: x509.CRLDistributionPoints) -> tuple[str, ...]:
    names = (name for point in value for name in point.full_name or ())
    return tuple(safe(name.value) for name in names if isinstance(name, x509.UniformResourceIdentifier))


_CHECKS: dict[type, tuple[str, Callable[[Certificate], object], Callable[..., object]]] = {
    x509.SubjectAlternativeName: ("names", lambda ours: ours.names, _names),
    x509.BasicConstraints: (
        "basic_constraints",
        lambda ours: (ours.is_ca, ours.path_length),
        lambda value: (value.ca, value.path_length),
    ),
    x509.KeyUsage: (
        "key_usage",
        lambda ours: tuple(name for name in ours.key_usage if name in KEY_USAGES),
        _usages,
    ),
    x509.ExtendedKeyUsage: ("extended_key_usage", lambda ours: ours.extended_key_usage, _purposes),
    x509.SubjectKeyIdentifier: ("subject_key_id", lambda ours: ours.subject_key_id, lambda value: value.digest.hex()),
    x509.AuthorityKeyIdentifier: (
        "authority_key_id",
        lambda ours: ours.authority_key_id,
        lambda value: value.key_identifier.hex() if value.key_identifier is not None else None,
    ),
    x509.AuthorityInformationAccess: (
        "authority_access",
        lambda ours: (ours.ca_issuers, ours.ocsp),
        lambda value: (_addresses(value, x509.OID_CA_ISSUERS), _addresses(value, x509.OID_OCSP)),
    ),
    x509.CRLDistributionPoints: ("crls", lambda ours: ours.crls, _crls),
    x509.CertificatePolicies: (
        "policies",
        lambda ours: ours.policies,
        lambda value: tuple(each.policy_identifier.dotted_string for each in value),
    ),
    x509.TLSFeature: (
        "must_staple",
        lambda ours: ours.must_staple,
        lambda value: x509.TLSFeatureType.status_request in value,
    ),
}


def captured(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every certificate that captures in a folder bring, once; those of cut messages too."""
    from tlsviz.sources.capture import load_capture
    from tlsviz.sources.opening import OpenOptions

    seen: set[bytes] = set()
    suffixes = (".pcap", ".pcapng", ".cap", ".gz", ".zst")
    for path in (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name.endswith(suffixes)):
        key = path.with_name(path.name + ".keylog")
        try:
            trace = load_capture(path, OpenOptions(keylogs=(key,) if key.exists() else ()))
        except TlsvizError:
            continue
        for connection in trace.connections:
            for sent in connection.certificates:
                if sent.der not in seen:
                    seen.add(sent.der)
                    yield f"{path.name} connection {connection.id} certificate {sent.index}", sent.der


def main(arguments: list[str]) -> int:
    wrong = 0
    for what, named in (
        ("vectors", vectors().items()),
        *((folder, captured(Path(folder))) for folder in arguments),
    ):
        counts = crosscheck(named)
        print("\n".join(counts.wrong))
        print(
            f"{what}: {counts.certificates} certificates, {counts.refused} refused by cryptography; compared "
            f"{counts.tree_values} values of trees, {counts.compared.total()} of pki; {len(counts.wrong)} wrong"
        )
        print("  ".join(f"{name} {count}" for name, count in sorted(counts.compared.items())))
        wrong += len(counts.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
