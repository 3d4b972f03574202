from __future__ import annotations

import time
from pathlib import Path

import pytest
from shellhelp import CLASS, listed, make_app, script, shown, until, wait_for_cancel
from shellsample import connection, several, trace
from textual.widgets import Input

from tlsviz.connection.model import Trace
from tlsviz.errors import TargetError
from tlsviz.sources.opening import OpenOptions, Progress
from tlsviz.sources.target import Target
from tlsviz.targets import begun
from tlsviz.ui.screens.connections import ConnectionsScreen
from tlsviz.ui.screens.failure import FailureScreen
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.screens.home import HomeScreen
from tlsviz.ui.screens.loading import LoadingScreen
from tlsviz.ui.widgets.connection_table import ConnectionTable
from tlsviz.ui.widgets.progress_line import ProgressLine
from tlsviz.ui.workers import Capture, Job, Live


async def test_one_connection_goes_straight_to_its_handshake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(connection(0, "only.example.com")))
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        assert "only.example.com" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def test_several_are_listed_opened_and_come_back_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=(120, 36)) as (app, pilot):
        await until(pilot, lambda: "8 connections · 120 packets" in shown(app))
        assert "[red]markup[/]" in shown(app)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        assert "expired.example.org" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        assert app.screen.query_one(ConnectionTable).cursor == 2
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def test_the_list_filters_as_one_types_and_sorts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=(120, 36)) as (app, pilot):
        table = app.screen.query_one(ConnectionTable)
        await until(pilot, lambda: table.line_count() == 8)
        await pilot.press("slash", *"sq?.example.org")
        await until(pilot, lambda: table.line_count() == 0)
        assert "Nothing matches" in shown(app)
        app.screen.query_one("#filter", Input).value = "expired"
        await until(pilot, lambda: table.line_count() == 1)
        await pilot.press("enter")
        assert table.has_focus
        await pilot.press("escape")
        await until(pilot, lambda: table.line_count() == 8)
        await pilot.press("end", "r")
        assert [row.id for row in table.listing.view] == list(range(7, -1, -1))
        assert table.chosen.id == 7
        await pilot.press("right")
        assert table.listing.sort == "client"
        await pilot.click("#list-head", offset=(6, 0))
        assert table.listing.sort == "time"


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_the_list_shows_what_matters_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=size) as (app, pilot):
        await until(pilot, lambda: "packets" in shown(app))
        text = shown(app)
    for words in ("www.example.com", "TLS 1.0", "AES-128-GCM", "incomplete", "ClientHello", "filter"):
        assert words in text, words
    assert ("X25519MLKEM768" in text.split("─" * 20)[0]) == (size[0] == 200)


async def test_rows_appear_while_the_source_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(job: Job) -> Trace:
        for each in several()[:3]:
            job.found(each)
        return wait_for_cancel(job)

    script(monkeypatch, read)
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await until(pilot, lambda: app.screen.query_one(ConnectionTable).line_count() == 3)
        assert app.screen.query_one(ProgressLine).display
        await pilot.press("escape")
        await until(pilot, lambda: "stopped by you" in shown(app))
        assert not app.screen.query_one(ProgressLine).display
        assert "www.example.com" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


async def test_loading_shows_how_far_it_is_and_is_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, wait_for_cancel)
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "40%" in shown(app))
        assert isinstance(app.screen, LoadingScreen)
        assert "1,234 packets" in shown(app)
        assert "1 connection so far" in shown(app)
        job = app.flow.job
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        assert job.state == "cancelled"


async def test_help_over_the_loading_gives_way_to_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go: list[bool] = []

    def read(job: Job) -> Trace:
        while not go and not job.cancelled:
            time.sleep(0.005)
        return trace(connection(0))

    script(monkeypatch, read)
    app = make_app(tmp_path, CLASS)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, LoadingScreen))
        await pilot.press("question_mark")
        await until(pilot, lambda: len(app.screen_stack) == 3)
        go.append(True)
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        assert len(app.screen_stack) == 2


