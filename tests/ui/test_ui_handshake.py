"""The handshake screen driven by keys and mouse: steps, fields and bytes, and what is hostile or not there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handshake_sample import failed, handshake
from handshake_stage import NARROW, NORMAL, WIDE, node, shown, stage, title
from textual.widgets import Input

from tlsviz.connection.model import Connection
from tlsviz.ui.selection import FieldChosen
from tlsviz.ui.widgets.bytes_pane import OFFSET, BytesPane
from tlsviz.ui.widgets.chain_pane import ChainPane
from tlsviz.ui.widgets.cipher_pane import CipherPane
from tlsviz.ui.widgets.explain_pane import ExplainPane
from tlsviz.ui.widgets.fields_pane import FieldsPane
from tlsviz.ui.widgets.header import ConnectionHeader
from tlsviz.ui.widgets.ladder import LadderRows
from tlsviz.ui.widgets.lines import LineView
from tlsviz.ui.widgets.pane_bar import PaneBar


async def test_arrows_and_page_keys_step_and_stop_at_the_ends() -> None:
    async with stage() as (pilot, screen):
        assert title(screen) == "ClientHello"
        await pilot.press("down")
        assert title(screen) == "ServerHello"
        await pilot.press("pagedown", "pagedown")
        assert title(screen) == "EncryptedExtensions"
        await pilot.press("pageup")
        assert title(screen) == "ChangeCipherSpec"
        await pilot.press("home", "up")
        assert title(screen) == "TCP SYN"
        await pilot.press("end", "down")
        assert title(screen) == "TCP FIN"


async def test_a_field_is_the_same_in_words_tree_and_bytes() -> None:
    async with stage(WIDE) as (pilot, screen):
        await pilot.press("right", "right", "right", "right")
        assert node(screen) == "random"
        assert "▌ random" in shown(screen.query_one(ExplainPane))
        assert any(
            line.startswith("▌") and "random" in line for line in shown(screen.query_one(FieldsPane)).split("\n")
        )
        pane = screen.query_one(BytesPane)
        lit = [part for index in range(pane.line_count()) for part, style in pane.line(index) if "reverse" in style]
        assert (
            "".join(lit).replace(" ", "").startswith("".join(f"{byte:02x}" for byte in (screen.scene.node.value[:10])))
        )  # type: ignore[union-attr, index]
        await pilot.press("left", "left", "left", "left")
        assert node(screen) is None


async def test_a_click_on_a_byte_finds_its_field() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("3")
        heading = next(index for index, (number, _) in enumerate(screen.query_one(BytesPane)._places) if number >= 0)
        border = 1
        await pilot.click(BytesPane, offset=(border + OFFSET + 5 * 3, border + heading))
        assert node(screen) == "random"
        await pilot.click(BytesPane, offset=(border + OFFSET, border + heading))
        assert node(screen) == "msg_type"


async def test_a_click_on_a_step_a_field_and_a_sentence_choose_them() -> None:
    async with stage(WIDE) as (pilot, screen):
        rows = screen.query_one(LadderRows)
        place = next(index for index, row in enumerate(rows._rows) if row.step == 3)
        await pilot.click(LadderRows, offset=(20, place))
        assert title(screen) == "ServerHello"
        fields = screen.query_one(FieldsPane)
        names = [found.name for _, found in fields._rows]
        await pilot.click(FieldsPane, offset=(12, 1 + names.index("cipher_suite")))
        assert node(screen) == "cipher_suite"
        explain = screen.query_one(ExplainPane)
        assert screen.scene is not None
        line, path = next(
            (place.first, place.chosen.path)
            for place in explain._targets
            if isinstance(place.chosen, FieldChosen) and place.chosen.path != screen.scene.selection.path
        )
        await pilot.click(ExplainPane, offset=(6, 1 + line - explain.scroll_offset.y))
        assert screen.scene is not None
        assert screen.scene.selection.path == path


async def test_fields_open_close_and_are_found() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("slash", *"x25519ml")
        fields = screen.query_one(FieldsPane)
        assert "X25519MLKEM768" in shown(fields)
        assert "random" not in shown(fields)
        await pilot.press("enter")
        await pilot.pause()
        assert node(screen) == "named_group"
        assert "random" in shown(fields)
        before = fields.line_count()
        await pilot.press("minus")
        assert fields.line_count() < before
        await pilot.press("plus")
        assert fields.line_count() > before


@pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE])
@pytest.mark.parametrize("before", [["2", "0"], ["slash", "escape", "0"], ["5"], []])
async def test_what_is_typed_to_be_found_is_no_command(size: tuple[int, int], before: list[str]) -> None:
    async with stage(size) as (pilot, screen):
        await pilot.press(*before, "slash", *"group")
        await pilot.pause()
        assert screen.query_one("#find", Input).value == "group"
        assert not screen.has_class("-projector")
        assert "named_group" in shown(screen.query_one(FieldsPane))


async def test_nothing_found_is_said_and_can_be_typed_anew() -> None:
    async with stage(NARROW) as (pilot, screen):
        await pilot.press("slash", *"zz[b]")
        await pilot.pause()
        assert "no field of this message has zz[b]" in " ".join(shown(screen.query_one(FieldsPane)).split())
        await pilot.press("enter")
        assert screen.focused is screen.query_one("#find")
        await pilot.press("escape", "slash", "escape")
        await pilot.pause()
        assert screen.focused is screen.query_one(FieldsPane)
        assert "random" in shown(screen.query_one(FieldsPane))


async def test_another_pane_ends_the_search() -> None:
    async with stage(NARROW) as (pilot, screen):
        await pilot.press("slash", *"group")
        await pilot.click(PaneBar, offset=(4, 0))
        await pilot.pause()
        assert screen.pane == "ladder"
        assert not screen.query_one("#find").display
        assert screen.focused is screen.query_one(LadderRows)


async def test_keys_inside_a_pane_move_there_and_page_keys_still_step() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("2")
        screen.query_one(FieldsPane).focus()
        await pilot.press("down", "down")
        assert title(screen) == "ClientHello"
        assert node(screen) == "length"
        await pilot.press("pagedown")
        assert title(screen) == "ServerHello"


async def test_m_shows_the_records_and_a_click_there_finds_the_field() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("down", "down", "down", "down", "down", "m")
        await pilot.pause()
        assert title(screen) == "CertificateVerify"
        assert screen.pane == "bytes"
        pane = screen.query_one(BytesPane)
        assert "as on the wire" in shown(pane)
        first = next(index for index, (number, _) in enumerate(pane._places) if number >= 0)
        carried = pane._grid.cell(6)
        await pilot.click(BytesPane, offset=(1 + OFFSET + carried, 1 + first))
        assert node(screen) == "length"
        await pilot.press("m")
        assert "decrypted, record" in shown(pane)


async def test_a_click_on_the_names_in_the_chain_chooses_their_bytes() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("4")
        await pilot.pause()
        pane = screen.query_one(ChainPane)
        line = next(at for at in range(pane.line_count()) if "its names" in text_of(pane, at))
        pane.reveal(line)
        await pilot.pause()
        await pilot.click(ChainPane, offset=(12, 1 + line - pane.scroll_offset.y))
        assert title(screen) == "Certificate"
        scene = screen.scene
        assert scene is not None
        assert scene.node is not None
        assert (scene.node.name, screen.pane) == ("subjectAltName", "fields")
        der = scene.connection.certificates[0].der
        assert scene.buffer is not None
        assert scene.buffer.data[scene.selection.start : scene.selection.end] in der


def text_of(pane: LineView, line: int) -> str:
    return "".join(text for text, _ in pane.line(line))


@pytest.mark.parametrize(
    ("words", "last", "message", "field"),
    [
        ("TLS_AES_256_GCM_SHA384", False, "ServerHello", "cipher_suite"),
        ("TLS_AES_256_GCM_SHA384", True, "ClientHello", "cipher_suite"),
        ("X25519MLKEM768", False, "ServerHello", "group"),
        ("secp256r1 ", True, "ClientHello", "named_group"),
        ("0x1301", True, "ClientHello", "cipher_suite"),
    ],
)
async def test_a_click_on_a_value_of_the_cipher_pane_finds_its_field(
    words: str, last: bool, message: str, field: str
) -> None:
    async with stage((120, 160)) as (pilot, screen):
        await pilot.press("5")
        await pilot.pause()
        pane = screen.query_one(CipherPane)
        lines = shown(pane).split("\n")
        places = [(index, line.index(words)) for index, line in enumerate(lines) if words in line]
        index, column = places[-1 if last else 0]
        await pilot.click(CipherPane, offset=(1 + column + 1, 1 + index))
        await pilot.pause()
        assert (title(screen), node(screen)) == (message, field)
        assert screen.scene is not None
        assert screen.scene.node is not None
        assert words.strip() in (screen.scene.node.label, f"0x{screen.scene.node.value:04x}")


async def test_a_failure_is_said_above_everything_and_at_its_step() -> None:
    async with stage(connection=failed()) as (_, screen):
        header = screen.query_one(ConnectionHeader)
        assert header.region.height == 3
        assert title(screen) == "ClientHello"
        assert "✗ The server did not" in shown(screen.query_one(LadderRows))


@pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE])
async def test_hostile_text_stays_text(size: tuple[int, int]) -> None:
    evil = "[red]x[/] [@click=app.quit]y[/] \x1b[31mz\x07\u202e\n漢字"
    made = handshake()
    messages = tuple(replace(each, note=evil) for each in made.messages)
    connection = replace(made, server_name=evil, alpn=evil, messages=messages, findings=failed().findings)
    async with stage(size, connection) as (pilot, screen):
        for key in ("1", "2", "3", "4", "5", "6", "7", "8", "o", "o", "0", "o", "o", "p"):
            await pilot.press(key)
            await pilot.pause()
            svg = screen.app.export_screenshot()
            assert "\x1b" not in svg
            assert "\u202e" not in svg
        drawn = "".join(part for line in screen.query_one(ConnectionHeader).lines(300) for part, _ in line)
        assert "[red]x[/]" in drawn
        assert "\\x1b" in drawn


async def test_nothing_known_yet_is_said_not_broken() -> None:
    async with stage(connection=Connection()) as (pilot, screen):
        for key in ("down", "right", *"12345678", "enter", "down", "v", "o", "o", "space", "m", "p", "z"):
            await pilot.press(key)
            await pilot.pause()
        assert screen.scene is not None
        assert screen.scene.step is None
