"""The promises that hold for every message: total, tiling, linear."""

from __future__ import annotations

import time

import pytest
from deep import examples
from hypothesis import given
from hypothesis import strategies as st
from tls_build import (
    CLIENT_10,
    CLIENT_12,
    CLIENT_13,
    FROM_CLIENT,
    FULL_CLIENT_HELLO,
    FULL_SERVER_HELLO,
    RETRY_RANDOM,
    SERVER_12,
    SERVER_13,
    assert_tiles,
    at,
    certificate_12,
    certificate_13,
    client_hello,
    ext,
    faults,
    handshake,
    server_hello,
    u16,
    vec,
)

from tlsviz.tls import registry, suites, views
from tlsviz.tls.context import Context, layout
from tlsviz.tls.handshake import decode_content, decode_handshake, decode_ssl2, message_type
from tlsviz.tls.messages.table import BODIES
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Node, walk

CONTRACT = {
    "hello_request",
    "client_hello",
    "server_hello",
    "hello_retry_request",
    "hello_verify_request",
    "new_session_ticket",
    "end_of_early_data",
    "encrypted_extensions",
    "certificate",
    "server_key_exchange",
    "certificate_request",
    "server_hello_done",
    "certificate_verify",
    "client_key_exchange",
    "finished",
    "certificate_url",
    "certificate_status",
    "supplemental_data",
    "key_update",
    "compressed_certificate",
    "next_protocol",
}


def test_types_are_the_contract() -> None:
    named = {kind: name for kind, (name, _) in BODIES.items()}
    assert set(named.values()) >= CONTRACT
    assert all(name in CONTRACT or name == f"handshake_0x{kind:02x}" for kind, name in named.items())
    for kind in range(256):
        name = message_type(bytes([kind]))
        assert name in CONTRACT or name == f"handshake_0x{kind:02x}"
        if name in CONTRACT:
            assert registry.handshake_types.get(kind) == name
    assert message_type(server_hello(random=RETRY_RANDOM)) == "hello_retry_request"
    assert message_type(server_hello(random=RETRY_RANDOM)[:38]) == "hello_retry_request"
    assert message_type(server_hello()) == "server_hello"
    assert message_type(b"") == "handshake"


def test_unknown_type() -> None:
    data = handshake(0x2A, b"abc")
    tree = decode_handshake(data, FROM_CLIENT)
    assert tree.name == "handshake_0x2a"
    assert at(tree, "body").value == b"abc"
    assert_tiles(tree, data)


def test_length_that_lies() -> None:
    data = handshake(20, bytes(12))
    short = decode_handshake(data[:-2], CLIENT_12)
    assert at(short, "length").note == "says 12 bytes follow, but only 10 are there"
    assert at(short, "verify_data").note == "must be 12 bytes, is 10"
    long = decode_handshake(data + b"xy", CLIENT_12)
    assert faults(long) == [("unexpected_bytes", "2 bytes after the end of what belongs here")]
    assert at(long, "unexpected_bytes").value == b"xy"


def test_layouts() -> None:
    assert [layout(code) for code in (None, 0x0300, 0x0303, 0x0304)] == [None, 0x0300, 0x0303, 0x0304]
    assert [layout(code) for code in (0x7F1C, 0xFB1A, 0xFEFC)] == [0x0304] * 3
    assert [layout(code) for code in (0xFEFD, 0xFEFF, 0x0101)] == [0x0303, 0x0302, 0x0302]


def test_change_cipher_spec_alert_heartbeat() -> None:
    ccs = decode_content(20, b"\x01", FROM_CLIENT)
    assert ccs.name == "change_cipher_spec" and faults(ccs) == []
    assert faults(decode_content(20, b"\x02", FROM_CLIENT)) == [("type", "must be 1")]
    alert = decode_content(21, b"\x02\x28", FROM_CLIENT)
    assert (at(alert, "level").label, at(alert, "description").label) == ("fatal", "handshake_failure")
    assert faults(decode_content(21, b"\x02", FROM_CLIENT)) == [("description", "needs 1 byte, but none left")]
    assert decode_content(23, b"data", FROM_CLIENT).name == "application_data"
    assert decode_content(26, b"", FROM_CLIENT).name == "ack"
    assert decode_content(99, b"", FROM_CLIENT).name == "content_type_0x63"


