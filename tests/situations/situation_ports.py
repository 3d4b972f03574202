"""Situations of a web server's two ports, and of nginx behind a handshake that works."""

from __future__ import annotations

from situation_case import HOST, HTTP, SOCKS, TLS12, Situation
from situation_servers import lab, nginx

_HSTS = 'add_header Strict-Transport-Security "max-age=31536000" always;'
_VERIFY = "ssl_verify_client {}; ssl_client_certificate {{folder}}/ca.pem;"


def redirect(where: str, status: int = 301) -> str:
    return f"return {status} {where};"


SECURE = nginx(_HSTS)
TO_HTTPS = nginx(tls=False, location=redirect(f"https://{HOST}/"))
LOOP = nginx(tls=False, location=redirect(f"http://{HOST}/"))

PORTS = (
    Situation("the plain port leads to the encrypted one, which has HSTS", SECURE, None, plain=TO_HTTPS),
    Situation(
        "an encrypted page without HSTS", nginx(), None, ("answers without it",), beside="no_hsts", plain=TO_HTTPS
    ),
    Situation(
        "HSTS for an hour",
        nginx('add_header Strict-Transport-Security "max-age=3600";'),
        None,
        ("max-age=3600",),
        beside="short_hsts",
        plain=TO_HTTPS,
    ),
    Situation(
        "HSTS switched off",
        nginx('add_header Strict-Transport-Security "max-age=0";'),
        None,
        ("forget the host",),
        beside="no_hsts",
        plain=TO_HTTPS,
    ),
    Situation(
        "a plain port that does not lead on",
        SECURE,
        None,
        ("200",),
        beside="no_redirect_to_https",
        plain=nginx(tls=False),
    ),
    Situation(
        "a redirect loop on the plain port",
        SECURE,
        None,
        ("a loop",),
        beside="http_error",
        plain=LOOP,
    ),
    Situation(
        "a redirect loop between both ports",
        nginx(_HSTS, location=redirect(f"http://{HOST}/")),
        None,
        (f"https://{HOST}/ redirects to http://{HOST}/",),
        beside="http_redirect_to_plain",
        plain=TO_HTTPS,
    ),
    Situation(
        "a plain port that speaks TLS",
        SECURE,
        None,
        ("speaks tls where plain http is expected",),
        beside="tls_on_plain_port",
        plain=nginx(),
    ),
    Situation("both ports through CONNECT", SECURE, None, plain=TO_HTTPS, proxy=HTTP),
    Situation("both ports through SOCKS 5", SECURE, None, plain=TO_HTTPS, proxy=SOCKS),
    Situation(
        "a redirect loop behind SOCKS 5",
        SECURE,
        None,
        ("a loop",),
        beside="http_error",
        plain=LOOP,
        proxy=SOCKS,
    ),
    Situation("a request for another server (421)", nginx(location="return 421;"), "http_error", ("421 misdirected",)),
    Situation("a page that wants a login (401)", nginx(location="return 401;"), "http_error", ("401", "login")),
    Situation("a server in maintenance (503)", nginx(location="return 503;"), "http_error", ("503", "try again later")),
    Situation(
        "nginx that wants a client certificate in TLS 1.2 (496)",
        nginx(_VERIFY.format("on")),
        "client_certificate_required",
        ("400",),
        TLS12,
    ),
    Situation(
        "nginx that refuses a client certificate in TLS 1.2 (495)",
        nginx(_VERIFY.format("on")),
        "client_certificate_refused",
        ("400",),
        TLS12,
        client="foreign client",
    ),
    Situation(
        "nginx that forbids what came without a client certificate",
        nginx(_VERIFY.format("optional"), location="if ($ssl_client_verify != SUCCESS) { return 403; }"),
        "http_error",
        ("403", "client certificate"),
    ),
    Situation("nginx that lets a client certificate in", nginx(_VERIFY.format("on")), None, client="client"),
    Situation("a server that closes instead of answering (444)", nginx(location="return 444;"), None),
    Situation("a server that moves its visitors", lab(moved=f"https://{HOST}/there"), None),
)
