"""The plain port beside the encrypted one: where it leads, and what the server says of the next visit."""

from __future__ import annotations

from tlsviz.lab.plain import Page, Site
from tlsviz.lab.scenarios.scenario import Group, PortsExpected, Scenario
from tlsviz.lab.server import ServerSettings

_HTTP, _HTTPS = "http://www.lab.test", "https://www.lab.test"
_TO_HTTPS = Site({"/": Page(301, f"{_HTTPS}/")})
_GOOD = "max-age=63072000; includeSubDomains; preload"


def _hsts(value: str | None) -> ServerSettings:
    return ServerSettings(hsts=value)


GROUP = Group(
    "Port 80 beside port 443",
    (
        Scenario(
            "port-redirect",
            "Port 80 leads to https",
            "One redirect in the clear, then TLS; HSTS for two years, as the preload list wants it.",
            server=_hsts(_GOOD),
            plain=_TO_HTTPS,
            ports=PortsExpected(statuses=(301, 200)),
        ),
        Scenario(
            "port-redirect-chain",
            "A chain of redirects",
            "Three hops in the clear before the first encrypted one: each can be read and changed on the way.",
            server=_hsts(_GOOD),
            plain=Site(
                {"/": Page(302, "/a"), "/a": Page(302, f"{_HTTP}/b"), "/b": Page(308, f"{_HTTPS}/")},
            ),
            ports=PortsExpected(statuses=(302, 302, 308, 200)),
        ),
        Scenario(
            "port-redirect-loop",
            "Redirects in a circle",
            "Each page says that the other one is right: browsers give up.",
            server=_hsts(_GOOD),
            plain=Site({"/": Page(302, "/again"), "/again": Page(302, "/")}),
            ports=PortsExpected(statuses=(302, 302), findings=("http_error", "no_redirect_to_https")),
        ),
        Scenario(
            "port-downgrade",
            "The encrypted page leads back to plain HTTP",
            "A backend that thinks of its visitors as unencrypted sends them there.",
            server=ServerSettings(hsts=_GOOD, moved=f"{_HTTP}/shop"),
            plain=Site({"/": Page(301, f"{_HTTPS}/"), "/shop": Page(200)}),
            ports=PortsExpected(statuses=(301, 302, 200), findings=("http_redirect_to_plain",)),
        ),
        Scenario(
            "port-no-redirect",
            "Port 80 serves the page itself",
            "Whoever types the name without https:// stays in the clear.",
            server=_hsts(_GOOD),
            plain=Site({"/": Page(200)}),
            ports=PortsExpected(statuses=(200,), findings=("no_redirect_to_https",)),
        ),
        Scenario(
            "hsts-missing",
            "No HSTS",
            "Everything is right but the header: the next visit begins in the clear again.",
            server=_hsts(None),
            plain=_TO_HTTPS,
            ports=PortsExpected(statuses=(301, 200), findings=("no_hsts",)),
        ),
        Scenario(
            "hsts-short",
            "HSTS for five minutes",
            "A value for trying it out that was never raised.",
            server=_hsts("max-age=300"),
            plain=_TO_HTTPS,
            ports=PortsExpected(statuses=(301, 200), findings=("short_hsts",)),
        ),
        Scenario(
            "hsts-invalid",
            "An HSTS header that browsers ignore",
            "The max-age has a unit, as in cookies: no number, no effect.",
            server=_hsts("max-age=365d; includeSubDomains"),
            plain=_TO_HTTPS,
            ports=PortsExpected(statuses=(301, 200), findings=("no_hsts",)),
        ),
        Scenario(
            "port-error",
            "The encrypted page is broken",
            "TLS works, and the backend behind it does not: 502.",
            diagnosis="http_error",
            server=ServerSettings(hsts=_GOOD, status=502),
            plain=_TO_HTTPS,
            ports=PortsExpected(statuses=(301, 502), findings=("http_error",)),
        ),
        Scenario(
            "port-tls-on-80",
            "TLS on the plain port",
            "A request in the clear gets no HTTP; a ClientHello gets a ServerHello.",
            server=_hsts(_GOOD),
            plain=Site(speaks_tls=True),
            ports=PortsExpected(plain="tls", findings=("tls_on_plain_port",)),
        ),
    ),
)
