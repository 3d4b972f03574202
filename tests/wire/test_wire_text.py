from __future__ import annotations

import pytest

from tlsviz.report.paint import Piece, in_ascii, render
from tlsviz.wire.text import clock


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 ms"),
        (2.4e-7, "0.0 ms"),  # the step between two doubles at the time of now
        (8.5e-5, "85 µs"),
        (-8.5e-5, "-85 µs"),
        (0.0000999, "100 µs"),
        (0.00009995, "0.1 ms"),
        (0.0004, "0.4 ms"),
        (0.0229, "22.9 ms"),
        (0.99994, "999.9 ms"),
        (0.99996, "1.00 s"),
        (99.996, "1:40 min"),
        (125.0, "2:05 min"),
        (12_000.0, "3:20 h"),
        (86400.0 * 12, "12 days"),
    ],
)
def test_times_in_the_unit_that_says_most(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_units_in_ascii() -> None:
    assert in_ascii(clock(8.5e-5)) == "85 us"
    assert render([[Piece(clock(8.5e-5))]], False, True) == "85 us\n"