def test_heartbeat_and_heartbleed() -> None:
    data = b"\x01" + vec(2, b"ping") + bytes(16)
    tree = decode_content(24, data, FROM_CLIENT)
    assert at(tree, "payload").value == b"ping" and faults(tree) == []
    assert_tiles(tree, data)
    bleed = decode_content(24, b"\x01\x40\x00", FROM_CLIENT)
    assert "Heartbleed" in (at(bleed, "payload_length").note or "")
    assert_tiles(bleed, b"\x01\x40\x00")


def decode_all(data: bytes, context: Context) -> Node:
    """Decodes, checks the promises, and asks every view."""
    tree = decode_handshake(data, context)
    assert_tiles(tree, data)
    views.client_hello(tree, data)
    views.server_hello(tree, data)
    views.certificates(tree, data)
    views.extension_list(tree, data)
    views.selected_protocol(tree, data)
    views.key_exchange_group(tree)
    views.signature_scheme(tree)
    return tree


SAMPLES = {
    "client_hello": (FULL_CLIENT_HELLO, FROM_CLIENT),
    "server_hello": (FULL_SERVER_HELLO, SERVER_13),
    "certificate_13": (certificate_13(b"0" * 40, b"1" * 9), SERVER_13),
    "certificate_12": (certificate_12(b"0" * 40, b"1" * 9), SERVER_12),
    "server_key_exchange": (
        handshake(12, b"\x03" + u16(23) + vec(1, bytes(65)) + u16(0x0804) + vec(2, bytes(64))),
        SERVER_12,
    ),
    "certificate_request": (handshake(13, vec(1), vec(2, ext(13, vec(2, u16(0x0804))))), SERVER_13),
    "new_session_ticket": (
        handshake(4, bytes(8), vec(1, b"n"), vec(2, b"ticket"), vec(2, ext(42, bytes(4)))),
        SERVER_13,
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_whole_samples_have_no_fault(name: str) -> None:
    data, context = SAMPLES[name]
    assert faults(decode_all(data, context)) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_truncated_at_every_length(name: str) -> None:
    data, context = SAMPLES[name]
    for size in range(len(data)):
        assert faults(decode_all(data[:size], context)), size


@pytest.mark.parametrize("name", SAMPLES)
def test_truncated_body_with_a_true_header(name: str) -> None:
    data, context = SAMPLES[name]
    for size in range(len(data) - 4):
        decode_all(handshake(data[0], data[4 : 4 + size]), context)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_byte_changed(name: str) -> None:
    data, context = SAMPLES[name]
    step = 1 if len(data) < 300 else 3
    for index in range(0, len(data), step):
        for change in (0x01, 0x80, 0xFF):
            damaged = bytearray(data)
            damaged[index] ^= change
            decode_all(bytes(damaged), context)


CONTEXTS = st.builds(
    Context,
    st.sampled_from([CLIENT, SERVER]),
    st.sampled_from([None, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x0101, 0x7F1C]),
    st.sampled_from([None, 0x002F, 0x0033, 0xC02F, 0xC035, 0x00AA, 0x1301, 0xE013, 0xC01E, 0x0003, 0x1234]),
)


@examples(300)
@given(st.integers(0, 70), st.binary(max_size=300), CONTEXTS, st.booleans())
def test_any_bytes_give_a_tree(kind: int, body: bytes, context: Context, header: bool) -> None:
    decode_all(handshake(kind, body) if header else bytes([kind]) + body, context)


@examples(200)
@given(
    st.sampled_from([1, 2, 8, 13, 4]),
    st.lists(st.tuples(st.one_of(st.sampled_from(sorted(registry.extensions)), st.integers(0, 0xFFFF)), st.binary())),
)
def test_any_extensions_give_a_tree(kind: int, extensions: list[tuple[int, bytes]]) -> None:
    block = vec(2, *(ext(code, body[:200]) for code, body in extensions[:40]))
    before = {
        1: client_hello()[4:],
        2: server_hello()[4:],
        8: b"",
        13: vec(1),
        4: bytes(8) + vec(1) + vec(2, b"t"),
    }[kind]
    tree = decode_all(handshake(kind, before, block), SERVER_13)
    codes = tuple(code for code, _ in extensions[:40])
    data = handshake(kind, before, block)
    assert tuple(code for code, _ in views.extension_list(tree, data)) == codes


@examples(100)
@given(st.integers(0, 255), st.binary(max_size=100), CONTEXTS)
def test_any_content_gives_a_tree(content_type: int, data: bytes, context: Context) -> None:
    assert_tiles(decode_content(content_type, data, context), data)
    assert_tiles(decode_ssl2(data, context), data)


def test_every_suite_takes_every_key_exchange() -> None:
    body = bytes(range(60))
    for code in registry.cipher_suites:
        for kind in (12, 16, 20):
            decode_all(handshake(kind, body), Context(SERVER, 0x0303, code))
    assert suites.suite(0xC02F)


@pytest.mark.parametrize(
    ("make", "context"),
    [
        (lambda n: client_hello(suites=bytes(2 * n)), FROM_CLIENT),
        (lambda n: client_hello(*[ext(0x1234)] * (n // 2)), FROM_CLIENT),
        (lambda n: client_hello(ext(16, vec(2, *[vec(1, b"")] * n))), FROM_CLIENT),
        (lambda n: client_hello(ext(0, vec(2, *[b"\0" + vec(2, b"")] * (n // 2)))), FROM_CLIENT),
        (lambda n: handshake(11, vec(3, bytes(n * 3))), SERVER_12),
        (lambda n: handshake(13, vec(1), vec(2), vec(2, *[vec(2, b"")] * (n // 2))), SERVER_12),
    ],
    ids=["suites", "extensions", "alpn", "server_names", "certificates", "authorities"],
)
def test_time_is_linear(make, context: Context) -> None:  # type: ignore[no-untyped-def]
    def fastest(data: bytes) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            decode_handshake(data, context)
            times.append(time.process_time() - start)
        return min(times)

    small, large = make(2000), make(16000)
    assert fastest(large) < 8 * 6 * fastest(small) + 0.001


def test_many_certificates_are_not_all_taken_apart() -> None:
    tree = decode_handshake(handshake(11, vec(3, bytes(30_000))), SERVER_12)
    assert sum(1 for _ in walk(tree)) < 3000
    assert "not taken apart" in (at(tree, "certificate_list.more_certificates").note or "")


def test_a_whole_hello_is_quick() -> None:
    data = FULL_CLIENT_HELLO
    nodes = sum(1 for _ in walk(decode_handshake(data, FROM_CLIENT)))
    times = []
    for _ in range(20):
        start = time.process_time()
        decode_handshake(data, FROM_CLIENT)
        times.append(time.process_time() - start)
    assert nodes > 100
    assert min(times) / nodes < 20e-6  # about 1 µs measured; the bound leaves room for a busy machine


def test_contexts_without_a_version_are_guessed() -> None:
    for data in (certificate_12(b"der"), certificate_13(b"der")):
        tree = decode_handshake(data, Context(SERVER))
        assert [der for der, _ in views.certificates(tree, data)] == [b"der"] and faults(tree) == []
    for data in (handshake(15, vec(2, b"sig")), handshake(15, u16(0x0804), vec(2, b"sig"))):
        assert faults(decode_handshake(data, Context(CLIENT))) == []
    old, new = handshake(4, bytes(4), vec(2, b"t")), handshake(4, bytes(8), vec(1), vec(2, b"t"), vec(2))
    assert decode_handshake(old, Context(SERVER)).get("ticket_lifetime_hint")
    assert decode_handshake(new, Context(SERVER)).get("ticket_age_add")
    assert faults(decode_handshake(old, Context(SERVER))) == faults(decode_handshake(new, Context(SERVER))) == []
    assert CLIENT_13.layout == 0x0304 and CLIENT_10.layout == 0x0301
