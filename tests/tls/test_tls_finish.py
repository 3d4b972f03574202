from __future__ import annotations

import pytest
from tls_build import CLIENT_12, CLIENT_13, FROM_CLIENT, SERVER_12, SERVER_13, at, ext, faults, handshake, vec

from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_handshake
from tlsviz.wire.chunks import CLIENT, SERVER


@pytest.mark.parametrize(
    ("version", "suite", "size"),
    [(0x0304, 0x1301, 32), (0x0304, 0x1302, 48), (0x7F1C, 0x1301, 32), (0x0303, 0xC030, 12), (0x0301, 0x0005, 12)],
)
def test_finished_has_its_size(version: int, suite: int, size: int) -> None:
    context = Context(CLIENT, version, suite)
    assert faults(decode_handshake(handshake(20, bytes(size)), context)) == []
    short = decode_handshake(handshake(20, bytes(size - 1)), context)
    assert faults(short) == [("verify_data", f"must be {size} bytes, is {size - 1}")]
    assert [name for name, _ in faults(decode_handshake(handshake(20), context))] == ["verify_data"]
    long = decode_handshake(handshake(20, bytes(size + 1)), context)
    assert [name for name, _ in faults(long)] == ["unexpected_bytes"]


def test_finished_of_ssl_3_and_of_the_unknown() -> None:
    old = decode_handshake(handshake(20, bytes(36)), Context(CLIENT, 0x0300, 0x0005))
    assert [node.name for node in old.children[2:]] == ["md5_hash", "sha_hash"] and faults(old) == []
    assert at(decode_handshake(handshake(20, bytes(7)), FROM_CLIENT), "verify_data").length == 7


@pytest.mark.parametrize("kind", [0, 5, 14])
def test_empty_messages(kind: int) -> None:
    assert faults(decode_handshake(handshake(kind), CLIENT_13)) == []
    assert [name for name, _ in faults(decode_handshake(handshake(kind, b"x"), CLIENT_13))] == ["unexpected_bytes"]


def test_tickets() -> None:
    old = decode_handshake(handshake(4, (7200).to_bytes(4, "big"), vec(2, b"ticket")), SERVER_12)
    assert at(old, "ticket_lifetime_hint").label == "2 h" and at(old, "ticket.data").value == b"ticket"
    body = (604799).to_bytes(4, "big") + bytes(4) + vec(1, b"n") + vec(2, b"ticket")
    data = handshake(4, body, vec(2, ext(42, (16384).to_bytes(4, "big"))))
    new = decode_handshake(data, SERVER_13)
    assert at(new, "ticket_lifetime").label == "6 d 23 h 59 min 59 s"
    assert at(new, "extensions.early_data.max_early_data_size").value == 16384
    assert faults(old) == faults(new) == []


@pytest.mark.parametrize(("version", "nonce"), [(0x7F12, b""), (0x7F14, b""), (0x7F15, vec(1, b"n")), (0x7F1C, vec(1))])
def test_tickets_of_drafts_have_no_nonce_before_draft_21(version: int, nonce: bytes) -> None:
    tree = decode_handshake(handshake(4, bytes(8), nonce, vec(2, b"ticket"), vec(2)), Context(SERVER, version, 0x1301))
    assert at(tree, "ticket.data").value == b"ticket" and faults(tree) == []
    assert (tree.child("ticket_nonce") is None) == (not nonce)


def test_key_update() -> None:
    tree = decode_handshake(handshake(24, b"\x01"), CLIENT_13)
    assert at(tree, "request_update").label == "update_requested" and faults(tree) == []
    assert faults(decode_handshake(handshake(24, b"\x02"), CLIENT_13)) == [("request_update", "must be 0 or 1")]


def test_next_protocol() -> None:
    tree = decode_handshake(handshake(67, vec(1, b"spdy/3"), vec(1, bytes(24))), CLIENT_12)
    assert at(tree, "selected_protocol").label == "spdy/3" and faults(tree) == []
