"""The screen that says why a handshake failed, and tries again in other ways."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from odd_servers import playing, reset, saying
from shellhelp import make_app, script, shown, until
from shellsample import connection, trace

from tlsviz.connection.model import Connection
from tlsviz.connection.reprobes import plan
from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources import probe as probing
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target
from tlsviz.ui.app import TlsvizApp
from tlsviz.ui.screens.diagnosis import DiagnosisScreen, DiagnosisView
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.workers import Capture, Live


@pytest.fixture
def cutting(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port that resets after every hello."""
    monkeypatch.setattr(probing, "PAUSE", 0.01)
    monkeypatch.setattr(probing, "GREETING_WAIT", 0.05)
    with playing(saying(b"", reset)) as port:
        yield port


ALERT = bytes.fromhex("15030300020228")
"""A fatal handshake_failure."""


def app_for(folder: Path, port: int, probe: bool = False) -> TlsvizApp:
    options = LiveOptions(resolve="127.0.0.1", timeout=2.0, stores=(), probe=probe)
    return make_app(folder, Live(Target("www.lab.test", port, text="www.lab.test"), options))


def ended(app: TlsvizApp) -> bool:
    screen = app.screen
    return isinstance(screen, HandshakeScreen) and not screen.running


def connection_of(app: TlsvizApp) -> Connection:
    screen = app.screen
    assert isinstance(screen, HandshakeScreen)
    assert screen.scene is not None
    return screen.scene.connection


async def test_the_diagnosis_lists_causes_and_what_could_be_tried(tmp_path: Path, cutting: int) -> None:
    app = app_for(tmp_path, cutting)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ended(app))
        await until(pilot, lambda: "d diagnosis" in shown(app))
        await pilot.press("d")
        await until(pilot, lambda: "What may lie behind it" in shown(app))
        text = shown(app)
        assert "The connection was reset after the ClientHello" in text
        assert "r tries these" in text
        assert "without a server name" in text
        assert "? open" in text


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_re_probes_are_run_and_kept(tmp_path: Path, cutting: int, size: tuple[int, int]) -> None:
    app = app_for(tmp_path, cutting)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: ended(app))
        await pilot.press("d")
        await pilot.press("r")
        screen = app.screen
        assert isinstance(screen, DiagnosisScreen)
        await until(pilot, lambda: not screen.running)
        await until(pilot, lambda: "none of them worked" in " ".join(shown(app).split()))
        await pilot.press("end")
        await until(pilot, lambda: "✗ fails the same" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: ended(app))
        assert connection_of(app).probes
        await pilot.press("d")
        await until(pilot, lambda: "fares no better" in " ".join(shown(app).split()))
        await pilot.press("pagedown")
        await until(pilot, lambda: "ruled out" in shown(app))


async def test_with_probe_each_appears_while_the_next_is_tried_and_in_their_order(
    tmp_path: Path, cutting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, after_first = threading.Event(), probing._Prober._pause

    def pause(prober: probing._Prober) -> None:
        assert going.wait(10)
        after_first(prober)

    monkeypatch.setattr(probing._Prober, "_pause", pause)
    app = app_for(tmp_path, cutting, probe=True)
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DiagnosisScreen) and "1 of " in shown(app))
        assert shown(app).count("fails the same") == 1 and "waiting" in shown(app)
        screen = app.screen
        assert isinstance(screen, DiagnosisScreen) and screen.running
        before = [line for line in shown(app).splitlines() if "waiting" in line]
        going.set()
        await until(pilot, lambda: not screen.running)
        await until(pilot, lambda: "none of them worked" in " ".join(shown(app).split()))
        names = [probe.name for probe in screen.connection.probes]
        assert tuple(names) == plan(screen._base) and len(before) == len(names) - 2
        await pilot.press("escape")
        await until(pilot, lambda: ended(app))
        assert connection_of(app).probes == screen.connection.probes


@pytest.mark.parametrize("by", ["enter", "click"])
async def test_the_failure_leads_to_the_message_and_the_field_that_show_it(tmp_path: Path, by: str) -> None:
    with playing(saying(ALERT)) as port:
        app = app_for(tmp_path, port)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: ended(app))
            await pilot.press("home", "d")
            await until(pilot, lambda: "Alert handshake_failure" in shown(app))
            if by == "enter":
                await pilot.press("enter")
            else:
                await pilot.click(DiagnosisView, offset=(8, 1))
            await until(pilot, lambda: ended(app))
            screen = app.screen
            assert isinstance(screen, HandshakeScreen) and screen.scene is not None
            message = screen.scene.message
            assert message is not None and message.type == "alert"


async def test_what_has_no_message_leads_nowhere(tmp_path: Path, cutting: int) -> None:
    app = app_for(tmp_path, cutting)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ended(app))
        await pilot.press("d")
        await until(pilot, lambda: "What may lie behind it" in shown(app))
        assert "evidence" not in shown(app).splitlines()[-1]
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, DiagnosisScreen) and not app.screen.running


async def test_leaving_stops_them(tmp_path: Path, cutting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PAUSE", 5.0)
    app = app_for(tmp_path, cutting)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ended(app))
        await pilot.press("d")
        await pilot.press("r")
        await until(pilot, lambda: "trying" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: ended(app))
        assert connection_of(app).probes == ()
        await app.workers.wait_for_complete()


async def test_where_nothing_failed_there_is_no_diagnosis(tmp_path: Path) -> None:
    authority = Authority()
    with LabServer(ServerSettings(), authority.server(), authority) as server:
        app = app_for(tmp_path, server.port)
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: ended(app))
            if connection_of(app).failure is None:
                await pilot.press("d")
                await pilot.pause()
                assert isinstance(app.screen, HandshakeScreen)


@pytest.mark.parametrize(("plain", "words"), [("http", "This is plain HTTP"), (None, "Nothing has failed here")])
async def test_where_nothing_failed_d_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: str | None, words: str
) -> None:
    script(monkeypatch, lambda job: trace(connection(0, plain=plain)))
    app = make_app(tmp_path, Capture(Path("class.pcapng")))
    said: list[str] = []
    monkeypatch.setattr(app, "notify", lambda message, **_: said.append(message))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: ended(app))
        said.clear()
        await pilot.press("d")
        assert len(said) == 1 and said[0].startswith(words)
        assert isinstance(app.screen, HandshakeScreen)
