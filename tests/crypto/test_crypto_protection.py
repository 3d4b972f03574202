"""AEAD records of TLS 1.2 and 1.3 opened against an encryptor of the tests' own; what no opener can do."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from openers import (
    CLIENT_RANDOM,
    CONTENT,
    MASTER,
    SECRET,
    SERVER_RANDOM,
    cbc,
    fails_on_every_flipped_byte,
    keys,
    known,
    opener,
)
from sealing import TYPE, mixed, seal_12, seal_13

from tlsviz.crypto.protection import Unopened, opener_12, opener_13, resume
from tlsviz.crypto.schedule import next_traffic_secret, traffic_keys
from tlsviz.tls.suites import suite

TLS13_SUITES = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305]
if "sm3" in hashlib.algorithms_available:  # some systems' OpenSSL is built without
    TLS13_SUITES.append(0x00C6)


@pytest.mark.parametrize("code", TLS13_SUITES)
def test_tls13(code: int) -> None:
    key, iv = traffic_keys(known(code), SECRET)
    name = known(code).name
    first = seal_13(name, key, iv, 0, CONTENT + b"\x17")
    second = seal_13(name, key, iv, 1, b"\x01\x00\x15" + bytes(100))
    found = opener_13(known(code), SECRET)
    one = found.open(23, 0x0303, first)
    assert (one.content_type, one.plaintext, one.padding, one.offset) == (23, CONTENT, 0, 0)
    assert one.nonce == iv
    assert one.additional_data == bytes([23, 3, 3]) + len(first).to_bytes(2, "big")
    assert one.tag is not None
    assert len(one.tag) == (8 if code == 0x1305 else 16)
    assert first.endswith(one.tag)
    two = found.open(23, 0x0303, second)
    assert (two.content_type, two.plaintext, two.padding) == (21, b"\x01\x00", 100)
    assert two.nonce == mixed(iv, 1)
    assert found.sequence == 2
    fails_on_every_flipped_byte(lambda: opener_13(known(code), SECRET), first, 0x0303)


def test_tls13_additional_data_is_covered() -> None:
    key, iv = traffic_keys(known(0x1301), SECRET)
    fragment = seal_13("AES_128_GCM", key, iv, 0, CONTENT + b"\x17")
    for content_type, version in ((22, 0x0303), (23, 0x0301)):
        with pytest.raises(Unopened, match="tag is wrong"):
            opener_13(known(0x1301), SECRET).open(content_type, version, fragment)


@pytest.mark.parametrize("inner", [b"", bytes(1), bytes(300)])
def test_tls13_all_zeros_has_no_type(inner: bytes) -> None:
    key, iv = traffic_keys(known(0x1301), SECRET)
    with pytest.raises(Unopened, match="all zeros") as caught:
        opener_13(known(0x1301), SECRET).open(23, 0x0303, seal_13("GCM", key, iv, 0, inner))
    assert caught.value.failed


def test_tls13_empty_content() -> None:
    key, iv = traffic_keys(known(0x1301), SECRET)
    found = opener_13(known(0x1301), SECRET).open(23, 0x0303, seal_13("GCM", key, iv, 0, b"\x17"))
    assert (found.content_type, found.plaintext) == (23, b"")


def test_key_update() -> None:
    after = next_traffic_secret("sha256", SECRET)
    assert after not in (SECRET, next_traffic_secret("sha256", after))
    key, iv = traffic_keys(known(0x1301), after)
    fragment = seal_13("GCM", key, iv, 0, CONTENT + b"\x17")
    assert opener_13(known(0x1301), after).open(23, 0x0303, fragment).plaintext == CONTENT


@pytest.mark.parametrize("code", [0xC02F, 0xC030, 0xC09C, 0xC09D, 0xC0A0, 0xC0A3, 0xCCA8, 0xCCA9])
def test_tls12_aead(code: int) -> None:
    block, name = keys(code, 0x0303), known(code).name
    key, iv = block.server_write_key, block.server_write_iv
    found = opener(code, 0x0303)
    fragments = [seal_12(name, key, iv, number, CONTENT[number:]) for number in range(3)]
    for number, fragment in enumerate(fragments):
        one = found.open(TYPE, 0x0303, fragment)
        assert one.plaintext == CONTENT[number:]
        assert one.content_type == TYPE
        assert one.additional_data is not None
        assert one.additional_data[:8] == number.to_bytes(8, "big")
        assert int.from_bytes(one.additional_data[-2:], "big") == len(one.plaintext)
        assert one.offset == (0 if len(iv) == 12 else 8)
        assert one.tag is not None
        assert len(one.tag) == (8 if "CCM_8" in name else 16)
        assert one.nonce == (mixed(iv, number) if len(iv) == 12 else iv + fragment[:8])
    fails_on_every_flipped_byte(lambda: opener(code, 0x0303), fragments[0], 0x0303)


def test_drafts_of_tls13() -> None:
    key, iv = traffic_keys(known(0x1301), SECRET, 0x7F12)
    assert (key, iv) == traffic_keys(known(0x1301), SECRET, 0x7F13)
    assert (key, iv) != traffic_keys(known(0x1301), SECRET, 0x7F14)
    assert traffic_keys(known(0x1301), SECRET, 0x7F14) == traffic_keys(known(0x1301), SECRET)
    fragment = AESGCM(key).encrypt(iv, CONTENT + b"\x17", None)
    opened = opener_13(known(0x1301), SECRET, 0x7F12).open(23, 0x0301, fragment)
    assert (opened.plaintext, opened.additional_data) == (CONTENT, b"")
    key, iv = traffic_keys(known(0x1301), SECRET)
    for draft, covered in ((24, b""), (25, bytes([23, 3, 1, 0, len(CONTENT) + 17]))):
        fragment = AESGCM(key).encrypt(iv, CONTENT + b"\x17", covered)
        assert opener_13(known(0x1301), SECRET, 0x7F00 + draft).open(23, 0x0301, fragment).plaintext == CONTENT


def test_both_sides_have_their_own_keys() -> None:
    fragment = cbc(0x002F, 0x0303).seal(CONTENT)
    other = opener_12(known(0x002F), 0x0303, MASTER, CLIENT_RANDOM, SERVER_RANDOM, "client")
    with pytest.raises(Unopened):
        other.open(TYPE, 0x0303, fragment)


def test_lost_records_are_skipped() -> None:
    block = keys(0xC02F, 0x0303)
    late = seal_12("GCM", block.server_write_key, block.server_write_iv, 5, CONTENT)
    found = opener(0xC02F, 0x0303)
    for _ in range(5):
        found.skip()
    assert found.open(TYPE, 0x0303, late).plaintext == CONTENT
    assert found.sequence == 6


def test_a_failed_record_counts() -> None:
    sealer = cbc(0x002F, 0x0303)
    sealer.seal(CONTENT)
    second = sealer.seal(CONTENT)
    found = opener(0x002F, 0x0303)
    with pytest.raises(Unopened):
        found.open(TYPE, 0x0303, bytes(48))
    assert found.open(TYPE, 0x0303, second).plaintext == CONTENT


def test_resuming_after_a_loss_of_unknown_size() -> None:
    block = keys(0xC02F, 0x0303)
    late = seal_12("GCM", block.server_write_key, block.server_write_iv, 40, CONTENT)
    found = opener(0xC02F, 0x0303)
    assert resume(found, TYPE, 0x0303, late).plaintext == CONTENT
    assert found.sequence == 41
    found = opener(0xC02F, 0x0303)
    with pytest.raises(Unopened, match="no sequence number from 0 to 9 fits"):
        resume(found, TYPE, 0x0303, late, limit=10)
    assert found.sequence == 1


@pytest.mark.parametrize("code", [0xC050, 0xC03D, 0xC07A, 0xC103, 0xCC13, 0xE410])
def test_what_cannot_be_done_is_named(code: int) -> None:
    with pytest.raises(Unopened, match="not supported") as caught:
        if known(code).tls13:
            opener_13(known(code), SECRET)
        else:
            opener(code, 0x0303)
    assert not caught.value.failed
    assert known(code).name in caught.value.why or known(code).prf_hash in caught.value.why


def test_a_suite_of_the_wrong_version() -> None:
    with pytest.raises(Unopened, match="no cipher suite of"):
        opener_13(known(0xC02F), SECRET)
    with pytest.raises(Unopened, match=r"TLS 1\.3 only"):
        opener(0x1301, 0x0303)


def test_every_registered_suite_has_an_opener_or_a_reason() -> None:
    opened = 0
    for code in range(0x10000):
        found = suite(code)
        if found is None or code == 0:  # NULL_WITH_NULL_NULL protects nothing: all bytes are right
            continue
        for version in (0x0301, 0x0302, 0x0303):
            try:
                made = opener(code, version) if not found.tls13 else opener_13(found, SECRET)
            except Unopened as reason:
                assert not reason.failed
                continue
            opened += 1
            with pytest.raises(Unopened):
                made.open(TYPE, version, bytes(3))
    assert opened > 500
