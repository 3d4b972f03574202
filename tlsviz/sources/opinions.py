"""The verdicts on a capture's connections: each is made once, unless what it rests on has changed since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from tlsviz.connection.judge import Evidence, judged
from tlsviz.connection.model import Connection
from tlsviz.pki.certificate import read
from tlsviz.pki.stores import Store, subject_of
from tlsviz.pki.trust import Trust
from tlsviz.pki.verdicts import Verdicts
from tlsviz.wire.chunks import SERVER

MOST_KNOWN = 500
"""Certificates of authorities that are remembered from one connection to the next."""


class Opinion(NamedTuple):
    """A judged connection. ``above``: the certificates of others that may have had a part in it.

    ``whole``: judged in every respect, and not only by how it ended and whether to trust it.
    """

    connection: Connection
    above: tuple[bytes, ...]
    whole: bool = True


class Opinions:
    """Judges connections one after the other: those before tell a missing intermediate from an unknown root.

    ``findings``: by default in every respect.
    """

    def __init__(self, stores: Sequence[Store], at: datetime | None, evidence: Evidence, findings: bool = True) -> None:
        self._stores, self._at, self._evidence, self.findings = stores, at, evidence, findings
        self._verdicts = Verdicts(stores, evidence.now)
        self._shown: set[bytes] = set()
        self._by_subject: dict[bytes, list[bytes]] = {}

    def anew(self) -> Opinions:
        """The same stores and evidence, and no connection seen yet."""
        return Opinions(self._stores, self._at, self._evidence, self.findings)

    def next(self, connection: Connection, whole: bool = False) -> Opinion:
        """The verdict on the next connection; ``whole``: in every respect."""
        above = self.above(chain(connection))
        self.learn(authorities(connection))
        return self.opinion(connection, above, whole)

    def opinion(self, connection: Connection, above: tuple[bytes, ...], whole: bool = False) -> Opinion:
        """The verdict by these certificates of others; ``whole``: in every respect."""
        whole = whole or self.findings
        evidence = self._evidence._replace(known=above)
        made = judged(
            connection, self._stores, self._at, evidence=evidence, verdicts=self._verdicts, outcome_only=not whole
        )
        return Opinion(made, above, whole)

    def judge(self, connection: Connection, above: tuple[bytes, ...]) -> Connection:
        """The verdict in every respect, by these certificates of others."""
        return self.opinion(connection, above, whole=True).connection

    def learn(self, ders: Iterable[bytes]) -> None:
        """Remembers certificates of authorities that a connection has shown."""
        for der in ders:
            if der not in self._shown and len(self._shown) < MOST_KNOWN:
                self._shown.add(der)
                self._by_subject.setdefault(subject_of(der), []).append(der)

    def above(self, ders: Sequence[bytes]) -> tuple[bytes, ...]:
        """What was shown so far and leads up from certificates that are not among them: no other can matter."""
        found: dict[bytes, None] = {}
        ahead = list(ders)
        own = set(ders)
        while ahead:
            named = self._by_subject.get(read(ahead.pop()).issuer_der, ())
            fresh = [der for der in named if der not in found and der not in own]
            found.update(dict.fromkeys(fresh))
            ahead += fresh
        return tuple(found)


def chain(connection: Connection) -> tuple[bytes, ...]:
    """The certificates of both sides."""
    return tuple(sent.der for sent in connection.certificates)


def authorities(connection: Connection) -> tuple[bytes, ...]:
    """The certificates that the server sent above its own."""
    return tuple(sent.der for sent in connection.certificates if sent.sender == SERVER and sent.index)


def certain(connection: Connection) -> bool:
    """Whether every store trusts the certificates as they were sent, so that nobody else's had a part in it."""
    return all(trust is None or _trusted(trust) for trust in (connection.trust, connection.client_trust))


def _trusted(trust: Trust) -> bool:
    return all(verdict.verdict == "trusted" for verdict in trust.stores)
