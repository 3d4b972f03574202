"""The judgement: trust, proofs and findings, added to a connection that has been followed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.findings import find
from tlsviz.connection.model import CERTIFICATES, Connection, Finding, Message, changed
from tlsviz.connection.proofs import prove
from tlsviz.connection.proofs.certificates import vouched
from tlsviz.pki.certificate import read
from tlsviz.pki.revoked import with_revocations
from tlsviz.pki.stores import Store
from tlsviz.pki.transparency import dated, enough, logs
from tlsviz.pki.trust import Borrowed, Trust
from tlsviz.pki.verdicts import Verdicts
from tlsviz.pki.vouchers import Revocation, SecondOpinion
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import notes

if TYPE_CHECKING:
    from tlsviz.pki.crl import Crl
    from tlsviz.pki.loglist import Logs

WEB = "web"


class Evidence(NamedTuple):
    """What a source knows besides the connection itself.

    ``known``: certificates that other connections showed; ``fetched``: those got from where certificates say that
    their issuers lie. ``crls``: revocation lists given by the user; ``logs``: the list of transparency logs, None for
    the one that ships. ``now``: also judge at this time. ``openssl``: its own verdict, of a live handshake.
    """

    known: Sequence[bytes] = ()
    fetched: Sequence[Borrowed] = ()
    crls: Sequence[Crl] = ()
    logs: Logs | None = None
    now: datetime | None = None
    openssl: SecondOpinion | None = None


def judged(
    connection: Connection,
    stores: Sequence[Store] = (),
    at: datetime | None = None,
    name: str | None = None,
    failure: Finding | None = None,
    live: bool = False,
    known: Sequence[bytes] = (),
    evidence: Evidence | None = None,
    verdicts: Verdicts | None = None,
    outcome_only: bool = False,
) -> Connection:
    """The connection with its trust, proofs and findings.

    ``at``: the time to judge certificates at; default: when the connection started. ``name``: the name that the
    certificate must be for; default: the server name of the hello. ``failure``: why it failed, if the source knows
    more than the connection shows. ``live``: a target that was tried just now, so that the reason why it failed, or
    the first fault of its certificate, is its diagnosis. ``known``: certificates that other connections showed; they
    and more may come as ``evidence``. ``verdicts``: remembers those on chains from one connection to the next; of the
    same ``stores``, and the same present time as the evidence has. ``outcome_only``: without proofs, and without
    findings where none can be why the connection failed.
    """
    if connection.plain:  # there is nobody to trust, and nothing to prove
        return changed(connection, findings=find(connection))
    when = at or datetime.fromtimestamp(connection.start, UTC)
    wanted = name or connection.server_name
    told = evidence or Evidence(known)
    failure = failure or (None if live else _ended(connection))
    verdicts = verdicts or Verdicts(stores, told.now)
    trust, client_trust = _server(connection, verdicts, when, wanted, told), _client(connection, verdicts, when, told)
    # Proofs look at the verdicts, findings at both. Nobody else has the copy yet, so that it may still be filled.
    seen = changed(connection, trust=trust, client_trust=client_trust)
    if outcome_only and connection.complete and failure is None and client_trust is None:
        return seen
    object.__setattr__(seen, "proofs", prove(seen))
    object.__setattr__(seen, "findings", find(seen, failure, live))
    return seen


def _ended(connection: Connection) -> Finding | None:
    from tlsviz.connection.ended import ended

    return ended(connection)


def _server(connection: Connection, verdicts: Verdicts, at: datetime, name: str | None, evidence: Evidence) -> Trust:
    ders, cut = _sent(connection, SERVER)
    if ders is None:
        return Trust("unknown", (), at, "", name)
    trust = verdicts.server(ders, name, at, evidence.known, cut, evidence.fetched)
    if not ders:
        return trust
    trust = trust._replace(openssl=_compared(evidence.openssl, trust))
    staples, receipts = vouched(connection, trust, evidence.logs)
    trust = with_revocations(trust, (*staples, *_listed(evidence.crls, trust, ders)), ders)
    public = any(
        store.profile == WEB and any(way.anchored for way in verdict.ways)
        for store, verdict in zip(verdicts.stores, trust.stores, strict=True)
    )
    counted = None
    if receipts or public:
        known = evidence.logs if evidence.logs is not None else logs()
        counted = enough(read(ders[0]), receipts, public, dated(known))
    return trust._replace(receipts=receipts, transparency=counted)


def _client(connection: Connection, verdicts: Verdicts, at: datetime, evidence: Evidence) -> Trust | None:
    """The verdict on the client's certificates; None where it sent none."""
    ders, cut = _sent(connection, CLIENT)
    if not ders:
        return None
    trust = verdicts.client(ders, at, evidence.known, cut)
    return with_revocations(trust, _listed(evidence.crls, trust, ders), ders)


def _listed(crls: Sequence[Crl], trust: Trust, ders: Sequence[bytes]) -> tuple[Revocation, ...]:
    """What revocation lists say of the certificates on the deciding store's way up."""
    if not crls:
        return ()
    from tlsviz.pki.crl import ask

    path = next((verdict.path for verdict in trust.stores if verdict.store == trust.store), ())
    return ask(crls, path, ders, trust.at)


def _sent(connection: Connection, sender: Sender) -> tuple[list[bytes] | None, bool]:
    """The certificates of one side, None where nobody can know them; and whether there were more."""
    ders = [sent.der for sent in connection.certificates if sent.sender == sender]
    lists = [
        message
        for message in connection.messages
        if message.type in CERTIFICATES and message.sender == sender and message.certificate is not None
    ]
    if not ders and not any(connection.complete or _empty(message) for message in lists):
        return None, False
    return ders, any(not message.whole for message in lists)


def _empty(message: Message) -> bool:
    """Whether a message that can be read is a list without any certificate."""
    inner = message.certificate
    return message.whole and inner is not None and next(notes(inner.tree), None) is None


_BY_LEVEL = frozenset(("weak_key", "weak_signature"))
"""Reasons that OpenSSL has too, at its usual security level; live handshakes run without one, to see everything."""


def _compared(openssl: SecondOpinion | None, trust: Trust) -> SecondOpinion | None:
    """OpenSSL's verdict, with whether ours by the same store says the same. Neither has asked for revocations yet."""
    if openssl is None:
        return None
    ours = next((verdict for verdict in trust.stores if verdict.store == openssl.store), None)
    if ours is None or ours.verdict == "unknown" or (openssl.code == 0 and _BY_LEVEL.issuperset(ours.reasons)):
        return openssl
    return openssl._replace(agrees=(ours.verdict == "trusted") == (openssl.code == 0))
