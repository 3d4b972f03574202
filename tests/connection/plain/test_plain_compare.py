"""Plain HTTP compared: with its like by what was asked and answered, with TLS in words that fit both."""

from __future__ import annotations

from dialogue import shake
from plain_talk import request, response, talk

from tlsviz.connection.compare import compare
from tlsviz.connection.model import Connection


def titles(one: Connection, other: Connection) -> dict[str, tuple[str, str, str]]:
    return {each.what: (each.title, each.left, each.right) for each in compare(one, other).differences}


def test_requests_and_answers_are_told_apart() -> None:
    asked = talk(request("GET", "/"), response("200 OK"))
    unanswered = talk(request("HEAD", "/there"))
    found = titles(asked, unanswered)
    assert found["http_request"] == ("First request", "GET /", "HEAD /there")
    assert found["http_response"] == ("First answer", "200 OK", "–")
    assert found["client_bytes"][0] == "Bytes of heads from the client"
    assert "http_request" not in titles(asked, asked)


def test_beside_tls_nobody_has_a_handshake_of_http() -> None:
    found = titles(talk(request("GET", "/"), response("200 OK")), shake().connection())
    assert "http_request" not in found
    assert found["client_bytes"][0] == "Bytes of handshake or heads from the client"
