from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from shellhelp import make_app, script, shown, until
from shellsample import connection, trace
from textual.widgets import Input

from tlsviz.errors import TlsvizError
from tlsviz.sources.target import parse_target
from tlsviz.ui.completion import complete_path
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.recent import Entry, Recent
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.screens.home import HomeScreen
from tlsviz.ui.widgets.choices import Choices
from tlsviz.ui.workers import Lab, Live

SIZES = [(80, 24), (120, 36), (200, 50)]


@pytest.mark.parametrize("size", SIZES)
async def test_everything_is_on_the_screen_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    Recent(tmp_path / "recent.json").add(Entry("old.example.com", "live"))
    app = make_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.query_one("#lab", Choices).line_count() > 2)
        text = shown(app)
    for words in ("client", "server", "host, host:port", "old.example.com", "THE LAB", "TLS 1.3", "help", "quit"):
        assert words in text, words
    assert ("HOW TO READ A LADDER" in text) == (size[0] == 200)


@pytest.mark.parametrize("height", [24, 40])
async def test_on_forty_columns_the_lists_stand_one_above_the_other(tmp_path: Path, height: int) -> None:
    Recent(tmp_path / "recent.json").add(Entry("old.example.com", "live"))
    app = make_app(tmp_path)
    async with app.run_test(size=(40, height)) as pilot:
        await until(pilot, lambda: app.query_one("#lab", Choices).line_count() > 2)
        text = shown(app)
        for words in ("see a TLS handshake happen", "host, URL or capture file", "old.example.com", "TLS 1.3, every"):
            assert words in text, words
        places, lab = app.query_one("#places", Choices), app.query_one("#lab", Choices)
        assert places.region.right <= 40
        assert lab.region.y > places.region.bottom
        await pilot.press("down", "end", "down")
        await until(pilot, lambda: lab.has_focus)
        await pilot.press("up")
        await until(pilot, lambda: places.has_focus)
        await pilot.press("home", "up")
        await until(pilot, lambda: app.query_one("#target").has_focus)


async def test_a_typed_target_is_opened_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(connection(0)))
    app = make_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press(*"example.com:8443", "enter")
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        request = app.flow.job.request
        assert isinstance(request, Live)
        assert (request.target.host, request.target.port) == ("example.com", 8443)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        assert app.flow.job is None
        assert app.query_one("#target", Input).value == ""
        await until(pilot, lambda: "example.com:8443" in shown(app))


@pytest.mark.parametrize("typed", ["/no/such.pcap", "http://example.com/", "[::1", "a b", "x:99999"])
async def test_a_wrong_target_is_said_in_place(tmp_path: Path, typed: str) -> None:
    with pytest.raises(TlsvizError) as expected:
        parse_target(typed)
    what = expected.value.title
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        app.query_one("#target", Input).value = typed
        await pilot.press("enter")
        await until(pilot, lambda: f"{glyphs().failed} {what}" in shown(app))
        assert expected.value.hint[:60] in shown(app)
        assert isinstance(app.screen, HomeScreen)
        await pilot.press("x")
        await until(pilot, lambda: f"{glyphs().failed} {what}" not in shown(app))


async def test_hostile_words_stay_words(tmp_path: Path) -> None:
    Recent(tmp_path / "recent.json").add(Entry("/tmp/[red]x[bold]\x1b[2J.pcap", "capture"))
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        app.query_one("#target", Input).value = "[bold]no[/bold] host"
        await pilot.press("enter")
        await until(pilot, lambda: ": [bold]no[/bold] host" in shown(app))
        assert "[red]x[bold]\\x1b[2J.pcap" in shown(app)


async def test_the_lab_is_opened_with_the_keys_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(connection(0)))
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        lab = app.query_one("#lab", Choices)
        await until(pilot, lambda: lab.highlighted >= 0)
        await pilot.press("down")
        if not lab.has_focus:
            await pilot.press("right")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        assert app.flow.job.request == Lab(app.flow.scenarios()[1].name)


async def test_a_click_opens_a_recent_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(connection(0)))
    Recent(tmp_path / "recent.json").add(Entry("click.example.com", "live"))
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "click.example.com" in shown(app))
        await pilot.click("#places", offset=(4, 1))
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen))
        assert str(app.flow.job.request.target) == "click.example.com"


def test_paths_are_completed(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "one.pcapng").write_bytes(b"")
    (tmp_path / "other.txt").write_bytes(b"")
    assert complete_path(f"{tmp_path}/o") == f"{tmp_path}/one.pcapng"
    assert complete_path(f"{tmp_path}/d") == f"{tmp_path}/deep/"
    assert complete_path(f"{tmp_path}/x") is None
    assert complete_path("https://o") is None
    assert complete_path("/no/such/folder/o") is None


def test_the_way_to_the_first_paint_imports_nothing_heavy() -> None:
    code = "import sys, tlsviz.ui.app; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "textual" in loaded
    assert not {"pyshark", "OpenSSL", "cryptography", "lxml", "h11"} & set(loaded)


async def test_a_terminal_without_unicode_gets_ascii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLSVIZ_ASCII", "1")
    glyphs.cache_clear()
    try:
        app = make_app(tmp_path)
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.pause()
            text = shown(app)
    finally:
        glyphs.cache_clear()
    assert "t l s v i z" in text
    rows = text.split("\n")
    above, keys = "".join(rows[:13]), rows[-1]  # the scroll bars between are Textual's
    assert (above + keys).isascii(), [char for char in above + keys if not char.isascii()]


@pytest.mark.parametrize("debug", [False, True])
def test_a_bug_in_a_screen_is_said_in_one_paragraph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, debug: bool
) -> None:
    def stumble(screen: HomeScreen) -> None:
        secret = "5ec2e7" * 4
        raise ValueError(f"no [b]such[/] thing, {len(secret)}\x1b[31m")

    monkeypatch.setattr(HomeScreen, "fill", stumble)
    monkeypatch.setenv("TLSVIZ_DEBUG", "1" if debug else "")
    app = make_app(tmp_path)
    app.run(headless=True, size=(80, 24))
    assert app.return_code == 1
    said = capfd.readouterr().err
    assert ("Traceback" in said) == debug
    assert ("5ec2e7" in said) == debug
    if not debug:
        assert "ValueError at test_shell_home.py" in said
        assert "no [b]such[/] thing, 24\\x1b[31m" in " ".join(said.split())
        assert len(said.splitlines()) < 6
