"""Resumed connections on the screens: the list, every pane, the projector; the pre-shared key shows nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from shellhelp import make_app, script, until
from test_ui_secrecy import NEEDLE, PANES, secrets, shown

from tlsviz.connection.model import Trace
from tlsviz.lab.run import run_scenario
from tlsviz.ui.screens.connections import ConnectionsScreen
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.workers import Lab


@pytest.fixture(scope="module")
def resumed() -> Trace:
    return run_scenario("early-data")


async def test_no_screen_shows_a_secret_of_a_resumed_connection(
    resumed: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, lambda job: resumed)
    hidden = {value for connection in resumed.connections for value in secrets(connection).values()}
    hidden |= {value for connection in resumed.connections for _, value in connection.secrets}
    assert dict(resumed.connections[1].secrets)["PSK"] in hidden
    app = make_app(tmp_path, Lab("early-data"))

    def leaked() -> list[str]:
        text = shown(app)  # type: ignore[arg-type]
        return [value.hex() for value in hidden if value[:NEEDLE].hex() in text]

    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        assert leaked() == []
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        for pane in PANES:
            await pilot.press(pane, "down", "down")
            await pilot.pause()
            assert leaked() == [], pane
        await pilot.press("1", "p")
        await pilot.pause()
        assert leaked() == []
