"""What is said beside TLS goes through the proxy too: plain requests, and certificates that are fetched."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from odd_servers import playing, saying, silent
from small_proxies import Led, Proxy, http, playing_as, socks5

from tlsviz.connection.failure import Failure
from tlsviz.errors import CancelledError
from tlsviz.lab.authority import Authority, Recipe
from tlsviz.lab.plain import Page, PlainServer, Site
from tlsviz.lab.run import store
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources import probe
from tlsviz.sources.aia import fetch
from tlsviz.sources.dial import Patience
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.ports import look
from tlsviz.sources.probe import probed
from tlsviz.sources.proxy import parse_proxy
from tlsviz.sources.target import Target
from tlsviz.sources.tunnel import Way, opened

NAME = "far.test"
KINDS = pytest.mark.parametrize("proxy", [Proxy("http", http()), Proxy("socks5", socks5())], ids=["http", "socks5"])


@pytest.fixture(autouse=True)
def _only_the_proxy_looks_up(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **named: Any) -> Any:
        assert host not in (NAME, NAME.encode()), "the name went to the resolver of this machine"
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def led(**ports: int) -> Led:
    """Where the proxy leads to, by ``p80=…``; anything else is a port that nobody should ask for."""
    return lambda asked: ports[f"p{asked}"]


@KINDS
def test_certificates_are_fetched_through_it(proxy: Proxy) -> None:
    made = Authority(url=f"http://{NAME}")
    der = made.intermediate.der
    shown = made.issue(Recipe(NAME, (NAME,), extras=(made.access("ca.cer"),)))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(der)
    with (
        LabServer(ServerSettings(send_chain=False), shown, made) as secure,
        playing(saying(head + der)) as shelf,
        proxy.serve(led(p443=secure.port, p80=shelf)) as text,
    ):
        options = LiveOptions(proxy=text, stores=(store(made),), aia=True, timeout=4)
        (connection,) = run_live(Target(NAME), options).connections
    assert connection.trust is not None
    assert [one.der for one in connection.trust.borrowed] == [der]


@KINDS
def test_both_ports_are_looked_at_through_it(proxy: Proxy) -> None:
    made = Authority()
    with (
        LabServer(ServerSettings(), made.server(names=(NAME,)), made) as secure,
        PlainServer(Site({"/": Page(301, f"https://{NAME}/")})) as plain,
        proxy.serve(led(p443=secure.port, p80=plain.port)) as text,
    ):
        found = look(Target(NAME), LiveOptions(proxy=text, stores=(), timeout=4))
    assert [port.state for port in found.ports] == ["tls", "http"]
    assert [hop.url for hop in found.hops] == [f"http://{NAME}/", f"https://{NAME}/"]


@pytest.mark.parametrize(
    ("proxy", "kind", "words"),
    [
        (Proxy("http", None), "proxy_broken", "on the way to the proxy"),
        (Proxy("http", http(answer=b"HTTP/1.1 403 Forbidden\r\n\r\n")), "proxy_refused", "403 Forbidden"),
        (Proxy("socks5", socks5(reply=5)), "proxy_refused", "connection refused (5)"),
        (Proxy("http", playing_as(saying(b"220 mail\r\n"))), "proxy_garbled", "220 mail"),
        (Proxy("http", playing_as(saying(b""))), "proxy_broken", "without an answer"),
        (Proxy("http", playing_as(silent)), "proxy_broken", "no answer in time"),
    ],
)
def test_a_proxy_that_does_not_lead_there_is_not_taken_for_the_server(proxy: Proxy, kind: str, words: str) -> None:
    with proxy.serve(led()) as text:
        way = opened((NAME, 80), parse_proxy(text), Patience(0.5))
        assert isinstance(way, Failure)
        assert way.kind == kind and words in way.detail
        found = look(Target(NAME), LiveOptions(proxy=text, stores=(), timeout=0.5))
        assert [port.state for port in found.ports] == ["failed", "failed"]


def test_a_fetch_says_that_it_was_the_proxy() -> None:
    with Proxy("socks5", socks5(reply=2)).serve(led()) as text, pytest.raises(Exception, match="the proxy refuses"):
        fetch(f"http://{NAME}/ca.cer", 1, parse_proxy(text))


def test_a_cancel_ends_the_waiting_for_a_proxy() -> None:
    with Proxy("http", playing_as(silent)).serve(led()) as text, pytest.raises(CancelledError):
        opened((NAME, 80), parse_proxy(text), Patience(5, lambda: True))


def test_what_came_with_the_answer_is_kept() -> None:
    banner = b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n"
    with Proxy("http", playing_as(saying(banner, silent))).serve(led()) as text:
        way = opened((NAME, 22), parse_proxy(text), Patience(1))
    assert isinstance(way, Way)
    with way.sock:
        assert way.came == b"SSH-2.0-x\r\n"


@KINDS
def test_re_probes_go_through_it_or_say_that_they_do_not(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PAUSE", 0.01)
    monkeypatch.setattr(probe, "GREETING_WAIT", 0.05)

    def speaks(sock: socket.socket) -> None:
        if sock.recv(4096).startswith(b"GET"):
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with playing(speaks) as port, proxy.serve(led(p443=port)) as text:
        options = LiveOptions(proxy=text, stores=(), timeout=1)
        (connection,) = run_live(Target(NAME), options).connections
        found = {one.name: one for one in probed(Target(NAME), options, connection).probes}
    assert found["plain_text"].outcome == "worked"
    assert all("proxy" in one.said for one in found.values() if one.outcome == "skipped")
