"""Situations behind a proxy, and of the proxy itself. Only the proxy can look up the server's name."""

from __future__ import annotations

import datetime as dt

from odd_servers import reset, saying, silent
from situation_case import HTTP, SOCKS, TLS13, Situation
from situation_servers import behind, lab, odd, s_server
from small_proxies import Proxy, http, playing_as, silent_proxy, socks5

from tlsviz.lab.authority import DAY

_LOGIN = "alice:s3cret"
_TOO_LARGE = 1200

THROUGH = (
    Situation("all well through CONNECT", lab(), None, proxy=HTTP),
    Situation("all well through SOCKS 5", lab(), None, proxy=SOCKS),
    Situation("all well through CONNECT with a log-in", lab(), None, proxy=Proxy("http", http(_LOGIN), _LOGIN)),
    Situation("all well through SOCKS 5 with a log-in", lab(), None, proxy=Proxy("socks5", socks5(_LOGIN), _LOGIN)),
    Situation(
        "reset behind CONNECT, which passes on only the end",
        odd(saying(b"", reset)),
        "closed_after_client_hello",
        ("not one byte",),
        proxy=HTTP,
    ),
    Situation(
        "silence behind SOCKS 5",
        odd(silent),
        "handshake_timed_out",
        ("no answer to the",),
        proxy=SOCKS,
        timeout=0.4,
    ),
    Situation(
        "an old server behind CONNECT",
        s_server("-tls1_2"),
        "version_not_supported",
        ("protocol_version (70)",),
        TLS13,
        proxy=HTTP,
    ),
    Situation(
        "an expired certificate behind SOCKS 5",
        lab(lambda made: made.server(begin=dt.timedelta(days=-400), end=-DAY)),
        "certificate_expired",
        proxy=SOCKS,
    ),
    Situation(
        "a client certificate wanted behind CONNECT",
        lab(client_certificate=True),
        "client_certificate_required",
        # The alert itself may be lost: the server's reset can overtake it in the proxy.
        ("acceptable issuers: CN=tlsviz lab root",),
        proxy=HTTP,
    ),
    Situation(
        "a path that drops large hellos, behind CONNECT",
        behind(lambda hello: len(hello) > _TOO_LARGE),
        "closed_after_client_hello",
        ("answers without the 1,216-byte post-quantum share",),
        {"probe": True},
        proxy=HTTP,
        quick=False,
    ),
    Situation(
        "plain HTTP that only speaks when asked, behind SOCKS 5",
        odd(lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n") if sock.recv(4096).startswith(b"GET") else None),
        "plain_http_on_tls_port",
        ("answers in the clear",),
        {"probe": True},
        proxy=SOCKS,
        quick=False,
    ),
    Situation("a proxy that is not there", lab(), "connection_refused", ("proxy",), proxy=Proxy("http", None)),
    Situation(
        "a proxy that wants a log-in",
        lab(),
        "proxy_refused",
        ("407", "--proxy http://user:password@host:port"),
        proxy=Proxy("http", http(_LOGIN)),
    ),
    Situation(
        "a SOCKS 5 proxy that wants a log-in",
        lab(),
        "proxy_refused",
        ("log",),
        proxy=Proxy("socks5", socks5(_LOGIN)),
    ),
    Situation(
        "a proxy that knows another log-in",
        lab(),
        "proxy_refused",
        ("not accepted",),
        proxy=Proxy("socks5", socks5(_LOGIN), "alice:wrong"),
    ),
    Situation(
        "a proxy that lets nobody through",
        lab(),
        "proxy_refused",
        ("403 forbidden",),
        proxy=Proxy("http", http(answer=b"HTTP/1.1 403 Forbidden\r\n\r\n")),
    ),
    Situation(
        "a proxy that cannot reach the server",
        lab(),
        "proxy_refused",
        ("502 bad gateway",),
        proxy=Proxy("http", http(answer=b"HTTP/1.1 502 Bad Gateway\r\n\r\n")),
    ),
    Situation(
        "a closed port, as SOCKS 5 tells it",
        lab(),
        "proxy_refused",
        ("connection refused (5)",),
        proxy=Proxy("socks5", socks5(reply=5)),
    ),
    Situation(
        "SOCKS 5 to the port of an HTTP proxy",
        lab(),
        "proxy_refused",
        ("not such a proxy", "speaks http"),
        proxy=Proxy("socks5", http()),
    ),
    Situation(
        "a proxy that is silent", lab(), "proxy_refused", ("in time",), proxy=Proxy("http", silent_proxy), timeout=0.4
    ),
    Situation(
        "a proxy that closes", lab(), "proxy_refused", ("closed",), proxy=Proxy("socks5", playing_as(saying(b"")))
    ),
)
