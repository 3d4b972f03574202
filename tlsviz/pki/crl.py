"""Certificate revocation lists that the user gives (RFC 5280 5): decoded, checked, asked about a certificate."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.errors import TargetError
from tlsviz.pki import oids
from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.der import SEQUENCE, Element, elements, first
from tlsviz.pki.files import whole
from tlsviz.pki.keys import signature_name
from tlsviz.pki.links import parse, signed_by
from tlsviz.pki.names import distinguished_name, rfc4514
from tlsviz.pki.vouchers import LONGEST_ANSWER, Revocation
from tlsviz.pki.words import moment
from tlsviz.wire.text import plural, safe, shorten

if TYPE_CHECKING:
    from cryptography import x509

MAX_FILE = 64 << 20
MOST_LISTS = 50
_PEM = re.compile(rb"-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----")
_DELTA, _SCOPE, _NUMBER = "2.5.29.27", "2.5.29.28", "2.5.29.20"


class Crl(NamedTuple):
    """A revocation list; text is safe to print. ``entries``: how many certificates it revokes.

    ``fault``: why nothing can be learnt from it, "" if something can. Times in UTC, None where not said.
    """

    file: str
    der: bytes
    issuer: str = ""
    issuer_der: bytes = b""
    number: int | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    entries: int = 0
    signature_algorithm: str = ""
    fault: str = ""


def load(path: Path | str) -> tuple[Crl, ...]:
    """The lists in a PEM or DER file. Raises `TargetError` when it cannot be read or holds none."""
    path = Path(path)
    title = f"cannot read the revocation list {shorten(str(path), 200)}"
    hint = "Give a file with PEM lists (BEGIN X509 CRL) or one DER list."
    data = whole(path, MAX_FILE, title, hint)
    ders = list(_blocks(data)) or ([data] if data[:1] == bytes([SEQUENCE]) else [])
    found = tuple(read_crl(der, safe(path.name)) for der in ders[:MOST_LISTS])
    if not found or all(crl.fault for crl in found):
        raise TargetError(title, found[0].fault if found else "neither PEM nor DER", hint)
    return found


def _blocks(data: bytes) -> Iterator[bytes]:
    for block in _PEM.finditer(data):
        try:
            yield binascii.a2b_base64(block[1])
        except binascii.Error:
            continue


def read_crl(der: bytes, file: str = "") -> Crl:
    """Decodes a list; total: what is wrong with it is said in ``fault``."""
    parsed = _parsed(der)
    if parsed is None:
        return Crl(file, der, fault="it is no revocation list that can be read")
    issuer, algorithm = _outline(der)
    try:
        return Crl(
            file,
            der,
            rfc4514(distinguished_name(issuer)) if issuer else "",
            issuer.whole if issuer else b"",
            _number(parsed),
            parsed.last_update_utc,
            parsed.next_update_utc,
            len(parsed),
            algorithm,
            _fault(parsed),
        )
    except Exception as error:  # its parts are parsed when they are asked for
        return Crl(file, der, fault=f"a part of it cannot be read ({type(error).__name__})")


@lru_cache(maxsize=16)
def _parsed(der: bytes) -> x509.CertificateRevocationList | None:
    from cryptography import x509

    try:
        return x509.load_der_x509_crl(der)
    except Exception:  # whatever a parser says of hostile bytes
        return None


def _outline(der: bytes) -> tuple[Element | None, str]:
    """The issuer's name and the signature algorithm (RFC 5280 5.1.2: version, signature, issuer, …)."""
    whole = first(der)
    parts = elements(der, whole.body, whole.end)[0] if whole else []
    fields = parts[0].children if parts else []
    names = [field for field in fields if field.tag == SEQUENCE][1:2]
    return (names[0] if names else None), (signature_name(parts[1]) if len(parts) > 1 else "")


def _number(parsed: x509.CertificateRevocationList) -> int | None:
    from cryptography import x509

    found = [each.value for each in parsed.extensions if isinstance(each.value, x509.CRLNumber)]
    return found[0].crl_number if found else None


def _fault(parsed: x509.CertificateRevocationList) -> str:
    """Why a list must not be used: marks that say that it is not a whole, plain one (RFC 5280 5.2)."""
    for each in parsed.extensions:
        dotted = each.oid.dotted_string
        if dotted == _DELTA:
            return "it holds only what has changed since another list (a delta CRL)"
        if dotted == _NUMBER and each.critical:
            return "its cRLNumber is marked critical, which RFC 5280 5.2.3 forbids"
        if dotted == _SCOPE:
            scope = each.value
            parts = ("only_contains_attribute_certs", "indirect_crl", "only_some_reasons")
            if any(getattr(scope, part, None) for part in parts):
                return "it covers only a part of what its issuer revokes"
        elif each.critical and dotted != _NUMBER:
            return f"it has a critical extension that is not known: {dotted}"
    return ""


