"""What others say of the server's certificate, as proofs: its stapled OCSP responses and its transparency receipts."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.model import Connection, Proof, ProofStatus
from tlsviz.connection.proofs.ocsp import staples
from tlsviz.connection.proofs.receipts import SIGNED_BY, ReceiptList, receipt_groups
from tlsviz.connection.proofs.stapled import Issuers
from tlsviz.pki.loglist import Logs
from tlsviz.pki.trust import Trust
from tlsviz.pki.vouchers import Receipt, Revocation
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import plural


def vouched(
    connection: Connection, trust: Trust | None, logs: Logs | None = None
) -> tuple[tuple[Revocation, ...], tuple[Receipt, ...]]:
    """What OCSP responses and logs say of the server's certificates, at the time of the verdict."""
    sent = [one.der for one in connection.certificates if one.sender == SERVER]
    if not sent:
        return (), ()
    issuers = Issuers(connection, sent, trust)
    groups = receipt_groups(connection, sent, issuers, logs)
    return tuple(staples(connection, sent, issuers)), tuple(one for group in groups for one in group.receipts)


def certificate_proofs(connection: Connection) -> Iterator[Proof]:
    """The proofs of all staples and receipts of the server; those that the verdict has are not made again."""
    trust = connection.trust
    revocations, receipts = (trust.revocations, trust.receipts) if trust is not None else ((), ())
    if not (revocations or receipts):
        revocations, receipts = vouched(connection, trust)
    for one in revocations:
        if one.source == "ocsp":
            yield Proof("ocsp", one.check, one.why, one.message)
    for group in _groups(receipts):
        status, why = _sct(group.receipts)
        yield Proof("sct", status, why, group.message)


def _groups(receipts: tuple[Receipt, ...]) -> Iterator[ReceiptList]:
    """The receipts that came in one place, together."""
    places: dict[tuple[int, int, str], list[Receipt]] = {}
    for one in receipts:
        places.setdefault((one.message or 0, one.certificate, one.source), []).append(one)
    for (message, certificate, _), found in places.items():
        yield ReceiptList(message, certificate, tuple(found))


def _sct(found: tuple[Receipt, ...]) -> tuple[ProofStatus, str]:
    """Whether logs that count signed: one wrong signature fails all; what does not count proves nothing."""
    bad = next((one for one in found if one.check == "failed"), None)
    if bad is not None:
        return "failed", f"{bad.log}: {bad.why}"
    right = [one.why.removeprefix(SIGNED_BY) for one in found if one.counts]
    # The words of a right signature say also why it does not count all the same.
    idle = [one.why for one in found if one.check == "verified" and not one.counts]
    other = [f"{one.log} ({one.why})" if one.log else one.why for one in found if one.check != "verified"]
    if not right:
        return "not_provable", f"{plural(len(found), 'receipt')}: {_once(idle + other)}"
    rest = f"; {len(idle)} not counted: {_once(idle)}" if idle else ""
    rest += f"; {len(other)} not checked: {_once(other)}" if other else ""
    return "verified", f"{SIGNED_BY}{', '.join(dict.fromkeys(right))}{rest}"


def _once(words: list[str]) -> str:
    return "; ".join(dict.fromkeys(words))
