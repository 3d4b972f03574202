"""Keys in the connection list: pressed early, or all at once; and what the marked row costs and where it stands."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from shellhelp import CLASS, listed, make_app, script, shown, until, wait_for_cancel
from shellsample import connection, several, trace
from textual import events

from tlsviz.connection.model import Connection, Trace
from tlsviz.ui.screens.connections import ConnectionsScreen
from tlsviz.ui.screens.home import HomeScreen
from tlsviz.ui.screens.loading import LoadingScreen
from tlsviz.ui.widgets.connection_table import ConnectionTable
from tlsviz.ui.widgets.facet_pane import FacetPane
from tlsviz.ui.workers import Job


async def test_keys_pressed_before_there_is_a_list_are_for_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = threading.Event()

    def read(job: Job) -> Trace:
        assert typed.wait(60)
        return trace(*several())

    script(monkeypatch, read)
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LoadingScreen))
        await pilot.press("down", "slash", *"1.2 exx", "backspace", "enter")
        assert "For the list, as soon as it is there: down /1.2 exx backspace  enter" in shown(app)
        typed.set()
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        table = app.screen.query_one(ConnectionTable)
        await until(pilot, lambda: table.has_focus and table.listing.filter == "1.2 ex")
        assert [row.id for row in table.listing.view] == [1]


async def test_escape_takes_back_what_was_typed_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, wait_for_cancel)
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LoadingScreen))
        await pilot.press("slash", "q")
        await pilot.press("escape")
        assert not app.screen.typed and not app.flow.job.cancelled
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def test_keys_that_come_all_at_once_are_the_filters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=(120, 36)) as (app, pilot):
        for key in ("slash", *"failed"):
            app.post_message(events.Key(key, "/" if key == "slash" else key))
        await until(pilot, lambda: app.screen.listing.filter == "failed")


@pytest.mark.parametrize("size", [(100, 30), (120, 36)])
async def test_the_marked_row_stays_in_sight_beside_the_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with listed(
        tmp_path, monkeypatch, *(connection(number, f"{number}.example") for number in range(60)), size=size
    ) as (app, pilot):
        await until(pilot, lambda: app.screen.query_one(ConnectionTable).line_count() == 60)
        await pilot.press("end", "f")
        await until(pilot, lambda: app.screen.query_one(FacetPane).has_focus)
        assert "59.example" in shown(app).split("─" * 20)[0]


async def test_a_connection_is_made_once_for_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(*several()))
    made: list[int] = []
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await until(pilot, lambda: "ClientHello" in shown(app))
        table, screen = app.screen.query_one(ConnectionTable), app.screen

        def made_anew(number: int) -> Connection | None:
            made.append(number)
            return screen.job.connection(number)

        monkeypatch.setattr(table, "_connection", made_anew)
        screen.add([])
        screen.add([])
        await pilot.pause()
        assert made == []
        await pilot.press("down")
        assert made == [table.row.id]
