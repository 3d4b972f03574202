"""Certificate Transparency: signed certificate timestamps, what they sign, and the logs that sign them (RFC 6962)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.links import parse
from tlsviz.pki.loglist import Log, Logs, from_tsv
from tlsviz.pki.vouchers import Receipt, Transparency
from tlsviz.pki.words import lifetime_days, moment
from tlsviz.wire.text import plural

LIST_DATE = "2026-08"
_DATA = Path(__file__).parent / "data" / "ct_logs.tsv"
_YEAR_9999 = 253_370_764_800_000
MOST_TIMESTAMPS = 50

REQUIRED_SINCE = datetime(2018, 5, 1, tzinfo=UTC)
"""Chrome wants receipts for certificates issued since then, Apple for those since 2018-10-15."""
NEW_RULES_SINCE = datetime(2022, 4, 15, tzinfo=UTC)

X509_ENTRY, PRECERT_ENTRY = b"\x00\x00", b"\x00\x01"


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
def logs() -> Logs:
    """The known logs by their ID, also those that no longer take certificates."""
    return from_tsv(_DATA.read_text(encoding="utf-8"))


def dated(known: Logs) -> str:
    """The date of a list of logs, for sentences."""
    return getattr(known, "date", "") or LIST_DATE


def receipt_fault(stamp: Timestamp, log: Log, expires: datetime | None, at: datetime) -> str:
    """Why a receipt with a right signature does not count all the same, "" if it does.

    ``expires``: the certificate's notAfter, None if it cannot be read. A log may be one of many shards, each of which
    takes the certificates that expire in its interval, whenever they were issued.
    """
    if stamp.time is None or stamp.time > at:
        return "it is of a later time"
    state = log.state_at(at)
    if state in ("rejected", "pending"):
        return f"the log's state is {state}"
    if state == "retired" and log.since is not None and stamp.time >= log.since:
        return f"the log was retired on {log.since:%Y-%m-%d}"
    return _shard_fault(log, expires)


def _shard_fault(log: Log, expires: datetime | None) -> str:
    """Why a certificate is none that the log takes: the interval holds its beginning and not its end."""
    if log.begin is not None and (expires is None or expires < log.begin):
        return f"the log takes only certificates that expire from {moment(log.begin)} on"
    if log.end is not None and (expires is None or expires >= log.end):
        return f"the log takes only certificates that expire before {moment(log.end)}"
    return ""


@lru_cache(maxsize=512)
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


@lru_cache(maxsize=512)
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


@lru_cache(maxsize=512)
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


def needed(cert: Certificate) -> int:
    """How many receipts inside of a certificate browsers ask for, by its date and lifetime.

    https://googlechrome.github.io/CertificateTransparency/ct_policy.html: 2 up to 180 days, 3 beyond. Before
    2022-04-15 it went by months: 2 below 15, 3 up to 27, 4 up to 39, 5 beyond.
    """
    days = lifetime_days(cert) or 0
    if cert.not_before is not None and cert.not_before >= NEW_RULES_SINCE:
        return 2 if days <= 180 else 3
    return next((count for limit, count in ((456, 2), (822, 3), (1187, 4)) if days <= limit), 5)


def enough(cert: Certificate, receipts: Sequence[Receipt], public: bool, date: str = LIST_DATE) -> Transparency | None:
    """Whether the receipts of a server's certificate satisfy browsers; None if it neither has nor needs any.

    ``public``: its chain leads to an authority of Mozilla's, the only ones that are asked. Receipts that came beside
    the certificate count apart from those inside: two suffice. Receipts of logs that the list does not know can tip
    the scales either way: then nobody can say.
    """
    asked = public and cert.not_before is not None and cert.not_before >= REQUIRED_SINCE
    if not asked and not receipts:
        return None
    inside = [one for one in receipts if one.source == "certificate"]
    beside = [one for one in receipts if one.source != "certificate"]
    groups = [group for group in ((inside, needed(cert)), (beside, 2)) if group[0]] or [(inside, needed(cert))]
    best = max(groups, key=lambda group: (_counted(group[0])[0] - group[1], len(group[0])))
    counted, operators = _counted(best[0])
    start = Transparency(None, best[1], counted, operators, "", date)
    have = f"{plural(counted, 'receipt')} of {plural(operators, 'operator')} {'counts' if counted == 1 else 'count'}"
    want = f"{best[1]} of two operators are asked for"
    if not asked:
        why = "it is older than the rule" if public else "no public authority vouches for it"
        return start._replace(why=f"{have}; none are asked for: {why}")
    if counted >= best[1] and operators >= 2:
        return start._replace(enough=True, why=f"{have}; {want}")
    open_ones = len({one.log_id for one in best[0] if one.check == "not_provable"})
    if open_ones and counted + open_ones >= best[1]:
        return start._replace(why=f"{have}; {plural(open_ones, 'other')} cannot be checked with the list of {date}")
    return start._replace(enough=False, why=f"{have}; {want}")


def _counted(receipts: Sequence[Receipt]) -> tuple[int, int]:
    """How many logs' receipts count, and of how many operators they are."""
    right = [one for one in receipts if one.counts]
    return len({one.log_id for one in right}), len({one.operator for one in right})
