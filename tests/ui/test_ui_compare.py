"""The comparison on the screen, at its three sizes, with keys and from the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from shellhelp import make_app, script, shown, until
from shellsample import connection, trace
from textual.widgets import Input

from tlsviz.connection.filters import Filter
from tlsviz.connection.model import Trace
from tlsviz.connection.rows import Row
from tlsviz.report.formats import picture
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.target import Target
from tlsviz.ui.screens import compare_pick
from tlsviz.ui.screens.compare import CompareScreen
from tlsviz.ui.screens.compare_pick import MAX_OTHERS, ComparePickScreen
from tlsviz.ui.screens.connections import ConnectionsScreen
from tlsviz.ui.widgets.choices import Choices
from tlsviz.ui.widgets.row_list import RowList
from tlsviz.ui.workers import Capture, Live

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
RESUMED = Capture(CAPTURES / "resumption.pcapng", OpenOptions(ca=CAPTURES / "ca.pem"))


@pytest.fixture(scope="module")
def resumed() -> Trace:
    return load_capture(RESUMED.path, RESUMED.options)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_first_and_resumed_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumed: Trace, size: tuple[int, int]
) -> None:
    script(monkeypatch, lambda job: resumed)
    app = make_app(tmp_path)
    app.pair = (RESUMED, None, None, None)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.comparison, 30)
        await until(pilot, lambda: "Resumed" in shown(app))
        await pilot.press("2")
        await until(pilot, lambda: "CertificateVerify" in shown(app))
        await pilot.press("3")
        await until(pilot, lambda: "pre_shared_key" in shown(app))
        fields = app.screen.query_one("#fields", RowList)
        assert fields.has_focus
        few = fields.line_count()
        await pilot.press("a")
        await until(pilot, lambda: fields.line_count() > few)
        await pilot.press("down", "x")
        await until(pilot, lambda: app.screen.comparison.left.resumed)


async def test_the_comparison_is_saved_as_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumed: Trace
) -> None:
    monkeypatch.chdir(tmp_path)
    script(monkeypatch, lambda job: resumed)
    app = make_app(tmp_path)
    app.pair, app.draw = (RESUMED, None, None, None), picture
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.comparison, 30)
        await until(pilot, lambda: "e picture" in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: list(tmp_path.glob("tlsviz-compare-*.svg")))
        (saved,) = tmp_path.glob("tlsviz-compare-*.svg")
        said = saved.read_text(encoding="utf-8")
        assert "resumption.pcapng" in said and ">pre_shared_key<" in said


async def test_another_connection_is_picked_from_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(connection(0, "one.example"), connection(1, "two.example")))
    app = make_app(tmp_path, Capture(Path("class.pcapng")))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen) and app.screen.chosen)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ComparePickScreen) and "two.example" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and "Server name" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_others_of_one_server_are_told_apart_and_picked_by_a_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    many = [connection(number, "www.example.com") for number in range(MAX_OTHERS + 60)]
    script(monkeypatch, lambda job: trace(*many))
    app = make_app(tmp_path, Capture(Path("class.pcapng")))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen) and app.screen.chosen)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ComparePickScreen) and "#7 " in shown(app))
        line = next(line for line in shown(app).splitlines() if "#7 " in line)
        assert all(words in line for words in ("7.000", "10.0.0.2:40007", "www.exam", "trusted")), line
        assert "200 of 259" in shown(app)
        await pilot.press("slash", *"failed", "enter")
        await until(pilot, lambda: "0 of 259" in shown(app))
        app.screen.query_one(Input).value = ""
        await pilot.press("slash", *"port:40259", "enter")
        await until(pilot, lambda: "1 of 259" in shown(app))
        assert app.screen.query_one(Choices).has_focus
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.comparison)
        assert "#0" in shown(app).splitlines()[0] and "#259" in shown(app).splitlines()[1]


async def test_enter_goes_to_the_list_once_it_is_sifted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bites: list[list[Row]] = []

    def slowly(rows: Sequence[Row], wanted: Filter, zero: float) -> Iterator[list[Row]]:
        while not bites:
            yield []
        yield from bites

    script(monkeypatch, lambda job: trace(*(connection(number, "www.example.com") for number in range(5))))
    monkeypatch.setattr(compare_pick, "sifted", slowly)
    app = make_app(tmp_path, Capture(Path("class.pcapng")))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen) and app.screen.chosen)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ComparePickScreen) and "#4 " in shown(app))
        screen, choices = app.screen, app.screen.query_one(Choices)
        await pilot.press("slash", *"port:40003", "enter")
        await until(pilot, lambda: screen._entering)
        assert screen.query_one(Input).has_focus and "#1 " in shown(app)
        bites.append([row for row in screen.others if row.id == 3])
        await until(pilot, lambda: choices.has_focus)
        assert choices.marked.value.id == 3 and "1 of 4" in shown(app)


async def test_what_is_typed_is_opened_and_what_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace() if isinstance(job.request, Live) else trace(connection(0, "one.example")))
    app = make_app(tmp_path, Capture(Path("class.pcapng")))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "one.example" in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ComparePickScreen))
        await pilot.press("slash", *"http", "colon", "slash", "slash", "x", "enter")
        await until(pilot, lambda: "plain HTTP" in shown(app))
        app.flow.compare(connection(0, "one.example"), None, Live(Target("two.example", 443)))
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and "no TLS connection" in shown(app))
