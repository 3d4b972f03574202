"""The verdicts on a capture's connections: each is made once, unless what it rests on has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from tlsviz.connection.judge import Evidence, judged
from tlsviz.connection.model import Connection
from tlsviz.pki.certificate import read
from tlsviz.pki.stores import Store, subject_of
from tlsviz.pki.trust import Trust
from tlsviz.wire.chunks import SERVER

MOST_KNOWN = 500
"""Certificates of authorities that are remembered from one connection to the next."""


class Opinion(NamedTuple):
    """A judged connection. ``above``: the certificates of others that may have had a part in it."""

    connection: Connection
    above: tuple[bytes, ...]


class _Shown:
    """The certificates of authorities that connections have shown so far."""

    def __init__(self) -> None:
        self.ders: dict[bytes, None] = {}
        self._by_subject: dict[bytes, list[bytes]] = {}

    def add(self, connection: Connection) -> None:
        for sent in connection.certificates:
            if sent.sender == SERVER and sent.index and sent.der not in self.ders and len(self.ders) < MOST_KNOWN:
                self.ders[sent.der] = None
                self._by_subject.setdefault(subject_of(sent.der), []).append(sent.der)

    def above(self, connection: Connection) -> tuple[bytes, ...]:
        """Those that lead up from the connection's own certificates, by name: no other can matter to them."""
        found: dict[bytes, None] = {}
        ahead = [sent.der for sent in connection.certificates]
        while ahead:
            named = self._by_subject.get(read(ahead.pop()).issuer_der, ())
            ahead += [der for der in named if der not in found]
            found.update(dict.fromkeys(named))
        return tuple(found)


class Opinions:
    """Judges connections. What those before have shown tells a missing intermediate from an unknown root.

    Connections that are given before the capture's end come in another order, and do not know the same: `early` judges
    them, and `final` keeps that judgement where the difference cannot matter.
    """

    def __init__(self, stores: Sequence[Store], at: datetime | None, evidence: Evidence) -> None:
        self._stores, self._at, self._evidence = stores, at, evidence
        self._early, self._final = _Shown(), _Shown()

    def early(self, connection: Connection) -> Opinion:
        """The verdict on a connection before its turn."""
        above = self._early.above(connection)
        found = self._judge(connection, self._early)
        self._early.add(connection)
        return Opinion(found, above)

    def final(self, connection: Connection, before: Opinion | None) -> Connection:
        """The verdict on a connection in its turn; ``before``: the early one on the same connection."""
        if before is not None and (_certain(before.connection) or before.above == self._final.above(connection)):
            found = before.connection
            if found.id != connection.id:
                found = replace(found, id=connection.id)
        else:
            found = self._judge(connection, self._final)
        self._final.add(connection)
        return found

    def _judge(self, connection: Connection, shown: _Shown) -> Connection:
        return judged(connection, self._stores, self._at, evidence=replace(self._evidence, known=tuple(shown.ders)))


def _certain(connection: Connection) -> bool:
    """Whether every store trusts the certificates as they were sent, so that nobody else's had a part in it."""
    return all(trust is None or _trusted(trust) for trust in (connection.trust, connection.client_trust))


def _trusted(trust: Trust) -> bool:
    return all(verdict.verdict == "trusted" for verdict in trust.stores)
