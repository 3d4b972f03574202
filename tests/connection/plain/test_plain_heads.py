"""Heads of HTTP/1 as trees: what they say, that they tile their bytes, and faults as notes."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soundness import assert_sound

from tlsviz.connection.plain.heads import KNOWN_FIELDS, MOST_FIELDS, Kind, begins, decode, read
from tlsviz.explain.words import lookup_field
from tlsviz.wire.nodes import names, notes, walk

HEAD = b"GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nX-Odd:  two  words \t\r\nEmpty:\r\nCookie: a=b\r\n folded\r\n\r\n"
ANSWER = b"HTTP/1.0 404 Nothing here\r\nContent-Length: 0\r\nServer:x\r\n\r\n"


def faults(data: bytes) -> list[str]:
    return [node.note or "" for node in notes(decode(data, "http_request"))]


def test_a_request_is_taken_apart() -> None:
    tree = decode(HEAD, "http_request")
    said = [(node.name, node.label) for node in tree.children]
    assert said[:4] == [
        ("request_line", "GET /a?b=c HTTP/1.1"),
        ("host", "example.com"),
        ("field_line", "X-Odd:  two  words"),
        ("field_line", "Empty:"),
    ]
    line = tree.child("request_line")
    assert line is not None
    assert [node.label for node in line.children if node.label] == ["GET", "/a?b=c", "HTTP/1.1"]
    odd = tree.children[2].children
    assert [HEAD[node.start : node.end] for node in odd] == [b"X-Odd", b":  ", b"two  words", b" \t\r\n"]
    assert_sound(tree, HEAD)


def test_an_answer_is_taken_apart() -> None:
    tree = decode(ANSWER, "http_response")
    code = tree.get("status_line.status_code")
    assert code is not None and (code.value, code.label) == (404, "Not Found")
    phrase = tree.get("status_line.reason_phrase")
    assert phrase is not None and phrase.label == "Nothing here"
    head = read(ANSWER)
    assert (head.start.status, head.start.reason, head.field("server")) == (404, "Nothing here", "x")
    assert_sound(tree, ANSWER)


def test_a_tree_travels_to_another_process() -> None:
    tree = decode(HEAD, "http_request")
    assert pickle.loads(pickle.dumps(tree)) == tree


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"GET / HTTP/1.1\nHost: x\n\n", "bare LF"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "before the colon"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", "obs-fold"),
        (b"GET / HTTP/1.1\r\nno field\r\n\r\n", "no name and colon"),
        (b"GET /\r\n\r\n", "neither a request line"),
        (b"GET / HTTP/1.1\r\nHost: x", "no end"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (MOST_FIELDS + 5) + b"\r\n", "not told apart"),
    ],
)
def test_faults_are_notes(data: bytes, fault: str) -> None:
    assert any(fault in said for said in faults(data))
    assert_sound(decode(data, "http_request"), data)


def test_a_sound_head_has_no_faults() -> None:
    assert faults(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == []


@given(st.binary(max_size=300), st.sampled_from(["http_request", "http_response"]))
def test_any_bytes_tile(data: bytes, kind: Kind) -> None:
    assert_sound(decode(data, kind), data)
    read(data)


@given(st.lists(st.sampled_from([b"GET / HTTP/1.1", b"HTTP/1.1 200 OK", b"\r\n", b"\n", b" ", b"a:", b"\xff", b"b"])))
def test_anything_like_a_head_tiles(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert_sound(decode(data, "http_request"), data)


def test_nothing_of_a_peer_can_move_the_terminal() -> None:
    data = "GET /\x1b[2J HTTP/1.1\r\nHost: \x1b]0;\x07\r\nX: \u202e\r\n\r\n".encode("latin-1", "replace")
    for _, node in walk(decode(data, "http_request")):
        assert node.label is None or node.label.isprintable()


@pytest.mark.parametrize(
    ("data", "request_", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", True, True),
        (b"G", True, None),
        (b"GET", True, None),
        (b"GET /index", True, None),
        (b"GET /index\r\n", True, False),
        (b"get / HTTP/1.1\r\n", True, False),
        (b"SSH-2.0-OpenSSH\r\n", True, False),
        (b"EHLO client\r\n", True, False),
        (b"USER alice\r\n", True, False),
        (b"\x16\x03\x01", True, False),
        (b"A" * 20_000, True, False),
        (b"GET /" + b"a" * 17_000, True, False),
        (b"H", False, None),
        (b"HTTP/1.1 2", False, None),
        (b"HTTP/1.1 200 OK\r\n", False, True),
        (b"HTTP/1.1 200\r\n", False, True),
        (b"HELO", False, False),
        (b"220 mail", False, False),
    ],
)
def test_what_begins_like_http(data: bytes, request_: bool, expected: bool | None) -> None:
    assert begins(data, request_) is expected


def test_every_prefix_of_a_start_line_is_possible() -> None:
    for line, request_ in ((b"OPTIONS * HTTP/1.1\r\n", True), (b"HTTP/1.1 301 Moved\r\n", False)):
        assert [begins(line[:size], request_) for size in range(1, len(line))] == [None] * (len(line) - 1)
        assert begins(line, request_)


def test_every_field_has_words() -> None:
    known = b"".join(name.encode() + b": x\r\n" for name in sorted(KNOWN_FIELDS))
    for kind, start in (("http_request", b"GET / HTTP/1.1\r\n"), ("http_response", b"HTTP/1.1 200 OK\r\n")):
        tree = decode(start + known + b"other: x\r\n\r\n", kind)  # type: ignore[arg-type]
        for path, _ in walk(tree):
            _, *below = names(tree, path)
            # a field that only requests have may stand in an answer
            assert not below or any(lookup_field((each, *below)) for each in ("http_request", "http_response")), below
