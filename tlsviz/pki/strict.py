"""Rules that the judge keeps and others do not: said only where they alone are why it refuses a chain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tlsviz.pki import oids
from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.links import Path, Pool
from tlsviz.pki.policy import Profile
from tlsviz.pki.trust import Fault, Reason
from tlsviz.pki.words import CURVES_IN_USE
from tlsviz.wire.text import shorten

STRICT = "strict web rules: "
"""Begins a fault that OpenSSL and curl would let pass."""

_KNOWN = frozenset(
    (
        oids.AUTHORITY_ACCESS,
        oids.AUTHORITY_KEY_ID,
        oids.SUBJECT_KEY_ID,
        oids.KEY_USAGE,
        oids.SUBJECT_ALT_NAME,
        oids.BASIC_CONSTRAINTS,
        oids.NAME_CONSTRAINTS,
        oids.EXTENDED_KEY_USAGE,
    )
)
"""The extensions that cryptography works with; it refuses any other that is critical (RFC 5280 4.2)."""


def strict_faults(pool: Pool, path: Path, profile: Profile) -> Iterator[Fault]:
    """What the judge dislikes beyond RFC 5280 on a way up."""
    for place, der in enumerate(path.ders):
        cert, index = read(der), pool.index.get(der)
        found = list(_form(cert))
        if place:
            found += _issues(cert)
        if profile == "web":
            found += _web_authority(cert) if place else _web_entity(cert)
        for reason, detail in found:
            # A root that was not sent has no number, so the sentence must name it.
            yield Fault(reason, index, detail if index is not None else f"{cert.title}: {detail}")


Found = Iterator[tuple[Reason, str]]


def _form(cert: Certificate) -> Found:
    """What holds for every certificate, in both profiles."""
    if cert.version != 3:
        yield "unsupported", f"{STRICT}it is of version {cert.version}; only version 3 is in use"
    unknown = [oids.EXTENSIONS.get(name, name) for name, critical in cert.extensions if critical and name not in _KNOWN]
    if unknown:
        yield "unsupported", f"has a critical extension that the judge does not know: {shorten(unknown[0], 80)}"


def _issues(cert: Certificate) -> Found:
    """What holds for whoever issued another, in both profiles."""
    if not cert.key.startswith(("RSA", "ML-DSA", *CURVES_IN_USE)):
        yield "unsupported", f"{STRICT}its key ({cert.key}) is of a kind that the web's authorities do not use"


def _web_entity(cert: Certificate) -> Found:
    if cert.is_ca:
        yield "unsupported", f"{STRICT}it is a certificate authority's (cA is set), which a server's must not be"
    if "keyCertSign" in cert.key_usage:
        yield "key_usage", f"{STRICT}it may sign certificates (keyCertSign), which a server's must not"
    if not cert.has(oids.AUTHORITY_KEY_ID):
        yield "unsupported", f"{STRICT}it does not say which key signed it (authorityKeyIdentifier)"


def _web_authority(cert: Certificate) -> Found:
    if not cert.has(oids.KEY_USAGE):
        yield "key_usage", f"{STRICT}it has no keyUsage, and an authority's must have one"
    if (oids.BASIC_CONSTRAINTS, False) in cert.extensions:
        yield "unsupported", f"{STRICT}its basicConstraints is not marked critical"


_JUDGE_WORDS: tuple[tuple[str, Reason, str], ...] = (
    ("no matching subjectAltName", "name_mismatch", "is for another name"),
    ("no subjectAltName", "name_mismatch", "has no subjectAltName"),
    ("invalid domain name", "name_mismatch", "the name that was asked for cannot be a host's"),
    ("Exceeded maximum", "unsupported", "there are too many certificates or names to try"),
    ("directoryName", "name_constraints", "an authority's name constraints are of a kind that cannot be checked"),
    ("unsupported name", "name_constraints", "an authority's name constraints are of a kind that cannot be checked"),
    ("malformed public key", "unsupported", "an authority's key cannot be read"),
    ("malformed", "name_constraints", "a name, or an authority's name constraints, cannot be read"),
    ("name constraint", "name_constraints", "a name lies outside an authority's name constraints"),
    ("nameConstraints", "name_constraints", f"{STRICT}an authority's name constraints are empty"),
    ("max depth", "path_length", "the chain is longer than the judge follows"),
    ("path length", "path_length", "there are more authorities than one of them allows below it"),
    ("validation time", "expired", "a certificate is out of its time"),
    ("keyUsage", "key_usage", "a certificate's keyUsage does not allow what it is used for"),
    ("EKU", "extended_key_usage", "a certificate is not meant for this purpose"),
    ("too weak", "weak_key", "an authority's RSA key has less than 2,048 bits"),
    ("Forbidden signature", "unsupported", f"{STRICT}a signature is of a kind that the web does not use"),
    ("Forbidden public key", "unsupported", f"{STRICT}an authority's key is of a kind that the web does not use"),
    ("signature does not match", "bad_signature", "a signature was not made with its issuer's key"),
    ("cA must be asserted", "not_a_ca", "a certificate issued another, but is not a certificate authority's"),
    ("no basicConstraints", "not_a_ca", "a certificate issued another, but is not a certificate authority's"),
    ("cA must not be", "unsupported", f"{STRICT}a server's certificate must not be a certificate authority's"),
    ("X509v3", "unsupported", f"{STRICT}a certificate is not of version 3"),
    ("signatureAlgorithm", "unsupported", "a certificate names two different signature algorithms"),
    ("serial", "unsupported", f"{STRICT}a serial number is negative, or longer than 20 bytes"),
    ("non-empty Issuer", "unsupported", f"{STRICT}a certificate does not name its issuer"),
    ("UtcTime", "unsupported", f"{STRICT}a date before 2050 is written as GeneralizedTime"),
    ("must be critical when", "unsupported", f"{STRICT}subjectAltName must be critical when there is no subject"),
    ("must not be critical when", "unsupported", f"{STRICT}subjectAltName is critical although there is a subject"),
    ("authorityKeyIdentifier must", "unsupported", f"{STRICT}an authorityKeyIdentifier must give the key's id only"),
    ("no interior errors", "unknown_issuer", "no way leads up to an anchor of the store"),
)
"""Parts of cryptography's sentences, the first that fits counts, with the reason and our words."""

