"""The way to the first byte on the screens: the strip, the waterfall, and the key and click that open it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from handshake_sample import failed, handshake
from handshake_stage import Stage
from rich.cells import cell_len

from tlsviz.connection.model import Connection
from tlsviz.connection.way import way
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.screens.way import WayScreen
from tlsviz.ui.widgets.lines import Line
from tlsviz.ui.widgets.way_lines import strip, waterfall
from tlsviz.ui.widgets.way_view import WayStrip, WayView


def text(lines: list[Line]) -> list[str]:
    return ["".join(part for part, _ in line) for line in lines]


@pytest.mark.parametrize("width", [20, 30, 50, 68, 120, 200])
def test_the_strip_fills_its_line_and_names_every_wait(width: int) -> None:
    bar, words = text(strip(way(handshake()), width, 2)) if width >= 50 else ("", "")
    lines = strip(way(handshake()), width, 1)
    assert len(lines) == 1
    assert all(cell_len(line) <= width for line in text(lines))
    if bar:
        assert cell_len(bar) == width
        assert [name in bar for name in ("TCP", "TLS", "request")] == [True] * 3
        assert words.startswith((" 3 round trips of ", " 3 trips of ")) and words.endswith("w way")


def test_longer_waits_are_wider() -> None:
    found = way(handshake())
    sizes = [len(part) for part in text(strip(found, 120, 1))[0].split("│")]
    order = sorted(range(3), key=lambda index: found.spans[index].duration)
    assert sorted(range(3), key=lambda index: sizes[index]) == order


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_the_waterfall_fits_and_marks_this_kind_of_handshake(width: int) -> None:
    lines = text(waterfall(way(handshake()), width))
    assert all(cell_len(line) <= width for line in lines)
    marked = [line for line in lines if line.startswith(" ◆")]
    assert len(marked) == 1 and marked[0].startswith(" ◆ TLS 1.3 ")
    if width >= 80:
        assert sum("saved" in line for line in lines) == 6


def test_bars_stand_where_their_time_is() -> None:
    lines = [line for line in text(waterfall(way(handshake()), 120)) if "█" in line]
    places = [(line.index("█"), line.rindex("█")) for line in lines]
    assert len(places) == 3
    assert places == sorted(places)
    assert all(before[1] < after[0] for before, after in pairwise(places))


def test_a_handshake_without_an_answer_says_so() -> None:
    lines = text(waterfall(way(failed()), 100))
    assert any("✗" in line for line in lines)
    assert not any("saved" in line for line in lines)


async def test_the_key_opens_it_and_escape_goes_back() -> None:
    app = Stage(handshake())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert app.screen.query_one(WayStrip).region.height == 2
        await pilot.press("w")
        await pilot.pause()
        assert isinstance(app.screen, WayScreen)
        assert app.screen.query_one(WayView).line_count() > 10
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, HandshakeScreen)


async def test_a_click_on_the_strip_opens_it_and_it_is_one_line_where_lines_are_few() -> None:
    app = Stage(handshake())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.screen.query_one(WayStrip).region.height == 1
        await pilot.click(WayStrip)
        await pilot.pause()
        assert isinstance(app.screen, WayScreen)


async def test_nothing_seen_takes_no_room() -> None:
    app = Stage(Connection())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert app.screen.query_one(WayStrip).region.height == 0
