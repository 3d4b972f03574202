from __future__ import annotations

import pytest

from tlsviz.tls import registry
from tlsviz.tls.suites import Suite, suite

MODES = {"GCM", "CCM", "CBC", "POLY1305", "STREAM", "NULL", "CTR", "MGM", "AEGIS"}


def test_every_registered_suite_comes_apart() -> None:
    for code in registry.cipher_suites:
        found = suite(code)
        if found is None:
            assert (registry.cipher_suites.get(code) or "").endswith("_SCSV")
            continue
        assert found.code == code and found.mode in MODES and found.cipher
        assert found.tls13 == (not found.key_exchange) == (not found.authentication)
        assert (found.key_bits == 0) == (found.cipher == "NULL"), found
        assert found.cipher != "NULL" or "no encryption" in found.weaknesses
        aead = found.mode in ("GCM", "CCM", "POLY1305", "MGM", "AEGIS")
        assert aead == (found.mac is None), found
        if found.recommended:
            assert aead and found.forward_secret and not found.weaknesses, found


def test_no_suite_behind_signals_grease_and_unassigned() -> None:
    assert [suite(code) for code in (0x00FF, 0x5600, 0x0A0A, 0x1234)] == [None] * 4


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        (0x1301, ("", "", "AES_128_GCM", "GCM", 128, None, "sha256")),
        (0x1302, ("", "", "AES_256_GCM", "GCM", 256, None, "sha384")),
        (0x1303, ("", "", "CHACHA20_POLY1305", "POLY1305", 256, None, "sha256")),
        (0x1305, ("", "", "AES_128_CCM_8", "CCM", 128, None, "sha256")),
        (0x1306, ("", "", "AEGIS_256", "AEGIS", 256, None, "sha512")),
        (0x00C6, ("", "", "SM4_GCM", "GCM", 128, None, "sm3")),
        (0x002F, ("RSA", "RSA", "AES_128_CBC", "CBC", 128, "SHA1", "sha256")),
        (0xC028, ("ECDHE", "RSA", "AES_256_CBC", "CBC", 256, "SHA384", "sha384")),
        (0xC02B, ("ECDHE", "ECDSA", "AES_128_GCM", "GCM", 128, None, "sha256")),
        (0xC0AE, ("ECDHE", "ECDSA", "AES_128_CCM_8", "CCM", 128, None, "sha256")),
        (0x000A, ("RSA", "RSA", "3DES_EDE_CBC", "CBC", 112, "SHA1", "sha256")),
        (0x0018, ("DHE", "anon", "RC4_128", "STREAM", 128, "MD5", "sha256")),
        (0xC0AA, ("DHE_PSK", "PSK", "AES_128_CCM_8", "CCM", 128, None, "sha256")),
        (0xC01E, ("SRP", "RSA", "AES_128_CBC", "CBC", 128, "SHA1", "sha256")),
        (0xE013, ("ECC", "SM2", "SM4_CBC", "CBC", 128, "SM3", "sm3")),
        (0xC100, ("GOST", "GOSTR341112_256", "KUZNYECHIK_CTR", "CTR", 256, "OMAC", "gostr3411_2012_256")),
        (0xC0B4, ("", "", "NULL", "NULL", 0, "SHA256", "sha256")),
    ],
)
def test_parts(code: int, parts: tuple[object, ...]) -> None:
    s = known(code)
    assert (s.key_exchange, s.authentication, s.cipher, s.mode, s.key_bits, s.mac, s.prf_hash) == parts


def known(code: int) -> Suite:
    found = suite(code)
    assert found is not None
    return found


def test_weaknesses_and_flags() -> None:
    export = known(0x0003)
    assert export.export and export.weaknesses == ("export grade, 40-bit key", "RC4 is broken", "MD5 MAC")
    assert known(0x0034).anonymous and known(0x0034).weaknesses == ("no authentication",)
    assert known(0x000A).weaknesses == ("64-bit blocks (Sweet32)",)
    assert known(0x0002).weaknesses == ("no encryption",)
    assert known(0xC02F).weaknesses == ()
    assert known(0xCC13).weaknesses and known(0xCC13).recommended is None
    assert known(0xC02F).recommended is True and known(0x002F).recommended is False
    discouraged = [code for code in registry.cipher_suites if registry.cipher_suites.row(code)[3] == "D"]
    assert len(discouraged) == 26  # RFC 9847 5, table 2
    assert all(known(code).weaknesses and known(code).recommended is False for code in discouraged)
    assert known(0xC02F).forward_secret and not known(0x009C).forward_secret
