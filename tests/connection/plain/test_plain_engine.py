"""Plain HTTP followed: framing of bodies, gaps, tunnels that lead to TLS, and what is not HTTP."""

from __future__ import annotations

import random
import time

import pytest
from dialogue import shake
from plain_talk import CLIENT_END, SERVER_END, START, Said, chunks, followed, request, response, talk

from tlsviz.connection.engine import Engine
from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.plain.engine import MOST_HEADS
from tlsviz.connection.plain.undecided import Undecided
from tlsviz.connection.rows import row
from tlsviz.connection.titles import count
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Mark
from tlsviz.wire.nodes import leaves

CHUNKED = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\n"


def kinds(connection: Connection) -> list[str]:
    return [step.title for step in steps(connection)]


def sizes(connection: Connection) -> tuple[int, int]:
    return connection.client_data.bytes, connection.server_data.bytes


EXCHANGES: dict[str, tuple[tuple[Said, ...], list[str], tuple[int, int]]] = {
    "one": (
        (request(), response(body=b"x" * 10)),
        ["GET /", "200 OK", "body of the answer"],
        (0, 10),
    ),
    "two in turn": (
        (
            request(),
            response(body=b"x" * 10),
            request("POST", "/p", "Content-Length: 4"),
            (CLIENT, b"data"),
            response(),
        ),
        ["GET /", "200 OK", "body of the answer", "POST /p", "body of the request", "200 OK"],
        (4, 10),
    ),
    "pipelined": (
        ((CLIENT, request()[1] + request(target="/b")[1]), (SERVER, response(body=b"abc")[1] + response("404 No")[1])),
        ["GET /", "GET /b", "200 OK", "body of the answer", "404 No"],
        (0, 3),
    ),
    "chunked": (
        (
            request(),
            (SERVER, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED),
            request(),
            response(),
        ),
        ["GET /", "200 OK", "body of the answer", "GET /", "200 OK"],
        (0, 11),
    ),
    "until the end": (
        (request(), response(length=False, body=b"HTTP/1.1 200 OK\r\n\r\n" * 3)),
        ["GET /", "200 OK", "body of the answer"],
        (0, 57),
    ),
    "HEAD has no body": (
        (
            request("HEAD"),
            (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
            request(),
            response("204 No Content"),
        ),
        ["HEAD /", "200 OK", "GET /", "204 No Content"],
        (0, 0),
    ),
    "not modified": (
        (request(), (SERVER, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"), request(), response()),
        ["GET /", "304 Not Modified", "GET /", "200 OK"],
        (0, 0),
    ),
    "on the way": (
        (
            request("POST", "/", "Content-Length: 2"),
            (SERVER, b"HTTP/1.1 100 Continue\r\n\r\n"),
            (CLIENT, b"ok"),
            response(),
        ),
        ["POST /", "100 Continue", "body of the request", "200 OK"],
        (2, 0),
    ),
    "websocket": (
        (
            request("GET", "/", "Upgrade: websocket"),
            response("101 Switching Protocols", length=False),
            (CLIENT, b"\x81\5hello"),
        ),
        ["GET /", "101 Switching Protocols", "body of the request"],
        (7, 0),
    ),
    "refused proxy": (
        (
            request("CONNECT", "a:443"),
            response("407 Log in", body=b"no"),
            request("CONNECT", "a:443"),
            response("403 No"),
        ),
        ["CONNECT a:443", "407 Log in", "body of the answer", "CONNECT a:443", "403 No"],
        (0, 2),
    ),
    "HTTP/2 in the clear": (
        ((CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(20)), (SERVER, bytes(30))),
        ["PRI *", "body of the request", "body of the answer"],
        (26, 30),
    ),
    "blank lines between": (
        (request(), response(), (CLIENT, b"\r\n" + request()[1]), response()),
        ["GET /", "200 OK", "GET /", "200 OK"],
        (0, 0),
    ),
    "only the answer": ((response("302 Found", "Location: /x"),), ["302 Found"], (0, 0)),
}


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("piece", [1 << 20, 1, 7])
def test_heads_and_bodies_are_told_apart(name: str, piece: int) -> None:
    said, titles, amounts = EXCHANGES[name]
    found = talk(*said, piece=piece)
    assert (kinds(found), sizes(found)) == (titles, amounts)
    assert found.plain == "http" and found.version is None and found.transport == "tcp"
    assert found == talk(*said)


def test_heads_tile_and_are_hashed_whole() -> None:
    found = talk(request("POST", "/x", "Content-Length: 2"), (CLIENT, b"ab"), response("500 Broken"))
    for message in found.messages:
        assert message.buffer is not None and message.tree is not None
        assert message.content_type == "http" and message.length == len(message.buffer.data)
        parts = [message.buffer.data[leaf.start : leaf.end] for leaf in leaves(message.tree)]
        assert b"".join(parts) == message.buffer.data
    assert [message.packets for message in found.messages] == [(1,), (3,)]


def test_the_name_is_that_of_host() -> None:
    assert talk(request(host="Example.COM:8080")).server_name == "example.com"
    assert talk(request(host="[2001:db8::1]:80")).server_name == "2001:db8::1"
    assert talk(request("GET", "http://proxied.test/x", host="other.test")).server_name == "proxied.test"
    assert talk((CLIENT, b"GET / HTTP/1.0\r\n\r\n")).server_name is None


def test_a_row_says_what_it_is() -> None:
    found = row(talk(request(), response("404 Not Found")))
    assert (found.plain, found.spoken, found.outcome, found.version) == (True, "plain HTTP", "404 Not Found", None)
    assert found.http == ("GET", "404 Not Found") and not found.failed
    assert count([talk(request())]) == "1 plain HTTP connection"


# -- gaps ------------------------------------------------------------------------------------------------------


def test_a_hole_in_a_body_costs_nothing_else() -> None:
    ask, answer = request(), response(body=b"x" * 100)
    items = [
        *chunks([ask]),
        Chunk(SERVER, START, answer[1][:-60]),
        Gap(SERVER, START, 60),
        *chunks([ask, response("404 No")]),
    ]
    found = judged(followed(items).connection())
    assert [message.type for message in found.messages] == ["http_request", "http_response"] * 2
    assert found.server_data.bytes == 40 and [hole.length for hole in found.holes] == [60]
    assert "capture_lost_packets" in {finding.code for finding in found.findings}


def test_behind_a_hole_in_a_head_the_next_head_is_found() -> None:
    ask, answer = request(), response(body=b"x" * 100)
    items = [*chunks([ask]), Chunk(SERVER, START, answer[1][:20]), Gap(SERVER, START, 9)]
    items += [Chunk(SERVER, START, b"rest\r\n\r\nbody\n"), *chunks([ask, response("404 No")])]
    found = followed(items).connection()
    broken = found.messages[1]
    assert not broken.whole and "9 bytes that follow are missing" in (broken.note or "")
    assert [message.type for message in found.messages] == ["http_request", "http_response"] * 2


def test_a_connection_in_mid_stream_is_found_by_its_next_head() -> None:
    rest = Chunk(SERVER, START, b"the rest of a page\n")
    for items in ([rest, *chunks([request(), response()])], [*chunks([request()]), rest, *chunks([response()])]):
        found = followed(items).connection()
        assert [message.type for message in found.messages] == ["http_request", "http_response"]


def test_a_cut_head_is_shown_with_what_it_lacks() -> None:
    found = talk((CLIENT, b"GET / HTTP/1.1\r\nHost: exam"))
    assert found.messages[0].note == "the bytes end in the middle of it" and not found.messages[0].whole


def test_marks_stand_before_the_heads() -> None:
    items = [
        Mark("syn", CLIENT, START),
        Mark("syn_ack", SERVER, START),
        *chunks([request()]),
        Mark("rst", SERVER, START),
    ]
    assert kinds(followed(items).connection()) == ["TCP SYN", "TCP SYN, ACK", "GET /", "TCP RST"]


# -- TLS behind HTTP, and what is neither ----------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1 << 20, 1])
@pytest.mark.parametrize(
    "before",
    [
        (request("CONNECT", "a:443"), response("200 Connection established", length=False)),
        (
            request("CONNECT", "a:443"),
            response("407 No"),
            request("CONNECT", "a:443"),
            response("200 Yes", length=False),
        ),
        (request(), response(), request("CONNECT", "a:443"), response("200 Yes", length=False)),
        (request("OPTIONS", "*", "Upgrade: TLS/1.0"), response("101 Switching Protocols", length=False)),
    ],
    ids=["connect", "second try", "behind a page", "upgrade"],
)
def test_tls_behind_what_opens_a_tunnel_is_tls(before: tuple[Said, ...], piece: int) -> None:
    dialogue = shake("1.3")
    tls = [
        chunk._replace(data=chunk.data[at : at + piece])
        for chunk in dialogue.chunks
        for at in range(0, len(chunk.data), piece)
    ]
    engine = Undecided(CLIENT_END, SERVER_END, dialogue.keys())
    for item in [*chunks(before, piece), *tls]:
        engine.receive(item)
    engine.finish()
    found = engine.connection()
    assert found.plain is None and found.complete
    assert b"".join(part.data for part in found.prelude if part.sender == CLIENT) == b"".join(
        data for sender, data in before if sender == CLIENT
    )


def test_a_hello_inside_of_a_body_is_content() -> None:
    hello = b"".join(chunk.data for chunk in shake("1.3").chunks if chunk.sender == CLIENT)
    for said in (
        (request("POST", "/", f"Content-Length: {len(hello)}"), (CLIENT, hello), response(body=hello)),
        (request("POST", "/", f"Content-Length: {len(hello)}"), response(body=hello)),
    ):
        assert talk(*said).plain == "http" and talk(*said, piece=1) == talk(*said)


def test_tls_from_the_first_byte_is_followed_by_its_own_engine() -> None:
    dialogue = shake("1.2")
    engine = Undecided(CLIENT_END, SERVER_END, dialogue.keys())
    engine.receive(dialogue.chunks[0])
    assert isinstance(engine.settled, Engine)


def test_an_answer_in_http_to_a_hello_stays_a_failed_handshake() -> None:
    hello = shake("1.3").chunks[0]
    found = followed([hello, *chunks([response("400 Bad Request", body=b"plain HTTP request")])]).connection()
    assert found.plain is None and found.messages[0].type == "client_hello" and found.prelude


@pytest.mark.parametrize(
    "said",
    [
        [(SERVER, b"220 mail ESMTP\r\n"), (CLIENT, b"EHLO x\r\n")],
        [(SERVER, b"SSH-2.0-OpenSSH_9.2\r\n"), (CLIENT, b"SSH-2.0-x\r\n")],
        [(CLIENT, b"OPTIONS sip:a SIP/2.0\r\n\r\n"), (SERVER, b"SIP/2.0 200 OK\r\n\r\n")],
        [(CLIENT, bytes(range(256)) * 8), (SERVER, bytes(1000))],
        [(CLIENT, b"GETTING on"), (SERVER, b"HTTPS")],
    ],
)
def test_what_is_no_http_is_none(said: list[Said]) -> None:
    assert not followed(chunks(said)).is_tls


# -- bounds ----------------------------------------------------------------------------------------------------


def test_heads_are_bounded_and_counted() -> None:
    found = talk((CLIENT, request()[1] * (MOST_HEADS + 5)))
    assert len(found.messages) == MOST_HEADS
    assert found.messages[-1].note == "5 heads after it are not kept: too many"


def test_a_head_without_an_end_is_cut() -> None:
    found = talk((CLIENT, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000))
    assert len(found.messages) == 1 and "longer than" in (found.messages[0].note or "")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n" + b"x" * 60_000,
        b"GET / HTTP/1.1\r\nX:" + b" " * 60_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000,
        b"GET /" + b"a" * 60_000,
        b"GET / HTTP/1.1\r\n\r\n" + b"nonsense without an end " * 2_500,
    ],
    ids=["no head end", "blanks", "chunks", "target", "stray"],
)
def test_one_byte_segments_take_linear_time(data: bytes) -> None:
    begun = time.process_time()
    followed(chunks([(CLIENT, data)], 1))
    assert time.process_time() - begun < 5  # quadratic time would be minutes


def test_random_bytes_and_cuts_never_raise() -> None:
    source = random.Random(7)
    pieces = [
        b"GET / HTTP/1.1\r\n",
        b"HTTP/1.1 101 x\r\n",
        b"\r\n",
        b"Content-Length: 5\r\n",
        b"a",
        b"\x16\x03\x01",
        b"0\r\n",
    ]
    pieces += [
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: " + b"9" * 30 + b"\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    ]
    for _ in range(300):
        engine = Undecided(CLIENT_END, Endpoint("", 0), KeyLog())
        for _ in range(20):
            side = source.choice((CLIENT, SERVER))
            if source.random() < 0.1:
                engine.receive(Gap(side, START, source.randrange(1, 2000)))
            else:
                engine.receive(Chunk(side, START, b"".join(source.choices(pieces, k=4)), (1,)))
        engine.finish()
        if engine.is_tls:
            judged(engine.connection())
