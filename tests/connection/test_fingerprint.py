"""Fingerprints against the examples that their authors published."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tlsviz.connection import fingerprint
from tlsviz.connection.model import Message
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.tls.views import ClientHello, ServerHello
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import Node

SHARED = Path(__file__).parents[3] / "shared" / "captures"


def hello(**known: object) -> ClientHello:
    empty = {
        "legacy_version": 0x0303,
        "random": bytes(32),
        "session_id": b"",
        "cipher_suites": (),
        "compression_methods": (0,),
        "extensions": (),
        "server_name": None,
        "alpn": (),
        "versions": (),
        "groups": (),
        "signature_schemes": (),
        "key_share_groups": (),
        "point_formats": (),
        "psk_identities": (),
        "psk_modes": (),
        "has_early_data": False,
    }
    return ClientHello(**{**empty, **known})  # type: ignore[arg-type]


def codes(text: str) -> tuple[int, ...]:
    return tuple(int(part, 16) for part in text.split(","))


def test_ja3_of_the_published_example() -> None:
    found = hello(
        legacy_version=769,
        cipher_suites=(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
        extensions=((0, b""), (10, b""), (11, b"")),
        groups=(23, 24, 25),
        point_formats=(0,),
    )
    assert fingerprint.ja3_text(found) == "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
    assert fingerprint.ja3(found) == "ada70206e40642a3e4461f35503241d5"


def test_ja3_of_a_hello_without_extensions() -> None:
    found = hello(legacy_version=769, cipher_suites=(4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99))
    assert fingerprint.ja3(found) == "de350869b8c85de67a350c8d186f11e6"


def test_ja4_of_the_published_example() -> None:
    extensions = codes("001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015")
    found = hello(
        versions=(0x2A2A, 0x0304, 0x0303),
        cipher_suites=codes("0a0a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"),
        extensions=tuple((code, b"\0\x0c\x02h2\x08http/1.1" if code == 16 else b"") for code in (0x1A1A, *extensions)),
        signature_schemes=codes("0403,0804,0401,0503,0805,0501,0806,0601"),
    )
    assert fingerprint.ja4(found) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    ("versions", "legacy", "digits"),
    [((), 0xFEFF, "d1"), ((), 0xFEFD, "d2"), ((0xFEFC, 0xFEFD), 0xFEFD, "d3"), ((0xFEFD, 0xFEFF), 0xFEFD, "d2")],
)
def test_ja4_has_the_newest_version_of_dtls(versions: tuple[int, ...], legacy: int, digits: str) -> None:
    """They count downwards."""
    found = hello(versions=versions, legacy_version=legacy)
    assert fingerprint.ja4(found, "dtls").startswith(f"d{digits}i")


def test_ja4_of_an_empty_hello() -> None:
    assert fingerprint.ja4(hello()) == "t12i000000_000000000000_000000000000"


def server_hello(*extensions: int, **known: object) -> ServerHello:
    usual = {
        "legacy_version": 0x0303,
        "version": 0x0303,
        "random": bytes(32),
        "session_id": b"",
        "cipher_suite": 0xC030,
        "compression_method": 0,
        "extensions": tuple((code, b"") for code in extensions),
        "group": None,
        "selected_psk": None,
        "alpn": None,
        "is_retry": False,
    }
    return ServerHello(**{**usual, **known})  # type: ignore[arg-type]


def test_ja4s_of_the_published_example() -> None:
    assert fingerprint.ja4s(server_hello(5, 0x17, 0xFF01, 0)) == "t120400_c030_4e8089b08790"


def test_ja4s_of_published_servers_of_tls13() -> None:
    """Sliver and SoftEther in the authors' list of examples; the order of the extensions counts."""
    sliver = server_hello(0x2B, 0x33, version=0x0304, cipher_suite=0x1301)
    assert fingerprint.ja4s(sliver) == "t130200_1301_a56c5b993250"
    assert fingerprint.ja4s(sliver._replace(cipher_suite=0x1302)) == "t130200_1302_a56c5b993250"
    assert fingerprint.ja4s(server_hello(0x33, 0x2B, version=0x0304)) != fingerprint.ja4s(sliver)


