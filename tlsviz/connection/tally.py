"""Connections counted: how many of each version, suite, group and outcome, and when they failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tlsviz.connection.filter_keys import KEYS
from tlsviz.connection.rows import Row

SLICES = 60
"""How many slices of time a summary has, at most."""


MOST_WHOLE = 300
"""Values of a facet that are shown where none should be left out: a hostile peer may make up outcomes."""


class Facet(NamedTuple):
    """Something to count by; ``key`` is that of the filter which picks one of the values.

    ``whole``: its rare values are those that one looks for, so that none is left out.
    """

    key: str
    title: str
    values: Callable[[Row], Iterable[str]]
    whole: bool = False


PLAIN_HTTP = Facet("http", "plain HTTP", KEYS["http"].texts)
FACETS = (
    Facet("version", "versions", KEYS["version"].texts),
    Facet("outcome", "outcomes", KEYS["outcome"].texts, whole=True),
    Facet("cipher", "cipher suites", KEYS["cipher"].texts),
    Facet("group", "groups", KEYS["group"].texts),
    Facet("alpn", "ALPN", KEYS["alpn"].texts),
    Facet("finding", "findings", KEYS["finding"].texts, whole=True),
    Facet("sni", "server names", KEYS["sni"].texts),
    Facet("server", "servers", lambda row: (str(row.server),)),
    Facet("transport", "transports", KEYS["transport"].texts),
    PLAIN_HTTP,
)

Counts = tuple[tuple[str, int], ...]
"""Values with how many connections have them, the most frequent first."""


def count(rows: Iterable[Row], facets: Iterable[Facet] = FACETS) -> dict[str, Counter[str]]:
    """For each facet's key, how many of the rows have each value."""
    found: dict[str, Counter[str]] = {facet.key: Counter() for facet in facets}
    adds = [(found[facet.key], facet.values) for facet in facets]
    for row in rows:
        for counter, values in adds:
            for value in values(row):
                counter[value] += 1
    return found


def ordered(counter: Counter[str]) -> Counts:
    """The most frequent first, those of equal number by name."""
    return tuple(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))


def seen(facet: Facet, counts: Counts, most: int) -> Counts:
    """The values of a facet that are shown at once: the ``most`` frequent, or all."""
    return counts[: MOST_WHOLE if facet.whole else most]


class Slice(NamedTuple):
    """What began in one slice of time: all of TLS, those that failed, and those with a post-quantum key exchange."""

    total: int
    failed: int
    post_quantum: int


class Summary(NamedTuple):
    """Many connections at a glance: those of TLS; ``plain`` counts those without.

    ``start`` in Unix seconds, ``width`` of a slice in seconds. ``post_quantum`` and ``classical``: how many have such a
    key exchange; of the rest nobody can tell.
    """

    connections: int
    facets: tuple[tuple[Facet, Counts], ...]
    post_quantum: int
    classical: int
    failed: int
    incomplete: int
    resumed: int
    start: float
    width: float
    slices: tuple[Slice, ...]
    plain: int = 0

    @property
    def post_quantum_share(self) -> float | None:
        """Between 0 and 1, of those whose group is known; None without any."""
        known = self.post_quantum + self.classical
        return self.post_quantum / known if known else None

    def total(self, facet: Facet) -> int:
        """How many connections the values of a facet are a share of."""
        return self.plain if facet is PLAIN_HTTP else self.connections


def summarize(rows: Iterable[Row], slices: int = SLICES) -> Summary:
    """The summary of rows, with at most so many slices of time. What speaks no TLS has a part in no share of TLS."""
    everything = list(rows)
    rows = [row for row in everything if not row.plain]
    counted = count(rows)
    counted |= count((row for row in everything if row.plain), (PLAIN_HTTP,))
    start, width, times = _slices(rows, slices)
    return Summary(
        connections=len(rows),
        facets=tuple((facet, ordered(counted[facet.key])) for facet in FACETS),
        post_quantum=sum(row.post_quantum is True for row in rows),
        classical=sum(row.post_quantum is False for row in rows),
        failed=sum(row.failed for row in rows),
        incomplete=sum(row.standing == "incomplete" for row in rows),
        resumed=sum(row.resumed for row in rows),
        start=start,
        width=width,
        slices=times,
        plain=len(everything) - len(rows),
    )


_WIDTHS = (1.0, 2.0, 5.0)
_FINEST = 0.001


def _slices(rows: list[Row], most: int) -> tuple[float, float, tuple[Slice, ...]]:
    """Slices of a round width that hold all rows by the time of their beginning."""
    if not rows or most < 1:
        return 0.0, 0.0, ()
    start = min(row.start for row in rows)
    span = max(row.start for row in rows) - start
    width, step = _FINEST, 0
    while width * most <= span:
        step += 1
        width = _FINEST * _WIDTHS[step % 3] * 10.0 ** (step // 3)
    found = [[0, 0, 0] for _ in range(int(span / width) + 1)]
    for row in rows:
        place = found[int((row.start - start) / width)]
        place[0] += 1
        place[1] += row.failed
        place[2] += row.post_quantum is True
    return start, width, tuple(Slice(*each) for each in found)
