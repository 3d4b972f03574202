"""Claims beside the handshake's own: the protection of every record, and the links of the certificate chain."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tlsviz.connection.model import Connection, Proof
from tlsviz.pki.links import signed_by
from tlsviz.pki.trust import Reason, Trust
from tlsviz.wire.text import plural


def records(connection: Connection) -> Iterator[Proof]:
    """Every protected record's tag or MAC, in one proof.

    QUIC's Initial packets do not count: everybody knows their keys, so their tags prove nothing.
    """
    sealed = (record for record in connection.records if record.packet_type != "Initial")
    found = [record.protection for record in sealed if record.protection is not None]
    if not found:
        return
    verified = sum(1 for protection in found if protection.status == "verified")
    unit = "packet" if connection.transport == "quic" else "record"
    failed = [protection for protection in found if protection.status == "failed"]
    if failed:
        why = f"{len(failed)} of {plural(len(found), f'protected {unit}')}: {failed[0].why}"
        yield Proof("record_protection", "failed", why)
    elif verified:
        rest = len(found) - verified
        seals = "tags" if unit == "packet" else "tags or MACs"
        why = f"the {seals} of {plural(verified, unit)} are right" + (f", {rest} not opened" if rest else "")
        yield Proof("record_protection", "verified", why)
    else:
        yield Proof("record_protection", "not_provable", found[0].why)


_UNPROVABLE: frozenset[Reason] = frozenset(
    ("unknown_issuer", "self_signed", "missing_intermediate", "no_certificate", "unsupported")
)
_BESIDE_THE_LINKS: frozenset[Reason] = frozenset(("expired", "not_yet_valid", "name_mismatch", "revoked"))


def chain(trust: Trust | None) -> Iterator[Proof]:
    """The links from the leaf up to a root: who signed whom, apart from dates and names."""
    if trust is None or trust.verdict == "unknown":
        return
    reasons = set(trust.reasons)
    if reasons & _UNPROVABLE:
        why = next((fault.detail for fault in trust.faults if fault.reason in _UNPROVABLE), "no way up to a root")
        yield Proof("certificate_chain", "not_provable", why)
    elif not reasons <= _BESIDE_THE_LINKS:
        yield Proof("certificate_chain", "failed", ", ".join(sorted(reasons - _BESIDE_THE_LINKS)))
    elif not _linked(trust):
        yield Proof("certificate_chain", "not_provable", "a link up to the root is missing or could not be checked")
    else:
        yield Proof("certificate_chain", "verified", f"every link up to a root of the {trust.store} store")


def _linked(trust: Trust) -> bool:
    """Whether the way that the verdict rests on ends at an anchor, with a right signature at every step."""
    verdict = next((each for each in trust.stores if each.store == trust.store), None)
    if verdict is None or not any(way.anchored and way.ders == verdict.path for way in verdict.ways):
        return False
    return all(signed_by(child, issuer) == "verified" for child, issuer in pairwise(verdict.path))
