"""Remembered results are those of the function; long lists are not kept."""

from __future__ import annotations

from tlsviz.wire.memo import LONGEST, remembering


def test_short_lists_are_looked_at_once_and_long_ones_each_time() -> None:
    asked: list[int] = []

    @remembering
    def total(numbers: tuple[int, ...], more: int) -> int:
        """Adds."""
        asked.append(len(numbers))
        return sum(numbers) + more

    long = tuple(range(LONGEST + 1))
    assert [total((1, 2), 3), total((1, 2), 3), total((1, 2), 4)] == [6, 6, 7]
    assert total(long, 1) == total(long, 1) == sum(long) + 1
    assert asked == [2, 2, len(long), len(long)]
    assert total.__doc__ == "Adds."
