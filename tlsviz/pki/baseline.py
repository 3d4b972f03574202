"""The CA/Browser Forum's limits on public server certificates, by the date of issue (Baseline Requirements for TLS)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import NamedTuple

from tlsviz.pki import oids
from tlsviz.pki.certificate import Certificate
from tlsviz.pki.fields import extension_field
from tlsviz.pki.names import as_address, is_host_name
from tlsviz.pki.words import WEAK_HASHES, lifetime_days
from tlsviz.wire.text import plural, shorten


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


LIFETIMES: tuple[tuple[datetime, int], ...] = (
    (_day(2012, 7, 1), 1_827),
    (_day(2015, 4, 1), 1_188),
    (_day(2018, 3, 1), 825),
    (_day(2020, 9, 1), 398),
    (_day(2026, 3, 15), 200),
    (_day(2027, 3, 15), 100),
    (_day(2029, 3, 15), 47),
)
"""From when on how many days a certificate may live (6.3.2): 60 and 39 months, then days (ballot SC-081)."""

_SHA1_END = _day(2016, 1, 1)
_RSA_2048 = _day(2014, 1, 1)
_ENTROPY = _day(2016, 9, 30)
_INTERNAL_END = _day(2015, 11, 1)
_UNDERSCORE_END = _day(2019, 4, 1)
_RANDOM_BITS = 64
_SERIAL_SLACK = 8
"""A random number of 64 bits begins with that many zeros once in 256 certificates."""
_INTERNAL = (".local", ".localhost", ".internal", ".corp", ".home", ".lan", ".intranet", ".localdomain", ".private")


class Limit(NamedTuple):
    """One rule: ``code`` in snake case, whether it is ``kept``, ``words`` with this certificate's values.

    ``rule`` names the section; ``field`` is the dotted path in the certificate's tree of DER.
    """

    code: str
    kept: bool
    words: str
    rule: str
    field: str = ""


def allowed_days(begin: datetime) -> int | None:
    """How many days a certificate issued at a time may live; None before there was a limit."""
    return next((days for since, days in reversed(LIFETIMES) if begin >= since), None)


def limits(cert: Certificate) -> tuple[Limit, ...]:
    """The rules that apply to a certificate by its date, kept and broken; () when its dates cannot be read."""
    if cert.not_before is None:
        return ()
    found = [*_strength(cert, cert.not_before), *_serial(cert, cert.not_before)]
    if not cert.is_ca:
        found += [*_lifetime(cert, cert.not_before), *_names(cert, cert.not_before), *_purpose(cert)]
    return tuple(found)


def _lifetime(cert: Certificate, begin: datetime) -> Iterator[Limit]:
    days, allowed = lifetime_days(cert), allowed_days(begin)
    if days is None or allowed is None or cert.not_after is None:
        return
    # Part of a day counts as a whole one.
    kept = (cert.not_after - begin).total_seconds() + 1 <= allowed * 86_400
    words = f"lives {plural(days, 'day')}; issued {begin:%Y-%m-%d} it may live {allowed:,}"
    yield Limit("lifetime", kept, words, "6.3.2", "tbsCertificate.validity")


def _strength(cert: Certificate, begin: datetime) -> Iterator[Limit]:
    weak = next((name for name in WEAK_HASHES if name in cert.signature_algorithm), None)
    if begin >= _SHA1_END and not (cert.self_issued and cert.is_ca):
        words = f"signed with {cert.signature_algorithm or '?'}"
        yield Limit("signature_hash", weak is None, words, "7.1.3.2", "signatureAlgorithm")
    place = "tbsCertificate.subjectPublicKeyInfo"
    if cert.key.startswith("RSA") and cert.key_bits and begin >= _RSA_2048:
        kept = cert.key_bits >= 2048 and cert.key_bits % 8 == 0
        yield Limit("key_size", kept, f"its RSA key has {cert.key_bits:,} bits; 2,048 is the least", "6.1.5", place)
    elif cert.key:
        kept = cert.key in ("EC P-256", "EC P-384", "EC P-521")
        if not cert.key.startswith("RSA"):
            words = f"its key is {cert.key}; RSA and the curves P-256, P-384 and P-521 are allowed"
            yield Limit("key_kind", kept, words, "6.1.5", place)


def _serial(cert: Certificate, begin: datetime) -> Iterator[Limit]:
    bits = int(cert.serial.lstrip("-") or "0", 16).bit_length()
    place = "tbsCertificate.serialNumber"
    if begin >= _ENTROPY:
        kept = bits > _RANDOM_BITS - _SERIAL_SLACK
        words = f"its serial number has {plural(bits, 'bit')}; {_RANDOM_BITS} of it must be random"
        yield Limit("serial_entropy", kept, words, "7.1", place)
    if cert.serial.startswith("-") or not bits or bits >= 160:
        yield Limit("serial_form", False, "its serial number is not a positive one of at most 20 bytes", "7.1", place)


def _names(cert: Certificate, begin: datetime) -> Iterator[Limit]:
    place = extension_field(oids.SUBJECT_ALT_NAME, cert)
    words = f"names {plural(len(cert.names), 'host')} in subjectAltName" if cert.names else "has no subjectAltName"
    yield Limit("subject_alt_name", bool(cert.names), words, "7.1.2.7.12", place)
    if cert.subject_cn and cert.names:
        known = {name.lower() for name in cert.names}
        kept = cert.subject_cn.lower() in known
        shown = shorten(cert.subject_cn, 80)
        words = f"its common name {shown} is {'' if kept else 'not '}one of its names"
        yield Limit("common_name", kept, words, "7.1.4.3", "tbsCertificate.subject")
    checks = (
        ("internal_name", _INTERNAL_END, _internal, "is for an internal name", "7.1.2.7.12"),
        ("underscore", _UNDERSCORE_END, _underscored, "has an underscore in a name", "7.1.2.7.12"),
        ("name_form", _INTERNAL_END, _malformed, "has a name that no host can have", "7.1.2.7.12"),
    )
    for code, since, test, what, rule in checks:
        found = next((name for name in cert.names if test(name)), None)
        if found is not None and begin >= since:
            yield Limit(code, False, f"{what}: {shorten(found, 80)}", rule, place)


def _internal(name: str) -> bool:
    address = as_address(name)
    if address is not None:
        return not ip_address(str(address)).is_global
    plain = name.lower().rstrip(".")
    return "." not in plain or plain.endswith(_INTERNAL)


def _underscored(name: str) -> bool:
    return "_" in name


def _malformed(name: str) -> bool:
    if as_address(name) is not None or "_" in name:
        return False
    plain = name.lower().removeprefix("*.")
    return not is_host_name(plain) or plain.endswith(".")


def _purpose(cert: Certificate) -> Iterator[Limit]:
    place = extension_field(oids.EXTENDED_KEY_USAGE, cert)
    kept = "serverAuth" in cert.extended_key_usage and "anyExtendedKeyUsage" not in cert.extended_key_usage
    listed = ", ".join(cert.extended_key_usage[:5]) or "nothing in particular"
    yield Limit("server_purpose", kept, f"is for {listed}; a server's must say serverAuth", "7.1.2.7.10", place)
    if not cert.policies:
        words = "names no policy, so nobody can tell how its owner was checked"
        yield Limit("policies", False, words, "7.1.2.7.9", extension_field(oids.POLICIES, cert))
