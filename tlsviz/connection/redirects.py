"""Redirects traced: which connection of the same client followed the answer of a plain one to where it leads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from tlsviz.connection.findings import find
from tlsviz.connection.model import Connection, Endpoint, Redirect, changed

SOON = 60.0
"""Seconds after the answer within which a new connection counts as its consequence."""
_PORTS = {"https": 443, "http": 80}


class _Goal(NamedTuple):
    """Where a redirect leads: by TLS or not, name and port."""

    encrypted: bool
    name: str
    port: int


class Step(NamedTuple):
    """What matters of a connection here. ``answered``: when each of its redirects was sent."""

    id: int
    start: float
    client: str
    server: Endpoint
    name: str
    plain: bool
    redirects: tuple[Redirect, ...] = ()
    answered: tuple[float, ...] = ()


Followed = tuple[dict[int, tuple[Redirect, ...]], dict[int, int]]
"""By the id of a connection, its redirects with what followed them; and which connection led to it."""


def step(connection: Connection) -> Step:
    """A connection as a step."""
    return Step(
        connection.id,
        connection.start,
        connection.client.address,
        connection.server,
        connection.server_name or "",
        connection.plain is not None,
        connection.redirects,
        tuple(connection.messages[redirect.message].time for redirect in connection.redirects),
    )


def traced(connections: Sequence[Connection]) -> list[Connection]:
    """Those of a source's connections that change: plain ones whose redirects were followed, and what followed them."""
    if not any(connection.redirects for connection in connections):
        return []
    found, led = followed([step(connection) for connection in connections])
    told = []
    for connection in connections:
        redirects, by = found.get(connection.id, connection.redirects), led.get(connection.id)
        if redirects != connection.redirects or by is not None:
            told.append(linked(connection, redirects, by))
    return told


def linked(connection: Connection, redirects: tuple[Redirect, ...], by: int | None) -> Connection:
    """The connection, told of those before and behind it."""
    told = changed(connection, redirects=redirects, redirected_by=by)
    return changed(told, findings=find(told)) if told.plain else told


def followed(steps: Sequence[Step]) -> Followed:
    """Which connection of the same client followed the redirect of a plain one.

    The one that follows is the first of the same client that begins after the answer, with the name and the port of
    the target. TLS is judged by the name of its ClientHello, or, where that has none, by the port alone.
    """
    plain = [each for each in steps if each.redirects]
    clients = {each.client for each in plain}
    doors: dict[_Door, _Queue] = {}
    for each in sorted(steps, key=_start):
        if each.client in clients:
            for name in {_name(each), each.server.address}:
                doors.setdefault((each.client, each.plain, each.server.port, name), _Queue()).steps.append(each)
    led: dict[int, int] = {}
    found = {
        each.id: tuple(
            redirect._replace(connection=_follower(each, redirect, since, doors, led))
            for redirect, since in zip(each.redirects, each.answered, strict=True)
        )
        for each in plain
    }
    return found, led


_Door = tuple[str, bool, int, str]
"""Where a connection arrives: its client, whether it is plain, the server's port, and its name or address."""


class _Queue:
    """Connections at one door, by their start. Those that were led there are passed over: there may be thousands."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._ahead: dict[int, int] = {}

    def first(self, since: float, but: int, led: dict[int, int]) -> Step | None:
        """The first that begins soon after a time and that nothing has led there, but the one with an id."""
        place = self._free(bisect_left(self.steps, since, key=_start), led)
        if place < len(self.steps) and self.steps[place].id == but:
            place = self._free(place + 1, led)
        return self.steps[place] if place < len(self.steps) and self.steps[place].start <= since + SOON else None

    def _free(self, place: int, led: dict[int, int]) -> int:
        passed = []
        while place < len(self.steps) and self.steps[place].id in led:
            passed.append(place)
            place = self._ahead.get(place, place + 1)
        self._ahead.update(dict.fromkeys(passed, place))
        return place


def _follower(
    before: Step, redirect: Redirect, since: float, doors: dict[_Door, _Queue], led: dict[int, int]
) -> int | None:
    goal = _goal(redirect)
    if goal is None:
        return None
    queues = [doors.get((before.client, not goal.encrypted, goal.port, name)) for name in {goal.name, ""}]
    firsts = [first for queue in queues if queue is not None and (first := queue.first(since, before.id, led))]
    if not firsts:
        return None
    number = min((each.start, each.id) for each in firsts)[1]
    led[number] = before.id
    return number


def _start(each: Step) -> float:
    return each.start


def _goal(redirect: Redirect) -> _Goal | None:
    try:
        parts = urlsplit(redirect.target)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        return None
    return _Goal(scheme == "https", parts.hostname.lower().rstrip("."), port or _PORTS[scheme])


def _name(each: Step) -> str:
    return each.name.lower().rstrip(".")
