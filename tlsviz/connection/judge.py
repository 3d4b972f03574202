"""The judgement: trust, proofs and findings, added to a connection that has been followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tlsviz.connection.ended import ended
from tlsviz.connection.findings import find
from tlsviz.connection.model import Connection, Finding
from tlsviz.connection.proofs import prove
from tlsviz.pki.stores import Store
from tlsviz.pki.trust import Trust
from tlsviz.pki.verify import judge
from tlsviz.wire.chunks import SERVER


def judged(
    connection: Connection,
    stores: Sequence[Store] = (),
    at: datetime | None = None,
    name: str | None = None,
    failure: Finding | None = None,
    live: bool = False,
    known: Sequence[bytes] = (),
) -> Connection:
    """The connection with its trust, proofs and findings.

    ``at``: the time to judge certificates at; default: when the connection started. ``name``: the name that the
    certificate must be for; default: the server name of the hello. ``failure``: why it failed, if the source knows
    more than the connection shows. ``live``: a target that was tried just now, so that the reason why it failed, or
    the first fault of its certificate, is its diagnosis. ``known``: certificates that other connections showed.
    """
    when = at or datetime.fromtimestamp(connection.start, UTC)
    wanted = name or connection.server_name
    trust = _trust(connection, stores, when, wanted, known)
    failure = failure or (None if live else ended(connection))
    told = replace(connection, trust=trust)
    told = replace(told, proofs=prove(told))
    return replace(told, findings=find(told, failure, live))


def _trust(
    connection: Connection, stores: Sequence[Store], at: datetime, name: str | None, known: Sequence[bytes]
) -> Trust:
    ders = [sent.der for sent in connection.certificates if sent.sender == SERVER]
    lists = [message for message in connection.messages if message.sender == SERVER and message.certificate is not None]
    if not ders and not (lists and connection.complete):
        return Trust("unknown", (), at, "", name)
    cut = any(not message.whole for message in lists)
    return judge(ders, name, at, stores, known, cut)
