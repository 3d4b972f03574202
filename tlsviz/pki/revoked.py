"""Revocations taken into a verdict: what a verified answer revokes is not trusted any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from tlsviz.pki.certificate import read
from tlsviz.pki.fields import field_of
from tlsviz.pki.trust import Fault, Now, StoreVerdict, Trust, Verdict
from tlsviz.pki.verify import deciding
from tlsviz.pki.vouchers import Revocation
from tlsviz.pki.words import moment

HOLD = "certificateHold"
"""The one reason of a revocation that may end again (RFC 5280 5.3.1)."""


def with_revocations(trust: Trust, answers: Sequence[Revocation], sent: Sequence[bytes]) -> Trust:
    """The verdict with the answers of OCSP and CRLs: every store whose way holds a revoked certificate refuses it."""
    told = trust._replace(revocations=tuple(answers))
    faults = [fault for answer in answers if (fault := _fault(answer, sent)) is not None]
    if not faults or not trust.stores:
        return told
    unique = list({fault.sha256: fault for fault in reversed(faults)}.values())
    stores = tuple(_refused(verdict, unique) for verdict in trust.stores)
    chosen = deciding(stores)
    held = {answer.certificate for answer in answers if answer.reason == HOLD}
    lasting = {fault.sha256 for fault in unique if fault.certificate not in held}
    return told._replace(
        verdict=chosen.verdict,
        reasons=chosen.reasons,
        store=chosen.store,
        faults=chosen.faults,
        stores=stores,
        now=None if trust.now is None else _later(trust.now, stores, lasting),
    )


def _later(now: Now, stores: Sequence[StoreVerdict], lasting: Collection[str | None]) -> Now:
    """The verdict at the present time: nobody takes a revocation back, except one that only holds (RFC 5280 5.3.1)."""
    refused = {v.store for v in stores if any(f.reason == "revoked" and f.sha256 in lasting for f in v.faults)}
    told: tuple[tuple[str, Verdict], ...] = tuple(
        (name, "untrusted" if name in refused and verdict == "trusted" else verdict) for name, verdict in now.stores
    )
    if not refused or now.verdict != "trusted" or any(verdict == "trusted" for _, verdict in told):
        return replace(now, stores=told)
    return replace(now, stores=told, verdict="untrusted", reasons=("revoked",))


def _fault(answer: Revocation, sent: Sequence[bytes]) -> Fault | None:
    if answer.status != "revoked" or answer.certificate is None or answer.certificate >= len(sent):
        return None
    cert = read(sent[answer.certificate])
    when = f" on {moment(answer.revoked_at)}" if answer.revoked_at else ""
    why = f", reason {answer.reason}" if answer.reason and answer.reason != "unspecified" else ""
    told = "its stapled OCSP response" if answer.source == "ocsp" else f"the revocation list {answer.file}"
    detail = f"was revoked{when}{why}, says {told}"
    return Fault("revoked", answer.certificate, detail, field_of("revoked", cert), cert.sha256)


def _refused(verdict: StoreVerdict, faults: Sequence[Fault]) -> StoreVerdict:
    """One store's verdict with those faults that lie on its way up."""
    on_way = {read(der).sha256 for der in verdict.path}
    here = tuple(fault for fault in faults if fault.sha256 in on_way)
    if not here or verdict.verdict == "unknown":
        return verdict
    ways = tuple(
        way._replace(reasons=tuple(dict.fromkeys((*way.reasons, "revoked"))), taken=False)
        if any(read(der).sha256 == fault.sha256 for der in way.ders for fault in here)
        else way
        for way in verdict.ways
    )
    return verdict._replace(
        verdict="untrusted",
        reasons=tuple(dict.fromkeys((*verdict.reasons, "revoked"))),
        detail=here[0].detail if verdict.verdict == "trusted" else verdict.detail,
        faults=(*verdict.faults, *here),
        ways=ways,
        strict=False,
    )
