"""Every extension in every message where it may stand: decoded to its last field, and total when cut or followed."""

from __future__ import annotations

import pytest
from der_build import der_faults
from extension_bodies import BODIES, every
from tls_build import RETRY_RANDOM, VERSION_13, assert_tiles, ext, faults, handshake, u16, vec

from tlsviz.tls import registry
from tlsviz.tls.context import Context
from tlsviz.tls.extensions import node_name
from tlsviz.tls.handshake import decode_handshake
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Deferred, Node, walk

UNSPECIFIED = {(36, "SH12")}
"""What a server answers is in ETSI's own text alone; of 37, 38 (TLMSP too) and 60 (a draft) no software is public."""
WITHOUT_DECODER = {37, 38, 60}
ROOM_FOR_MORE = {21, 35, 35655}
"""Their body is any number of bytes."""
EVERY = [pytest.param(*each, id=f"{node_name(each[0])} in {each[1]}") for each in every()]


def message(place: str, extension: bytes) -> tuple[bytes, Context]:
    """A message that this extension stands in, in its proper place."""
    hello = u16(0x0303) + bytes(32) + vec(1)
    if place == "CH":
        return handshake(1, hello, vec(2, u16(0x1301)), vec(1, b"\0"), vec(2, extension)), Context(CLIENT)
    if place in ("SH", "SH12", "HRR"):
        marks = b"" if place == "SH12" or extension[:2] == VERSION_13[:2] else VERSION_13
        marks += ext(44, vec(2, b"again")) if place == "HRR" and extension[:2] != u16(44) else b""
        random = RETRY_RANDOM if place == "HRR" else bytes(32)
        head = u16(0x0303) + random + vec(1) + u16(0x1301) + b"\0"
        return handshake(2, head, vec(2, marks, extension)), Context(SERVER)
    kind, before, after = {
        "EE": (8, b"", b""),
        "CR": (13, vec(1), b""),
        "CCR": (17, vec(1), b""),
        "NST": (4, bytes(8) + vec(1) + vec(2, b"t"), b""),
        "CT": (11, vec(1), b""),
    }[place]
    must = ext(13, vec(2, u16(0x0403))) if place == "CR" and extension[:2] != u16(13) else b""
    block = vec(2, must, extension)
    if place == "CT":
        block = vec(3, vec(3, b"\x30\0") + block)
    return handshake(kind, before, block, after), Context(SERVER, 0x0304, 0x1301)


def decoded(code: int, place: str, body: bytes) -> tuple[Node, Node]:
    """The message's tree and that of the extension in it."""
    data, context = message(place, ext(code, body))
    tree = decode_handshake(data, context)
    assert_tiles(tree, data)
    found = [node for _, node in walk(tree) if node.name == node_name(code) and node.children]
    return tree, found[0]


def test_the_table_has_every_extension() -> None:
    assert set(BODIES) == set(registry.extensions)


@pytest.mark.parametrize(("code", "place", "body"), EVERY)
def test_a_sound_one_is_decoded_to_its_scalars(code: int, place: str, body: bytes) -> None:
    tree, extension = decoded(code, place, body)
    assert faults(tree) == []
    inside = extension.children[2:]
    assert bool(inside) == bool(body)
    assert ("extension_data" in {node.name for node in inside}) == (bool(body) and (code, place) in UNSPECIFIED)
    assert [fault for _, node in walk(extension) if isinstance(node, Deferred) for fault in der_faults(node)] == []


@pytest.mark.parametrize(("code", "place", "body"), EVERY)
def test_a_damaged_one_is_noted_and_what_follows_is_read(code: int, place: str, body: bytes) -> None:
    """Cut at any place or with a byte more, in its own length: noted, unless any bytes would do."""
    for size in range(len(body)):
        data, context = message(place, ext(code, body[:size]) + ext(0x1234, b"next"))
        tree = decode_handshake(data, context)
        assert_tiles(tree, data)
        assert [node.value for _, node in walk(tree) if node.name == "extension_data"][-1:] == [b"next"]
    if (
        code not in WITHOUT_DECODER | ROOM_FOR_MORE
        and (code, place) not in UNSPECIFIED
        and not (code in (17513, 17613) and place == "EE")
    ):
        tree, _ = decoded(code, place, body + b"\x05")
        assert faults(tree) != []
