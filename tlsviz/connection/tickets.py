"""Tickets traced: where what a ClientHello shows to resume a session was issued, in an earlier connection.

A session is carried from connection to connection by a ticket (RFC 5077, RFC 9846 section 4.6.1) or, before TLS 1.3,
by the session ID of an earlier ServerHello. Both are opaque: that the same bytes appear again is all there is to see,
and enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tlsviz.connection.facts import is_tls13
from tlsviz.connection.model import Connection, Message, Resumption, ResumptionKind, changed
from tlsviz.tls import views
from tlsviz.wire.nodes import Node, Path, walk

MOST_TICKETS = 20_000
MOST_IDENTITIES = 16
"""How many identities of one hello are looked up."""
SESSION_ID = 32
AGES = 1 << 32


class _Issue(NamedTuple):
    """Something to resume with: by which message it came, and when (Unix seconds)."""

    message: int
    time: float
    lifetime: int | None = None
    age_add: int | None = None


class _Shown(NamedTuple):
    """Something that a ClientHello shows to resume."""

    kind: ResumptionKind
    name: bytes
    path: Path
    age: int | None = None


class Mentions(NamedTuple):
    """What a connection shows to resume, by the index and time of the message, and what it was given to resume with."""

    shown: tuple[tuple[int, float, _Shown], ...] = ()
    issued: tuple[tuple[tuple[ResumptionKind, bytes], _Issue], ...] = ()


def mentions(connection: Connection) -> Mentions:
    """Every ticket and session ID of a connection that is worth remembering."""
    shown: list[tuple[int, float, _Shown]] = []
    issued: list[tuple[tuple[ResumptionKind, bytes], _Issue]] = []
    for message in connection.messages:
        tree, buffer = message.tree, message.buffer
        if tree is None or buffer is None:
            continue
        if message.type == "client_hello":
            shown += [(message.index, message.time, each) for each in _shown(tree, buffer.data)]
        elif message.whole and (found := _issued(connection, message, tree, buffer.data)) is not None and found[0][1]:
            issued.append(found)
    return Mentions(tuple(shown), tuple(issued))


class Tickets:
    """Remembers what each connection of a source was given; the oldest is forgotten when there are too many."""

    def __init__(self) -> None:
        self._given: dict[tuple[ResumptionKind, bytes], tuple[int, _Issue]] = {}

    def follow(self, connection: Connection) -> Connection:
        """The next connection, told where what it resumes with comes from."""
        found = self.link(connection.id, mentions(connection))
        return changed(connection, resumptions=found) if found else connection

    def link(self, number: int, said: Mentions) -> tuple[Resumption, ...]:
        """The same from what the next connection, of that id, mentions."""
        found = tuple(self._found(number, said))
        for key, issue in said.issued:
            self._keep(key, number, issue)
        return found

    def _found(self, number: int, said: Mentions) -> Iterator[Resumption]:
        for index, time, shown in said.shown:
            issuer, issue = self._given.get((shown.kind, shown.name), (number, None))
            if issue is None or issuer == number:
                continue
            age = None
            if shown.age is not None and issue.age_add is not None:
                age = (shown.age - issue.age_add) % AGES
            since = round(time - issue.time, 6)
            yield Resumption(
                shown.kind,
                index,
                shown.path,
                issuer,
                issue.message,
                since,
                issue.lifetime,
                shown.age,
                issue.age_add,
                age,
            )

    def _keep(self, key: tuple[ResumptionKind, bytes], number: int, issue: _Issue) -> None:
        if key in self._given:
            return
        self._given[key] = number, issue
        if len(self._given) > MOST_TICKETS:
            del self._given[next(iter(self._given))]


def _issued(
    connection: Connection, message: Message, tree: Node, data: bytes
) -> tuple[tuple[ResumptionKind, bytes], _Issue] | None:
    """What a message gives to resume with."""
    if message.type == "server_hello" and connection.version and not is_tls13(connection.version.code):
        return ("session_id", _content(tree.child("legacy_session_id_echo"), data)), _Issue(message.index, message.time)
    if message.type == "new_session_ticket":
        sent = views.session_ticket(tree, data)
        kind: ResumptionKind = "psk" if tree.child("ticket_age_add") is not None else "ticket"
        lifetime = _number(tree.child("ticket_lifetime") or tree.child("ticket_lifetime_hint"))
        add = _number(tree.child("ticket_age_add"))
        return (kind, sent.ticket), _Issue(message.index, message.time, lifetime, add)
    return None


def _shown(tree: Node, data: bytes) -> Iterator[_Shown]:
    """What a hello shows to resume, in wire order: its session ID, then what its extensions hold."""
    for place, node in enumerate(tree.children):
        if node.name == "legacy_session_id":
            session = _content(node, data)
            if 0 < len(session) <= SESSION_ID:
                yield _Shown("session_id", session, (place,))
        elif node.name == "extensions":
            for at, extension in enumerate(node.children):
                if extension.name == "session_ticket":
                    ticket = extension.child("ticket")
                    if ticket is not None and ticket.length:
                        yield _Shown("ticket", data[ticket.start : ticket.end], (place, at))
                elif extension.name == "pre_shared_key":
                    yield from _identities(extension, (place, at), data)


def _identities(extension: Node, path: Path, data: bytes) -> Iterator[_Shown]:
    """The pre-shared keys of a hello, the client's favourite first."""
    count = 0
    for deeper, node in walk(extension, path):
        if node.name != "psk_identity":
            continue
        count += 1
        identity = next(((at, child) for at, child in enumerate(node.children) if child.name == "identity"), None)
        if identity is not None and count <= MOST_IDENTITIES:
            age = _number(node.child("obfuscated_ticket_age"))
            yield _Shown("psk", _content(identity[1], data), (*deeper, identity[0]), age)


def _content(node: Node | None, data: bytes) -> bytes:
    """The bytes behind a vector's length; b"" of one that is cut short, or not there."""
    return data[node.children[0].end : node.end] if node is not None and node.children else b""


def _number(node: Node | None) -> int | None:
    return node.value if node is not None and isinstance(node.value, int) else None
