"""What servers say behind the handshake, and which issuers they would accept."""

from __future__ import annotations

import dataclasses

import pytest
from test_diagnosis import BASE, SERVER_HELLO, WANTED, message, with_alert

from tlsviz.connection.diagnosis import diagnose
from tlsviz.connection.failure import Failure
from tlsviz.connection.findings import find
from tlsviz.connection.model import ApplicationRun, Connection, Finding
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
