"""From the entries of a list to its connections: numbered by their first packets, and told of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tlsviz.connection.inspection import LIKELY
from tlsviz.connection.observed import Observation
from tlsviz.connection.redirects import followed
from tlsviz.connection.rows import row
from tlsviz.connection.tickets import Tickets
from tlsviz.sources.entries import Entry, hints, keep, taken
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.shelf import Kept, Links, Shelf
from tlsviz.sources.spool import Spool


class Settling:
    """``opinions``: fresh ones, for the final order."""

    def __init__(self, opinions: Opinions, spool: Spool) -> None:
        self._opinions = opinions
        self._spool = spool
        self._numbers: dict[float, int] = {}

    def provisional(self, entry: Entry) -> Kept:
        """An entry under the number that it has until the end: its place in the order in which they were found."""
        number = self._numbers.setdefault(entry.first, len(self._numbers))
        return _kept(entry, number)

    def judged(self, entries: Mapping[float, Entry]) -> Iterator[Entry]:
        """After the end: all of them in the order of their first packets, by which they are given here."""
        for number, first in enumerate(sorted(entries)):
            yield self._judged(entries[first], number)

    def settled(self, entries: Sequence[Entry]) -> Iterator[Kept]:
        """Those, linked with each other."""
        tickets = Tickets()
        found, led = followed([entry.step._replace(id=number) for number, entry in enumerate(entries)])
        for number, entry in enumerate(entries):
            resumptions = tickets.link(number, entry.mentions)
            yield _kept(entry, number, Links(resumptions, found.get(number, ()), led.get(number)))

    def _judged(self, entry: Entry, number: int) -> Entry:
        """The entry, with the verdict anew if connections before it may change that."""
        above = self._opinions.above(entry.chain)
        self._opinions.learn(entry.authorities)
        if entry.certain or above == entry.above:
            return entry
        connection, _ = taken(entry.place, self._spool, number, entry.stream)
        opinion = self._opinions.opinion(connection, above, whole=entry.place.whole)
        connection = opinion.connection
        place = keep(connection, None, self._spool) if entry.place.whole else entry.place
        observation, suspected = hints(opinion)
        return entry._replace(
            row=row(connection), place=place, above=above, observation=observation, suspicion=suspected
        )


def informed(shelf: Shelf, settled: Iterable[Kept]) -> Iterator[Kept]:
    """Those whose row changes once all are on the shelf: by what others with the server, or the client, have done."""
    for kept in settled:
        one = kept.observation
        told = one is not None and _tells(kept, one, shelf.before((one.server, one.port), one.time))
        if told or kept.links.redirects:
            connection = shelf.get(kept.row.id)
            if connection is not None and (fresh := row(connection)) != kept.row:
                yield kept._replace(row=fresh)


def _tells(kept: Kept, one: Observation, earlier: tuple[Observation, ...]) -> bool:
    """Whether earlier handshakes may make it likely that somebody reads along (`connection.inspection`)."""
    if kept.suspicion is None or not earlier:
        return False
    more = 2 * any(other.public for other in earlier)
    alike = [other for other in earlier if other.complete and other.ja4 == one.ja4 and other.ja4s]
    if alike:
        more += one.ja4s not in {other.ja4s for other in alike}
        more += one.chosen[0] != alike[-1].chosen[0]
    return kept.suspicion + more >= LIKELY


def _kept(entry: Entry, number: int, links: Links | None = None) -> Kept:
    return Kept(
        entry.row._replace(id=number),
        entry.stream,
        entry.place,
        entry.above,
        links or Links(),
        entry.observation,
        entry.randoms,
        entry.suspicion,
    )
