"""Builds messages byte by byte, and checks trees."""

from __future__ import annotations

from pathlib import Path

from tlsviz.tls.context import Context
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Node, leaves, notes

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"

FROM_CLIENT = Context(CLIENT)
FROM_SERVER = Context(SERVER)
CLIENT_13 = Context(CLIENT, 0x0304, 0x1301)
SERVER_13 = Context(SERVER, 0x0304, 0x1301)
CLIENT_12 = Context(CLIENT, 0x0303, 0xC02F)
SERVER_12 = Context(SERVER, 0x0303, 0xC02F)
CLIENT_10 = Context(CLIENT, 0x0301, 0xC013)
SERVER_10 = Context(SERVER, 0x0301, 0xC013)

RANDOM = bytes(range(32))
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def vec(prefix: int, *parts: bytes) -> bytes:
    """The parts behind their length."""
    data = b"".join(parts)
    return len(data).to_bytes(prefix, "big") + data


def u16(*codes: int) -> bytes:
    return b"".join(code.to_bytes(2, "big") for code in codes)


def ext(code: int, body: bytes = b"") -> bytes:
    return u16(code) + vec(2, body)


def handshake(kind: int, *body: bytes) -> bytes:
    return bytes([kind]) + vec(3, *body)


def client_hello(*extensions: bytes, suites: bytes = b"\x13\x01\xc0\x2f", session_id: bytes = b"") -> bytes:
    body = u16(0x0303) + RANDOM + vec(1, session_id) + vec(2, suites) + vec(1, b"\0")
    return handshake(1, body, vec(2, *extensions) if extensions else b"")


def server_hello(
    *extensions: bytes, random: bytes = RANDOM, suite: int = 0x1301, version: int = 0x0303, session_id: bytes = b""
) -> bytes:
    body = u16(version) + random + vec(1, session_id) + u16(suite) + b"\0"
    return handshake(2, body, vec(2, *extensions) if extensions else b"")


VERSION_13 = ext(43, u16(0x0304))
FULL_CLIENT_HELLO = client_hello(
    ext(0x3A3A),
    ext(0, vec(2, b"\0" + vec(2, b"example.com"))),
    ext(5, b"\x01" + vec(2) + vec(2)),
    ext(10, vec(2, u16(0x4A4A, 4588, 29, 23))),
    ext(11, vec(1, b"\0")),
    ext(13, vec(2, u16(0x0403, 0x0804, 0x0904))),
    ext(16, vec(2, vec(1, b"h2"), vec(1, b"http/1.1"))),
    ext(18),
    ext(21, bytes(7)),
    ext(23),
    ext(27, vec(1, u16(2))),
    ext(35),
    ext(43, vec(1, u16(0x5A5A, 0x0304, 0x0303))),
    ext(45, vec(1, b"\x01")),
    ext(
        51,
        vec(2, u16(0x4A4A) + vec(2, b"\0"), u16(4588) + vec(2, bytes(1216)), u16(29) + vec(2, bytes(32))),
    ),
    ext(65037, b"\0" + u16(1, 1) + b"\x07" + vec(2, bytes(32)) + vec(2, bytes(144))),
    ext(65281, vec(1)),
    ext(41, vec(2, vec(2, b"identity") + bytes(4)) + vec(2, vec(1, bytes(32)))),
    suites=u16(0x1A1A, 0x1301, 0x1302, 0xC02F, 0x00FF),
    session_id=bytes(32),
)
FULL_SERVER_HELLO = server_hello(
    ext(51, u16(4588) + vec(2, bytes(1120))), VERSION_13, ext(41, u16(0)), session_id=bytes(32)
)


def certificate_13(*ders: bytes) -> bytes:
    entries = [vec(3, der) + vec(2, ext(18, vec(2, vec(2, b"sct")))) for der in ders]
    return handshake(11, vec(1), vec(3, *entries))


def certificate_12(*ders: bytes) -> bytes:
    return handshake(11, vec(3, *(vec(3, der) for der in ders)))


def assert_tiles(tree: Node, data: bytes) -> None:
    """Leaves tile the input, children tile their parents, and values are what stands there."""
    assert (tree.start, tree.end) == (0, len(data))
    position = 0
    for leaf in leaves(tree):
        assert leaf.start == position, leaf
        position = leaf.end
        if isinstance(leaf.value, bytes):
            assert leaf.value == data[leaf.start : leaf.end], leaf
    assert position == len(data)
    _assert_nested(tree)


def _assert_nested(node: Node) -> None:
    if node.children:
        assert (node.children[0].start, node.children[-1].end) == (node.start, node.end), node.name
    for before, after in zip(node.children, node.children[1:], strict=False):
        assert before.end == after.start, node.name
    for child in node.children:
        _assert_nested(child)


def faults(tree: Node) -> list[tuple[str, str]]:
    """Every noted node's name and note."""
    return [(node.name, node.note or "") for node in notes(tree)]


def extension_of(tree: Node, name: str) -> Node:
    found = tree.get(f"extensions.{name}")
    assert found is not None, name
    return found


def at(node: Node, path: str) -> Node:
    found = node.get(path)
    assert found is not None, path
    return found


def values(node: Node, path: str) -> list[object]:
    """The values of a vector's elements."""
    return [child.value for child in at(node, path).children[1:]]
