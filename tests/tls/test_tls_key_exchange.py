from __future__ import annotations

import pytest
from tls_build import CLIENT_12, SERVER_10, SERVER_12, assert_tiles, at, faults, handshake, u16, vec

from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_handshake
from tlsviz.tls.views import key_exchange_group, signature_scheme
from tlsviz.wire.chunks import CLIENT, SERVER

CURVE = b"\x03" + u16(29) + vec(1, bytes(32))
DH = vec(2, b"\x80" + bytes(255)) + vec(2, b"\x02") + vec(2, bytes(256))
SIGNED = u16(0x0804) + vec(2, b"signature")


def fields(data: bytes, context: Context) -> list[str]:
    tree = decode_handshake(data, context)
    assert_tiles(tree, data)
    assert faults(tree) == []
    return [node.name for node in tree.children[2:]]


def test_ecdhe() -> None:
    tree = decode_handshake(handshake(12, CURVE, SIGNED), SERVER_12)
    assert key_exchange_group(tree) == 29 and signature_scheme(tree) == 0x0804
    params = at(tree, "params")
    assert (params.start, params.length) == (4, len(CURVE))
    assert at(params, "public.point").length == 32
    assert at(tree, "signature.data").value == b"signature" and faults(tree) == []


POINT = b"\x04" + bytes(64)


@pytest.mark.parametrize(
    ("version", "suite", "body", "expected"),
    [
        (0x0301, 0xC013, CURVE + vec(2, b"sig"), ["params", "signature"]),
        (0x0303, 0xC018, CURVE, ["params"]),  # ECDH_anon: no signature
        (0x0303, 0x0033, DH + SIGNED, ["params", "algorithm", "signature"]),
        (0x0302, 0x0033, DH + vec(2, b"sig"), ["params", "signature"]),
        (0x0303, 0x0034, DH, ["params"]),  # DH_anon
        (0x0301, 0x0003, vec(2, bytes(64)) + vec(2, b"\x01\x00\x01") + vec(2, b"sig"), ["params", "signature"]),
        (0x0303, 0x00A8, vec(2, b"hint"), ["params"]),
        (0x0303, 0x00AC, vec(2, b"hint"), ["params"]),
        (0x0303, 0x00AA, vec(2, b"hint") + DH, ["params"]),
        (0x0303, 0xC035, vec(2, b"hint") + CURVE, ["params"]),
        (0x0303, 0xC01D, vec(2, b"N") + vec(2, b"g") + vec(1, b"s") + vec(2, b"B"), ["params"]),
        (0x0303, 0xC01E, vec(2, b"N") + vec(2, b"g") + vec(1, b"s") + vec(2, b"B") + SIGNED, None),
        (0x0101, 0xE013, vec(2, b"sig"), ["signature"]),
        (0x0303, 0xC100, b"whatever", ["server_key_exchange"]),
        (0x0303, 0xC0FF, b"\x03" + u16(23) + vec(1, POINT) + vec(1, POINT) + vec(1, b"r"), ["params"]),
        (0x0303, 0xC0B0, vec(1, b"salt") + b"\x03" + u16(23) + vec(1, POINT) + vec(1, b"s"), ["params"]),
        (0x0303, None, b"whatever", ["server_key_exchange"]),
    ],
)
def test_server_by_suite(version: int, suite: int | None, body: bytes, expected: list[str] | None) -> None:
    found = fields(handshake(12, body), Context(SERVER, version, suite))
    assert found == (expected or ["params", "algorithm", "signature"])


@pytest.mark.parametrize(
    ("version", "suite", "body", "expected"),
    [
        (0x0300, 0x002F, bytes(256), ["encrypted_premaster_secret"]),
        (0x0303, 0x002F, vec(2, bytes(256)), ["encrypted_premaster_secret"]),
        (0x0303, 0xC02F, vec(1, bytes(32)), ["ecdh_Yc"]),
        (0x0303, 0x0033, vec(2, bytes(256)), ["dh_Yc"]),
        (0x0303, 0x0031, b"", []),  # the key is in the client's certificate
        (0x0303, 0x00A8, vec(2, b"me"), ["psk_identity"]),
        (0x0303, 0x00AC, vec(2, b"me") + vec(2, bytes(256)), ["psk_identity", "encrypted_premaster_secret"]),
        (0x0303, 0x00AA, vec(2, b"me") + vec(2, bytes(256)), ["psk_identity", "dh_Yc"]),
        (0x0303, 0xC035, vec(2, b"me") + vec(1, bytes(32)), ["psk_identity", "ecdh_Yc"]),
        (0x0303, 0xC01D, vec(2, b"A"), ["srp_A"]),
        (
            0x0301,
            0x001F,
            vec(2, b"t") + vec(2) + vec(2, b"e"),
            ["Ticket", "authenticator", "encrypted_premaster_secret"],
        ),
        (0x0101, 0xE011, b"\x03" + u16(41) + vec(1, bytes(65)), ["curve_params", "public"]),
        (0x0303, 0xC100, b"\x30\x00", ["GostKeyTransport"]),
        (0x0303, 0xC0FF, vec(1, POINT) + vec(1, POINT) + vec(1, b"r"), ["ecjpake_key_kp"]),
        (0x0303, 0xC0B0, vec(1, POINT) + vec(1, b"s"), ["element", "scalar"]),
        (0x0303, None, b"whatever", ["exchange_keys"]),
    ],
)
def test_client_by_suite(version: int, suite: int | None, body: bytes, expected: list[str]) -> None:
    assert fields(handshake(16, body), Context(CLIENT, version, suite)) == expected


def test_explicit_curves() -> None:
    curve = vec(1, b"a") + vec(1, b"b") + vec(1, b"G") + vec(1, b"n") + vec(1, b"\1")
    prime = b"\x01" + vec(1, bytes(32)) + curve
    trinomial = b"\x02" + u16(163) + b"\x01" + vec(1, b"k") + curve
    pentanomial = b"\x02" + u16(163) + b"\x02" + vec(1, b"1") + vec(1, b"2") + vec(1, b"3") + curve
    for params in (prime, trinomial, pentanomial):
        data = handshake(12, params, vec(1, bytes(65)), SIGNED)
        tree = decode_handshake(data, SERVER_12)
        assert_tiles(tree, data)
        assert faults(tree) == [] and key_exchange_group(tree) is None
        assert at(tree, "params.curve_params.curve.a.data").value == b"a"


def test_sizes_in_words_and_faults() -> None:
    tree = decode_handshake(handshake(12, DH, SIGNED), Context(SERVER, 0x0303, 0x0033))
    assert at(tree, "params.dh_p").label == "2048 bits"
    bad = decode_handshake(handshake(12, b"\x03" + u16(29) + vec(1, bytes(31)), SIGNED), SERVER_12)
    assert faults(bad) == [("point", "a point of this group has 32 bytes")]
    compressed = decode_handshake(handshake(12, b"\x03" + u16(23) + vec(1, bytes(33)), SIGNED), SERVER_12)
    assert faults(compressed) == []
    unknown = decode_handshake(handshake(12, b"\x09rest"), SERVER_12)
    assert faults(unknown)[0] == ("curve_type", "no such curve type: what follows cannot be told apart")


def test_a_short_premaster_is_noted() -> None:
    data = handshake(16, u16(256) + bytes(10))
    tree = decode_handshake(data, Context(CLIENT, 0x0301, 0x002F))
    assert_tiles(tree, data)
    assert faults(tree) == [("encrypted_premaster_secret", "says 256 bytes follow, but only 10 are there")]
    assert SERVER_10.layout == 0x0301 and CLIENT_12.layout == 0x0303