def test_ja4s_tells_the_protocol_and_the_absence_of_extensions() -> None:
    chosen = server_hello(extensions=((0xFF01, b"\0"), (16, b"\0\x03\x02h2")))
    assert fingerprint.ja4s(chosen).startswith("t1202h2_c030_")
    assert fingerprint.ja4s(server_hello()) == "t120000_c030_000000000000"


def test_the_transport_is_told() -> None:
    assert fingerprint.ja4(hello(legacy_version=0xFEFD), "dtls") == "dd2i000000_000000000000_000000000000"
    assert fingerprint.ja4(hello(versions=(0x0304,)), "quic").startswith("q13i")
    assert fingerprint.ja4s(server_hello(version=0xFEFF), "dtls").startswith("dd10000_")
    assert fingerprint.ja4s(server_hello(version=0x0304), "quic").startswith("q130000_")
    assert fingerprint.ja4s(server_hello(version=0x7F1C)).startswith("t000000_")


@pytest.mark.parametrize(
    ("protocol", "digits"),
    [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"h", "hh"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"01\xab\xcd", "3d"),
        (b"0\xab\xcd1", "01"),
        (b"", "00"),
    ],
)
def test_ja4_digits_of_the_published_protocols(protocol: bytes, digits: str) -> None:
    body = (len(protocol) + 1).to_bytes(2, "big") + bytes([len(protocol)]) + protocol
    assert fingerprint.ja4(hello(extensions=((16, body),)))[8:10] == digits


def message(kind: str, sender: Sender, **more: object) -> Message:
    usual = {"provenance": "wire", "encrypted": False, "tree": Node(kind, 0, 4)}
    return Message(0, 0, 0.0, sender, "handshake", kind, 0, **{**usual, **more})  # type: ignore[arg-type]


def test_a_history_has_a_letter_for_each_message() -> None:
    course = (("client_hello", CLIENT), ("hello_retry_request", SERVER), ("change_cipher_spec", CLIENT))
    course += (("client_hello", CLIENT), ("server_hello", SERVER), ("alert", CLIENT), ("heartbeat", SERVER))
    course += (("compressed_certificate", SERVER), ("ssl2_client_hello", CLIENT), ("certificate_url", CLIENT))
    assert fingerprint.history(message(*each) for each in course) == "CjICsLbzCW"
    assert fingerprint.history([message("client_hello", CLIENT)] * 200) == "C" * 100
    assert fingerprint.history([]) is None


def test_a_history_leaves_out_what_cannot_be_read() -> None:
    closed = message("alert", CLIENT, encrypted=True)
    opened = message("finished", SERVER, encrypted=True, provenance="decrypted")
    inferred = message("finished", CLIENT, encrypted=True, provenance="inferred", tree=None)
    assert fingerprint.history([closed, opened, inferred]) == "f"


@pytest.mark.parametrize(
    ("file", "ja4", "history"),
    [
        ("suricata-verify/ja4-tls-input.pcap", "t12i1810s1_27d4652c4487_06a4338d0495", "CsxknGIti"),
        ("zeek/tls-13-amazon-rds.pcap", None, "CsiI"),
        ("zeek/hrr.pcap", None, "CjiICs"),
        ("zeek/tls1.2.pcap", None, "CsxnGIi"),
    ],
)
def test_captures_that_others_have_fingerprinted(file: str, ja4: str | None, history: str) -> None:
    """JA4 as in Suricata's own test of this capture; the history as Zeek's scripts would write it, without keys."""
    if not (SHARED / file).exists() or shutil.which("tshark") is None:
        pytest.skip("no shared captures here")
    first = load_capture(SHARED / file, OpenOptions()).connections[0]
    assert first.history == history
    assert ja4 in (None, first.ja4)
