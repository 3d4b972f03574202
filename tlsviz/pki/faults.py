"""Why a chain is not trusted: our own reading of what the judge has refused, certificate by certificate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from tlsviz.pki import oids
from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.constraints import broken_constraint
from tlsviz.pki.ends import ends
from tlsviz.pki.fields import field_of
from tlsviz.pki.keys import EXPLICIT_CURVE
from tlsviz.pki.links import Path, Pool, parse
from tlsviz.pki.names import as_address, ascii_name, matches
from tlsviz.pki.policy import HANDSHAKE_USAGES, Purpose
from tlsviz.pki.stores import Store
from tlsviz.pki.strict import strict_faults
from tlsviz.pki.trust import Borrowed, Fault, Reason
from tlsviz.pki.words import moment, span, weak_key, weak_signature
from tlsviz.wire.text import plural, shorten

PURPOSES: dict[Purpose, str] = {"server": "serverAuth", "client": "clientAuth"}

RANK: tuple[Reason, ...] = (
    "no_certificate",
    "expired",
    "not_yet_valid",
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
    "name_mismatch",
    "extended_key_usage",
    "weak_key",
    "weak_signature",
    "unsupported",
)
"""What to say first: a date is the plainest reason and the first to mend, then what weighs most."""


class Question(NamedTuple):
    """What is asked of a chain: for whom, when, for what.

    ``known``: certificates seen elsewhere. ``cut``: more were sent than are here, so nothing is known to be missing.
    ``fetched``: certificates that were got from where others say they lie.
    """

    name: str | None
    at: datetime
    purpose: Purpose
    known: tuple[bytes, ...] = ()
    cut: bool = False
    fetched: tuple[Borrowed, ...] = ()


Judged = tuple[Path, list[Fault]]
"""A way up with what is wrong with it, the first to say first."""


def explain(pool: Pool, leaf: bytes, question: Question, store: Store) -> list[Judged]:
    """Every way up with what is wrong with it, the best one first; at least one.

    Rules that only the judge keeps are named only when nothing else is wrong with the best one. Its list is [] when
    even they explain nothing.
    """
    ways = judged_ways(pool, leaf, question, store)
    path, faults = ways[0]
    if faults:
        faults.extend(_unchecked(pool, path, faults))
    elif path.anchored:
        faults.extend(strict_faults(pool, path, store.profile))
    faults.sort(key=_rank)
    return ways


def _unchecked(pool: Pool, path: Path, told: list[Fault]) -> Iterator[Fault]:
    """Links whose signature nobody could check: a date or a name must not stand as all that is wrong beside them."""
    known = {fault.sha256 for fault in told if fault.reason in ("bad_signature", "unsupported")}
    for der, issuer, link in zip(path.ders, path.ders[1:], path.links, strict=False):
        if link == "unknown" and not known & {read(der).sha256, read(issuer).sha256}:
            detail = "its signature could not be checked: its issuer's key does not make it, or its kind is not known"
            yield Fault("unsupported", pool.index.get(der), detail, "signatureAlgorithm", read(der).sha256)


def judged_ways(pool: Pool, leaf: bytes, question: Question, store: Store) -> list[Judged]:
    """Every way up, the best one first, with what is wrong with it by RFC 5280."""
    ways = [(path, sorted(_faults(pool, path, question, store), key=_rank)) for path in pool.paths(leaf, store)]
    return sorted(ways, key=lambda way: (not way[0].anchored, "failed" in way[0].links, len(way[1])))


def _rank(fault: Fault) -> int:
    return RANK.index(fault.reason)


def weak_leaf(pool: Pool, leaf: bytes) -> list[Fault]:
    """An end entity's weak key: the judge lets it pass, but where a chain is not trusted anyway it is worth saying."""
    weak = weak_key(read(leaf))
    cert = read(leaf)
    return [Fault("weak_key", pool.index.get(leaf), weak, field_of("weak_key", cert), cert.sha256)] if weak else []


def _faults(pool: Pool, path: Path, question: Question, store: Store) -> Iterator[Fault]:
    for place, der in enumerate(path.ders):
        cert, index = read(der), pool.index.get(der)
        top = place == len(path.ders) - 1
        checks = [*time_faults(cert, question.at), *_readable(cert)]
        if place == 0:
            checks += entity_faults(cert, question.name, question.purpose)
        else:
            checks += authority_faults(cert, path.ders[:place], question.purpose)
        # A root vouches for itself by being in a store; its signature proves nothing, with whatever hash.
        if not (top and (path.anchored or (place and cert.self_issued))):
            checks += [("weak_signature", weak_signature(cert))]
        for reason, detail in checks:
            if detail:
                # A root that was not sent has no number, so the sentence must name it.
                words = detail if index is not None else f"{cert.title}: {detail}"
                yield Fault(reason, index, words, field_of(reason, cert), cert.sha256)
        if not top and path.links[place] == "failed":
            detail = f"its signature was not made with the key of {read(path.ders[place + 1]).title}"
            yield Fault("bad_signature", index, detail, "signatureValue", cert.sha256)
    # What is not here may have led on, except above a certificate that names itself as its issuer.
    if not path.anchored and (read(path.ders[-1]).self_issued or not question.cut):
        yield from ends(pool, path, store, question.known, question.fetched)


