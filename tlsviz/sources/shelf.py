"""The connections of a capture, kept as what they are made of: any of them is made anew when somebody opens it."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from threading import RLock
from typing import NamedTuple, overload

from tlsviz.connection.model import Connection, Redirect, Resumption
from tlsviz.connection.observations import latest, time_of, whom
from tlsviz.connection.observed import Observation
from tlsviz.connection.rows import Row
from tlsviz.sources.spool import Place, Spool

RECENT = 64
"""So many connections that were made anew are kept for the next time."""

Judge = Callable[[Connection, tuple[bytes, ...]], Connection]
"""Judges a connection by what others showed."""


class Links(NamedTuple):
    """What other connections of the source have to do with one, as in `Connection`."""

    resumptions: tuple[Resumption, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    redirected_by: int | None = None


class Kept(NamedTuple):
    """A connection as it is kept: its row, and what `Shelf` needs to make it anew, as in `entries.Entry`."""

    row: Row
    stream: int
    place: Place
    above: tuple[bytes, ...] = ()
    links: Links = Links()
    observation: Observation | None = None
    randoms: frozenset[bytes] | None = None
    suspicion: int | None = None


class _Lazy(Sequence[Connection]):
    """Connections that are made one at a time."""

    def numbers(self) -> Sequence[int]:
        """The ids of all, in order."""
        raise NotImplementedError

    def get(self, number: int) -> Connection | None:
        """The connection with an id; None if there is none."""
        raise NotImplementedError

    @overload
    def __getitem__(self, at: int) -> Connection: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Connection, ...]: ...
    def __getitem__(self, at: int | slice) -> Connection | tuple[Connection, ...]:
        if isinstance(at, slice):
            return tuple(map(self._certain, self.numbers()[at]))
        return self._certain(self.numbers()[at])

    def _certain(self, number: int) -> Connection:
        found = self.get(number)
        assert found is not None
        return found

    def __len__(self) -> int:
        return len(self.numbers())

    def __iter__(self) -> Iterator[Connection]:
        return map(self._certain, self.numbers())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return NotImplemented
        return all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # it grows


class Shelf(_Lazy):
    """The connections of a capture by their id. ``judge`` makes the verdicts. Safe for several threads."""

    def __init__(self, spool: Spool, judge: Judge) -> None:
        self.kept: dict[int, Kept] = {}
        self.spool = spool
        self._judge = judge
        self._numbers: list[int] | None = None
        self._seen: dict[tuple[str, int], list[Observation]] | None = None
        """What handshakes with each server have shown, by their time. Both are None after something new came."""
        self._recent: OrderedDict[int, Connection] = OrderedDict()
        self._lock = RLock()

    def numbers(self) -> Sequence[int]:
        with self._lock:
            if self._numbers is None:
                self._numbers = sorted(self.kept)
            return self._numbers

    @property
    def rows(self) -> list[Row]:
        """The rows of all connections, in order."""
        with self._lock:
            return [self.kept[number].row for number in self.numbers()]

    def only(self, numbers: Iterable[int]) -> Picked:
        """Some of the connections."""
        return Picked(self, list(numbers))

    def put(self, kept: Kept) -> None:
        """Takes a connection, or a newer state of one with its id."""
        number = kept.row.id
        with self._lock:
            self._recent.pop(number, None)
            before = self.kept.get(number)
            self.kept[number] = kept
            if before is None:
                self._numbers = None
            if before is None or before.observation != kept.observation:
                self._seen = None
                self._recent.clear()  # others look at it

    def keep(self, count: int) -> None:
        """Drops every connection but the first ones: what was found early may be void in the end."""
        with self._lock:
            for number in [number for number in self.kept if number >= count]:
                del self.kept[number]
                self._recent.pop(number, None)
            self._seen = self._numbers = None

    def before(self, server: tuple[str, int], time: float) -> tuple[Observation, ...]:
        """What the latest handshakes with a server before a time have shown, the oldest first."""
        if not server[0]:
            return ()
        if self._seen is None:
            self._seen = {}
            for one in sorted((each.observation for each in self.kept.values() if each.observation), key=time_of):
                self._seen.setdefault((one.server, one.port), []).append(one)
        return latest(self._seen.get(server, ()), time)

    def get(self, number: int) -> Connection | None:
        """The connection with an id; None if there is none."""
        with self._lock:
            kept = self.kept.get(number)
            if kept is None:
                return None
            found = self._recent.get(number)
            if found is None:
                found = self._recent[number] = self._made(kept)
                if len(self._recent) > RECENT:
                    self._recent.popitem(last=False)
            else:
                self._recent.move_to_end(number)
            return found

    def _made(self, kept: Kept) -> Connection:
        # Rows can be shown before all that makes connections is loaded.
        from tlsviz.connection.findings import again
        from tlsviz.connection.redirects import linked
        from tlsviz.sources.entries import taken

        connection, judged = taken(kept.place, self.spool, kept.row.id, kept.stream)
        if not judged:
            connection = self._judge(connection, kept.above)
        earlier = self.before(whom(connection), connection.start)
        connection = replace(connection, resumptions=kept.links.resumptions, earlier=earlier)
        if earlier:
            connection = again(connection)
        _, redirects, by = kept.links
        return linked(connection, redirects, by) if redirects or by is not None else connection


class Picked(_Lazy):
    """Some connections of a shelf."""

    def __init__(self, shelf: Shelf, numbers: list[int]) -> None:
        self._shelf = shelf
        self._chosen = numbers

    def numbers(self) -> Sequence[int]:
        return self._chosen

    def get(self, number: int) -> Connection | None:
        return self._shelf.get(number)

    @property
    def rows(self) -> list[Row]:
        """Their rows."""
        return [self._shelf.kept[number].row for number in self._chosen]

    def only(self, numbers: Iterable[int]) -> Picked:
        """Some of them."""
        return self._shelf.only(numbers)
