"""Step mode on the screen: what waits is said, a key lets it go, and the ladder shows the effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from odd_servers import playing
from shellhelp import make_app, shown, until

from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.workers import Live


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_each_flight_waits_for_a_key(tmp_path: Path, size: tuple[int, int]) -> None:
    authority = Authority()
    with LabServer(ServerSettings(), authority.server(), authority) as server:
        app = make_app(tmp_path, Live(Target("127.0.0.1", server.port), LiveOptions(stores=(), step=True)))
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: "held: ClientHello" in shown(app))
            screen = app.screen
            assert isinstance(screen, HandshakeScreen)
            assert not screen.scene.truth.messages
            await pilot.press("space")
            await until(pilot, lambda: "held: the server's ServerHello" in shown(app))
            assert [each.type for each in screen.scene.truth.messages] == ["client_hello"]
            await pilot.press("n")
            await until(pilot, lambda: screen.held is not None and screen.held.sender == "client")
            assert "server_hello" in [each.type for each in screen.scene.truth.messages]
            for _ in range(12):
                await until(pilot, lambda: screen.held is not None or not screen.running)
                if not screen.running:
                    break
                before = screen.held
                await pilot.press("space")
                await until(pilot, lambda before=before: screen.held is not before)
            assert screen.scene.truth.complete
            assert "held:" not in shown(app)


async def test_a_server_that_goes_while_a_flight_is_held(tmp_path: Path) -> None:
    with playing(lambda sock: None) as port:
        app = make_app(tmp_path, Live(Target("127.0.0.1", port), LiveOptions(stores=(), step=True)))
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: "broke before the ClientHello" in shown(app))
            assert "held:" not in shown(app)
