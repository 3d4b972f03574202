"""No screen and no screenshot shows a secret that was not asked for."""

from __future__ import annotations

import html
import re

import pytest
from handshake_sample import handshake
from handshake_stage import Stage

from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import key_schedule

PANES = "012345678"
NEEDLE = 8
"""So many bytes of a secret are enough to know it by."""


def secrets(connection: Connection) -> dict[str, bytes]:
    """Every secret value of the connection, logged or derived."""
    found = {node.id: node.value for node in key_schedule(connection).nodes if node.secret and node.value}
    return {name: value for name, value in found.items() if len(value) >= NEEDLE}


def shown(app: Stage) -> str:
    """All text of a screenshot, without white space: hex digits may stand in groups."""
    text = html.unescape(re.sub(r"<[^>]*>", "", app.export_screenshot()))
    return re.sub(r"[\s ]+", "", text).lower()


@pytest.mark.parametrize("size", [(120, 36), (200, 50)])
async def test_no_pane_shows_a_secret_unasked(size: tuple[int, int]) -> None:
    connection = handshake()
    hidden = secrets(connection)
    assert len(hidden) > 10
    app = Stage(connection)
    async with app.run_test(size=size) as pilot:
        for pane in PANES:
            await pilot.press(pane)
            for _ in range(4):
                await pilot.press("down")
            await pilot.pause()
            text = shown(app)
            assert [name for name, value in hidden.items() if value[:NEEDLE].hex() in text] == []
        await pilot.press("p")
        await pilot.pause()
        assert not [name for name, value in hidden.items() if value[:NEEDLE].hex() in shown(app)]


async def test_the_same_search_finds_what_is_asked_for() -> None:
    """Or the test above could not fail."""
    connection = handshake()
    app = Stage(connection)
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.press("7", "v")
        for _ in range(6):
            await pilot.press("down")
        await pilot.pause()
        found = {name for name, value in secrets(connection).items() if value[:4].hex() in shown(app)}
        assert found
