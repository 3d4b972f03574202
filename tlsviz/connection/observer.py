"""A connection as somebody else sees it: who has no key keeps sizes, times, and what travelled in the clear.

Nothing is guessed: what an eavesdropper sees is entered anew, record by record, just as the engine enters records
that it cannot open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from tlsviz.connection import inferred
from tlsviz.connection.ended import ended
from tlsviz.connection.facts import is_tls13
from tlsviz.connection.findings import find
from tlsviz.connection.fingerprint import history
from tlsviz.connection.finishes import over
from tlsviz.connection.half import Half
from tlsviz.connection.hellos import is_cut, server_name
from tlsviz.connection.ledger import Ledger
from tlsviz.connection.model import (
    ApplicationRun,
    Connection,
    Hole,
    Message,
    PlacedMark,
    Prelude,
    Protection,
    Record,
    Volume,
)
from tlsviz.connection.proofs import prove
from tlsviz.connection.runs import Runs
from tlsviz.connection.stream import RawRecord
from tlsviz.pki.trust import Trust
from tlsviz.tls import suites, views
from tlsviz.tls.suites import Suite
from tlsviz.tls.views import ServerHello
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

Observer = Literal["endpoints", "eavesdropper", "key_holder", "proxy"]
"""Both ends; somebody on the way who only listens; one who listens and has the server's RSA key; a proxy that both ends
talk to without knowing it, or wanting it."""

OBSERVERS: tuple[Observer, ...] = ("endpoints", "eavesdropper", "key_holder", "proxy")
APPLICATION_DATA = 23
NO_KEY = "this observer has no key for it"


def can_read(connection: Connection, observer: Observer) -> bool:
    """Whether that observer can open the protected records of this connection (if we have the keys or not)."""
    if connection.plain:
        return True
    suite = _suite(connection)
    if suite is not None and suite.mode == "NULL":
        return True
    if observer == "key_holder":
        return rsa_exchange(connection)
    return observer != "eavesdropper"


def rsa_exchange(connection: Connection) -> bool:
    """Whether the client sent its secret encrypted to the server's RSA key, in this very connection."""
    suite = _suite(connection)
    if suite is None or suite.tls13 or connection.resumed:
        return False
    return suite.key_exchange in ("RSA", "RSA_EXPORT")


def as_seen_by(connection: Connection, observer: Observer) -> Connection:
    """The connection as that observer sees it; the very same one for those who have its keys."""
    if connection.plain:
        return connection
    if not can_read(connection, observer):
        return _without_keys(connection)
    if observer == "eavesdropper":  # nothing is encrypted, but who has no key can verify no MAC
        unproven = (
            replace(record, protection=record.protection._replace(status="not_provable", why=NO_KEY))
            if record.protection is not None
            else record
            for record in connection.records
        )
        known = replace(_without_secrets(connection), records=tuple(unproven))
        return replace(known, proofs=prove(known))
    return connection


def _suite(connection: Connection) -> Suite | None:
    return suites.suite(connection.cipher_suite.code) if connection.cipher_suite else None


def _without_keys(connection: Connection) -> Connection:
    if connection.transport == "quic":
        from tlsviz.connection.quic.observer import without_keys  # which needs the engine

        seen = without_keys(connection, NO_KEY)
        seen = replace(seen, trust=_untold(connection.trust))
        seen = replace(seen, proofs=prove(seen))
        return replace(seen, findings=find(seen, ended(seen), False))
    eyes = _Eyes(connection)
    eyes.watch()
    moved = eyes.moved
    certificates = tuple(
        replace(sent, message=moved[sent.message]) for sent in connection.certificates if sent.message in moved
    )
    messages = tuple(eyes.ledger.messages)
    runs = eyes.runs.frozen()
    hello = next((m for m in messages if m.type == "client_hello" and m.tree is not None and m.buffer), None)
    name = (
        server_name(views.client_hello(hello.tree, hello.buffer.data), is_cut(messages))
        if hello and hello.tree and hello.buffer
        else None
    )
    tls13 = connection.version is not None and is_tls13(connection.version.code)
    same = [sent.der for sent in certificates] == [sent.der for sent in connection.certificates]
    seen = replace(
        _without_secrets(connection),
        server_name=name,
        signature_scheme=None if tls13 else connection.signature_scheme,
        alpn=None if tls13 else connection.alpn,
        early_data=any(run.early for run in runs),
        client_auth=any(sent.sender == CLIENT for sent in certificates),
        complete=over(messages) is not None,
        history=history(messages),
        messages=messages,
        application=runs,
        client_data=_volume(runs, CLIENT),
        server_data=_volume(runs, SERVER),
        records=tuple(eyes.ledger.records),
        marks=tuple(eyes.marks),
        holes=tuple(eyes.holes),
        prelude=tuple(eyes.preludes),
        certificates=certificates,
        trust=connection.trust if same else _untold(connection.trust),
        client_trust=connection.client_trust if same else None,
    )
    seen = replace(seen, proofs=prove(seen))
    return replace(seen, findings=find(seen, ended(seen), False))


def _without_secrets(connection: Connection) -> Connection:
    """The connection without any secret, and without what only secrets can tell."""
    known = replace(connection, key_source=None, secrets=(), renegotiated=(), premasters=())
    return replace(known, inner_hellos=(), ech_accepted=None)


def _untold(trust: Trust | None) -> Trust | None:
    return trust and Trust("unknown", (), trust.at, "", trust.name)


def _volume(runs: tuple[ApplicationRun, ...], sender: Sender) -> Volume:
    mine = [run for run in runs if run.sender == sender]
    return Volume(sum(run.records for run in mine), sum(run.bytes for run in mine))


