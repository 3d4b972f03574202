"""The screen of the two ports: what it draws, and how it is reached."""

from __future__ import annotations

import pytest
from handshake_sample import handshake
from handshake_stage import Themed
from rich.cells import cell_len
from textual.app import App

from tlsviz.connection.http import Reply
from tlsviz.connection.model import Source
from tlsviz.connection.ports import Hop, Port, Ports
from tlsviz.errors import TlsvizError
from tlsviz.ui.screens.ports import PortsScreen, PortsView, Read, reader
from tlsviz.ui.widgets.ports_lines import ports_lines

FOUND = Ports(
    "www.lab.test",
    (Port(443, "tls", "tls", "TLS 1.3", 0.02), Port(80, "http", "http", "301 Moved Permanently", 0.01)),
    (
        Hop(
            "http://www.lab.test/",
            ("GET / HTTP/1.1", "Host: www.lab.test"),
            Reply("HTTP/1.1", 301, "", (("location", "https://www.lab.test/"), ("x", "\\x1b[31m"))),
        ),
        Hop("https://www.lab.test/", ("GET / HTTP/1.1",), None, "the handshake failed"),
    ),
    "",
    Hop("https://www.lab.test/", (), Reply("HTTP/2", 200, "", (("strict-transport-security", "max-age=60"),))),
    handshake(),
)


def text(found: Ports, width: int) -> list[str]:
    return ["".join(part for part, _ in line) for line in ports_lines(found, width)]


@pytest.mark.parametrize("width", [40, 76, 100, 160])
def test_every_line_fits_and_everything_is_said(width: int) -> None:
    lines = text(FOUND, width)
    assert all(cell_len(line) <= width for line in lines)
    whole = " ".join(" ".join(line.split()) for line in lines)
    for said in (
        "443 https",
        "80 http",
        "301 Moved Permanently",
        "the handshake failed",
        "60 s: 1 minute",
        "in the clear",
    ):
        assert said in whole


@pytest.mark.parametrize("width", [60, 120])
def test_the_boxes_are_even(width: int) -> None:
    lines = text(FOUND, width)
    box = lines[1 : lines.index("", 1)] if "" in lines[1:] else lines
    assert len({cell_len(line.rstrip()) for line in box}) == 1


def test_a_server_without_faults_is_told_so() -> None:
    good = Hop("https://a/", (), Reply("HTTP/2", 200, "", (("strict-transport-security", "max-age=31536000"),)))
    first = FOUND.hops[0]
    assert any("nothing to complain" in line for line in text(FOUND._replace(secure=good, hops=(first, good)), 100))


def shown(read: Read | None, found: Ports | None = None) -> Themed:
    return Themed(PortsScreen("www.lab.test", read, found))


def drawn(app: App[None]) -> str:
    view = app.screen.query_one(PortsView)
    return "\n".join("".join(part for part, _ in view.line(index)) for index in range(view.line_count()))


async def test_it_looks_in_a_thread_and_again_on_a_key() -> None:
    looks: list[int] = []

    def read(_cancelled: object) -> Ports:
        looks.append(1)
        return FOUND

    app = shown(read)
    async with app.run_test(size=(120, 36)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "what the plain port leads to" in drawn(app)
        await pilot.press("r")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(looks) == 2
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, PortsScreen)


async def test_an_error_is_told_in_its_words() -> None:
    def read(_cancelled: object) -> Ports:
        raise TlsvizError("No such thing", "because", "Mend it.")

    app = shown(read)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "No such thing" in drawn(app)


async def test_what_was_found_before_needs_no_look() -> None:
    app = shown(None, FOUND)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "443 https" in drawn(app)
        await pilot.press("r")
        assert "443 https" in drawn(app)


def test_only_hosts_can_be_looked_at() -> None:
    assert reader(Source("capture", "a.pcap", 3), None) is None
    assert reader(Source("live", "a.test"), None) is not None
    assert reader(Source("lab", "tls13"), None) is not None