Check = tuple[Reason, str]
"""A reason and what is wrong in words; no words, nothing wrong."""


def time_faults(cert: Certificate, at: datetime) -> list[Check]:
    """What is wrong with a certificate's dates at a time."""
    if cert.not_before is None or cert.not_after is None:
        return [("unsupported", "its validity cannot be read")]
    if at < cert.not_before:
        return [("not_yet_valid", f"valid only from {moment(cert.not_before)}, {span(cert.not_before - at)} later")]
    # The judge lets a certificate live through its last second, not through fractions of the next.
    if at > cert.not_after:
        return [("expired", f"expired on {moment(cert.not_after)}, {span(at - cert.not_after)} earlier")]
    return []


def _readable(cert: Certificate) -> list[Check]:
    if parse(cert.der)[0] is not None:
        return []
    why = next(iter(cert.problems), "its encoding is not what RFC 5280 demands")
    return [("unsupported", f"cannot be read: {why}")]


def entity_faults(cert: Certificate, name: str | None, purpose: Purpose) -> list[Check]:
    """What an end entity's certificate must fulfil: its name, its key's and its own purpose."""
    found: list[Check] = []
    if purpose == "server":
        found.append(("name_mismatch", name_mismatch(cert, name)))
    if cert.has(oids.KEY_USAGE) and not set(HANDSHAKE_USAGES).intersection(cert.key_usage):
        allowed = ", ".join(cert.key_usage) or "nothing"
        found.append(("key_usage", f"its keyUsage allows {allowed}, so no handshake (digitalSignature)"))
    if cert.key == EXPLICIT_CURVE:
        found.append(("unsupported", "its key spells out a curve instead of naming it (RFC 5480 2.1.1)"))
    wanted = PURPOSES[purpose]
    if cert.extended_key_usage and wanted not in cert.extended_key_usage:
        allowed = ", ".join(cert.extended_key_usage[:5])
        found.append(("extended_key_usage", f"is for {allowed}, not for {wanted}"))
    return found


def name_mismatch(cert: Certificate, name: str | None) -> str:
    """Why a certificate is not for a host name or address, "" if it is or no name is asked for (RFC 9525 6.3)."""
    if name is None:
        return ""
    if not cert.names:
        return for_no_host(cert)
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


def for_no_host(cert: Certificate) -> str:
    """Why a certificate fits no name whatever, "" if it may fit one. A common name does not count (RFC 9525 2)."""
    if cert.names:
        return ""
    if cert.has(oids.SUBJECT_ALT_NAME):
        return "names no host in its subjectAltName, or none that can be read"
    known = f"; its common name {cert.subject_cn} does not count" if cert.subject_cn else ""
    return f"has no subjectAltName, so is for no host{known}"


def authority_faults(cert: Certificate, below: tuple[bytes, ...], purpose: Purpose) -> list[Check]:
    """What a certificate that issued another must fulfil; RFC 5280 4.2.1.9, 6.1.4."""
    found: list[Check] = []
    if not cert.is_ca:
        found.append(("not_a_ca", "issued a certificate, but is not a certificate authority's"))
    between = sum(not read(der).self_issued for der in below[1:])
    if cert.path_length is not None and between > cert.path_length:
        allowed = plural(cert.path_length, "authority", "authorities") if cert.path_length else "no authority"
        found.append(("path_length", f"allows {allowed} below it, but there {_are(between)}"))
    if cert.has(oids.KEY_USAGE) and "keyCertSign" not in cert.key_usage:
        found.append(("key_usage", "its keyUsage does not allow to sign certificates (keyCertSign)"))
    usages = (PURPOSES[purpose], "anyExtendedKeyUsage")
    if cert.extended_key_usage and not any(usage in cert.extended_key_usage for usage in usages):
        found.append(("extended_key_usage", f"may not issue certificates for {PURPOSES[purpose]}"))
    found.append(("weak_key", weak_key(cert)))
    if cert.has(oids.NAME_CONSTRAINTS):
        found.append(("name_constraints", broken_constraint(cert.der, below)))
    return found


def _are(count: int) -> str:
    return f"are {count}" if count > 1 else "is 1"
