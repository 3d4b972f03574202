from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from shellhelp import CLASS, listed, make_app, script, shown, until
from shellsample import several, trace
from textual.command import CommandPalette

from tlsviz.errors import TlsvizError
from tlsviz.ui.actions import save_screenshot
from tlsviz.ui.commands import ActionCommands
from tlsviz.ui.keys import grouped, key_rows
from tlsviz.ui.screens.connections import ConnectionsScreen
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.screens.help import HelpScreen
from tlsviz.ui.svg import save, self_contained
from tlsviz.ui.theme import DEFAULTS, PROJECTOR, THEMES
from tlsviz.ui.widgets.key_bar import KeyBar


async def test_the_palette_has_every_action_of_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(*several()))
    app = make_app(tmp_path, CLASS)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        titles = [command.title for command in ActionCommands(app.screen).commands()]
        assert len(titles) == len(set(titles))
        for title in (
            "Open the handshake",
            "Pick rows by words and keys",
            "Save a screenshot",
            "Help",
            "Quit",
            "Theme: light",
        ):
            assert title in titles, title
        assert any(title.startswith("Lab: ") for title in titles)


async def test_the_palette_begins_with_what_is_useful_and_ends_with_what_only_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, lambda job: trace(several()[0]))
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        commands = list(ActionCommands(app.screen).commands())
        titles = [command.title.partition(":")[0] for command in commands]
        assert titles[:4] == ["Projector", "Save a screenshot", "Next theme", "Open another target"]
        assert titles.index("Lab") < titles.index("Next step")
        assert titles.index("Quit") < titles.index("Theme")
        panes = {command.title: command.help.split()[0] for command in commands if command.title.startswith("Pane")}
        assert panes["Pane: explain"] == "1"
        assert panes["Pane: bytes"] == "3"


async def test_help_says_every_key_of_the_handshake_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(several()[0]))
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        rows = grouped(key_rows(app.screen))
        keys = [key for row in rows for key in row.keys]
        assert len(keys) == len(set(keys))
        assert not {"↓", "→", "2", "3", "4", "5"} & set(keys)
        told = {row.name: (row.title, row.keys) for row in rows}
        assert told["step"] == ("Previous step, next step", ["↑↓", "pgup", "pgdn"])
        assert told["pane"][0].startswith("Pane: ladder, explain, fields, bytes, chain, cipher")
        assert len(told["pane"][1]) == 1
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "The ladder has an arrow for every message" in shown(app)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
async def test_the_key_line_leaves_out_whole_keys_and_help_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    script(monkeypatch, lambda job: trace(several()[0]))
    app = make_app(tmp_path, CLASS)
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        line = shown(app).splitlines()[-1]
        assert "? help" in line
        assert ("^p palette" in line) == (width >= 120)
        assert ("q quit" in line) == (width >= 120)
        assert ("esc back" in line) == (width >= 80)
        await pilot.click(KeyBar, offset=(line.index("? help") + 1, 0))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


async def test_a_command_of_the_palette_runs(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"projector")
        await until(pilot, lambda: "Black on white" in shown(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.theme == PROJECTOR)


async def test_help_tells_the_keys_of_what_is_focused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listed(tmp_path, monkeypatch, *several(), size=(120, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        text = shown(app)
        for words in ("Every TLS connection of the source", "Open the handshake", "Turn the order round", "verified"):
            assert words in text, words
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))


async def test_letters_are_letters_where_one_types(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press(*"qs", "question_mark")
        assert app.screen.query_one("#target").value == "qs?"
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


async def test_a_screenshot_needs_nothing_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path)
    async with app.run_test():
        first, second = save_screenshot(app), save_screenshot(app)
    assert first is not None
    assert second is not None
    assert first != second
    text = first.read_text()
    assert text.startswith("<svg")
    assert set(re.findall(r"https?://[^\"\s<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "@font-face" not in text


def test_screenshots_never_overwrite(tmp_path: Path) -> None:
    (tmp_path / "shot.svg").write_text("mine")
    path = save("<svg/>", [tmp_path], "shot")
    assert path.name == "shot-2.svg"
    assert (tmp_path / "shot.svg").read_text() == "mine"


def test_screenshots_go_to_the_next_folder_that_takes_them(tmp_path: Path) -> None:
    assert save("<svg/>", [tmp_path / "none", tmp_path], "shot").parent == tmp_path
    with pytest.raises(TlsvizError):
        save("<svg/>", [tmp_path / "none"], "shot")


def test_texts_begin_at_their_first_sign() -> None:
    svg = '<text class="a" x="12.2" y="5" textLength="61" clip-path="url(#c)">&#160;&#160;abc</text>'
    assert self_contained(svg) == '<text class="a" x="36.6" y="5" textLength="36.6" clip-path="url(#c)">abc</text>'


def test_every_theme_knows_every_role() -> None:
    for theme in THEMES:
        assert DEFAULTS.keys() - {"warning"} <= theme.variables.keys()
        assert theme.warning


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_words_stand_out_from_their_ground(theme) -> None:
    least = 7.0 if theme.name == PROJECTOR else 4.5
    ground = _luminance(theme.background)
    for role in DEFAULTS.keys() - {"rule", "selection"}:
        words = _luminance({**theme.variables, "warning": theme.warning}[role])
        ratio = (max(ground, words) + 0.05) / (min(ground, words) + 0.05)
        assert ratio >= least, role


async def test_no_colour_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause(0.1)
        colours = set(re.findall(r"#([0-9a-f]{6})", app.export_screenshot()))
    assert os.environ["NO_COLOR"]
    window = {"c5c8c6", "292929", "ff5f57", "febc2e", "28c840", "ffffff"}
    assert all(c[:2] == c[2:4] == c[4:] for c in colours - window)
