"""Findings about trusted certificates that will not be for long, or that others have something to say about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from tlsviz.connection.findings.certificates import certificate_message
from tlsviz.connection.model import Connection, Finding
from tlsviz.pki.certificate import read
from tlsviz.pki.lifetime import state
from tlsviz.pki.words import moment, span
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import shorten


def expires_soon(connection: Connection) -> Iterator[Finding]:
    """Certificates on the way up that are near their end at the time judged at."""
    trust = connection.trust
    if trust is None or trust.verdict != "trusted":
        return
    for sent in connection.certificates:
        cert = read(sent.der)
        near = state(cert, trust.at)
        if sent.sender != SERVER or near not in ("expires_soon", "expires_now") or cert.not_after is None:
            continue
        begin = cert.not_before or cert.not_after
        yield Finding(
            "certificate_expires_soon",
            "warning" if near == "expires_now" else "notice",
            f"The certificate ends in {span(cert.not_after - trust.at)}",
            f"certificate {sent.index + 1} ({shorten(cert.title, 80)}) is good until {moment(cert.not_after)},"
            f" of {span(cert.not_after - begin)} altogether",
            "Renew it now, and let it renew itself when a third of its time is left (ACME).",
            "RFC 5280 4.1.2.5",
            message=sent.message,
        )


def must_staple(connection: Connection) -> Iterator[Finding]:
    """A certificate that demands a stapled OCSP response, without a good one."""
    trust = connection.trust
    leaf = next((sent for sent in connection.certificates if sent.sender == SERVER), None)
    if trust is None or leaf is None or not read(leaf.der).must_staple:
        return
    good = [
        one for one in trust.revocations if one.source == "ocsp" and one.certificate == 0 and one.check == "verified"
    ]
    if good:
        return
    unusable = next((one.why for one in trust.revocations if one.source == "ocsp"), "")
    yield Finding(
        "must_staple_missing",
        "warning",
        "The certificate demands a stapled OCSP response, and none that counts came",
        unusable or "the server sent none",
        "Turn OCSP stapling on (ssl_stapling, SSLUseStapling), or get a certificate without the TLS feature extension.",
        "RFC 7633 4.2.3",
        message=leaf.message,
    )


def revocation(connection: Connection) -> Iterator[Finding]:
    """Answers about revocation that do not count, or that know nothing."""
    for one in connection.trust.revocations if connection.trust is not None else ():
        if one.check == "failed" and one.source == "ocsp":
            yield Finding(
                "staple_unusable",
                "warning",
                "The stapled OCSP response does not count",
                one.why,
                "Let the server fetch a fresh response; check its clock and its way to the responder.",
                "RFC 6960 3.2",
                message=one.message,
            )
        elif one.source == "crl" and one.status == "unusable":
            yield Finding(
                "crl_unusable",
                "notice",
                "The revocation list does not count",
                f"{one.file}: {one.why}",
                "Fetch the list anew from the address in the certificate.",
                "RFC 5280 6.3.3",
                message=certificate_message(connection, SERVER),
            )
        elif one.status == "unknown":
            yield Finding(
                "revocation_status_unknown",
                "warning",
                "The responder does not know the certificate",
                one.why,
                "Ask the authority whether it has issued this certificate at all.",
                "RFC 6960 2.2",
                message=one.message,
            )


def receipts(connection: Connection) -> Iterator[Finding]:
    """Transparency receipts that are wrong, or too few for browsers."""
    trust = connection.trust
    if trust is None:
        return
    wrong = [one for one in trust.receipts if one.check == "failed"]
    if wrong:
        yield Finding(
            "bad_sct",
            "warning",
            "A transparency receipt is not what its log signed",
            "; ".join(f"{one.log}: {one.why}" for one in wrong[:3]),
            "Have the certificate issued anew; if the receipts come by TLS or OCSP, update those.",
            "RFC 6962 3.2",
            message=wrong[0].message,
        )
    counted = trust.transparency
    if counted is not None and counted.enough is False:
        yield Finding(
            "not_enough_scts",
            "notice",
            "Browsers ask for more transparency receipts",
            f"{counted.why} (list of logs of {counted.list_date})",
            "Have it issued by an authority that logs it: all public ones do by default.",
            "RFC 6962; Chrome CT Policy",
            message=certificate_message(connection, SERVER),
        )


@lru_cache(maxsize=512)
def _broken(der: bytes) -> list[str]:
    """The rules that a certificate breaks, in words."""
    from tlsviz.pki.baseline import limits

    return [f"{limit.words} ({limit.rule})" for limit in limits(read(der)) if not limit.kept]


def rules(connection: Connection) -> Iterator[Finding]:
    """A public authority's certificate that breaks the CA/Browser Forum's rules."""
    trust = connection.trust
    leaf = next((sent for sent in connection.certificates if sent.sender == SERVER), None)
    public = trust is not None and any(
        verdict.store == "Mozilla" and any(way.anchored for way in verdict.ways) for verdict in trust.stores
    )
    if leaf is None or not public:
        return
    broken = _broken(leaf.der)
    if broken:
        yield Finding(
            "baseline_violated",
            "notice",
            "The certificate breaks the rules for public authorities",
            "; ".join(broken[:5]),
            "Tell the authority, and have it issued anew: browsers may distrust it any day.",
            "CA/Browser Forum Baseline Requirements for TLS",
            message=leaf.message,
        )


FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (
    must_staple,
    revocation,
    receipts,
    expires_soon,
    rules,
)