def ask(crls: Sequence[Crl], path: Sequence[bytes], sent: Sequence[bytes], at: datetime) -> tuple[Revocation, ...]:
    """What the lists say of the certificates of a way up (leaf first, anchor last), at a time.

    ``sent`` gives each its number. A list whose issuer issued none of them says nothing.
    """
    found = []
    for der, issuer in pairwise(path):
        for crl in crls:
            if crl.issuer_der and crl.issuer_der == read(der).issuer_der:
                index = sent.index(der) if der in sent else None
                found.append(_answer(crl, der, issuer, at)._replace(certificate=index))
    return tuple(found)


def _answer(crl: Crl, der: bytes, issuer: bytes, at: datetime) -> Revocation:
    cert, authority = read(der), read(issuer)
    start = Revocation(
        "crl",
        "unusable",
        "failed",
        crl.fault,
        signer=authority.title,
        this_update=crl.this_update,
        next_update=crl.next_update,
        serial=cert.serial,
        file=crl.file,
    )
    if crl.fault:
        return start
    fault = _signature_fault(crl, der, issuer, authority)
    if fault:
        return start._replace(check="not_provable" if fault.startswith("cannot") else "failed", why=fault)
    if crl.this_update is not None and crl.this_update > at:
        return start._replace(why=f"it is of a later time: {moment(crl.this_update)}")
    if fault := _age_fault(crl, at):
        return start._replace(why=fault)
    return _entry(crl, cert, start)


def _age_fault(crl: Crl, at: datetime) -> str:
    """Why a list is too old; without nextUpdate, which RFC 5280 5.1.2.5 demands, it is good for a while only."""
    if crl.next_update is not None:
        return f"it was good only until {moment(crl.next_update)}" if crl.next_update < at else ""
    if crl.this_update is None or at - crl.this_update <= LONGEST_ANSWER:
        return ""
    return f"it is of {moment(crl.this_update)} and does not say until when it is good (no nextUpdate)"


def _signature_fault(crl: Crl, der: bytes, issuer: bytes, authority: Certificate) -> str:
    parsed, above = _parsed(crl.der), parse(issuer)[0]
    if parsed is None or above is None or signed_by(der, issuer) == "failed":
        return "cannot be checked: the issuer's certificate is not known or cannot be read"
    if authority.has(oids.KEY_USAGE) and "cRLSign" not in authority.key_usage:
        return f"{shorten(authority.title, 80)} may not sign revocation lists (keyUsage without cRLSign)"
    try:
        right = parsed.is_signature_valid(above.public_key())  # type: ignore[arg-type]
    except Exception:  # an algorithm or key that cryptography does not do
        return "cannot be checked: an unknown algorithm or key"
    return "" if right else "the signature is not that of the certificate's issuer"


def _entry(crl: Crl, cert: Certificate, start: Revocation) -> Revocation:
    from cryptography import x509

    parsed = _parsed(crl.der)
    try:
        serial = int(cert.serial or "0", 16)
        entry = parsed.get_revoked_certificate_by_serial_number(serial) if parsed is not None else None
        if entry is None:
            if parsed is not None and (scope := _out_of_scope(parsed, cert)):
                return start._replace(check="not_provable", why=f"not listed, but {scope}")
            many = plural(crl.entries, "other")
            why = f"not among the {many} that {start.signer} has revoked" if crl.entries else "the list revokes none"
            return start._replace(status="good", check="verified", why=why)
        reasons = [each.value for each in entry.extensions if isinstance(each.value, x509.CRLReason)]
        reason = reasons[0].reason.value if reasons else None
        if reason == "removeFromCRL":
            return start._replace(status="good", check="verified", why="its revocation was taken back")
        when = entry.revocation_date_utc
        words = f"revoked on {moment(when)}" + (f" ({reason})" if reason else "")
        return start._replace(status="revoked", check="verified", why=words, revoked_at=when, reason=reason)
    except Exception as error:  # its parts are parsed when they are asked for
        return start._replace(why=f"an entry cannot be read ({type(error).__name__})")


def _out_of_scope(parsed: x509.CertificateRevocationList, cert: Certificate) -> str:
    """Why a list need not name a certificate even if it is revoked (RFC 5280 5.2.5, 6.3.3 b 2); "" if it must.

    Large authorities split their lists: each covers the certificates that name its address.
    """
    from cryptography import x509

    for each in parsed.extensions:
        if not isinstance(scope := each.value, x509.IssuingDistributionPoint):
            continue
        if scope.only_contains_user_certs and cert.is_ca:
            return "the list covers no certificates of authorities"
        if scope.only_contains_ca_certs and not cert.is_ca:
            return "the list covers only certificates of authorities"
        places = {safe(str(name.value)) for name in scope.full_name or ()}
        if (scope.full_name or scope.relative_name) and not places.intersection(cert.crls):
            where = shorten(min(places, default="another"), 100)
            return f"the list covers only certificates that name its address, {where}"
    return ""
