"""Findings in the Explain pane: what they say, and that choosing one chooses its evidence everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handshake_sample import handshake
from handshake_stage import NARROW, NORMAL, node, shown, stage, title

from tlsviz.connection.model import Connection, Finding
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.widgets.bytes_pane import BytesPane
from tlsviz.ui.widgets.explain_pane import ExplainPane
from tlsviz.ui.widgets.key_bar import KeyBar

EVIL = "\x1b[31m[bold]red[/]\n\u202egnp.exe\x00"


def found(*findings: Finding) -> Connection:
    return replace(handshake(), findings=findings)


def keys(screen: HandshakeScreen) -> list[tuple[str, str, str]]:
    """What the key bar offers."""
    return screen.query_one(KeyBar)._keys()


def about(message: int | None, field: str = "", title: str = "Something odd") -> Finding:
    return Finding("odd", "warning", title, "Seen here.", message=message, field=field)


def server_hello() -> int:
    return next(message.index for message in handshake().messages if message.type == "server_hello")


@pytest.mark.parametrize("size", [NARROW, NORMAL])
async def test_enter_on_a_finding_chooses_its_message_and_its_field(size: tuple[int, int]) -> None:
    connection = found(about(None), about(server_hello(), "cipher_suite"))
    async with stage(size, connection) as (pilot, screen):
        await pilot.press("home", "f")
        await pilot.pause()
        assert isinstance(screen.focused, ExplainPane)
        await pilot.press("enter")
        await pilot.pause()
        assert title(screen) == "ServerHello" and node(screen) == "cipher_suite"
        assert screen.pane == "fields"
        assert screen.scene is not None
        assert screen.scene.selection.end - screen.scene.selection.start == 2, "the bytes follow"
        await pilot.press("3")
        await pilot.pause()
        assert screen.query_one(BytesPane).display


async def test_a_click_on_a_finding_chooses_its_evidence() -> None:
    connection = found(about(server_hello(), "cipher_suite", "Look at the suite"))
    async with stage(NORMAL, connection) as (pilot, screen):
        pane = screen.query_one(ExplainPane)
        await pilot.press("f")
        await pilot.pause()
        lines = shown(pane).splitlines()
        row = next(at for at, line in enumerate(lines) if "Look at the suite" in line) - pane.scroll_offset.y
        await pilot.click(ExplainPane, offset=(6, row + pane.content_region.y - pane.region.y))
        await pilot.pause()
        assert title(screen) == "ServerHello" and node(screen) == "cipher_suite"


async def test_f_goes_from_finding_to_finding_and_round() -> None:
    first, last = handshake().messages[0].index, handshake().messages[-1].index
    async with stage(NORMAL, found(about(first), about(None), about(last))) as (pilot, screen):
        for presses, number in ((1, first), (2, last), (3, first)):
            await pilot.press("home", *["f"] * presses)
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
            assert screen.scene is not None and screen.scene.message is not None
            assert screen.scene.message.index == number


async def test_what_is_not_there_is_no_trap() -> None:
    connection = found(about(9999, "cipher_suite"), about(server_hello(), "no.such.field"), about(None, title=EVIL))
    async with stage(NORMAL, connection) as (pilot, screen):
        pane = screen.query_one(ExplainPane)
        assert "3 findings" in shown(pane) and "\x1b" not in shown(pane) and "\u202e" not in shown(pane)
        await pilot.press("f")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert title(screen) == "ServerHello" and node(screen) is None


async def test_f_is_offered_where_there_are_findings_only() -> None:
    async with stage(NORMAL, found()) as (pilot, screen):
        await pilot.press("2", "f")
        await pilot.pause()
        assert screen.pane == "fields" and not [each for each in keys(screen) if each[1] == "f"]
        screen.show(found(about(server_hello(), "cipher_suite")))
        await pilot.pause()
        assert [each for each in keys(screen) if each[1:] == ("f", "findings")]


async def test_findings_without_evidence_are_shown_by_f() -> None:
    async with stage(NORMAL, found(about(None))) as (pilot, screen):
        pane = screen.query_one(ExplainPane)
        await pilot.press("f")
        await pilot.pause()
        lines = shown(pane).splitlines()
        at = next(row for row, line in enumerate(lines) if "1 finding" in line)
        assert not lines[at - 1].strip(), "a blank line stands before the heading"
        assert pane.scroll_offset.y <= at < pane.scroll_offset.y + pane.scrollable_content_region.height


async def test_the_arrows_stop_at_what_leads_somewhere_and_scroll_elsewhere() -> None:
    async with stage(NARROW, found(about(server_hello(), "cipher_suite"))) as (pilot, screen):
        await pilot.press("1")
        await pilot.pause()
        pane = screen.query_one(ExplainPane)
        for _ in range(200):
            await pilot.press("down")
            if pane.scroll_offset.y == pane.max_scroll_y:
                break
        await pilot.press("down", "down")
        assert pane.scroll_offset.y == pane.max_scroll_y
        await pilot.press("enter")
        await pilot.pause()
        assert title(screen) == "ServerHello" and node(screen) == "cipher_suite"
