"""The handshake screen driven by keys and mouse."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from handshake_sample import SOURCE, failed, handshake
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from tlsviz.connection.model import Connection
from tlsviz.ui.messages import GoBack
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.selection import FieldChosen
from tlsviz.ui.theme import DARK, DEFAULTS, PROJECTOR, THEMES
from tlsviz.ui.widgets.bytes_pane import OFFSET, BytesPane
from tlsviz.ui.widgets.chain_pane import ChainPane
from tlsviz.ui.widgets.cipher_pane import CipherPane
from tlsviz.ui.widgets.explain_pane import ExplainPane
from tlsviz.ui.widgets.fields_pane import FieldsPane
from tlsviz.ui.widgets.header import ConnectionHeader
from tlsviz.ui.widgets.ladder import Ladder, LadderRows
from tlsviz.ui.widgets.lines import LineView
from tlsviz.ui.widgets.pane_bar import PaneBar
from tlsviz.ui.widgets.projector import HINT, Projector

NARROW, NORMAL, WIDE = (80, 24), (120, 36), (200, 50)


class Stage(App[None]):
    """An app with nothing but the themes and the screen under test."""

    def __init__(self, connection: Connection, *, running: bool = False) -> None:
        super().__init__()
        self.handshake = HandshakeScreen(connection, SOURCE, running=running)
        self.left = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DEFAULTS)

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK
        self.push_screen(self.handshake)

    def on_go_back(self, event: GoBack) -> None:
        self.left += 1


@asynccontextmanager
async def stage(
    size: tuple[int, int] = NORMAL, connection: Connection | None = None, *, running: bool = False
) -> AsyncIterator[tuple[Pilot[None], HandshakeScreen]]:
    app = Stage(connection or handshake(), running=running)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot, app.handshake


def title(screen: HandshakeScreen) -> str:
    assert screen.scene is not None
    assert screen.scene.step is not None
    return screen.scene.step.title


def node(screen: HandshakeScreen) -> str | None:
    assert screen.scene is not None
    return screen.scene.node.name if screen.scene.node else None


def shown(view: LineView) -> str:
    return "\n".join("".join(part for part, _ in view.line(index)) for index in range(view.line_count()))


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


@pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE])
async def test_every_pane_opens_by_its_number(size: tuple[int, int]) -> None:
    async with stage(size) as (pilot, screen):
        for key, pane in zip("12345", ("explain", "fields", "bytes", "chain", "cipher"), strict=True):
            await pilot.press(key)
            await pilot.pause()
            view = screen.query_one(f"#{pane}", LineView)
            assert view.region.width > 20
            assert view.region.height > 5
            assert view.line_count() > 3


async def test_a_narrow_screen_shows_one_pane_and_the_way_back() -> None:
    async with stage(NARROW) as (pilot, screen):
        ladder, explain = screen.query_one(Ladder), screen.query_one(ExplainPane)
        assert ladder.region.width == 80
        assert not explain.region
        await pilot.press("1")
        await pilot.pause()
        assert not ladder.region
        assert explain.region.width == 80
        await pilot.press("down")
        assert title(screen) == "ClientHello", "with the pane focused, the arrow scrolls"
        await pilot.press("pagedown")
        assert title(screen) == "ServerHello"
        await pilot.press("escape")
        await pilot.pause()
        assert ladder.region.width == 80
        await pilot.press("tab", "tab")
        await pilot.pause()
        assert screen.pane == "fields"
        assert screen.app.left == 0  # type: ignore[attr-defined]


async def test_escape_leaves_last() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("z", "escape")
        assert screen.app.left == 0  # type: ignore[attr-defined]
        await pilot.press("p", "escape")
        assert screen.app.left == 0  # type: ignore[attr-defined]
        await pilot.press("escape")
        assert screen.app.left == 1  # type: ignore[attr-defined]


async def test_zoom_gives_the_focused_side_the_whole_width() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("z")
        await pilot.pause()
        assert screen.query_one(Ladder).region.width == 120
        await pilot.press("z")
        screen.query_one(ExplainPane).focus()
        await pilot.press("z")
        await pilot.pause()
        assert screen.query_one(ExplainPane).region.width == 120
        assert not screen.query_one(Ladder).region


async def test_the_projector_steps_changes_the_theme_and_gives_it_back() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("p")
        await pilot.pause()
        projector = screen.query_one(Projector)
        assert projector.region.size == (120, 36)
        assert screen.app.theme == PROJECTOR
        await pilot.press("pagedown")
        assert title(screen) == "ServerHello"
        await pilot.click(Projector, offset=(100, 10))
        assert title(screen) == "ChangeCipherSpec"
        await pilot.click(Projector, offset=(5, 10))
        assert title(screen) == "ServerHello"
        await pilot.press("p")
        await pilot.pause()
        assert screen.app.theme == DARK
        assert not projector.region


async def test_the_projector_says_the_way_out_where_it_covers_nothing() -> None:
    async with stage(NARROW) as (pilot, screen):
        await pilot.press("2", "p", "p", "p", "p", "p")
        await pilot.pause()
        assert not screen.app._notifications
        last = "".join(text for text, _ in screen.query_one(Projector).lines(80)[-1])
        assert last.strip() == HINT
        await pilot.press("escape")
        await pilot.pause()
        assert screen.focused is screen.query_one(FieldsPane)


async def test_resizing_goes_through_all_layouts() -> None:
    async with stage(WIDE) as (pilot, screen):
        await pilot.press("right", "right")
        for width, height in (NORMAL, NARROW, (40, 12), WIDE, NORMAL):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert node(screen) == "length"
            visible = [view for view in screen.query(LineView) if view.region]
            assert visible
            assert all(view.region.right <= width for view in visible)
        assert screen.query_one(Ladder).region.width > 40
        assert screen.query_one(ExplainPane).region.width > 40


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


async def test_the_bar_opens_panes_by_mouse() -> None:
    async with stage() as (pilot, screen):
        bar = screen.query_one(PaneBar)
        await pilot.click(
            PaneBar, offset=("".join(part for part, _ in bar.lines(bar.size.width)[0]).index("Cipher"), 0)
        )
        assert screen.pane == "cipher"


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


@pytest.mark.parametrize("connection", [handshake(), failed()], ids=["whole", "failed"])
async def test_a_screen_of_a_few_lines_has_room_for_steps(connection: Connection) -> None:
    async with stage((40, 10), connection) as (pilot, screen):
        await pilot.pause()
        assert screen.query_one(LadderRows).size.height >= 5
        assert screen.query_one(ConnectionHeader).size.height == (1 if connection.failure is None else 2)
        await pilot.press("o", "1")
        await pilot.pause()
        assert screen.query_one(ExplainPane).size.height >= 5
        await pilot.resize_terminal(80, 24)
        await pilot.press("o", "o", "o")
        await pilot.pause()
        assert screen.query_one(ConnectionHeader).size.height == (1 if connection.failure is None else 3)
