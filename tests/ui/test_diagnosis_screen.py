"""The screen that says why a handshake failed, and tries again in other ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from odd_servers import playing, reset, saying
from shellhelp import make_app, shown, until

from tlsviz.connection.model import Connection
from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources import probe as probing
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target
from tlsviz.ui.app import TlsvizApp
from tlsviz.ui.screens.diagnosis import DiagnosisScreen
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.workers import Live


@pytest.fixture
def cutting(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port that resets after every hello."""
    monkeypatch.setattr(probing, "PAUSE", 0.01)
    monkeypatch.setattr(probing, "GREETING_WAIT", 0.05)
    with playing(saying(b"", reset)) as port:
        yield port


def app_for(folder: Path, port: int) -> TlsvizApp:
    options = LiveOptions(resolve="127.0.0.1", timeout=2.0, stores=())
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
        await until(pilot, lambda: "ruled out" in shown(app))


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
