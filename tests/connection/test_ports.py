"""HSTS, HTTP heads, and the judgement of a server's two ports."""

from __future__ import annotations

import pytest

from tlsviz.connection.hsts import duration, parse
from tlsviz.connection.http import Reply, made_reply, reply, request_lines
from tlsviz.connection.model import Connection
from tlsviz.connection.ports import Hop, Port, Ports, judge, looks_like_tls, overheard, tls_port
from tlsviz.report.paint import render
from tlsviz.report.ports import ports_text


@pytest.mark.parametrize(
    ("text", "age", "works", "faults"),
    [
        ("max-age=31536000", 31_536_000, True, 0),
        ('max-age="31536000" ; includeSubDomains', 31_536_000, True, 0),
        ("MAX-AGE=1;INCLUDESUBDOMAINS;PRELOAD;;", 1, True, 0),
        ("max-age=0", 0, False, 0),
        ("includeSubDomains", None, False, 1),
        ("max-age=365d", None, False, 1),
        ("max-age=1; max-age=2", 1, False, 1),
        ("max-age=1; =; ", 1, False, 1),
        ("max-age=-1", None, False, 1),
        ("", None, False, 1),
        ("max-age=" + "9" * 500, 999_999_999_999, True, 0),
        ("max-age=٣", None, False, 1),
        ('max-age=1; future="a b"', 1, True, 0),
    ],
)
def test_hsts_is_read_as_browsers_do(text: str, age: int | None, works: bool, faults: int) -> None:
    found = parse(text)
    assert (found.max_age, found.works, len(found.faults)) == (age, works, faults)


def test_the_preload_list_wants_a_year_subdomains_and_the_word() -> None:
    assert parse("max-age=31536000; includeSubDomains; preload").wanted == ()
    assert parse("max-age=31535999; preload").wanted == ("max-age of at least 31536000 (1 year)", "includeSubDomains")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (59, "59 seconds"),
        (300, "5 minutes"),
        (86_400, "1 day"),
        (15_552_000, "180 days"),
        (31_536_000, "1 year"),
        (63_072_000, "2 years"),
        (100, "about 2 minutes"),
    ],
)
def test_durations_in_words(seconds: int, words: str) -> None:
    assert duration(seconds) == words


def test_answers_are_read_and_made_harmless() -> None:
    found = reply(b"HTTP/1.1 301 \x1b[31mred\r\nLocation: https://x/\r\nX: a\x80b\r\n\r\n")
    if found is not None:
        assert "\x1b" not in found.reason
    found = reply(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 404 \r\nA: b\r\n\r\nrest")
    assert found is not None and found.words == "404 Not Found" and found.header("a") == "b"
    assert reply(b"HTTP/1.1 200 OK\r\nA") is None
    assert reply(b"SSH-2.0-x\r\n") is None
    assert made_reply("HTTP/2", 299, b"\x07", [(b"A\x1b", b"\x1b]0;x")]).headers == (("a\\x1b", "\\x1b]0;x"),)


def test_requests_are_lines() -> None:
    assert request_lines(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == ("GET / HTTP/1.1", "Host: a")
    assert request_lines(b"GET / HTTP/1.1\r\nHost: a\r\n") == ()
    assert request_lines(b"\x16\x03\x01 x y\r\n\r\n") == ()


@pytest.mark.parametrize(
    ("answer", "tls"),
    [
        (bytes.fromhex("15030100020246"), True),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port", True),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nno", False),
        (b"HTTP/1.1 200 OK\r\n\r\nsent to HTTPS port", False),
        (b"", False),
        (b"\x15", False),
    ],
)
def test_tls_is_recognised_by_its_answer(answer: bytes, tls: bool) -> None:
    assert looks_like_tls(answer) is tls


def hop(url: str, status: int = 200, **headers: str) -> Hop:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Hop(url, ("GET / HTTP/1.1",), Reply("HTTP/1.1", status, "", named))


def ports(*hops: Hop, secure: Hop | None = None, ending: str = "") -> Ports:
    return Ports("a.test", (Port(443, "tls", "tls"), Port(80, "http", "http")), hops, ending, secure)


@pytest.mark.parametrize("host", ["192.0.2.1", "192.0.2.1:8443", "[2001:db8::1]", "[2001:db8::1]:8443"])
def test_browsers_remember_hsts_for_names_only(host: str) -> None:
    without = ports(hop(f"http://{host}/"), secure=hop(f"https://{host}/"))
    assert [(finding.code, finding.severity) for finding in judge(without)] == [("no_redirect_to_https", "notice")]
    sent = ports(secure=hop(f"https://{host}/", strict_transport_security="max-age=60"))
    assert [(finding.code, finding.severity) for finding in judge(sent)] == [("hsts_ignored", "info")]
    for found in (without, sent):
        text = render(list(ports_text(found, 100)), False, False)
        assert "names only" in text and "ask in the clear again" not in text
    by_name = ports(secure=hop("https://192.0.2.1.example/"))
    assert [finding.code for finding in judge(by_name)] == ["no_hsts"]


GOOD = hop("https://a.test/", strict_transport_security="max-age=31536000")
TO_TLS = hop("http://a.test/", 301, location="https://a.test/")


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        (ports(TO_TLS, GOOD, secure=GOOD), []),
        (ports(hop("http://a.test/"), secure=GOOD), ["no_redirect_to_https"]),
        (ports(hop("http://a.test/", 404), secure=GOOD), ["http_error"]),
        (
            ports(TO_TLS, hop("https://a.test/", 302, location="http://a.test/b"), hop("http://a.test/b"), secure=GOOD),
            ["http_redirect_to_plain"],
        ),
        (
            ports(
                secure=hop("https://a.test/", 302, location="http://b.test/", strict_transport_security="max-age=1e9")
            ),
            ["http_redirect_to_plain", "no_hsts"],
        ),
        (ports(TO_TLS, secure=hop("https://a.test/")), ["no_hsts"]),
        (ports(TO_TLS, secure=hop("https://a.test/", strict_transport_security="max-age=60")), ["short_hsts"]),
        (
            ports(TO_TLS, secure=hop("https://a.test/", 500, strict_transport_security="max-age=99999999")),
            ["http_error"],
        ),
        (ports(TO_TLS, secure=GOOD, ending="A loop."), ["http_error"]),
        (ports(), []),
        (
            Ports("a", (Port(443, "tls", "http"), Port(80, "http", "tls"))),
            ["plain_http_on_tls_port", "tls_on_plain_port"],
        ),
    ],
)
def test_the_judgement(found: Ports, codes: list[str]) -> None:
    assert [finding.code for finding in judge(found)] == codes


def test_a_handshake_that_nothing_is_known_of_could_not_be_tried() -> None:
    assert tls_port(443, Connection(), 0.1).state == "failed"


def test_an_eavesdropper_reads_the_plain_request() -> None:
    heard = overheard(ports(TO_TLS, secure=GOOD))
    assert heard.clear[0] == "GET / HTTP/1.1"
    assert "location: https://a.test/" in heard.clear
    assert heard.sealed == ()
