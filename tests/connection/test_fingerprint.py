"""Fingerprints against the examples that their authors published."""

from __future__ import annotations

from tlsviz.connection import fingerprint
from tlsviz.tls.views import ClientHello


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


def test_ja4_of_an_empty_hello() -> None:
    assert fingerprint.ja4(hello()) == "t12i000000_000000000000_000000000000"
