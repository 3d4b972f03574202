"""The connection list's filter, counts and summary, and rows that come, change and go."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from shellhelp import CLASS, listed, make_app, script, shown, until
from shellsample import NOON, connection, several, trace

from tlsviz.connection.filter_keys import KEYS
from tlsviz.connection.filters import parse
from tlsviz.connection.model import Finding, Trace
from tlsviz.connection.rows import row
from tlsviz.connection.tally import summarize
from tlsviz.pki.trust import Trust
from tlsviz.sources.opening import Progress
from tlsviz.ui.listing import COLUMNS, Listing, sifted
from tlsviz.ui.screens.connections import AT_ONCE, ConnectionsScreen
from tlsviz.ui.screens.summary import SummaryScreen, draw, plot
from tlsviz.ui.widgets.connection_table import ConnectionTable
from tlsviz.ui.widgets.facet_pane import FacetPane, More
from tlsviz.ui.widgets.filter_box import FilterBox
from tlsviz.ui.workers import Job


def ids(listing: Listing) -> list[int]:
    return [row.id for row in listing.view]


@pytest.mark.parametrize("column", [column.key for column in COLUMNS])
@pytest.mark.parametrize("reverse", [False, True])
def test_rows_one_by_one_find_the_places_of_a_sorting(column: str, reverse: bool) -> None:
    shown = [*several(), *(connection(20 + n, f"{n % 3}.example", duration=n % 4) for n in range(90))]
    rows = list(map(row, shown))
    at_once, one_by_one = Listing(), Listing()
    for listing in (at_once, one_by_one):
        listing.put(rows[:70])
        if column != "time":
            listing.sort_by(column)
        if reverse:
            listing.sort_by(column)
    at_once.put(rows[70:])
    for each in reversed(rows[70:]):
        one_by_one.put([each])
    assert ids(at_once) == ids(one_by_one)
    changed = row(connection(21, "zzz.example", duration=99.0, start=1.8e9))
    for listing in (at_once, one_by_one):
        listing.put([changed])
        listing.keep(range(60))
    at_once.arrange()
    assert ids(at_once) == ids(one_by_one)
    assert len(one_by_one) == len(ids(one_by_one)) == 48
    where = one_by_one.find(one_by_one.rows[21])
    assert where is not None and one_by_one.view[where].name == "zzz.example"


async def test_a_filter_is_completed_and_told_where_it_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=(100, 30)) as (app, pilot):
        table = app.screen.query_one(ConnectionTable)
        await pilot.press("slash", *"vers", "tab")
        box = app.screen.query_one(FilterBox)
        assert box.input.value == "version:"
        await until(pilot, lambda: "the negotiated version" in shown(app) and "TLS 1.0" in shown(app))
        await pilot.press("down", "tab")
        assert box.input.value == 'version:"TLS 1.0" '
        await until(pilot, lambda: [row.id for row in table.listing.view] == [4])
        await pilot.press(*"(")
        await until(pilot, lambda: "something to look for is missing" in shown(app))
        assert [row.id for row in table.listing.view] == [4]
        await pilot.press("enter")
        assert table.has_focus
        await pilot.press("escape")
        await until(pilot, lambda: len(table.listing.view) == 8)
        assert not box.display


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_filter_that_finds_nothing_is_told_what_it_may_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    early = connection(8, trust=Trust("untrusted", ("not_yet_valid",), NOON, "us"))
    async with listed(tmp_path, monkeypatch, *several(), early, size=size) as (app, pilot):
        box = app.screen.query_one(FilterBox)
        await pilot.press("slash", *"not yet valid", "enter")
        await until(pilot, lambda: 'For the outcome "not yet valid" type outcome:"not yet valid".' in shown(app))
        box.set("finding:nosuch")
        await until(pilot, lambda: "No finding is called nosuch." in shown(app))
        box.set("outcome:failed")
        await until(pilot, lambda: "did you mean the word failed alone?" in shown(app))
        await pilot.press("slash", *"not finding:nosuch", "enter")
        await until(pilot, lambda: any("nosuch" in each.message for each in app._notifications))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_every_key_is_named_to_who_typed_an_unknown_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=size) as (app, pilot):
        await pilot.press("slash", *"zzzzz:1")
        await until(pilot, lambda: "there is no key" in shown(app))
        told = set(re.findall(r"\w+", shown(app)))
        assert told >= KEYS.keys() and "quotes look for the text itself" in " ".join(shown(app).split())


async def test_a_marked_row_that_fills_the_width_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Finding("client_certificate_refused", "error", "No", "", diagnosis=True)
    odd = connection(0, "a." * 30 + "example", complete=False, findings=(refused,))
    async with listed(tmp_path, monkeypatch, odd, connection(1), size=(120, 36)) as (app, pilot):
        await until(pilot, lambda: "client certificate refused" in shown(app))
        table = app.screen.query_one(ConnectionTable)
        assert table.has_focus and "".join(text for text, _ in table.line(0)).endswith("client certificate refused")


async def test_counts_pick_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=(120, 36)) as (app, pilot):
        table = app.screen.query_one(ConnectionTable)
        await pilot.press("f")
        pane = app.screen.query_one(FacetPane)
        await until(pilot, lambda: pane.has_focus and "outcomes" in shown(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(table.listing.view) == 1)
        assert app.screen.query_one(FilterBox).told == 'version:="TLS 1.0"'
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not pane.display and len(table.listing.view) == 8)


async def test_counts_are_reached_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [f"end {number:02}" for number in range(30)]
    odd = [connection(n, f"{n}.example", trust=Trust("untrusted", (end,), NOON, "us")) for n, end in enumerate(ends)]
    async with listed(tmp_path, monkeypatch, *odd, size=(80, 24)) as (app, pilot):
        await pilot.press("f")
        pane = app.screen.query_one(FacetPane)
        await until(pilot, lambda: pane.has_focus and "outcomes" in shown(app))
        seen = set[str]()
        while (value := pane.marked.value) != More("sni"):
            seen.add(value[1])
            await pilot.press("down")
        assert set(ends) <= seen and "15.example" in seen and "29.example" not in seen
        assert "22 more" in shown(app)
        await pilot.press("enter")
        assert pane.marked.value == ("sni", "16.example")  # by name, the ninth
        await pilot.press("pagedown")
        assert pane.marked.value[0] == "sni"
        await pilot.press("enter")
        table = app.screen.query_one(ConnectionTable)
        await until(pilot, lambda: len(table.listing.view) == 1)


def test_the_summary_leaves_no_outcome_out() -> None:
    ends = [f"end {number:02}" for number in range(9)]
    odd = [connection(n, trust=Trust("untrusted", (end,), NOON, "us")) for n, end in enumerate(ends)]
    lines = draw(summarize(list(map(row, odd))), 80)
    text = "\n".join("".join(part for part, _ in line) for line in lines)
    assert all(end in text for end in ends) and "in all" not in text.partition("outcomes")[2].partition("cipher")[0]


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_the_summary_says_the_same_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=size) as (app, pilot):
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, SummaryScreen))
        await until(pilot, lambda: "over time" in shown(app))
        text = shown(app)
        for words in ("8 connections", "2 failed or not trusted", "1 not seen to the end", "83% of 6", "versions"):
            assert words in text, words
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))


async def test_rows_of_the_loading_are_opened_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go: list[bool] = []
    last = several()

    def read(job: Job) -> Trace:
        for each in last[:3]:
            job.found(each)
        job.found(connection(40, "void.example.com"))
        job.began -= 10
        job.advanced(Progress(50_000, 10_000_000, 50_000_000, 4))
        while not go and not job.cancelled:
            time.sleep(0.005)
        return trace(last[0], connection(1, "newer.example.com"), *last[2:5])

    script(monkeypatch, read)
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(160, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await until(pilot, lambda: "packets/s" in shown(app) and "1.0 MB/s" in shown(app))
        assert "void.example.com" in shown(app)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: not isinstance(app.screen, ConnectionsScreen))
        assert "expired.example.org" in shown(app)
        go.append(True)
        await until(pilot, lambda: app.flow.job.state == "done")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await until(pilot, lambda: "void.example.com" not in shown(app))
        table = app.screen.query_one(ConnectionTable)
        assert [row.name for row in table.listing.view][:2] == ["www.example.com", "newer.example.com"]
        assert table.row.id == 2


async def test_many_rows_are_filtered_in_bites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = several()
    async with listed(
        tmp_path, monkeypatch, *(connection(n, kinds[n % 8].server_name) for n in range(AT_ONCE + 1)), size=(100, 30)
    ) as (app, pilot):
        table = app.screen.query_one(ConnectionTable)
        await until(pilot, lambda: len(table.listing.view) == AT_ONCE + 1)
        await pilot.press("slash", *"mail")
        await until(pilot, lambda: len(table.listing.view) == (AT_ONCE + 7) // 8)


def test_rows_are_sifted_bite_by_bite() -> None:
    found = [row(connection(number, "www.example.com")) for number in range(10)]
    bites = sifted(found, parse("port:40003,40008"), 0.0, step=4)
    assert [[each.id for each in bite] for bite in bites] == [[3], [], [8]]


def test_columns_of_a_plot_are_as_high_as_their_numbers() -> None:
    assert plot([0, 1, 2], 1) == [" ▄█"]
    assert plot([0, 1, 2], 2) == ["  █", " ██"]
    assert plot([0, 1, 5000], 2)[1] == " ▁█"
