"""Certificates in words: keys, spans of time, weaknesses."""

from __future__ import annotations

from datetime import datetime, timedelta

from tlsviz.pki.certificate import Certificate
from tlsviz.wire.text import plural

# NIST SP 800-57 part 1, table 2: modulus bits to bits of security.
_RSA_STRENGTH = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80), (0, 0))
_FIXED_STRENGTH = {
    "Ed25519": 128,
    "Ed448": 224,
    "ML-DSA-44": 128,
    "ML-DSA-65": 192,
    "ML-DSA-87": 256,
}
WEAK_HASHES = ("md2", "md4", "md5", "sha1", "SHA1")
CURVES_IN_USE = ("EC P-256", "EC P-384", "EC P-521")


def strength(cert: Certificate) -> int | None:
    """The key's strength in bits of security; None when it is not known."""
    kind, bits = cert.key.partition(" ")[0], cert.key_bits
    if kind in ("RSA", "RSA-PSS", "DSA", "DH") and bits:
        return next(level for size, level in _RSA_STRENGTH if bits >= size)
    if kind == "EC" and bits:
        return bits // 2 if bits < 512 else 256
    return _FIXED_STRENGTH.get(cert.key)


def describe_key(cert: Certificate) -> str:
    """``RSA with 2,048 bits, as strong as a 112-bit key``; the bare name where no more is known."""
    kind, bits = cert.key.partition(" ")[0], cert.key_bits
    name = f"{kind} with {bits:,} bits" if kind in ("RSA", "RSA-PSS", "DSA", "DH") and bits else cert.key
    level = strength(cert)
    if level == 0:
        return f"{name or '?'}, broken"
    return f"{name}, as strong as a {level}-bit key" if level else name or "?"


def span(time: timedelta) -> str:
    """A length of time in its largest fitting unit: ``3 years``, ``89 days``, ``5 hours``, ``1 second``."""
    seconds = int(abs(time.total_seconds()))
    days = seconds // 86_400
    if days >= 730:
        return plural(round(days / 365.25), "year")
    if days >= 2:
        return plural(days, "day")
    if seconds >= 7_200:
        return plural(seconds // 3_600, "hour")
    if seconds >= 120:
        return plural(seconds // 60, "minute")
    return plural(seconds, "second") if seconds else "less than a second"


def same_words(time: timedelta) -> tuple[timedelta, timedelta]:
    """From which length of time on, and up to which, exclusive, `span` says what it says of this one."""
    seconds = int(abs(time.total_seconds()))
    unit = 86_400 if seconds >= 172_800 else 3_600 if seconds >= 7_200 else 60 if seconds >= 120 else 1
    low = seconds // unit * unit
    return timedelta(seconds=low), timedelta(seconds=low + unit)


def moment(time: datetime | None) -> str:
    """``2026-05-01 12:00 UTC``, or ``?``."""
    return f"{time:%Y-%m-%d %H:%M} UTC" if time else "?"


def lifetime_days(cert: Certificate) -> int | None:
    """The length of the validity period in whole days, the last second included (RFC 5280 4.1.2.5)."""
    if cert.not_before is None or cert.not_after is None:
        return None
    return (cert.not_after - cert.not_before + timedelta(seconds=1)).days


def age(cert: Certificate, at: datetime) -> str:
    """Where a time lies in the validity period: ``valid for 89 days more``, ``expired 3 days earlier``, …"""
    if cert.not_before is None or cert.not_after is None:
        return "validity unknown"
    if at < cert.not_before:
        return f"valid only {span(cert.not_before - at)} later"
    if at > cert.not_after:
        return f"expired {span(at - cert.not_after)} earlier"
    return f"valid for {span(cert.not_after - at)} more"


def weak_key(cert: Certificate) -> str:
    """Why the key is too weak for today's use, "" if it is not: RSA and DSA below 2,048 bits, EC below 256."""
    if cert.key.startswith(("RSA", "DSA", "DH")) and cert.key_bits and cert.key_bits < 2048:
        return f"its {cert.key.partition(' ')[0]} key has only {cert.key_bits:,} bits; 2,048 is the least"
    if cert.key.startswith("EC ") and cert.key_bits and cert.key_bits < 256:
        return f"its key lies on the curve {cert.key[3:]}; P-256 is the least in use"
    return ""


def weak_signature(cert: Certificate) -> str:
    """Why the signature on the certificate proves little, "" if it does: made over MD2, MD4, MD5 or SHA-1."""
    found = next((name for name in WEAK_HASHES if name in cert.signature_algorithm), None)
    return f"its signature uses {cert.signature_algorithm}, whose hash is broken" if found else ""


def describe(cert: Certificate) -> str:
    """A certificate in a line: key, validity, signature."""
    start = f"{cert.not_before:%Y-%m-%d}" if cert.not_before else "?"
    end = f"{cert.not_after:%Y-%m-%d}" if cert.not_after else "?"
    return f"{cert.key or '?'} · {start} to {end} · {cert.signature_algorithm or '?'}"
