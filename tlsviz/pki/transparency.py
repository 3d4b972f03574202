"""Certificate Transparency: signed certificate timestamps, what they sign, and the logs that sign them (RFC 6962)."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tlsviz.pki.certificate import read
from tlsviz.pki.links import parse

LIST_DATE = "2026-08"
_DATA = Path(__file__).parent / "data" / "ct_logs.tsv"
_YEAR_9999 = 253_370_764_800_000
MOST_TIMESTAMPS = 50

X509_ENTRY, PRECERT_ENTRY = b"\x00\x00", b"\x00\x01"


class Log(NamedTuple):
    """A log: its name, who runs it, and its key as a SubjectPublicKeyInfo in DER."""

    name: str
    operator: str
    key: bytes


class Timestamp(NamedTuple):
    """A signed certificate timestamp (RFC 6962 section 3.2). ``time`` is None when it is beyond all calendars.

    ``scheme``: the SignatureScheme's number, hash and signature algorithm of TLS 1.2.
    """

    log_id: bytes
    milliseconds: int
    time: datetime | None
    extensions: bytes
    scheme: int
    signature: bytes


@cache
def logs() -> dict[bytes, Log]:
    """The known logs by their ID, also those that no longer take certificates."""
    found: dict[bytes, Log] = {}
    for line in _DATA.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            operator, name, key = line.split("\t")
            der = b64decode(key)
            found[hashlib.sha256(der).digest()] = Log(name, operator, der)
    return found


def timestamps(data: bytes) -> tuple[Timestamp, ...]:
    """The timestamps of a SignedCertificateTimestampList, its own length included. Total: damaged ones are left out."""
    found: list[Timestamp] = []
    rest = data[2:]
    while len(rest) > 2 and len(found) < MOST_TIMESTAMPS:
        size = int.from_bytes(rest[:2], "big")
        one = _timestamp(rest[2 : 2 + size])
        if one is not None:
            found.append(one)
        rest = rest[2 + size :]
    return tuple(found)


def _timestamp(data: bytes) -> Timestamp | None:
    if len(data) < 47 or data[0] != 0:
        return None
    milliseconds = int.from_bytes(data[33:41], "big")
    end = 43 + int.from_bytes(data[41:43], "big")
    size = int.from_bytes(data[end + 2 : end + 4], "big")
    if end + 4 + size > len(data):
        return None
    time = datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds < _YEAR_9999 else None
    scheme = int.from_bytes(data[end : end + 2], "big")
    return Timestamp(data[1:33], milliseconds, time, data[43:end], scheme, data[end + 4 : end + 4 + size])


def signed(one: Timestamp, entry: bytes) -> bytes:
    """What the log signs: version, kind, time, the entry, the extensions."""
    extensions = len(one.extensions).to_bytes(2, "big") + one.extensions
    return b"\x00\x00" + one.milliseconds.to_bytes(8, "big") + entry + extensions


def certificate_entry(der: bytes) -> bytes:
    """The entry of a whole certificate: its timestamps come beside it, in TLS or OCSP."""
    return X509_ENTRY + len(der).to_bytes(3, "big") + der


def precertificate_entry(der: bytes, issuer: bytes) -> bytes | None:
    """The entry of a certificate that holds its own timestamps: the certificate without them, and its issuer's key."""
    certificate, _ = parse(der)
    spki = read(issuer).spki_sha256
    if certificate is None or not spki:
        return None
    try:
        tbs = certificate.tbs_precertificate_bytes
    except ValueError:
        return None
    return PRECERT_ENTRY + bytes.fromhex(spki) + len(tbs).to_bytes(3, "big") + tbs


def embedded(der: bytes) -> bytes:
    """The list of timestamps inside of a certificate; b"" if it holds none."""
    from cryptography import x509

    certificate, _ = parse(der)
    if certificate is None:
        return b""
    try:
        found = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
        return _octets(found.value.public_bytes())
    except Exception:  # no such extension, or one that cannot be read
        return b""


def in_ocsp(extensions: object) -> bytes:
    """The list of timestamps in the extensions of an OCSP response; b"" if there is none."""
    from cryptography import x509

    if not isinstance(extensions, x509.Extensions):
        return b""
    try:
        found = extensions.get_extension_for_class(x509.SignedCertificateTimestamps)
        return _octets(found.value.public_bytes())
    except Exception:  # no such extension, or one that cannot be read
        return b""


def _octets(der: bytes) -> bytes:
    """The content of an OCTET STRING."""
    from tlsviz.pki.der import first

    element = first(der)
    return element.content if element is not None else b""
