from __future__ import annotations

import pytest
from tls_build import (
    FROM_CLIENT,
    FROM_SERVER,
    FULL_CLIENT_HELLO,
    RANDOM,
    RETRY_RANDOM,
    SERVER_13,
    VERSION_13,
    assert_tiles,
    at,
    client_hello,
    ext,
    faults,
    handshake,
    server_hello,
    u16,
    values,
    vec,
)

from tlsviz.tls.handshake import decode_handshake
from tlsviz.tls.views import server_hello as server_view


def test_client_hello_fields() -> None:
    tree = decode_handshake(FULL_CLIENT_HELLO, FROM_CLIENT)
    assert [node.name for node in tree.children] == [
        "msg_type",
        "length",
        "legacy_version",
        "random",
        "legacy_session_id",
        "cipher_suites",
        "legacy_compression_methods",
        "extensions",
    ]
    assert at(tree, "random").value == RANDOM
    assert values(tree, "cipher_suites") == [0x1A1A, 0x1301, 0x1302, 0xC02F, 0x00FF]
    assert [node.label for node in at(tree, "cipher_suites").children[1:3]] == ["GREASE", "TLS_AES_128_GCM_SHA256"]
    assert [node.name for node in at(tree, "extensions").children[:4]] == [
        "length",
        "grease",
        "server_name",
        "status_request",
    ]


def test_a_hello_without_extensions() -> None:
    data = client_hello()
    tree = decode_handshake(data, FROM_CLIENT)
    assert tree.child("extensions") is None and faults(tree) == []
    assert_tiles(tree, data)
    assert faults(decode_handshake(server_hello(), FROM_SERVER)) == []


def test_dtls_cookie() -> None:
    body = u16(0xFEFD) + RANDOM + vec(1) + vec(1, b"cookie") + vec(2, u16(0xC02F)) + vec(1, b"\0")
    tree = decode_handshake(handshake(1, body), FROM_CLIENT)
    assert at(tree, "cookie.data").value == b"cookie" and faults(tree) == []
    verify = decode_handshake(handshake(3, u16(0xFEFF), vec(1, b"cookie")), FROM_SERVER)
    assert at(verify, "cookie.data").value == b"cookie" and faults(verify) == []


def test_session_id_too_long() -> None:
    tree = decode_handshake(client_hello(session_id=bytes(33)), FROM_CLIENT)
    assert faults(tree) == [("legacy_session_id", "longer than 32 bytes")]


@pytest.mark.parametrize(
    ("tail", "label"),
    [(b"DOWNGRD\x01", "downgrade to TLS 1.2"), (b"DOWNGRD\x00", "downgrade to TLS 1.1 or before")],
)
def test_downgrade_sentinel_is_visible(tail: bytes, label: str) -> None:
    data = server_hello(random=RANDOM[:24] + tail)
    tree = decode_handshake(data, FROM_SERVER)
    assert_tiles(tree, data)
    assert at(tree, "random.downgrade_sentinel").label == label
    assert at(tree, "random").value == RANDOM[:24] + tail
    assert at(tree, "random.random_bytes").value == RANDOM[:24]


def test_no_sentinel_no_split() -> None:
    tree = decode_handshake(server_hello(random=RANDOM[:24] + b"DOWNGRD\x02"), FROM_SERVER)
    assert at(tree, "random").children == ()


def test_hello_retry_request() -> None:
    data = server_hello(ext(51, u16(24)), VERSION_13, ext(44, vec(2, b"cookie")), random=RETRY_RANDOM)
    tree = decode_handshake(data, SERVER_13)
    assert tree.name == "hello_retry_request" and faults(tree) == []
    assert at(tree, "random").label == "HelloRetryRequest"
    assert at(tree, "extensions.key_share.selected_group").label == "secp384r1"
    assert at(tree, "extensions.cookie.cookie.data").value == b"cookie"


def test_drafts_without_session_id() -> None:
    body = u16(0x7F12) + RANDOM + u16(0x1301) + vec(2, ext(41, u16(0)), ext(13, vec(2, u16(0x0804))))
    tree = decode_handshake(handshake(2, body), FROM_SERVER)
    assert at(tree, "cipher_suite").value == 0x1301 and faults(tree) == []
    share = vec(2, ext(40, u16(29) + vec(2, bytes(32))))
    data = handshake(2, u16(0x0304) + RANDOM + u16(0xC02F) + share)  # draft 14 wrote its version so
    tree = decode_handshake(data, FROM_SERVER)
    assert at(tree, "cipher_suite").value == 0xC02F and faults(tree) == []
    assert server_view(tree, data).group == 29
    whole = decode_handshake(server_hello(version=0x0304), FROM_SERVER)
    assert whole.child("legacy_session_id_echo") and faults(whole) == []
    retry = decode_handshake(handshake(6, u16(0x7F13, 0x1301), vec(2, ext(51, u16(23)))), FROM_SERVER)
    assert retry.name == "hello_retry_request" and faults(retry) == []


def test_odd_list_is_noted_and_the_rest_is_read() -> None:
    data = client_hello(ext(43, vec(1, u16(0x0304))), suites=b"\x13\x01\x13")
    tree = decode_handshake(data, FROM_CLIENT)
    assert_tiles(tree, data)
    assert faults(tree) == [("cipher_suite", "needs 2 bytes, but only 1 left")]
    assert values(tree, "extensions.supported_versions.versions") == [0x0304]
