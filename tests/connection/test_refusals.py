"""What servers say behind the handshake, and which issuers they would accept."""

from __future__ import annotations

import dataclasses

import pytest
from hpack import Encoder
from test_diagnosis import BASE, SERVER_HELLO, WANTED, message, with_alert

from tlsviz.connection.diagnosis import diagnose
from tlsviz.connection.failure import Failure
from tlsviz.connection.findings import find
from tlsviz.connection.http import PREFACE, spoken
from tlsviz.connection.model import ApplicationRun, Connection, Finding
from tlsviz.connection.ports import Hop, Ports, judge
from tlsviz.connection.refusals import refused_by_http
from tlsviz.wire.buffers import Buffer


def answering(text: bytes, **changes: object) -> Connection:
    run = ApplicationRun(9, 1.0, 1.0, "server", 1, len(text), plaintext=Buffer("data", text, "plaintext"))
    return dataclasses.replace(BASE, complete=True, application=(run,), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.1 301 Moved\r\n\r\n", None),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "http_error"),
        (b"HTTP/1.0 503\r\n\r\n", "http_error"),
        (b"HTTP/1.1 599 \x1b[31m\r\n\r\n", "http_error"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nNo required SSL certificate was sent", "client_certificate_required"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\nThe SSL certificate error", "client_certificate_refused"),
        (b"SSH-2.0-x\r\n", None),
        (b"", None),
    ],
)
def test_answers_over_http(answer: bytes, code: str | None) -> None:
    found = refused_by_http(answering(answer))
    assert (found.code if found else None) == code
    if found is not None:
        assert "\x1b" not in found.title + found.evidence
    assert (diagnose(answering(answer), live=True) is None) == (code is None)
    assert diagnose(answering(answer)) is None, "of a capture nobody knows what was wanted"


def frame(kind: int, flags: int, payload: bytes, stream: int = 1) -> bytes:
    """A frame of HTTP/2 (RFC 9113 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def over_h2(status: int, *headers: tuple[str, str], body: bytes = b"", early: bool = False) -> Connection:
    """One request and its answer; ``early``: 103 before it."""
    asked = Encoder().encode([(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/")])
    said, encoder = frame(4, 0, b"", 0), Encoder()
    if early:
        said += frame(1, 4, encoder.encode([(":status", "103"), ("link", "</a>")]))
    head = encoder.encode([(":status", str(status)), *headers])
    said += frame(1, 0, head[:1]) + frame(9, 4, head[1:]) + frame(0, 1, body)
    texts = (("client", PREFACE + frame(4, 0, b"", 0) + frame(1, 5, asked)), ("server", said))
    runs = [
        ApplicationRun(9 + at, 1.0, 1.0, sender, 1, len(text), plaintext=Buffer("data", text, "plaintext"))  # type: ignore[arg-type]
        for at, (sender, text) in enumerate(texts)
    ]
    return dataclasses.replace(BASE, complete=True, alpn="h2", application=tuple(runs))


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"", None),
        (301, b"", None),
        (404, b"nothing", "http_error"),
        (503, b"", "http_error"),
        (999, b"", "http_error"),
        (400, b"No required SSL certificate was sent", "client_certificate_required"),
    ],
)
def test_answers_over_http2_are_told_as_those_over_http1(
    status: int, body: bytes, code: str | None, early: bool
) -> None:
    found = refused_by_http(over_h2(status, body=body, early=early))
    assert (found.code if found else None) == code
    same = refused_by_http(answering(b"HTTP/1.1 %d\r\n\r\n" % status + body))
    assert (found is None) == (same is None)
    if found is not None and same is not None:
        assert (found.severity, found.title, found.evidence, found.mend) == (
            same.severity, same.title, same.evidence, same.mend,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "target", "found"),
    [
        (301, "http://a.test/", True),
        (308, "HTTP://a.test/\x1b[31m", True),
        (302, "https://a.test/", False),
        (302, "/login", False),
        (200, "http://a.test/", False),
    ],
)
def test_redirects_to_the_clear_are_found_over_both(status: int, target: str, found: bool) -> None:
    first = answering(f"HTTP/1.1 {status} X\r\nLocation: {target}\r\n\r\n".encode())
    request = Buffer("data", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "plaintext")
    asked = ApplicationRun(8, 1.0, 1.0, "client", 1, len(request.data), plaintext=request)
    first = dataclasses.replace(first, application=(asked, *first.application))
    for connection in (first, over_h2(status, ("location", target))):
        said = [one for one in find(connection) if one.code == "http_redirect_to_plain"]
        assert bool(said) is found
        assert all("\x1b" not in one.evidence for one in said)


def test_hsts_is_read_over_http2() -> None:
    heard = spoken(over_h2(200, ("strict-transport-security", "max-age=60")))
    assert heard is not None and heard.reply is not None
    secure = Hop("https://a.test/", heard.request, heard.reply)
    assert [one.code for one in judge(Ports("a.test", (), secure=secure))] == ["short_hsts"]


def test_the_certificate_is_below_http() -> None:
    error = refused_by_http(answering(b"HTTP/1.1 404 Not Found\r\n\r\n"))
    assert error is not None
    alone = find(BASE, error, live=True)
    assert [finding.code for finding in alone if finding.diagnosis] == ["http_error"]
    assert error.severity == "warning"


def test_a_server_that_goes_without_a_word_after_asking_for_a_certificate() -> None:
    asked = dataclasses.replace(BASE, complete=True, messages=(*BASE.messages, SERVER_HELLO, WANTED))
    found = diagnose(asked, Failure("reset", "reset by peer"))
    assert found is not None
    assert found.code == "client_certificate_required"
    assert "after CertificateRequest" in found.evidence
    assert diagnose(asked, Failure("timeout", "silent")) is None
    assert diagnose(dataclasses.replace(asked, client_auth=True), Failure("reset")) is None


def test_braces_in_what_a_peer_says_are_only_braces() -> None:
    found = diagnose(with_alert(116, SERVER_HELLO, message(2, "server", "certificate_request")))
    assert isinstance(found, Finding)
    assert found.evidence.endswith("Its CertificateRequest names no issuers: any might do.")