async def test_an_error_is_what_why_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Job] = []

    def read(job: Job) -> Trace:
        tries.append(job)
        if len(tries) > 1:
            return trace(connection(0))
        raise TargetError("Not a capture: [red]x[/]", "it begins with \x1b[31m", "Give a capture.")

    script(monkeypatch, read)
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, FailureScreen))
        text = shown(app)
        for words in ("Not a capture: [red]x[/]", "It begins with \\x1b[31m", "Give a capture.", "try again"):
            assert words in text, words
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))


async def test_a_capture_without_tls_says_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(notices=("The capture also holds 2 QUIC conversations",), packets=7))
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, FailureScreen))
        text = shown(app)
        assert "No TLS in class.pcapng" in text
        assert "2 QUIC conversations" in text


async def test_a_bug_in_a_source_does_not_end_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: 1 // 0)
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, FailureScreen))
        assert "ZeroDivisionError" in shown(app)


async def test_a_live_target_is_drawn_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go: list[bool] = []
    whole = connection(0, "live.example.com")

    def read(job: Job) -> Trace:
        job.found(connection(0, "live.example.com", messages=whole.messages[:1], complete=False))
        while not go and not job.cancelled:
            time.sleep(0.005)
        return trace(whole)

    script(monkeypatch, read)
    app = make_app(tmp_path, Live(Target("live.example.com")))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "ClientHello" in shown(app))
        screen = app.screen
        assert isinstance(screen, HandshakeScreen)
        assert screen.running
        assert "EncryptedExtensions" not in shown(app)
        go.append(True)
        await until(pilot, lambda: "EncryptedExtensions" in shown(app))
        assert app.screen is screen
        assert not screen.running


async def test_leaving_a_live_handshake_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, wait_for_cancel)
    app = make_app(tmp_path, Live(Target("slow.example.com")))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.flow.job is not None and app.flow.job.progress is not None)
        job = app.flow.job
        await pilot.press("escape")
        await until(pilot, lambda: job.state == "cancelled")
        assert isinstance(app.screen, HomeScreen)


async def test_once_more_runs_the_same_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Job] = []

    def read(job: Job) -> Trace:
        jobs.append(job)
        return trace(connection(0))

    script(monkeypatch, read)
    app = make_app(tmp_path, Live(Target("again.example.com")))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: jobs and jobs[0].state == "done")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(jobs) == 2 and jobs[1].state == "done")
        assert jobs[0].request == jobs[1].request
        assert isinstance(app.screen, HandshakeScreen)
        assert len(app.screen_stack) == 2


@pytest.mark.tshark
async def test_what_reads_already_is_asked_once(tmp_path: Path) -> None:
    """The command starts to read a capture before there is a screen; once more takes another process."""
    path = Path(__file__).resolve().parents[2] / "captures" / "tls12-no-keys.pcapng"
    request = Capture(path, OpenOptions(name="the first"))
    with begun(path, request.options) as process:
        assert process is not None
        app = make_app(tmp_path, request)
        app.begun = process
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
            job = app.flow.job
            assert job is not None and job.trace is not None and job.trace.source.name == "the first"
            assert process.process.returncode == 0
            await pilot.press("ctrl+r")
            await until(pilot, lambda: app.flow.job is not job and isinstance(app.screen, HandshakeScreen))


def test_only_a_capture_without_keys_is_read_before_there_is_a_screen() -> None:
    for target in (None, "expired", Target("example.com")):
        with begun(target, OpenOptions()) as process:
            assert process is None
    with begun(Path("a.pcap"), OpenOptions(keylogs=(Path("keys"),))) as process:
        assert process is None  # what follows the key log has to see it first


async def test_what_came_before_the_reading_goes_if_nothing_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go: list[bool] = []

    def read(job: Job) -> Trace:
        for number in range(2):
            job.found(connection(number, f"{number}.example.com"))
        job.advanced(Progress(0, 0, 1000, 2))
        while not go:
            time.sleep(0.005)
        raise TargetError("Cannot read it", "it is broken", "Mend it.")

    script(monkeypatch, read)
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        go.append(True)
        await until(pilot, lambda: isinstance(app.screen, FailureScreen))
        await until(pilot, lambda: "It is broken" in shown(app))
