"""The room of the handshake screen: its panes at every size, zoom, the projector, and the way back."""

from __future__ import annotations

import pytest
from handshake_sample import failed, handshake
from handshake_stage import NARROW, NORMAL, WIDE, node, stage, title

from tlsviz.connection.model import Connection
from tlsviz.ui.theme import DARK, PROJECTOR
from tlsviz.ui.widgets.explain_pane import ExplainPane
from tlsviz.ui.widgets.fields_pane import FieldsPane
from tlsviz.ui.widgets.header import ConnectionHeader
from tlsviz.ui.widgets.ladder import Ladder, LadderRows
from tlsviz.ui.widgets.lines import LineView
from tlsviz.ui.widgets.pane_bar import PaneBar
from tlsviz.ui.widgets.projector import HINT, Projector


@pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE])
async def test_every_pane_opens_by_its_number(size: tuple[int, int]) -> None:
    async with stage(size) as (pilot, screen):
        for key, pane in zip("12345", ("explain", "fields", "bytes", "chain", "cipher"), strict=True):
            await pilot.press(key)
            await pilot.pause()
            view = screen.query_one(f"#{pane}", LineView)
            assert view.region.width > 20
            assert view.region.height > 5
            assert view.line_count() > 3


async def test_a_narrow_screen_shows_one_pane_and_the_way_back() -> None:
    async with stage(NARROW) as (pilot, screen):
        ladder, explain = screen.query_one(Ladder), screen.query_one(ExplainPane)
        assert ladder.region.width == 80
        assert not explain.region
        await pilot.press("1")
        await pilot.pause()
        assert not ladder.region
        assert explain.region.width == 80
        await pilot.press("down")
        assert title(screen) == "ClientHello", "with the pane focused, the arrow scrolls"
        await pilot.press("pagedown")
        assert title(screen) == "ServerHello"
        await pilot.press("escape")
        await pilot.pause()
        assert ladder.region.width == 80
        await pilot.press("tab", "tab")
        await pilot.pause()
        assert screen.pane == "fields"
        assert screen.app.left == 0  # type: ignore[attr-defined]


async def test_the_bar_opens_panes_by_mouse() -> None:
    async with stage() as (pilot, screen):
        bar = screen.query_one(PaneBar)
        await pilot.click(
            PaneBar, offset=("".join(part for part, _ in bar.lines(bar.size.width)[0]).index("Cipher"), 0)
        )
        assert screen.pane == "cipher"


async def test_escape_leaves_last() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("z", "escape")
        assert screen.app.left == 0  # type: ignore[attr-defined]
        await pilot.press("p", "escape")
        assert screen.app.left == 0  # type: ignore[attr-defined]
        await pilot.press("escape")
        assert screen.app.left == 1  # type: ignore[attr-defined]


async def test_zoom_gives_the_focused_side_the_whole_width() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("z")
        await pilot.pause()
        assert screen.query_one(Ladder).region.width == 120
        await pilot.press("z")
        screen.query_one(ExplainPane).focus()
        await pilot.press("z")
        await pilot.pause()
        assert screen.query_one(ExplainPane).region.width == 120
        assert not screen.query_one(Ladder).region


async def test_resizing_goes_through_all_layouts() -> None:
    async with stage(WIDE) as (pilot, screen):
        await pilot.press("right", "right")
        for width, height in (NORMAL, NARROW, (40, 12), WIDE, NORMAL):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert node(screen) == "length"
            visible = [view for view in screen.query(LineView) if view.region]
            assert visible
            assert all(view.region.right <= width for view in visible)
        assert screen.query_one(Ladder).region.width > 40
        assert screen.query_one(ExplainPane).region.width > 40


@pytest.mark.parametrize("connection", [handshake(), failed()], ids=["whole", "failed"])
async def test_a_screen_of_a_few_lines_has_room_for_steps(connection: Connection) -> None:
    async with stage((40, 10), connection) as (pilot, screen):
        await pilot.pause()
        assert screen.query_one(LadderRows).size.height >= 5
        assert screen.query_one(ConnectionHeader).size.height == (1 if connection.failure is None else 2)
        await pilot.press("o", "1")
        await pilot.pause()
        assert screen.query_one(ExplainPane).size.height >= 5
        await pilot.resize_terminal(80, 24)
        await pilot.press("o", "o", "o")
        await pilot.pause()
        assert screen.query_one(ConnectionHeader).size.height == (1 if connection.failure is None else 3)


async def test_the_projector_steps_changes_the_theme_and_gives_it_back() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("p")
        await pilot.pause()
        projector = screen.query_one(Projector)
        assert projector.region.size == (120, 36)
        assert screen.app.theme == PROJECTOR
        await pilot.press("pagedown")
        assert title(screen) == "ServerHello"
        await pilot.click(Projector, offset=(100, 10))
        assert title(screen) == "ChangeCipherSpec"
        await pilot.click(Projector, offset=(5, 10))
        assert title(screen) == "ServerHello"
        await pilot.press("p")
        await pilot.pause()
        assert screen.app.theme == DARK
        assert not projector.region


async def test_the_projector_says_the_way_out_where_it_covers_nothing() -> None:
    async with stage(NARROW) as (pilot, screen):
        await pilot.press("2", "p", "p", "p", "p", "p")
        await pilot.pause()
        assert not screen.app._notifications
        last = "".join(text for text, _ in screen.query_one(Projector).lines(80)[-1])
        assert last.strip() == HINT
        await pilot.press("escape")
        await pilot.pause()
        assert screen.focused is screen.query_one(FieldsPane)
