"""How many of the rows there are of each version, outcome, suite...; Enter picks those of one value."""

from __future__ import annotations

from collections.abc import Iterable

from tlsviz.connection.rows import Row
from tlsviz.connection.tally import FACETS, count, ordered
from tlsviz.ui.widgets.choices import Choice, Choices
from tlsviz.wire.text import safe

MOST_VALUES = 8
"""Values of a facet that are listed."""


class FacetPane(Choices):
    """The values that occur in the rows, the most frequent first. A choice's value is (key, value)."""

    HELP = "How many of the shown connections have each value. Enter adds the marked one to the filter."

    def show(self, rows: Iterable[Row]) -> None:
        """Counts the rows."""
        counted = count(rows)
        found: list[Choice] = []
        for facet in FACETS:
            values = ordered(counted[facet.key])
            if not values or (facet.key == "transport" and len(values) < 2):
                continue
            more = f"{len(values):,} in all" if len(values) > MOST_VALUES else ""
            found.append(Choice(facet.title, more, heading=True))
            found += [
                Choice(_short(facet.key, value), f"{number:,}", (facet.key, value))
                for value, number in values[:MOST_VALUES]
            ]
        self.set_choices(found or [Choice("Nothing to count.")])


def _short(key: str, value: str) -> str:
    words = value.removeprefix("TLS_") if key == "cipher" else value.replace("_", " ") if key == "finding" else value
    return safe(words)
