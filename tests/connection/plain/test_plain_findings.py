"""What plain HTTP gives away, in findings with their evidence, and redirects traced to what followed them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import shake
from plain_talk import START, Said, request, response, talk

from tlsviz.connection.filters import parse
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection, Endpoint, Finding
from tlsviz.connection.observer import OBSERVERS, as_seen_by
from tlsviz.connection.plain.words import NAMELESS, cookie_names
from tlsviz.connection.redirects import traced
from tlsviz.connection.rows import row
from tlsviz.connection.tally import summarize
from tlsviz.connection.way import way
from tlsviz.explain.narrate import narrate_step
from tlsviz.explain.observer import column, learned, verdict
from tlsviz.explain.overview import overview
from tlsviz.explain.words import words
from tlsviz.wire.nodes import path_of

BASIC = "Authorization: Basic YWxpY2U6c2VjcmV0"
TO_HTTPS = response("301 Moved Permanently", "Location: https://example.com/")


def finding(connection: Connection, code: str) -> Finding | None:
    return next((each for each in connection.findings if each.code == code), None)


CASES: list[tuple[str, tuple[Said, ...], str | None]] = [
    ("credentials_in_clear", (request("GET", "/", BASIC),), "error"),
    ("credentials_in_clear", (request("GET", "/", "Proxy-Authorization: Bearer abc"),), "error"),
    ("credentials_in_clear", (request("GET", "/", "Authorization: Digest username=x"),), "warning"),
    ("credentials_in_clear", (request("GET", "/?user=a&password=b"),), "error"),
    ("credentials_in_clear", (request("GET", "http://alice:secret@example.com/"),), "error"),
    ("credentials_in_clear", (request("GET", "/?passage=b&token="),), None),
    ("credentials_in_clear", (request("GET", "/@a/passwords"),), None),
    ("cookies_in_clear", (request("GET", "/", "Cookie: a=b; c=d"),), "warning"),
    ("cookies_in_clear", (request(), response("200 OK", "Set-Cookie: id=4711; Path=/")), "warning"),
    ("cookies_in_clear", (request(), response("200 OK", "Set-Cookie: 4711; Secure")), "warning"),
    ("cookies_in_clear", (request("GET", "/", "Cookie: ;="), response("200 OK", "Set-Cookie: ; Secure")), None),
    ("cookies_in_clear", (request(), response()), None),
    ("hsts_ignored", (request(), response("200 OK", "Strict-Transport-Security: max-age=1")), "notice"),
    ("hsts_ignored", (request(), response()), None),
    ("redirect_to_https", (request(), TO_HTTPS), "info"),
    ("redirect_to_https", (request(), response("301 Moved", "Location: http://example.com/x")), None),
    ("redirect_to_https", (request(), response("200 OK", "Location: https://example.com/x")), None),
    ("http_error", (request(), response("404 Not Found")), "notice"),
    ("http_error", (request(), response("503 Busy")), "warning"),
    ("http_error", (request(), response("304 Not Modified")), None),
    ("plain_http", (request(),), "notice"),
    ("plain_http", (response(),), None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "said", "severity"), CASES, ids=[f"{n} {case[0]}" for n, case in enumerate(CASES)])
def test_what_is_worth_saying_is_said(code: str, said: tuple[Said, ...], severity: str | None) -> None:
    connection = talk(*said)
    found = finding(connection, code)
    assert (found and found.severity) == severity
    if found is None:
        return
    assert words(f"finding.{code}") is not None and found.reference
    assert found.message is not None
    tree = connection.messages[found.message].tree
    assert not found.field or path_of(tree, found.field) is not None


def test_no_evidence_repeats_a_secret() -> None:
    said = request("GET", "http://alice:secret@example.com/?token=4711", BASIC, "Cookie: session=08154711")
    told = " ".join(each.evidence for each in talk(said).findings)
    assert "alice" not in told and "4711" not in told and "YWxp" not in told and "session" in told


def test_plain_http_on_the_port_of_tls() -> None:
    at_443 = Endpoint("192.0.2.1", 443)
    assert finding(talk(request(), response(), server=at_443), "plain_http_on_tls_port")
    assert not finding(talk(request(), response("400 Bad Request"), server=at_443), "plain_http_on_tls_port")
    assert not finding(talk(request(), response()), "plain_http_on_tls_port")


def test_nothing_failed_and_nobody_is_trusted() -> None:
    connection = talk(request("GET", "/", BASIC), response("500 Broken"))
    assert connection.failure is None and connection.trust is None and connection.proofs == ()
    assert not way(connection).choices


# -- redirects -------------------------------------------------------------------------------------------------


def tls(id: int, start: float, name: str = "example.com", client: str = "10.0.0.1", port: int = 443) -> Connection:
    made = shake("1.3").connection()
    return replace(
        made, id=id, start=start, server_name=name, client=Endpoint(client, 40001), server=Endpoint("192.0.2.1", port)
    )


def test_a_redirect_is_traced_to_the_connection_that_followed_it() -> None:
    plain = talk(request(), TO_HTTPS)
    others = [
        tls(1, START - 5),
        tls(2, START + 2, client="10.0.0.2"),
        tls(3, START + 2, name="other.test"),
        tls(4, START + 2, port=8443),
        tls(5, START + 3),
        tls(6, START + 4),
    ]
    first, last = traced([plain, *others])
    assert first.redirects[0].connection == 5 and last.id == 5 and last.redirected_by == 0
    found = finding(first, "redirect_to_https")
    assert found is not None and "in connection 5" in found.evidence


def test_a_chain_of_redirects_is_traced_link_by_link() -> None:
    first = talk(request(), response("302 Found", "Location: http://www.example.com/"))
    second = replace(talk(request(host="www.example.com"), TO_HTTPS), id=1)
    second = replace(second, start=START + 1.5, messages=tuple(replace(m, time=m.time + 2) for m in second.messages))
    links = [
        (each.id, [r.connection for r in each.redirects], each.redirected_by)
        for each in traced([first, second, tls(2, START + 5)])
    ]
    assert links == [(0, [1], None), (1, [2], 0), (2, [], 1)]


def test_without_redirects_nothing_changes() -> None:
    assert traced([talk(request(), response()), tls(1, START + 1)]) == []


@pytest.mark.parametrize("location", ["https://[broken", "https://a:99999/", "//", "", "ftp://x/", "https:///x"])
def test_odd_locations_lead_nowhere(location: str) -> None:
    connection = talk(request(), response("301 Moved", f"Location: {location}"))
    assert traced([connection, tls(1, START + 1)]) == []


def test_relative_locations_are_completed() -> None:
    assert (
        talk(request("GET", "/a/b"), response("302 F", "Location: c")).redirects[0].target == "http://example.com/a/c"
    )


# -- lists and words -------------------------------------------------------------------------------------------


def test_filters_pick_plain_connections() -> None:
    rows = [row(talk(request(), TO_HTTPS)), row(tls(1, START))]
    wanted = {
        "version:plain": [True, False],
        "http:301": [True, False],
        "http:get": [True, False],
        "plain": [True, False],
        "version:1.3": [False, True],
        "version:<1.3": [False, False],
        "not plain": [False, True],
        "sni:example.com": [True, True],
    }
    assert {text: [parse(text).matches(each, 0.0) for each in rows] for text in wanted} == wanted


def test_a_summary_of_tls_counts_plain_connections_apart() -> None:
    rows = [row(tls(0, START)), *(row(replace(talk(request(), TO_HTTPS), id=n)) for n in range(1, 4))]
    found, alone = summarize(rows), summarize(rows[:1])
    assert (found.connections, found.plain, found.incomplete, found.failed) == (1, 3, alone.incomplete, alone.failed)
    counts = {facet.key: dict(counted) for facet, counted in found.facets}
    assert counts["version"] == {"TLS 1.3": 1} and counts["http"] == {"GET": 3, "301 Moved Permanently": 3}
    assert found.slices == alone.slices


def test_everybody_reads_it() -> None:
    connection = talk(request("GET", "/", "User-Agent: curl/8"), response())
    for observer in OBSERVERS:
        assert as_seen_by(connection, observer) is connection
    assert "everybody" in verdict(connection, "eavesdropper") and column(connection) == 0
    said = {each.title: each.value for each in learned(connection, connection, "eavesdropper")}
    assert said["the programs"] == "curl/8" and said["the request"] == "GET /" and said["the answer"] == "200 OK"


@pytest.mark.parametrize(
    ("values", "setting", "names"),
    [
        (["a=1; b=2"], False, ["a", "b"]),
        (["a=b=c;; d=;"], False, ["a", "d"]),
        (["4711"], False, [NAMELESS]),
        (["a=1; Secure; Path=/", "b=2"], True, ["a", "b"]),
        (["4711; Secure"], True, [NAMELESS]),
        (["=4711; Secure"], True, [NAMELESS]),
        ([" = ; Secure", ""], True, []),
        (["\x1b[2J=1"], True, ["\\x1b[2J"]),
        (["a=1;" * 100_000], False, ["a"] * 200),
    ],
)
def test_cookies_are_named_by_what_stands_before_the_equals_sign(
    values: list[str], setting: bool, names: list[str]
) -> None:
    assert cookie_names(values, setting) == names


def test_the_value_of_a_cookie_without_a_name_is_not_told_as_one() -> None:
    connection = talk(request("GET", "/", "Cookie: 4711"), response("200 OK", "Set-Cookie: 4711; Secure"))
    text = " ".join(said.text for step in steps(connection) for said in narrate_step(connection, step).sentences)
    assert f"It shows 1 cookie: {NAMELESS}." in text and f"It sets 1 cookie: {NAMELESS}." in text
    assert "4711" not in text and "Secure" not in text
    assert all("4711" not in each.evidence for each in connection.findings)


def test_every_step_is_told() -> None:
    connection = talk(
        request("GET", "/login", BASIC, "Cookie: a=b", "User-Agent: curl/8", "Upgrade: h2c"),
        response("302 Gone fishing", "Location: https://example.com/", "Set-Cookie: c=d", "Server: nginx", body=b"x"),
        request("BREW", "/pot"),
        response("799 Odd"),
    )
    told = [narrate_step(connection, step) for step in steps(connection)]
    text = " ".join(" ".join((each.lead, *(said.text for said in each.sentences), *each.odd)) for each in told)
    for wanted in (
        "curl/8",
        "base64",
        "1 cookie: a",
        "https://example.com/",
        "Gone fishing",
        "h2c",
        "1 byte of content",
    ):
        assert wanted in text, wanted
    assert "BREW is no registered method" in text and "799: this status is not registered" in text
    assert "in the clear again" in text
    assert "plain HTTP" in overview(connection).lead
