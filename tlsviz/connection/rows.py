"""A connection in a row: the few facts that lists, filters and counts look at, and nothing that holds its bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from tlsviz.connection import titles
from tlsviz.connection.finishes import handshake_end
from tlsviz.connection.hellos import CLIENT_HELLOS
from tlsviz.connection.model import CodePoint, Connection, Endpoint
from tlsviz.connection.plain.words import heard, summed
from tlsviz.connection.prelude import destination
from tlsviz.connection.suspects import POST_QUANTUM
from tlsviz.wire.text import safe, shorten

Standing = Literal["trusted", "complete", "unknown", "incomplete", "failed", "plain"]
"""How a connection ended: it failed (or its certificates are not trusted), was not seen whole, or is whole; and then
what the trust stores say of it. plain: it speaks no TLS."""

CLOSE_NOTIFY = 0


class Row(NamedTuple):
    """One connection. Text that a peer chose is safe to print. Times are Unix seconds, durations seconds.

    ``spoken``: the version in words, with what carries it ("TLS 1.3 over QUIC v1").
    ``handshake``: from the first message to the second side's Finished; where that never came, the connection's
    duration; None where either end of it was unseen, and for plain HTTP. ``target``: where a proxy leads to.
    ``alerts``: the descriptions of those that can be read. ``outcome``: ``standing`` in words. ``reasons``: why its
    certificates are not trusted. ``size``: bytes of application data, both ways. ``post_quantum``: whether its key
    exchange is; None where nobody can tell. ``http``: of plain HTTP the methods and answers, each once.
    """

    id: int
    start: float
    duration: float
    client: Endpoint
    server: Endpoint
    name: str
    version: CodePoint | None
    spoken: str
    suite: CodePoint | None
    group: CodePoint | None
    alpn: str
    resumed: bool
    complete: bool
    failed: bool
    standing: Standing
    outcome: str
    verdict: str
    reasons: tuple[str, ...]
    history: str
    transport: str
    alerts: tuple[CodePoint, ...]
    findings: tuple[str, ...]
    ja3: str
    ja3s: str
    ja4: str
    ja4s: str
    starttls: str
    size: int
    handshake: float | None
    post_quantum: bool | None
    early_data: bool
    hello_retry: bool
    http: tuple[str, ...] = ()
    target: Endpoint | None = None

    @property
    def plain(self) -> bool:
        """Whether it speaks no TLS at all."""
        return self.standing == "plain"

    def is_of(self, other: Row | Connection) -> bool:
        """Whether it is of this connection, or of that of another row, by the ends and the start: numbers change."""
        return self.start == other.start and self.client == other.client and self.server == other.server

    @property
    def title(self) -> str:
        """What to call the server, as `titles.called` has it."""
        return titles.called(self.name, self.server, self.target)

    @property
    def goal(self) -> Endpoint:
        """The server with its port, as `titles.goal` has it."""
        return titles.goal(self.name, self.server, self.target)


@runtime_checkable
class Listed(Protocol):
    """Connections of which the rows are there before they are (`sources.shelf`)."""

    @property
    def rows(self) -> Sequence[Row]:
        """A row for each, in their order."""

    def only(self, numbers: Iterable[int]) -> Sequence[Connection]:
        """Those with these ids."""


def rows(connections: Sequence[Connection]) -> Sequence[Row]:
    """A row for each connection, with no more work than that needs."""
    return connections.rows if isinstance(connections, Listed) else [row(each) for each in connections]


def newer(rows: Mapping[int, Row], known: Row | Connection) -> Row | None:
    """The row of a connection as it is now, of ``rows`` by their ids; a reading's end may have given it another."""
    found = rows.get(known.id)
    if found is not None and found.is_of(known):
        return found
    return next((each for each in rows.values() if each.is_of(known)), None)


def only(connections: Sequence[Connection], numbers: Collection[int]) -> Sequence[Connection]:
    """The connections with these ids."""
    if isinstance(connections, Listed):
        return connections.only(numbers)
    return tuple(each for each in connections if each.id in numbers)


