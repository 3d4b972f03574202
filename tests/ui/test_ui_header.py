"""The header says each fact of a connection once."""

from __future__ import annotations

import pytest

from tlsviz.connection.model import CodePoint, Connection, Endpoint
from tlsviz.ui.widgets.header import summary


def said(connection: Connection, width: int = 160) -> str:
    return "".join(text for text, _ in summary(connection, None, width))


def test_plain_http_is_said_once() -> None:
    words = said(Connection(plain="http", server_name="www.example.com", server=Endpoint("192.0.2.1", 80)))
    assert words.count("plain HTTP") == 1
    assert "not encrypted" in words


@pytest.mark.parametrize("width", [60, 80, 120])
def test_facts_go_by_their_rank_where_there_is_no_room(width: int) -> None:
    connection = Connection(
        server_name="a.example",
        version=CodePoint(0x0304, 2, "TLS 1.3"),
        cipher_suite=CodePoint(0x1301, 2, "TLS_AES_128_GCM_SHA256"),
        group=CodePoint(29, 2, "x25519"),
        alpn="h2",
    )
    words = said(connection, width)
    assert "a.example" in words and "TLS 1.3" in words
    assert len(words) <= width
