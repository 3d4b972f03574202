"""What others say of a certificate, in words: staples, lists of revocations, receipts of logs, OpenSSL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tlsviz.explain.chain import ordinal
from tlsviz.pki.certificate import Certificate
from tlsviz.pki.trust import Trust
from tlsviz.pki.vouchers import Receipt, Revocation, SecondOpinion, Transparency
from tlsviz.pki.words import moment, span
from tlsviz.wire.text import plural, safe, shorten

_STATUS = {
    "good": "not revoked",
    "revoked": "REVOKED",
    "unknown": "unknown to the responder",
    "unusable": "says nothing that counts",
}
_SOURCES = {"certificate": "in the certificate", "tls": "in the handshake", "ocsp": "in the OCSP staple"}
MOST_ADDRESSES = 3


def revocation(one: Revocation) -> str:
    """An answer in a sentence: what it says, of which certificate, whether it counts."""
    source = "stapled OCSP response" if one.source == "ocsp" else f"revocation list {shorten(one.file, 80)}"
    which = f" of the certificate sent {ordinal(one.certificate)}" if one.certificate is not None else ""
    said = f"{source}{which}: {_STATUS[one.status]}"
    if one.status == "revoked":
        said += f" on {moment(one.revoked_at)}" if one.revoked_at else ""
        said += f", reason {safe(one.reason)}" if one.reason else ""
    return f"{said}; {safe(one.why)}" if one.why else said


def freshness(one: Revocation, at: datetime) -> list[str]:
    """Who answered, when, and until when the answer is good."""
    found = []
    if one.signer and one.signer not in one.why:
        how = " (a responder that the issuer lets answer)" if one.delegated else ""
        found.append(f"signed by {shorten(one.signer, 100)}{how}")
    if one.this_update is not None:
        told = f"as of {moment(one.this_update)}"
        if one.next_update is not None:
            late = at > one.next_update
            left = span(at - one.next_update if late else one.next_update - at)
            told += f", good until {moment(one.next_update)}: {f'stale for {left}' if late else f'{left} left'}"
        found.append(told)
    return found


def addresses(cert: Certificate, trust: Trust) -> Iterator[tuple[str, bool]]:
    """Where one could ask about a certificate, and whether anybody did; True for what is odd."""
    stapled = any(one.source == "ocsp" for one in trust.revocations)
    if cert.must_staple:
        text = "must-staple: it promises that a staple comes along"
        yield (text, False) if stapled else (f"{text}, and none came; Firefox refuses that", True)
    places = [("OCSP", cert.ocsp), ("revocation list", cert.crls)]
    for what, listed in places:
        for place in listed[:MOST_ADDRESSES]:
            yield f"{what}: {shorten(place, 200)}", False
    if not trust.revocations:
        nowhere = "it gives no address to ask at, so nobody can learn that it was revoked"
        said = "nobody asked" if cert.ocsp or cert.crls else nowhere
        yield f"{said}; no staple came along" if not stapled else said, False


def receipt(one: Receipt) -> str:
    """A receipt in a sentence: log, operator, time, where it came, whether it counts."""
    log = shorten(one.log, 60) if one.log else f"an unknown log {one.log_id[:16]}"
    operator = f" of {shorten(one.operator, 40)}" if one.operator and one.operator not in one.log else ""
    time = f", {moment(one.time)}" if one.time else ""
    counts = "verified, counts" if one.counts else f"does not count; {safe(one.why)}"
    state = f" ({one.state})" if one.state not in ("usable", "unknown") else ""
    return f"{log}{operator}{state}{time}, {_SOURCES[one.source]}: {counts}"


def enough(one: Transparency) -> str:
    """Whether the receipts suffice for browsers."""
    said = f"{plural(one.counted, 'receipt')} of {plural(one.operators, 'operator')}, {one.needed} needed"
    listed = f" (list of logs of {one.list_date})" if one.list_date else ""
    return f"{safe(one.why)}: {said}{listed}" if one.enough is not None else safe(one.why)


def openssl(one: SecondOpinion) -> str:
    """OpenSSL's verdict in a sentence."""
    where = f"with the {safe(one.store)} store"
    if one.code == 0:
        return f"{where}: ok"
    return f"{where}: {safe(one.text)} ({one.name}, {one.code}) at depth {one.depth}, {shorten(one.subject, 100)}"