def row(connection: Connection) -> Row:
    """The connection's row."""
    standing, words = outcome(connection)
    trust, group = connection.trust, connection.group
    return Row(
        id=connection.id,
        start=connection.start,
        duration=connection.duration,
        client=_end(connection.client),
        server=_end(connection.server),
        name=_kept(safe(connection.server_name or "")),
        version=_point(connection.version),
        spoken=_kept(titles.version(connection)),
        suite=_point(connection.cipher_suite),
        group=_point(group),
        alpn=_kept(safe(connection.alpn or "")),
        resumed=connection.resumed,
        complete=connection.complete,
        failed=standing == "failed",
        standing=standing,
        outcome=_kept(words),
        verdict=trust.verdict if trust is not None else "",
        reasons=trust.reasons if trust is not None else (),
        history=_kept(connection.history or ""),
        transport=_kept(connection.transport),
        alerts=tuple(m.alert.description for m in connection.messages if m.alert is not None),
        findings=tuple(dict.fromkeys(_kept(finding.code) for finding in connection.findings)),
        ja3=_kept(connection.ja3 or ""),
        ja3s=_kept(connection.ja3s or ""),
        ja4=_kept(safe(connection.ja4 or "")),
        ja4s=_kept(safe(connection.ja4s or "")),
        starttls=_kept(connection.starttls or ""),
        size=connection.client_data.bytes + connection.server_data.bytes,
        handshake=handshake(connection),
        post_quantum=None if group is None else group.code in POST_QUANTUM,
        early_data=connection.early_data,
        hello_retry=connection.hello_retry,
        http=tuple(map(_kept, summed(connection))) if connection.plain else (),
        target=destination(connection.prelude),
    )


def outcome(connection: Connection) -> tuple[Standing, str]:
    """How it ended: failed, incomplete, or what the trust stores say; and that in a few words."""
    if connection.plain:
        return "plain", _kept(heard(connection))
    if (diagnosis := connection.failure) is not None:
        return "failed", shorten(diagnosis.code.replace("_", " "), 40)
    if not connection.complete:
        alert = next((each.alert for each in reversed(connection.messages) if each.alert), None)
        if alert is not None and alert.description.code != CLOSE_NOTIFY:
            return "failed", safe(str(alert.description)).replace("_", " ")
        return "incomplete", "incomplete"
    judged = connection.trust
    if judged is None:
        return "complete", "complete"
    if judged.verdict == "untrusted":
        return "failed", judged.reasons[0].replace("_", " ") if judged.reasons else "not trusted"
    if titles.unproven(connection):
        return "complete", "resumed" if connection.resumed else titles.SHARED_KEY
    return ("trusted", "trusted") if judged.verdict == "trusted" else ("unknown", "trust unknown")


def handshake(connection: Connection) -> float | None:
    """How long the handshake took, in seconds, as in `Row`."""
    if connection.plain:
        return None
    end = handshake_end(connection)
    if end is not None:
        return max(end - connection.messages[0].time, 0.0)
    over = connection.complete or connection.server_data.records  # for the server answers behind the handshake
    said = connection.messages or connection.application
    begun = any(message.type in CLIENT_HELLOS for message in connection.messages)
    return None if over or (said and not begun) else connection.duration


# -- what many rows share is kept once ---------------------------------------------------------------------

_MOST = 200_000
_texts: dict[str, str] = {}


def _kept(text: str) -> str:
    return _texts.setdefault(text, text) if len(_texts) < _MOST else text


def _end(end: Endpoint) -> Endpoint:
    return Endpoint(_kept(safe(end.address)), end.port)


@lru_cache(4096)
def _same(code: int, width: int, name: str | None) -> CodePoint:
    return CodePoint(code, width, name)


def _point(point: CodePoint | None) -> CodePoint | None:
    return None if point is None else _same(*point)
