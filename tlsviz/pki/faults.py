"""Why a chain is not trusted: our own reading of what the judge has refused, certificate by certificate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tlsviz.pki import oids
from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.constraints import broken_constraint
from tlsviz.pki.links import MAX_CONSIDERED, MAX_DEPTH, Path, Pool, is_self_signed, parse
from tlsviz.pki.names import as_address, ascii_name, matches
from tlsviz.pki.stores import Store
from tlsviz.pki.trust import Fault, Reason
from tlsviz.pki.words import CURVES_IN_USE, moment, span, weak_key, weak_signature
from tlsviz.wire.text import plural, shorten

Purpose = Literal["server", "client"]
PURPOSES: dict[Purpose, str] = {"server": "serverAuth", "client": "clientAuth"}

RANK: tuple[Reason, ...] = (
    "no_certificate",
    "wrong_order",
    "bad_signature",
    "self_signed",
    "missing_intermediate",
    "unknown_issuer",
    "not_a_ca",
    "path_length",
    "key_usage",
    "name_constraints",
    "revoked",
    "expired",
    "not_yet_valid",
    "name_mismatch",
    "extended_key_usage",
    "weak_key",
    "weak_signature",
    "unsupported",
)
"""What weighs most, first."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a chain: for whom, when, for what, by which store."""

    name: str | None
    at: datetime
    purpose: Purpose
    store: Store


def explain(pool: Pool, leaf: bytes, question: Question) -> tuple[Path, list[Fault]]:
    """The best way up that there is, and everything that is wrong with it, the weightiest first."""
    ways = [(path, list(_faults(pool, path, question))) for path in pool.paths(leaf, question.store)]
    path, faults = min(ways, key=lambda way: (not way[0].anchored, "failed" in way[0].links, len(way[1])))
    return path, sorted(faults, key=lambda fault: RANK.index(fault.reason))


def _faults(pool: Pool, path: Path, question: Question) -> Iterator[Fault]:
    for place, der in enumerate(path.ders):
        cert, index = read(der), pool.index.get(der)
        top = place == len(path.ders) - 1
        checks = [*_time(cert, question.at), *_readable(der)]
        if place == 0:
            checks += _leaf(cert, question)
        else:
            checks += _authority(cert, path.ders[:place], question.purpose)
        if not (top and path.anchored):
            checks += [("weak_signature", weak_signature(cert))]
        for reason, detail in checks:
            if detail:
                # A root that was not sent has no number, so the sentence must name it.
                yield Fault(reason, index, detail if index is not None else f"{cert.title}: {detail}")
        if not top and path.links[place] == "failed":
            detail = f"its signature was not made with the key of {read(path.ders[place + 1]).title}"
            yield Fault("bad_signature", index, detail)
    if not path.anchored:
        yield _end(pool, path, question.store)


Check = tuple[Reason, str]
"""A reason and what is wrong in words; no words, nothing wrong."""


def _time(cert: Certificate, at: datetime) -> list[Check]:
    if cert.not_before is None or cert.not_after is None:
        return [("unsupported", "its validity cannot be read")]
    if at < cert.not_before:
        return [("not_yet_valid", f"valid only from {moment(cert.not_before)}, {span(cert.not_before - at)} later")]
    # The judge lets a certificate live through its last second, not through fractions of the next.
    if at > cert.not_after:
        return [("expired", f"expired on {moment(cert.not_after)}, {span(at - cert.not_after)} earlier")]
    return []


def _readable(der: bytes) -> list[Check]:
    parsed, why = parse(der)
    return [("unsupported", f"cannot be read: {why}")] if parsed is None else []


def _leaf(cert: Certificate, question: Question) -> list[Check]:
    found: list[Check] = []
    if question.purpose == "server":
        found.append(("name_mismatch", name_mismatch(cert, question.name)))
    if cert.is_ca:
        found.append(("key_usage", "is a certificate authority's, not an end entity's"))
    elif "keyCertSign" in cert.key_usage:
        found.append(("key_usage", "may sign certificates (keyCertSign), which an end entity must not"))
    purpose = PURPOSES[question.purpose]
    if cert.extended_key_usage and purpose not in cert.extended_key_usage:
        allowed = ", ".join(cert.extended_key_usage[:5])
        found.append(("extended_key_usage", f"is for {allowed}, not for {purpose}"))
    return found


