"""A handshake under way on its screen, and one that is played step by step."""

from __future__ import annotations

import re

import pytest
from handshake_sample import SOURCE, handshake
from handshake_stage import NARROW, Stage, stage, title

from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.widgets.header import ConnectionHeader


async def test_playing_steps_by_itself_and_stops_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlsviz.ui.player.SHORTEST", 0.01)
    monkeypatch.setattr("tlsviz.ui.player.LONGEST", 0.02)
    async with stage() as (pilot, screen):
        screen.action_play()
        assert screen.playing
        for _ in range(200):
            await pilot.pause(0.01)
            if not screen.playing:
                break
        assert title(screen) == "TCP FIN"
        assert not screen.playing
        monkeypatch.setattr("tlsviz.ui.player.LONGEST", 60.0)
        monkeypatch.setattr("tlsviz.ui.player.SHORTEST", 60.0)
        await pilot.press("space")
        assert title(screen) == "TCP SYN"
        await pilot.press("space")
        assert not screen.playing


async def test_a_running_handshake_is_followed_until_the_user_takes_over() -> None:
    async with stage(connection=handshake(2), running=True) as (pilot, screen):
        assert "handshaking" in str(screen.query_one(ConnectionHeader).lines(120)[0])
        screen.show(handshake(3))
        await pilot.pause()
        assert title(screen) == "ClientHello"
        screen.show(handshake(4))
        await pilot.pause()
        assert title(screen) == "Finished"
        await pilot.press("up", "up")
        assert title(screen) == "Certificate"
        screen.show(handshake(), running=False)
        await pilot.pause()
        assert title(screen) == "Certificate"
        assert "handshaking" not in str(screen.query_one(ConnectionHeader).lines(120)[0])


async def test_a_clock_runs_while_the_server_is_waited_for() -> None:
    screen = HandshakeScreen(handshake(2), SOURCE, running=True, patience=9.0)
    app = Stage(handshake())
    async with app.run_test(size=NARROW) as pilot:
        app.push_screen(screen)
        await pilot.pause()

        def told() -> str:
            return "".join(strip.text for strip in screen._compositor.render_strips())

        seen = set()
        for _ in range(200):
            await pilot.pause(0.02)
            seen.update(re.findall(r"handshaking… (\d\.\d) of 9 s", told()))
            if len(seen) > 2:
                break
        assert len(seen) > 2
        screen.show(handshake(), running=False)
        await pilot.pause()
        assert "handshaking" not in told()
        assert "of 9 s" not in told()


async def test_an_untouched_running_handshake_ends_at_its_beginning() -> None:
    async with stage(connection=handshake(2), running=True) as (pilot, screen):
        screen.show(handshake(4))
        screen.show(handshake(), running=False)
        await pilot.pause()
        assert title(screen) == "ClientHello"
