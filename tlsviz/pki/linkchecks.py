"""What is checked on a link between a certificate and its issuer, and of a certificate alone: each with a verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from tlsviz.pki import oids
from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.faults import PURPOSES, authority_faults, entity_faults, time_faults
from tlsviz.pki.fields import extension_field, field_of
from tlsviz.pki.links import Pool, same_key
from tlsviz.pki.policy import Purpose
from tlsviz.pki.trust import Reason
from tlsviz.pki.words import moment, weak_key, weak_signature
from tlsviz.wire.text import plural

CheckName = Literal[
    "signature",
    "names",
    "key_identifiers",
    "validity",
    "basic_constraints",
    "path_length",
    "key_usage",
    "name_constraints",
    "extended_key_usage",
    "server_name",
    "key_strength",
    "signature_strength",
]


class Check(NamedTuple):
    """One check. ``verdict``: "absent" where the certificate says nothing, so that nothing was to be checked.

    ``why`` in words, safe to print. ``field``: the dotted path of the field in the tree of DER of the certificate that
    it is read from: the issuer's (``of`` "issuer") or the child's. ``reason``: the trust reason that a failure is.
    """

    name: CheckName
    verdict: Literal["passed", "failed", "unknown", "absent"]
    why: str
    of: Literal["child", "issuer"]
    field: str = ""
    reason: Reason | None = None


def link_checks(
    pool: Pool, below: tuple[bytes, ...], issuer: bytes, at: datetime | None, purpose: Purpose
) -> tuple[Check, ...]:
    """The checks between the last of ``below`` (leaf first) and the certificate that issued it."""
    child, cert = read(below[-1]), read(issuer)
    failed = {reason: why for reason, why in authority_faults(cert, below, purpose) if why}
    return (
        _signature(pool, below[-1], issuer),
        _names(child, cert),
        _key_identifiers(below[-1], issuer),
        _validity(cert, at, "issuer"),
        _basic_constraints(cert, failed.get("not_a_ca")),
        _path_length(cert, below, failed.get("path_length")),
        _extension(cert, "key_usage", oids.KEY_USAGE, failed, "keyUsage allows to sign certificates (keyCertSign)"),
        _extension(cert, "name_constraints", oids.NAME_CONSTRAINTS, failed, "the names below keep its constraints"),
        _extension(cert, "extended_key_usage", oids.EXTENDED_KEY_USAGE, failed, f"may issue for {PURPOSES[purpose]}"),
    )


def own_checks(
    cert: Certificate, leaf: bool, name: str | None, at: datetime | None, purpose: Purpose
) -> tuple[Check, ...]:
    """The checks of one certificate by itself; a leaf's name and purposes too."""
    found = [_validity(cert, at, "child"), *_strengths(cert)]
    if not leaf:
        return tuple(found)
    failed = {reason: why for reason, why in entity_faults(cert, name, purpose) if why}
    if purpose == "server":
        place = field_of("name_mismatch", cert)
        if "name_mismatch" in failed:
            found.append(Check("server_name", "failed", failed["name_mismatch"], "child", place, "name_mismatch"))
        elif name is None:
            found.append(Check("server_name", "unknown", "no name was asked for", "child", place))
        else:
            found.append(Check("server_name", "passed", "is for the name that was asked for", "child", place))
    wanted: tuple[tuple[CheckName, str, str], ...] = (
        ("key_usage", oids.KEY_USAGE, "keyUsage allows a handshake"),
        ("extended_key_usage", oids.EXTENDED_KEY_USAGE, f"is for {PURPOSES[purpose]}"),
    )
    found += [_extension(cert, check, dotted, failed, good)._replace(of="child") for check, dotted, good in wanted]
    return tuple(found)


