from __future__ import annotations

import pytest

from tlsviz.connection.model import Connection, Endpoint, Prelude
from tlsviz.connection.prelude import destination
from tlsviz.connection.rows import row
from tlsviz.connection.titles import whom
from tlsviz.wire.chunks import CLIENT, SERVER

GREETING = b"\x05\x01\x00"
LOGIN = b"\x01\x04user\x04pass"


def said(*parts: bytes) -> tuple[Prelude, ...]:
    """The client's parts, with an answer between them."""
    turns = [turn for part in parts for turn in ((CLIENT, part), (SERVER, b"\x05\x00"))]
    return tuple(Prelude(order, float(order), sender, data) for order, (sender, data) in enumerate(turns))


@pytest.mark.parametrize(
    ("parts", "end"),
    [
        ((b"CONNECT www.example.com:8443 HTTP/1.1\r\nHost: x\r\n\r\n",), ("www.example.com", 8443)),
        ((b"CONNECT [2001:db8::7]:443 HTTP/1.1\r\n\r\n",), ("2001:db8::7", 443)),
        ((b"CONNECT a\x1bb:443 HTTP/1.0\r\n\r\n",), ("a\\x1bb", 443)),
        ((GREETING, b"\x05\x01\x00\x03\x0bexample.com\x01\xbb"), ("example.com", 443)),
        ((b"\x05\x02\x00\x02", LOGIN, b"\x05\x01\x00\x03\x0bexample.com\x00\x19"), ("example.com", 25)),
        ((GREETING, b"\x05\x01\x00\x01\xc0\x00\x02\x07\x20\xfb"), ("192.0.2.7", 8443)),
        ((GREETING, b"\x05\x01\x00\x04" + bytes(15) + b"\x01\x01\xbb"), ("::1", 443)),
        ((b"\x04\x01\x01\xbb\xc0\x00\x02\x07user\x00",), ("192.0.2.7", 443)),
        ((b"\x04\x01\x01\xbb\x00\x00\x00\x01user\x00example.com\x00",), ("example.com", 443)),
    ],
)
def test_where_a_proxy_leads_to(parts: tuple[bytes, ...], end: tuple[str, int]) -> None:
    assert destination(said(*parts)) == Endpoint(*end)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"EHLO example.com\r\nSTARTTLS\r\n",
        b"CONNECT www.example.com:99999 HTTP/1.1\r\n\r\n",
        b"CONNECT www.example.com HTTP/1.1\r\n\r\n",
        GREETING,
        GREETING + b"\x05\x01\x00\x03\x0bexample.co",
        GREETING + b"\x05\x01\x00\x09" + bytes(40),
        GREETING + b"\x05\x02\x00\x01" + bytes(6),
        b"\x04\x01\x01\xbb",
    ],
)
def test_no_destination_is_made_up(data: bytes) -> None:
    assert destination(said(data)) is None


def test_a_connection_through_a_proxy_is_named_by_where_it_goes() -> None:
    proxied = Connection(
        server=Endpoint("192.0.2.1", 3128),
        server_name="www.example.com",
        prelude=said(b"CONNECT www.example.com:8443 HTTP/1.1\r\n\r\n"),
    )
    assert whom(proxied, 60) == row(proxied).title == "www.example.com:8443 via proxy"
    assert row(proxied).target == Endpoint("www.example.com", 8443)
    assert row(proxied).goal == Endpoint("www.example.com", 8443)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Endpoint("02:00:00:00:00:01", 0), "02:00:00:00:00:01"),
        (Endpoint("2001:db8::1", 443), "[2001:db8::1]:443"),
        (Endpoint("192.0.2.1", 443), "192.0.2.1:443"),
        (Endpoint("", 443), "unknown server:443"),
        (Endpoint("", 0), "unknown server"),
    ],
)
def test_a_server_without_a_name_is_named_by_its_address(server: Endpoint, words: str) -> None:
    assert whom(Connection(server=server), 60) == words