def name_mismatch(cert: Certificate, name: str | None) -> str:
    """Why a certificate is not for a host name or address, "" if it is. A common name does not count (RFC 9525)."""
    if not cert.names and any(dotted == oids.SUBJECT_ALT_NAME for dotted, _ in cert.extensions):
        return "names no host in its subjectAltName, or none that can be read"
    if not cert.names:
        known = f"; its common name {cert.subject_cn} does not count" if cert.subject_cn else ""
        return f"has no subjectAltName, so is for no host{known}"
    if name is None:
        return ""
    address = as_address(name)
    if address is not None:
        found = any(as_address(own) == address for own in cert.names)
    else:
        wanted = ascii_name(name)
        found = any(matches(own, wanted) for own in cert.names)
    if found:
        return ""
    shown = ", ".join(shorten(own, 80) for own in cert.names[:3])
    more = f" and {len(cert.names) - 3:,} more" if len(cert.names) > 3 else ""
    return f"is for {shown}{more}, not for {shorten(name, 80)}"


def _authority(cert: Certificate, below: tuple[bytes, ...], purpose: Purpose) -> list[Check]:
    """What a certificate that issued another must fulfil; RFC 5280 4.2.1.9, 6.1.4."""
    found: list[Check] = []
    if not cert.is_ca:
        found.append(("not_a_ca", "issued a certificate, but is not a certificate authority's"))
    between = sum(not read(der).self_issued for der in below[1:])
    if cert.path_length is not None and between > cert.path_length:
        allowed = plural(cert.path_length, "authority", "authorities") if cert.path_length else "no authority"
        found.append(("path_length", f"allows {allowed} below it, but there {_are(between)}"))
    if "keyCertSign" not in cert.key_usage:
        lack = "its keyUsage does not allow" if cert.key_usage else "it has no keyUsage that would allow"
        found.append(("key_usage", f"{lack} to sign certificates (keyCertSign)"))
    usages = (PURPOSES[purpose], "anyExtendedKeyUsage")
    if cert.extended_key_usage and not any(usage in cert.extended_key_usage for usage in usages):
        found.append(("extended_key_usage", f"may not issue certificates for {PURPOSES[purpose]}"))
    found.append(("weak_key", weak_key(cert)))
    if not found[-1][1] and not cert.key.startswith(("RSA", "ML-DSA", *CURVES_IN_USE)):
        found.append(("unsupported", f"its key ({cert.key}) is of a kind that authorities on the web do not use"))
    if any(dotted == oids.NAME_CONSTRAINTS for dotted, _ in cert.extensions):
        found.append(("name_constraints", broken_constraint(cert.der, below)))
    return found


def _are(count: int) -> str:
    return f"are {count}" if count > 1 else "is 1"


def _end(pool: Pool, path: Path, store: Store) -> Fault:
    """Why the way up ends before an anchor."""
    last = path.ders[-1]
    cert, index = read(last), pool.index.get(last)
    where = f"not in the {store.name} store"
    if is_self_signed(last):
        if len(path.ders) == 1:
            return Fault("self_signed", index, f"vouches for itself, and is {where}")
        return Fault("unknown_issuer", index, f"the chain ends in this root, which is {where}")
    if len(path.ders) >= MAX_DEPTH:
        return Fault("path_length", index, f"the chain is longer than {MAX_DEPTH} certificates")
    if pool.parents(last, store):
        return Fault("unknown_issuer", index, "the authorities issued each other in a circle, under no root")
    issuer = shorten(cert.issuer_cn or cert.issuer or "nobody", 120)
    if store.by_subject(cert.issuer_der):
        return Fault("unknown_issuer", index, f"issued by {issuer}, whose key is not the one in the {store.name} store")
    if pool.sent > MAX_CONSIDERED:
        detail = f"issued by {issuer}; of {pool.sent:,} certificates sent only {MAX_CONSIDERED} were considered"
        return Fault("unknown_issuer", index, detail)
    if cert.ca_issuers:
        address = shorten(cert.ca_issuers[0], 120)
        return Fault("missing_intermediate", index, f"issued by {issuer}, which was not sent; it lies at {address}")
    if _kin(cert, store):
        detail = f"issued by {issuer}, which was not sent; the {store.name} store knows the same organization"
        return Fault("missing_intermediate", index, detail)
    return Fault("unknown_issuer", index, f"issued by {issuer}, which was not sent and is {where}")


def _kin(cert: Certificate, store: Store) -> bool:
    """Whether the issuer's organization has an anchor in the store: then a link between is what is missing."""
    organization = cert.issuer_organization
    if not organization:
        return False
    needle = organization.encode()
    return any(read(der).organization == organization for der in store.ders if needle in der)