def _signature(pool: Pool, child: bytes, issuer: bytes) -> Check:
    link = pool.link(child, issuer)
    title = read(issuer).title
    if link == "verified":
        return Check("signature", "passed", f"made with the key of {title}", "child", "signatureValue")
    if link == "failed":
        why = f"was not made with the key of {title}"
        return Check("signature", "failed", why, "child", "signatureValue", "bad_signature")
    return Check("signature", "unknown", "could not be checked: an unknown algorithm or key", "child", "signatureValue")


def _names(child: Certificate, issuer: Certificate) -> Check:
    same = child.issuer_der == issuer.subject_der and child.issuer_der != b""
    why = "the issuer's name is the subject of the one above" if same else "the issuer's name is another"
    return Check("names", "passed" if same else "failed", why, "child", "tbsCertificate.issuer", None)


def _key_identifiers(child: bytes, issuer: bytes) -> Check:
    same = same_key(child, issuer)
    place = extension_field(oids.AUTHORITY_KEY_ID, read(child))
    if same is None:
        return Check("key_identifiers", "absent", "one of them names no key", "child", place)
    why = "names the key of the one above" if same else "names another key than that of the one above"
    return Check("key_identifiers", "passed" if same else "failed", why, "child", place)


def _validity(cert: Certificate, at: datetime | None, of: Literal["child", "issuer"]) -> Check:
    if at is None or cert.not_before is None or cert.not_after is None:
        why = "its dates cannot be read" if at else "no time to judge at"
        return Check("validity", "unknown", why, of, "tbsCertificate.validity")
    for reason, why in time_faults(cert, at):
        return Check("validity", "failed", why, of, field_of(reason, cert), reason)
    why = f"valid from {moment(cert.not_before)} to {moment(cert.not_after)}"
    return Check("validity", "passed", why, of, "tbsCertificate.validity")


def _basic_constraints(cert: Certificate, why: str | None) -> Check:
    place = extension_field(oids.BASIC_CONSTRAINTS, cert)
    if why:
        return Check("basic_constraints", "failed", why, "issuer", place, "not_a_ca")
    return Check("basic_constraints", "passed", "is a certificate authority's (cA)", "issuer", place)


def _path_length(cert: Certificate, below: tuple[bytes, ...], why: str | None) -> Check:
    place = field_of("path_length", cert)
    if cert.path_length is None:
        return Check("path_length", "absent", "sets no limit to the authorities below it", "issuer", place)
    if why:
        return Check("path_length", "failed", why, "issuer", place, "path_length")
    between = sum(not read(der).self_issued for der in below[1:])
    why = f"allows {plural(cert.path_length, 'authority', 'authorities')} below it, and there {_are(between)}"
    return Check("path_length", "passed", why, "issuer", place)


def _are(count: int) -> str:
    return "is none" if not count else "is 1" if count == 1 else f"are {count}"


def _extension(cert: Certificate, name: CheckName, dotted: str, failed: dict[Reason, str], good: str) -> Check:
    """A check of one extension whose absence allows everything; ``name`` is also the reason."""
    place = extension_field(dotted, cert)
    reason: Reason = name  # type: ignore[assignment]
    if failed.get(reason):
        return Check(name, "failed", failed[reason], "issuer", place, reason)
    if not cert.has(dotted):
        return Check(name, "absent", f"without {oids.EXTENSIONS[dotted]} nothing is forbidden", "issuer", place)
    return Check(name, "passed", good, "issuer", place)


def _strengths(cert: Certificate) -> list[Check]:
    key, signature = weak_key(cert), weak_signature(cert)
    place = "tbsCertificate.subjectPublicKeyInfo"
    found = [
        Check("key_strength", "failed", key, "child", place, "weak_key")
        if key
        else Check("key_strength", "passed", cert.key or "?", "child", place)
    ]
    if cert.self_issued:
        return found
    found.append(
        Check("signature_strength", "failed", signature, "child", "signatureAlgorithm", "weak_signature")
        if signature
        else Check("signature_strength", "passed", cert.signature_algorithm or "?", "child", "signatureAlgorithm")
    )
    return found
