"""Makes the pictures of this folder from the sample captures, and one from the lab live.

    python screenshots/make.py [NAME...]

Each picture is the screen at one size after some keys. All but the live ones come out the same every time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from tlsviz.ui.app import TlsvizApp
from tlsviz.ui.completion import sample_captures
from tlsviz.ui.recent import Entry, Recent
from tlsviz.ui.screens.connections import ConnectionsScreen
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.svg import self_contained
from tlsviz.ui.widgets.choices import Choices
from tlsviz.ui.workers import Lab, Request

HERE = Path(__file__).parent
SMALL, MIDDLE, LARGE = (80, 24), (120, 36), (200, 50)
PATIENCE = 30.0


@dataclass(frozen=True)
class Picture:
    """``source``: a sample capture's name, ``lab:NAME``, or "" for the home screen."""

    name: str
    source: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.name}-{self.size[0]}x{self.size[1]}.svg"


def _pictures() -> list[Picture]:
    everywhere = (("home", ""), ("list", "several"), ("handshake", "tls13"), ("live", "lab:tls13"))
    found = [Picture(name, source, size) for name, source in everywhere for size in (SMALL, MIDDLE, LARGE)]
    return [
        *found,
        Picture("explain", "tls13", MIDDLE, ("1", "down")),
        Picture("fields", "tls13", MIDDLE, ("2", *["right"] * 9)),
        Picture("bytes", "tls13", MIDDLE, ("3", *["right"] * 4)),
        Picture("chain", "tls12", MIDDLE, ("4",)),
        Picture("cipher", "tls12", MIDDLE, ("5",)),
        Picture("record", "tls13", MIDDLE, ("6", "end", "up", "up", "up")),
        Picture("keys", "tls13", MIDDLE, ("7", *["down"] * 4)),
        Picture("eavesdropper", "tls13", MIDDLE, ("o",)),
        Picture("projector", "tls13", MIDDLE, ("p",)),
        Picture("expired", "expired", MIDDLE, ("4",)),
        Picture("no-keys", "tls13-no-keys", MIDDLE),
        Picture("hello-retry", "hello-retry", MIDDLE),
        Picture("stopped", "no-cipher", MIDDLE),
        Picture("quic", "quic", MIDDLE, ("7", *["up"] * 10)),
        Picture("dtls", "dtls12", MIDDLE, ("down",) * 4),
        Picture("help", "tls13", MIDDLE, ("question_mark",)),
    ]


async def until(pilot: Pilot[None], true: Callable[[], object]) -> None:
    """Waits for something to become true on the screen."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise SystemExit("a screen never came")
        await pilot.pause(0.02)
    await pilot.pause(0.1)


def _request(app: TlsvizApp, source: str) -> Request | None:
    if source.startswith("lab:"):
        return Lab(source.removeprefix("lab:"))
    samples = {sample.path.stem: sample for sample in sample_captures()}
    return app.flow.sample(samples[source].path, samples[source].ca) if source else None


async def draw(picture: Picture, state: Path) -> str:
    """The picture as SVG."""
    recent = Recent(state / "recent.json")
    for text in ("example.com", "192.0.2.7:8443", "mail.example.net:993"):
        recent.add(Entry(text, "live"))
    app = TlsvizApp(recent=recent)
    app.first = _request(app, picture.source)
    async with app.run_test(size=picture.size) as pilot:
        if not picture.source:
            app.screen.query_one(Input).cursor_blink = False
            await until(pilot, lambda: app.screen.query_one("#lab", Choices).line_count() > 1)
        else:
            await until(pilot, lambda: isinstance(app.screen, HandshakeScreen | ConnectionsScreen))
            await until(pilot, lambda: app.flow.job is None or app.flow.job.state != "running")
        await pilot.press(*picture.keys)
        await pilot.pause(0.3)
        return self_contained(app.export_screenshot(title="tlsviz"))


def main() -> int:
    """Draws the named pictures, or all."""
    wanted = sys.argv[1:]
    os.chdir(HERE.parent)  # the pictures name the captures by their path from here
    with tempfile.TemporaryDirectory() as state:
        for picture in _pictures():
            if wanted and picture.name not in wanted:
                continue
            path = HERE / picture.file
            path.write_text(asyncio.run(draw(picture, Path(state))), encoding="utf-8")
            print(path.name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
