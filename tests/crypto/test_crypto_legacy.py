"""Records with a MAC, SSL 3.0 to TLS 1.2, opened against an encryptor of the tests' own."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable

import pytest
from openers import (
    BLOCKS,
    CLIENT_RANDOM,
    CONTENT,
    MASTER,
    SERVER_RANDOM,
    cbc,
    fails_on_every_flipped_byte,
    keys,
    known,
    opener,
)
from sealing import TYPE, Ssl3Sealer, StreamSealer, ssl3_mac

from tlsviz.crypto.protection import Opener, Unopened, opener_12, resume

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
if "sm3" in hashlib.algorithms_available:  # some systems' OpenSSL is built without
    CBC_CASES.append((0xE019, 0x0303))


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
        resume(found, TYPE, 0x0301, second)
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


def compressed(contents: list[bytes]) -> list[bytes]:
    """Records under AES-128-CBC of TLS 1.0, with DEFLATE running through them."""
    stream, sealer = zlib.compressobj(), cbc(0x002F, 0x0301)
    return [sealer.seal(stream.compress(content) + stream.flush(zlib.Z_SYNC_FLUSH)) for content in contents]


def inflating() -> Opener:
    return opener_12(known(0x002F), 0x0301, MASTER, CLIENT_RANDOM, SERVER_RANDOM, "server", compression_method=1)


def test_compressed_records() -> None:
    found = inflating()
    contents = [CONTENT * 20, CONTENT * 21, b"x" * 16384]
    for number, (fragment, content) in enumerate(zip(compressed(contents), contents, strict=True)):
        one = found.open(TYPE, 0x0301, fragment)
        assert (one.plaintext, one.offset) == (content, None)
        assert found.sequence == number + 1


def test_compressed_records_behind_a_loss() -> None:
    lost, *others = compressed([CONTENT] * 3)
    found = inflating()
    found.skip(tail=lost)
    for fragment in others:
        with pytest.raises(Unopened, match="compressed and refers back") as caught:
            found.open(TYPE, 0x0301, fragment)
        assert not caught.value.failed


def test_compressed_records_that_explode_or_are_no_deflate() -> None:
    with pytest.raises(Unopened, match="more than 16,384 bytes") as caught:
        inflating().open(TYPE, 0x0301, compressed([bytes(10_000_000)])[0])
    assert caught.value.failed
    with pytest.raises(Unopened, match="damaged"):
        inflating().open(TYPE, 0x0301, cbc(0x002F, 0x0301).seal(CONTENT))
    with pytest.raises(Unopened, match="compression method 64"):
        opener_12(known(0x002F), 0x0301, MASTER, CLIENT_RANDOM, SERVER_RANDOM, "server", compression_method=64)


def test_rc4_needs_the_length_of_what_is_lost() -> None:
    block = keys(0x0005, 0x0301)
    sealer = StreamSealer(0x0301, "sha1", block.server_write_mac_key, block.server_write_key)
    lost, second = sealer.seal(CONTENT), sealer.seal(CONTENT)
    found = opener(0x0005, 0x0301)
    found.skip(length=len(lost))
    assert found.open(TYPE, 0x0301, second).plaintext == CONTENT
    found = opener(0x0005, 0x0301)
    found.skip()
    for _ in range(2):
        with pytest.raises(Unopened, match="RC4") as caught:
            found.open(TYPE, 0x0301, second)
        assert not caught.value.failed
        found = opener(0x0005, 0x0301)
        found.lose()