Beside = PlacedMark | Hole | Prelude


@dataclass(slots=True, eq=False)
class _Eyes:
    """Walks a connection's records in their order and enters what can be seen of them."""

    connection: Connection
    ledger: Ledger = field(default_factory=Ledger)
    runs: Runs = field(default_factory=Runs)
    marks: list[PlacedMark] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    preludes: list[Prelude] = field(default_factory=list)
    moved: dict[int, int] = field(default_factory=dict)
    """Where the messages in the clear went: index before and now."""
    hello: ServerHello | None = None
    offers_early: bool = False

    def watch(self) -> None:
        """Enters everything."""
        clear: dict[int, list[Message]] = {}
        for message in self.connection.messages:
            if not message.encrypted and message.records:
                clear.setdefault(max(message.records), []).append(message)
        runs = {max(run.record_indices): run for run in self.connection.application if run.record_indices}
        beside = self._beside()
        following = next(beside, None)
        for record, place in zip(self.connection.records, self._places(), strict=True):
            while following is not None and following.order < place:
                self._enter_beside(following)
                following = next(beside, None)
            if record.protection is not None or record.content_type == APPLICATION_DATA:
                self._sealed(record)
            else:
                self.ledger.records.append(record)
            for message in clear.get(record.index, ()):
                self._message(message)
            if record.index in runs:
                self._rest(runs[record.index])
        while following is not None:
            self._enter_beside(following)
            following = next(beside, None)

    def _places(self) -> list[int]:
        """For every record the order of the first thing that came of it; never falling."""
        first: dict[int, int] = {}
        for message in self.connection.messages:
            if message.records:
                last = max(message.records)
                first[last] = min(first.get(last, message.order), message.order)
        for run in self.connection.application:
            for index in run.record_indices:
                first.setdefault(index, run.order)
        places: list[int] = []
        latest = 0
        for record in self.connection.records:
            latest = max(latest, first.get(record.index, latest))
            places.append(latest)
        return places

    def _beside(self) -> Iterator[Beside | ApplicationRun]:
        """What is not made of kept records, in order."""
        lost = [run for run in self.connection.application if not run.record_indices]
        found: list[Beside | ApplicationRun] = []
        for each in (self.connection.marks, self.connection.holes, self.connection.prelude, lost):
            found += each
        return iter(sorted(found, key=lambda item: item.order))

    def _enter_beside(self, item: Beside | ApplicationRun) -> None:
        if isinstance(item, ApplicationRun):
            raw = RawRecord(b"", item.time, (), APPLICATION_DATA, 0, 0)
            order = self.ledger.next_order()
            early = self._early(item.sender)
            opaque = self.hello is not None and is_tls13(self.hello.version)
            self.runs.add(item.sender, raw, 0, None, early=early, opaque=opaque, index=None, order=order)
            self._grow(item.records - 1, item.bytes, item)
            return
        placed = item._replace(order=self.ledger.next_order())
        if isinstance(placed, PlacedMark):
            self.marks.append(placed)
        elif isinstance(placed, Hole):
            self.holes.append(placed)
        else:
            self.preludes.append(placed)

    def _message(self, message: Message) -> None:
        """A message in the clear: as it is, in its new place."""
        self.moved[message.index] = len(self.ledger.messages)
        self.ledger.messages.append(replace(message, index=len(self.ledger.messages), order=self.ledger.next_order()))
        if message.tree is None or message.buffer is None:
            return
        if message.type == "server_hello":
            self.hello = views.server_hello(message.tree, message.buffer.data)
        elif message.type == "client_hello":
            self.offers_early = views.client_hello(message.tree, message.buffer.data).has_early_data

    def _sealed(self, record: Record) -> None:
        """A protected record, from the outside."""
        tls13 = self.hello is not None and is_tls13(self.hello.version)
        half = Half(record.sender, epoch=0 if tls13 else record.epoch)
        raw = RawRecord(
            record.buffer.data,
            record.time,
            record.packets,
            record.content_type,
            record.version,
            record.length,
            record.missing,
        )
        protection = Protection("not_provable", NO_KEY)
        if record.content_type != APPLICATION_DATA:
            self.ledger.sealed(half, raw, record.buffer, protection)
            return
        if tls13:
            seen = self.ledger.sealed_kinds
            for kind in inferred.messages(record.sender, record.length, self.hello, seen, self.offers_early):
                self.ledger.inferred(half, raw, kind)
        known = protection if record.protection is not None else None
        index = self.ledger.record(half, raw, record.buffer, header=record.header, protection=known)
        self.runs.add(
            record.sender,
            raw,
            record.length,
            None,
            early=self._early(record.sender),
            opaque=tls13,
            index=index,
            order=self.ledger.next_order(),
        )

    def _early(self, sender: Sender) -> bool:
        versions = [version.code for version in self.connection.offered.versions]
        return sender == CLIENT and self.hello is None and any(map(is_tls13, versions))

    def _rest(self, run: ApplicationRun) -> None:
        """The records of a run that were only counted, each with as many bytes around its content as the kept ones."""
        known = {record.index: record for record in self.connection.records}
        kept = [known[index] for index in run.record_indices if index in known]
        more = run.records - len(kept)
        if more <= 0 or not kept:
            return
        said = sum(len(record.plaintext.data) if record.plaintext else record.length for record in kept)
        around = sum(record.length for record in kept) - said
        self._grow(more, run.bytes - said + around * more // len(kept), run)

    def _grow(self, records: int, size: int, run: ApplicationRun) -> None:
        last = self.runs.runs[-1]
        last.records += records
        last.bytes += size
        last.last_time = max(last.last_time, run.last_time)
        last.packets.update(dict.fromkeys(run.packets))
