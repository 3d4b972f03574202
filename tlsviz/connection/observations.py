"""What is remembered of a handshake with a server: what was offered and chosen, and how the server could be told.

Never secrets, and nothing that a recording would not show. Small enough to keep many: see `sources.memory`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from tlsviz.connection.hellos import is_cut
from tlsviz.connection.model import CodePoint, Connection, Trace, changed
from tlsviz.connection.observed import Observation, Values
from tlsviz.pki.certificate import read
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.text import safe, shorten

SUBJECTS = ("versions", "cipher_suites", "groups", "signature_schemes", "alpn")
FATAL = 2
MAX_OFFERS = 80
"""So many values of each list are kept: real hellos offer fewer."""
MAX_EARLIER = 50
"""So many earlier handshakes with a server are looked at, the latest."""
MOST_SERVERS = 20_000
"""So many servers are remembered while connections come; then the one that came first is forgotten."""
MOST_AT_ONCE = 1_000
"""So many handshakes of one server are kept while they come at the same time, or in the wrong order."""
_MAX_TEXT = 300
GREASE = "GREASE"


def whom(connection: Connection) -> tuple[str, int]:
    """The server that a connection is with: the name asked for in lower case, else the address; and the port."""
    return shorten((connection.server_name or connection.server.address).lower(), _MAX_TEXT), connection.server.port


def observe(connection: Connection) -> Observation | None:
    """What is worth remembering; None where there is no whole hello, or nobody answered it in TLS."""
    if not connection.offered.cipher_suites or is_cut(connection.messages):
        return None
    alert = next(
        (m.alert for m in connection.messages if m.sender == SERVER and m.alert and m.alert.level.code == FATAL), None
    )
    if connection.cipher_suite is None and alert is None:
        return None
    server, port = whom(connection)
    offered = connection.offered
    lists = (offered.versions, offered.cipher_suites, offered.groups, offered.signature_schemes)
    chosen = (connection.version, connection.cipher_suite, connection.group, connection.signature_scheme)
    alpn = connection.alpn
    ders = [sent.der for sent in connection.certificates if sent.sender == SERVER]
    trust = connection.trust
    return Observation(
        server,
        port,
        round(connection.start, 3),
        connection.complete,
        (*map(_values, lists), _names(offered.alpn)),
        (*map(_code, chosen), alpn if alpn is None else shorten(alpn, _MAX_TEXT))
        if connection.cipher_suite
        else (None,) * 5,
        alert.description.code if alert is not None and not connection.complete else None,
        connection.ja4 and safe(connection.ja4),
        connection.ja4s and safe(connection.ja4s),
        shorten(read(ders[0]).issuer, _MAX_TEXT) if ders else None,
        shorten(read(ders[-1]).subject, _MAX_TEXT) if ders else None,
        bool(trust.receipts) if ders and trust is not None else None,
        mozilla(connection) if ders else None,
    )


def mozilla(connection: Connection) -> bool | None:
    """Whether a way leads from the server's certificate into Mozilla's store; None where that was not asked."""
    stores = connection.trust.stores if connection.trust is not None else ()
    asked = [verdict for verdict in stores if verdict.store == "Mozilla"]
    return any(way.anchored for verdict in asked for way in verdict.ways) if asked else None


def _values(points: Iterable[CodePoint]) -> Values:
    return _once(tuple([point.code for point in points if point.name != GREASE]))


def _names(names: Iterable[str]) -> Values:
    return _once(tuple([shorten(name, _MAX_TEXT) for name in names if name != GREASE]))


@lru_cache(maxsize=4096)
def _once(values: Values) -> Values:
    """The values, each once; the same tuple for all who offer the same."""
    return tuple(dict.fromkeys(values))[:MAX_OFFERS]


def _code(point: CodePoint | None) -> int | None:
    return None if point is None else point.code


class Observed:
    """What is remembered of servers, for connections that come one after the other, in the order of their start.

    ``known``: handshakes with them that the source does not hold. Bounded: of each server what the next connection may
    look at is kept, and of `MOST_SERVERS` servers.
    """

    def __init__(self, known: Iterable[Observation] = ()) -> None:
        self._of: dict[tuple[str, int], list[Observation]] = {}
        for one in known:
            self.learn(one)

    def follow(self, connection: Connection) -> Connection:
        """The next connection with the earlier handshakes with its server, and what is to be said about them."""
        before = self.before(whom(connection), connection.start)
        one = observe(connection)
        if one is not None:
            self.learn(one)
            self._forget(one)
        if not before:
            return connection
        from tlsviz.connection.findings import again

        return again(changed(connection, earlier=before))

    def before(self, server: tuple[str, int], start: float) -> tuple[Observation, ...]:
        """The latest handshakes with a server before a time, the oldest first."""
        return latest(self._of.get(server, ()), start) if server[0] else ()

    def learn(self, one: Observation) -> None:
        """Remembers a handshake."""
        seen = self._of.setdefault((one.server, one.port), [])
        if not seen or seen[-1].time <= one.time:
            seen.append(one)
        else:
            insort(seen, one, key=time_of)
        if len(self._of) > MOST_SERVERS:
            del self._of[next(iter(self._of))]

    def _forget(self, latest: Observation) -> None:
        """Forgets what is too old for a connection that starts with the latest, or after it."""
        seen = self._of.get((latest.server, latest.port), [])
        if len(seen) > 2 * MAX_EARLIER:
            needless = bisect_left(seen, latest.time, key=time_of) - MAX_EARLIER
            del seen[: max(needless, len(seen) - MOST_AT_ONCE, 0)]


def latest(seen: Sequence[Observation], start: float) -> tuple[Observation, ...]:
    """Of handshakes in their order the last ones before a time."""
    at = bisect_left(seen, round(start, 3), key=time_of)
    return tuple(seen[max(at - MAX_EARLIER, 0) : at])


def time_of(one: Observation) -> float:
    """When it was, in Unix seconds."""
    return one.time


def earlier(connection: Connection, known: Iterable[Observation]) -> tuple[Observation, ...]:
    """Those of the known handshakes that were with the same server, and before: the latest, oldest first."""
    return Observed(known).before(whom(connection), connection.start)


def remembering(trace: Trace, known: Iterable[Observation] = ()) -> Trace:
    """The trace, each connection with the earlier handshakes with its server, of the trace itself and ``known``."""
    known = tuple(known)
    if len(trace.connections) < 2 and not known:
        return trace
    observed = Observed(known)
    connections = list(trace.connections)
    for place in sorted(range(len(connections)), key=lambda place: connections[place].start):
        connections[place] = observed.follow(connections[place])
    return trace._replace(connections=tuple(connections))


# -- as plain data, for the store ------------------------------------------------------------------------------


def to_plain(one: Observation) -> list[Any]:
    """For JSON; `from_plain` reads it."""
    return list(one)


def from_plain(item: object) -> Observation | None:
    """An observation as it was written; None for anything else: a file may be damaged, or of another version."""
    if not isinstance(item, list) or len(item) != len(Observation._fields):
        return None
    server, port, time, complete, offered, chosen, alert, ja4, ja4s, issuer, top, scts, public = item
    texts = (ja4, ja4s, issuer, top)
    wanted = (isinstance(server, str), isinstance(port, int), isinstance(time, int | float), isinstance(complete, bool))
    if (
        not all(wanted)
        or not _five(offered)
        or not _five(chosen)
        or not all(isinstance(each, list) for each in offered)
    ):
        return None
    if not all(_plain(value) for each in (*offered, chosen) for value in each if value is not None):
        return None
    if not all((isinstance(text, str) and len(text) <= _MAX_TEXT) or text is None for text in texts):
        return None
    if not all(flag in (None, True, False) for flag in (scts, public)) or not isinstance(alert, int | None):
        return None
    lists = tuple(tuple(value for value in each[:MAX_OFFERS] if value is not None) for each in offered)
    ja4, ja4s, issuer, top = (safe(text) if text is not None else None for text in texts)
    name, picked = safe(server)[:_MAX_TEXT], tuple(chosen)
    return Observation(name, port, time, complete, lists, picked, alert, ja4, ja4s, issuer, top, scts, public)


def _five(item: object) -> bool:
    return isinstance(item, list) and len(item) == len(SUBJECTS)


def _plain(value: object) -> bool:
    return (isinstance(value, int) and 0 <= value <= 0xFFFFFF) or (isinstance(value, str) and len(value) <= _MAX_TEXT)