_EXTENSION = re.compile(r"(?:invalid|missing required) extension: ([\d.]+): (.*)")
_EXTENSION_WORDS: tuple[tuple[str, str], ...] = (
    ("missing", "is missing where it must be"),
    ("unaccounted", "is critical, and the judge does not know it"),
    ("prohibited", "is there and must not be"),
    ("duplicate", "is there twice"),
)


def in_our_words(message: str, leaf: bytes, index: int | None) -> Fault:
    """What the judge's sentence means, as a fault of the end entity's certificate, number ``index``, or of none."""
    message = re.sub(r" \(encountered processing .*", "", message, flags=re.DOTALL)
    above = "candidates exhausted" in message
    extension = _EXTENSION.search(message)
    if extension:
        detail = _about_extension(extension[1], extension[2], None if above else read(leaf))
        return Fault("unsupported", None if above else index, detail)
    folded = message.lower()
    for part, reason, words in _JUDGE_WORDS:
        if part.lower() in folded:
            return Fault(reason, None if above else index, words)
    return Fault("unsupported", None if above else index, "the judge cannot work with a certificate's encoding")


def _about_extension(dotted: str, said: str, cert: Certificate | None) -> str:
    words = next((words for part, words in _EXTENSION_WORDS if part in said), "is not as it must be")
    if "criticality" in said and cert is not None:
        words = "must not be marked critical" if (dotted, True) in cert.extensions else "must be marked critical"
    return f"{STRICT}the extension {oids.EXTENSIONS.get(dotted, dotted)} {words}"
