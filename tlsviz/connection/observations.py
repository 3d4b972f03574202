"""What is remembered of a handshake with a server: what was offered and chosen, and how the server could be told.

Never secrets, and nothing that a recording would not show. Small enough to keep many: see `sources.memory`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tlsviz.connection.model import CodePoint, Connection, Trace
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
_MAX_TEXT = 300


def whom(connection: Connection) -> tuple[str, int]:
    """The server that a connection is with: the name asked for in lower case, else the address; and the port."""
    return shorten((connection.server_name or connection.server.address).lower(), _MAX_TEXT), connection.server.port


def observe(connection: Connection) -> Observation | None:
    """What is worth remembering; None where there is no hello, or nobody answered it in TLS."""
    if not connection.offered.cipher_suites:
        return None
    alert = next(
        (m.alert for m in connection.messages if m.sender == SERVER and m.alert and m.alert.level.code == FATAL), None
    )
    if connection.cipher_suite is None and alert is None:
        return None
    server, port = whom(connection)
    offered = connection.offered
    lists: tuple[Iterable[CodePoint | str], ...] = (
        *(offered.versions, offered.cipher_suites, offered.groups, offered.signature_schemes, offered.alpn),
    )
    chosen = (
        connection.version,
        connection.cipher_suite,
        connection.group,
        connection.signature_scheme,
        connection.alpn,
    )
    ders = [sent.der for sent in connection.certificates if sent.sender == SERVER]
    trust = connection.trust
    return Observation(
        server,
        port,
        round(connection.start, 3),
        connection.complete,
        tuple(_values(each) for each in lists),
        tuple(_value(each) if each is not None else None for each in chosen)
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


def _values(points: Iterable[CodePoint | str]) -> Values:
    known = (_value(point) for point in points if str(point) != "GREASE")
    return tuple(dict.fromkeys(known))[:MAX_OFFERS]


def _value(point: CodePoint | str) -> int | str:
    return point.code if isinstance(point, CodePoint) else shorten(point, _MAX_TEXT)


def earlier(connection: Connection, known: Iterable[Observation]) -> tuple[Observation, ...]:
    """Those of the known handshakes that were with the same server, and before: the latest, oldest first."""
    server, port = whom(connection)
    found = [one for one in known if (one.server, one.port) == (server, port) and one.time < connection.start]
    return tuple(sorted(found, key=lambda one: one.time)[-MAX_EARLIER:]) if server else ()


def remembering(trace: Trace, known: Iterable[Observation] = ()) -> Trace:
    """The trace, each connection with the earlier handshakes with its server, of the trace itself and ``known``."""
    seen = [*known, *filter(None, map(observe, trace.connections))]
    if len(seen) < 2 and not known:
        return trace
    from tlsviz.connection.findings import again

    by_server: dict[tuple[str, int], list[Observation]] = {}
    for one in seen:
        by_server.setdefault((one.server, one.port), []).append(one)
    fresh = []
    for connection in trace.connections:
        before = earlier(connection, by_server.get(whom(connection), ()))
        fresh.append(again(replace(connection, earlier=before)) if before else connection)
    return trace._replace(connections=tuple(fresh))


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
