"""How many of the rows there are of each version, outcome, suite...; Enter picks those of one value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tlsviz.connection.rows import Row
from tlsviz.connection.tally import FACETS, Counts, Facet, count, ordered, seen
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.choices import Choice, Choices
from tlsviz.wire.text import safe

MOST_VALUES = 8
"""Values of a facet that are listed at first, unless all are."""
MORE_VALUES = 200
"""Values that the row below them adds."""


class More(NamedTuple):
    """The row that lists more values of a facet."""

    key: str


class FacetPane(Choices):
    """The values that occur in the rows, the most frequent first. A choice's value is (key, value).

    Below those of a facet that are listed stands how many more there are; Enter there lists them.
    """

    HELP = "How many of the shown connections have each value. Enter adds the marked one to the filter, or lists more."

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._counts: list[tuple[Facet, Counts]] = []
        self._added: Counter[str] = Counter()

    def show(self, rows: Iterable[Row]) -> None:
        """Counts the rows."""
        counted = count(rows)
        self._counts = [(facet, ordered(counted[facet.key])) for facet in FACETS]
        self._list()

    def action_choose(self) -> None:
        """Lists more values, or tells which one was chosen."""
        marked = self.marked
        if marked is None or not isinstance(marked.value, More):
            super().action_choose()
            return
        key = marked.value.key
        facet, counts = next(each for each in self._counts if each[0].key == key)
        first = len(self._seen(facet, counts))
        self._added[key] += MORE_VALUES
        self._list()
        self.mark((key, counts[first][0]))

    def _seen(self, facet: Facet, counts: Counts) -> Counts:
        found = seen(facet, counts, MOST_VALUES)
        return counts[: len(found) + self._added[facet.key]]

    def _list(self) -> None:
        found: list[Choice] = []
        for facet, counts in self._counts:
            if not counts or (facet.key == "transport" and len(counts) < 2):
                continue
            shown = self._seen(facet, counts)
            more = f"{len(counts):,} in all" if len(counts) > len(shown) else ""
            found.append(Choice(facet.title, more, heading=True))
            found += [Choice(_short(facet.key, value), f"{number:,}", (facet.key, value)) for value, number in shown]
            if more:
                words = f"{len(counts) - len(shown):,} more{glyphs().ellipsis}"
                found.append(Choice(words, "", More(facet.key), role="muted"))
        self.set_choices(found or [Choice("Nothing to count.")])


def _short(key: str, value: str) -> str:
    words = value.removeprefix("TLS_") if key == "cipher" else value.replace("_", " ") if key == "finding" else value
    return safe(words)
