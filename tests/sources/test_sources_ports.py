"""Looking at both ports of a server on 127.0.0.1: every state of a port, redirects, and limits."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
from effort import Stopwatch

from tlsviz.connection.ports import MOST_HOPS, Ports, judge
from tlsviz.errors import CancelledError
from tlsviz.lab.authority import SERVER_NAME, Authority
from tlsviz.lab.plain import Page, PlainServer, Site
from tlsviz.lab.run import store
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.ports import look, ports_trace
from tlsviz.sources.target import Target

AUTHORITY = Authority()
OPTIONS = LiveOptions(stores=(store(AUTHORITY),), timeout=4)
TARGET = Target(SERVER_NAME)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def at(secure: int, plain: int, timeout: float = 4.0) -> Ports:
    places = {(SERVER_NAME, 443): f"127.0.0.1:{secure}", (SERVER_NAME, 80): f"127.0.0.1:{plain}"}
    options = LiveOptions(stores=OPTIONS.stores, timeout=timeout)
    return look(TARGET, options, places=places)


def lab(running: ExitStack, **settings: object) -> int:
    server = LabServer(ServerSettings(**settings), AUTHORITY.server(), AUTHORITY)  # type: ignore[arg-type]
    return running.enter_context(server).port


def plain(running: ExitStack, pages: Mapping[str, Page]) -> int:
    return running.enter_context(PlainServer(Site(pages))).port


def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_closed_port_is_refused_and_the_other_one_is_looked_at_all_the_same(running: ExitStack) -> None:
    found = at(lab(running), closed())
    assert [port.state for port in found.ports] == ["tls", "refused"]
    assert found.hops == () and found.secure is not None and found.secure.reply is not None
    assert found.hsts is not None and found.hsts.max_age == 31_536_000


def test_the_two_the_wrong_way_round(running: ExitStack) -> None:
    found = at(plain(running, {"/": Page()}), lab(running))
    assert [port.state for port in found.ports] == ["http", "tls"]
    assert {finding.code for finding in judge(found)} == {"plain_http_on_tls_port", "tls_on_plain_port"}


def test_silence_and_a_full_backlog_have_an_end(running: ExitStack) -> None:
    """A listener that never accepts is open, and says nothing."""
    listener = running.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = listener.getsockname()[1]
    watch = Stopwatch()
    found = at(port, port, timeout=0.6)
    assert watch.seconds() < 3
    assert [port.state for port in found.ports] == ["silent", "silent"]


def test_redirects_end_at_the_limit(running: ExitStack) -> None:
    pages = {"/": Page(302, "/1")} | {f"/{number}": Page(302, f"/{number + 1}") for number in range(1, 30)}
    found = at(closed(), plain(running, pages))
    assert len(found.hops) == MOST_HOPS
    assert "More than" in found.ending


@pytest.mark.parametrize(
    ("location", "ending"),
    [
        ("/", "A loop"),
        ("javascript:alert(1)", "no web address"),
        ("http://[::1", "no web address"),
        ("http://www.lab.test:99999/", "no web address"),
        ("ftp://www.lab.test/", "no web address"),
        ("http://a b/", "no web address"),
    ],
)
def test_redirects_to_nowhere_are_named(running: ExitStack, location: str, ending: str) -> None:
    found = at(closed(), plain(running, {"/": Page(301, location)}))
    assert len(found.hops) == 1
    assert ending in found.ending
    assert "http_error" in {finding.code for finding in judge(found)}


def test_an_odd_port_is_looked_at_as_well(running: ExitStack) -> None:
    target = Target(SERVER_NAME, 8443)
    secure, open_ = lab(running), plain(running, {"/": Page(301, "https://www.lab.test:8443/")})
    places = {(SERVER_NAME, 8443): f"127.0.0.1:{secure}", (SERVER_NAME, 80): f"127.0.0.1:{open_}"}
    found = look(target, OPTIONS, places=places)
    assert [(port.port, port.state) for port in found.ports] == [(8443, "tls"), (80, "http")]
    assert [hop.url for hop in found.hops] == ["http://www.lab.test/", "https://www.lab.test:8443/"]
    assert found.hops[0].request[1] == "Host: www.lab.test"


def test_a_cancel_ends_it_soon(running: ExitStack) -> None:
    listener = running.enter_context(socket.create_server(("127.0.0.1", 0)))
    place = f"127.0.0.1:{listener.getsockname()[1]}"
    places = {(SERVER_NAME, 443): place, (SERVER_NAME, 80): place}
    begun = time.monotonic()
    watch = Stopwatch()
    with pytest.raises(CancelledError):
        look(TARGET, OPTIONS, places=places, cancelled=lambda: time.monotonic() - begun > 0.2)
    assert watch.seconds() < 1.5


def test_as_a_trace_it_carries_the_connection(running: ExitStack) -> None:
    port = lab(running)
    trace = ports_trace(TARGET, LiveOptions(stores=OPTIONS.stores, timeout=1, resolve=f"127.0.0.1:{port}"))
    assert trace.ports is not None and trace.ports.connection is trace.connections[0]
    assert trace.connections[0].complete
