"""Tickets traced: where what a ClientHello shows to resume a session was issued, in an earlier connection.

A session is carried from connection to connection by a ticket (RFC 5077, RFC 9846 section 4.6.1) or, before TLS 1.3,
by the session ID of an earlier ServerHello. Both are opaque: that the same bytes appear again is all there is to see,
and enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from tlsviz.connection.facts import is_tls13
from tlsviz.connection.model import Connection, Message, Resumption, ResumptionKind
from tlsviz.tls import views
from tlsviz.wire.nodes import Node, Path, walk

MOST_TICKETS = 20_000
MOST_IDENTITIES = 16
"""How many identities of one hello are looked up."""
SESSION_ID = 32
AGES = 1 << 32


class _Issue(NamedTuple):
    """Something to resume with: by which message of which connection it came, and when (Unix seconds)."""

    connection: int
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


class Tickets:
    """Remembers what each connection of a source was given; the oldest is forgotten when there are too many."""

    def __init__(self) -> None:
        self._issued: dict[tuple[ResumptionKind, bytes], _Issue] = {}

    def follow(self, connection: Connection) -> Connection:
        """The next connection, told where what it resumes with comes from."""
        found = tuple(self._found(connection))
        for message in connection.messages:
            self._learn(connection, message)
        return replace(connection, resumptions=found) if found else connection

    def _found(self, connection: Connection) -> Iterator[Resumption]:
        for message in connection.messages:
            if message.type != "client_hello" or message.tree is None or message.buffer is None:
                continue
            for shown in _shown(message.tree, message.buffer.data):
                issue = self._issued.get((shown.kind, shown.name))
                if issue is None or issue.connection == connection.id:
                    continue
                age = None
                if shown.age is not None and issue.age_add is not None:
                    age = (shown.age - issue.age_add) % AGES
                since = round(message.time - issue.time, 6)
                yield Resumption(
                    shown.kind,
                    message.index,
                    shown.path,
                    issue.connection,
                    issue.message,
                    since,
                    issue.lifetime,
                    shown.age,
                    issue.age_add,
                    age,
                )

    def _learn(self, connection: Connection, message: Message) -> None:
        tree, buffer = message.tree, message.buffer
        if tree is None or buffer is None or not message.whole:
            return
        if message.type == "server_hello" and connection.version and not is_tls13(connection.version.code):
            session = views.server_hello(tree, buffer.data).session_id
            self._keep(("session_id", session), _Issue(connection.id, message.index, message.time))
        elif message.type == "new_session_ticket":
            sent = views.session_ticket(tree, buffer.data)
            kind: ResumptionKind = "psk" if tree.child("ticket_age_add") is not None else "ticket"
            lifetime = _number(tree.child("ticket_lifetime") or tree.child("ticket_lifetime_hint"))
            add = _number(tree.child("ticket_age_add"))
            self._keep((kind, sent.ticket), _Issue(connection.id, message.index, message.time, lifetime, add))

    def _keep(self, key: tuple[ResumptionKind, bytes], issue: _Issue) -> None:
        if not key[1] or key in self._issued:
            return
        self._issued[key] = issue
        if len(self._issued) > MOST_TICKETS:
            del self._issued[next(iter(self._issued))]


def _shown(tree: Node, data: bytes) -> Iterator[_Shown]:
    """What a hello shows to resume, the best first."""
    count = 0
    for path, node in walk(tree):
        if node.name == "psk_identity":
            count += 1
            identity = next(((at, child) for at, child in enumerate(node.children) if child.name == "identity"), None)
            if identity is not None and count <= MOST_IDENTITIES:
                age = _number(node.child("obfuscated_ticket_age"))
                yield _Shown("psk", _content(identity[1], data), (*path, identity[0]), age)
        elif node.name == "session_ticket":
            ticket = node.child("ticket")
            if ticket is not None and ticket.length:
                yield _Shown("ticket", data[ticket.start : ticket.end], path)
        elif node.name == "legacy_session_id":
            session = _content(node, data)
            if 0 < len(session) <= SESSION_ID:
                yield _Shown("session_id", session, path)


def _content(node: Node, data: bytes) -> bytes:
    """The bytes behind a vector's length."""
    return data[node.children[0].end : node.end] if node.children else b""


def _number(node: Node | None) -> int | None:
    return node.value if node is not None and isinstance(node.value, int) else None
