"""Each protection opened against an encryptor of the tests' own; a flipped bit must fail in each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sealing import TYPE, CbcSealer, Ssl3Sealer, StreamSealer, mixed, seal_12, seal_13, ssl3_mac

from tlsviz.crypto.protection import Opener, Unopened, opener_12, opener_13
from tlsviz.crypto.schedule import KeyBlock, key_block, next_traffic_secret, traffic_keys
from tlsviz.tls.suites import Suite, suite

MASTER = bytes(range(48))
CLIENT_RANDOM = bytes(range(100, 132))
SERVER_RANDOM = bytes(range(200, 232))
SECRET = bytes(range(32))
CONTENT = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"

CBC_CASES = [
    (0x002F, 0x0301),
    (0x002F, 0x0302),
    (0x0035, 0x0303),
    (0x003C, 0x0303),
    (0xC028, 0x0303),
    (0xC077, 0x0303),
    (0x0041, 0x0301),
    (0x000A, 0x0301),
    (0x000A, 0x0303),
    (0x0009, 0x0301),
    (0x0007, 0x0301),
    (0x0096, 0x0302),
]
TLS13_SUITES = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305]
if "sm3" in hashlib.algorithms_available:  # some systems' OpenSSL is built without
    CBC_CASES.append((0xE019, 0x0303))
    TLS13_SUITES.append(0x00C6)

BLOCKS: dict[str, Callable[[bytes], BlockCipherAlgorithm]] = {
    "AES": algorithms.AES,
    "CAMELLIA": decrepit.Camellia,
    "SEED": decrepit.SEED,
    "IDEA": decrepit.IDEA,
    "3DES": decrepit.TripleDES,
    "DES": lambda key: decrepit.TripleDES(key * 3),
    "SM4": algorithms.SM4,
    "RC2": decrepit.RC2,
}


def known(code: int) -> Suite:
    found = suite(code)
    assert found
    return found


def opener(code: int, version: int, **options: bool) -> Opener:
    return opener_12(known(code), version, MASTER, CLIENT_RANDOM, SERVER_RANDOM, "server", **options)


def keys(code: int, version: int) -> KeyBlock:
    return key_block(known(code), version, MASTER, CLIENT_RANDOM, SERVER_RANDOM)


def cbc(code: int, version: int, *, encrypt_then_mac: bool = False, truncated: bool = False) -> CbcSealer:
    block = keys(code, version)
    kind = BLOCKS[known(code).cipher.partition("_")[0]]
    return CbcSealer(
        version,
        str(known(code).mac).lower(),
        block.server_write_mac_key,
        lambda: kind(block.server_write_key),
        block.server_write_iv,
        encrypt_then_mac=encrypt_then_mac,
        truncated=truncated,
    )


def fails_on_every_flipped_byte(make: Callable[[], Opener], fragment: bytes, version: int) -> None:
    """One bit of every byte flipped, in turn."""
    for place in range(len(fragment)):
        broken = bytearray(fragment)
        broken[place] ^= 1 << place % 8
        with pytest.raises(Unopened) as caught:
            make().open(TYPE, version, bytes(broken))
        assert caught.value.failed, place
        assert caught.value.why


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


@pytest.mark.parametrize(("code", "version"), CBC_CASES)
@pytest.mark.parametrize("encrypt_then_mac", [False, True])
def test_cbc(code: int, version: int, encrypt_then_mac: bool) -> None:
    def make() -> Opener:
        return opener(code, version, encrypt_then_mac=encrypt_then_mac)

    sealer = cbc(code, version, encrypt_then_mac=encrypt_then_mac)
    found = make()
    fragments = []
    for number, content in enumerate((CONTENT, b"", b"x" * 16, CONTENT * 9)):
        fragments.append(sealer.seal(content, more_padding=number))
        one = found.open(TYPE, version, fragments[-1])
        assert one.plaintext == content
        assert one.offset is None
        assert one.padding >= number * 8
        assert one.tag is not None
        assert len(one.tag) == sealer.mac_length
        assert one.additional_data is not None
        assert one.additional_data[:8] == number.to_bytes(8, "big")
    assert found.sequence == 4
    fails_on_every_flipped_byte(make, fragments[0], version)


def test_truncated_hmac() -> None:
    sealer = cbc(0x003C, 0x0303, truncated=True)
    fragment = sealer.seal(CONTENT)
    one = opener(0x003C, 0x0303, truncated_hmac=True).open(TYPE, 0x0303, fragment)
    assert one.plaintext == CONTENT
    assert one.tag is not None
    assert len(one.tag) == 10
    with pytest.raises(Unopened):
        opener(0x003C, 0x0303).open(TYPE, 0x0303, fragment)


def test_cbc_says_what_is_wrong() -> None:
    def reason(spoil: Callable[[bytes], bytes]) -> str:
        with pytest.raises(Unopened) as caught:
            opener(0x002F, 0x0303).open(TYPE, 0x0303, cbc(0x002F, 0x0303).seal(CONTENT, 2, spoil))
        assert caught.value.failed
        return caught.value.why

    assert "padding is longer" in reason(lambda padded: padded[:-1] + b"\xff")
    assert "padding is wrong" in reason(lambda padded: padded[:-9] + b"\x00" + padded[-8:])
    assert "MAC is wrong" in reason(lambda padded: b"P" + padded[1:])
    for fragment in (b"", bytes(15), bytes(16), bytes(31), bytes(33)):
        with pytest.raises(Unopened) as caught:
            opener(0x002F, 0x0303).open(TYPE, 0x0303, fragment)
        assert caught.value.failed


@pytest.mark.parametrize(("code", "version"), [(0x0004, 0x0301), (0x0005, 0x0303), (0x0001, 0x0301), (0x003B, 0x0303)])
def test_stream(code: int, version: int) -> None:
    block = keys(code, version)

    def sealer() -> StreamSealer:
        mac = str(known(code).mac).lower()
        return StreamSealer(version, mac, block.server_write_mac_key, block.server_write_key)

    sealing, found = sealer(), opener(code, version)
    for content in (CONTENT, b"", b"more"):
        fragment = sealing.seal(content)
        one = found.open(TYPE, version, fragment)
        assert (one.plaintext, one.offset, one.nonce) == (content, 0, None)
    fails_on_every_flipped_byte(lambda: opener(code, version), sealer().seal(CONTENT), version)


@pytest.mark.parametrize("code", [0x0035, 0x000A, 0x0007, 0x0008, 0x0006, 0x0009])
def test_ssl3_cbc(code: int) -> None:
    block = keys(code, 0x0300)
    kind = BLOCKS[known(code).cipher.partition("_")[0].removesuffix("40")]
    sealer = Ssl3Sealer(
        str(known(code).mac).lower(),
        block.server_write_mac_key,
        lambda: kind(block.server_write_key),
        block.server_write_iv,
    )
    found = opener(code, 0x0300)
    fragments = []
    for content in (CONTENT, b"", CONTENT * 5):
        fragments.append(sealer.seal(content))
        one = found.open(TYPE, 0x0300, fragments[-1])
        assert one.plaintext == content
        assert one.additional_data is not None
        assert len(one.additional_data) == 11
    size = len(block.server_write_iv)
    for place in range(len(fragments[0]) - size):  # SSL 3 leaves the padding open, and so the last block (POODLE)
        broken = bytearray(fragments[0])
        broken[place] ^= 0x10
        with pytest.raises(Unopened) as caught:
            opener(code, 0x0300).open(TYPE, 0x0300, bytes(broken))
        assert caught.value.failed


@pytest.mark.parametrize("code", [0x0003, 0x0004])
def test_ssl3_stream(code: int) -> None:
    block = keys(code, 0x0300)
    content_and_mac = CONTENT + ssl3_mac("md5", block.server_write_mac_key, 0, CONTENT)
    fragment = StreamSealer.encrypted(block.server_write_key, content_and_mac)
    assert opener(code, 0x0300).open(TYPE, 0x0300, fragment).plaintext == CONTENT


def test_ssl3_has_no_newer_macs() -> None:
    with pytest.raises(Unopened, match=r"SSL 3\.0 has no MAC with sha256"):
        opener(0x003C, 0x0300)


@pytest.mark.parametrize(("code", "size"), [(0x0003, 16), (0x0006, 16), (0x0008, 8), (0x0060, 16), (0x0062, 8)])
@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0303])
def test_export_keys_are_stretched(code: int, size: int, version: int) -> None:
    block = keys(code, version)
    assert len(block.client_write_key) == len(block.server_write_key) == size
    assert block.client_write_key != block.server_write_key
    assert len(block.server_write_iv) == (8 if version <= 0x0301 and known(code).mode == "CBC" else 0)


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
    assert found.resume(TYPE, 0x0303, late).plaintext == CONTENT
    assert found.sequence == 41
    found = opener(0xC02F, 0x0303)
    with pytest.raises(Unopened, match="no sequence number from 0 to 9 fits"):
        found.resume(TYPE, 0x0303, late, limit=10)
    assert found.sequence == 1


def test_tls10_cbc_goes_on_from_the_last_block() -> None:
    sealer = cbc(0x002F, 0x0301)
    first, second, third = sealer.seal(CONTENT), sealer.seal(CONTENT), sealer.seal(CONTENT)
    found = opener(0x002F, 0x0301)
    found.skip(tail=first[-16:])
    assert found.open(TYPE, 0x0301, second).plaintext == CONTENT

    found = opener(0x002F, 0x0301)
    found.skip()
    with pytest.raises(Unopened, match="last block of the record before") as caught:
        found.open(TYPE, 0x0301, second)
    assert not caught.value.failed
    assert found.open(TYPE, 0x0301, third).plaintext == CONTENT

    found = opener(0x002F, 0x0301)
    with pytest.raises(Unopened) as caught:
        found.resume(TYPE, 0x0301, second)
    assert not caught.value.failed


def test_a_record_may_be_tried_again() -> None:
    sealers = {0x0005: StreamSealer(0x0301, "sha1", *keys(0x0005, 0x0301)[1::2][:2]), 0x002F: cbc(0x002F, 0x0301)}
    for code, sealer in sealers.items():
        sealer.sequence = 3
        first, second = sealer.seal(CONTENT), sealer.seal(CONTENT[::-1])
        found = opener(code, 0x0301)
        for wrong in range(3):
            found.sequence = wrong
            with pytest.raises(Unopened, match="MAC is wrong"):
                found.open(TYPE, 0x0301, first)
        assert found.open(TYPE, 0x0301, first).plaintext == CONTENT
        assert found.open(TYPE, 0x0301, second).plaintext == CONTENT[::-1]


def test_rc4_needs_the_length_of_what_is_lost() -> None:
    block = keys(0x0005, 0x0301)
    sealer = StreamSealer(0x0301, "sha1", block.server_write_mac_key, block.server_write_key)
    lost, second = sealer.seal(CONTENT), sealer.seal(CONTENT)
    found = opener(0x0005, 0x0301)
    found.skip(length=len(lost))
    assert found.open(TYPE, 0x0301, second).plaintext == CONTENT
    found = opener(0x0005, 0x0301)
    found.skip()
    with pytest.raises(Unopened, match="RC4") as caught:
        found.open(TYPE, 0x0301, second)
    assert not caught.value.failed


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
