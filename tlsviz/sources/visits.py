"""Visits to a target: a handshake, and one more for each session to resume; what came of them, and what did not.

`live` sees to the rest that is asked of a target; re-probes (`probe`) and `ports` visit it, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.model import Connection
from tlsviz.sources.handshake import Handshake, Update
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.tape import Tape
from tlsviz.sources.target import Target

if TYPE_CHECKING:
    from tlsviz.sources.session import LiveSession

TLS13 = 0x0304


class Visits(NamedTuple):
    """What came of a target: its connections in order, the tape of each, and what is to be said about them all."""

    connections: tuple[Connection, ...]
    tapes: tuple[Tape, ...]
    notices: tuple[str, ...] = ()


def visit(
    target: Target,
    options: LiveOptions,
    update: Update | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Visits:
    """Like `live.run_live`, with the tapes. Every connection has the whole time-out; a failed one is the last."""
    options = _as_played(options.checked())
    early = options.early()
    follow = _tracing(options.visits)
    done: list[Handshake] = []
    connections: list[Connection] = []
    notices: list[str] = []
    session: LiveSession | None = None
    for number in range(options.visits):
        data = early if number else b""
        one = Handshake(target, options, update, cancelled, number, session, data)
        connection = follow(one.run())
        done.append(one)
        connections.append(connection)
        notices += [] if number else _remarks(options, connection)
        notices += _notices(connection, session, data)
        session = one.session
        if update is not None:
            update(connection)
        if session is None:
            left = options.visits - number - 1
            notices += ["There is no session to resume: " + _no_session(connection)] if left else []
            break
    return Visits(tuple(connections), tuple(one.tape for one in done), tuple(notices))


def _tracing(visits: int) -> Callable[[Connection], Connection]:
    """What traces each of so many connections to those before it; before the only one there are none."""
    if visits == 1:
        return lambda connection: connection
    from tlsviz.connection.tickets import Tickets

    return Tickets().follow


def _as_played(options: LiveOptions) -> LiveOptions:
    if options.profile is None:
        return options
    from tlsviz.sources.profiles import played

    return played(options)


def _remarks(options: LiveOptions, connection: Connection) -> list[str]:
    """What is to be said of a profile that was played."""
    if options.profile is None:
        return []
    from tlsviz.sources.profiles import remarks

    return remarks(options, connection.offered)


def _notices(connection: Connection, session: LiveSession | None, early: bytes) -> list[str]:
    """What a connection that was to resume a session, and to carry 0-RTT data, has not done."""
    if session is None or not connection.messages_of("server_hello"):
        return []
    found = []
    if not connection.resumed:
        found.append(f"Connection {connection.id} was not resumed: the server chose a full handshake.")
    if early and not session.early_data:
        why = "the ticket allows none" if session.psk else "only TLS 1.3 has it"
        found.append(f"Connection {connection.id} carries no 0-RTT data, {why}: it was sent after the handshake.")
    elif early and not connection.early_data:
        found.append(f"The server refused the 0-RTT data of connection {connection.id}: it was sent again.")
    if early and len(early) > session.early_data > 0:
        allowed = f"The ticket allows {session.early_data} bytes of 0-RTT data"
        found.append(f"{allowed}: the rest was sent after the handshake.")
    return found


def _no_session(connection: Connection) -> str:
    if not connection.complete:
        return "the handshake failed."
    if connection.version is not None and connection.version.code == TLS13:
        return "the server sent no ticket that could be used."
    return "the server gave neither a ticket nor a session ID."
