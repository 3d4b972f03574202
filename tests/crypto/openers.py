"""The suites, secrets and openers that the tests of record protection share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.decrepit.ciphers import algorithms as decrepit
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, algorithms
from sealing import TYPE, CbcSealer

from tlsviz.crypto.protection import Opener, Unopened, opener_12
from tlsviz.crypto.schedule import KeyBlock, key_block
from tlsviz.tls.suites import Suite, suite

MASTER = bytes(range(48))
CLIENT_RANDOM = bytes(range(100, 132))
SERVER_RANDOM = bytes(range(200, 232))
SECRET = bytes(range(32))
CONTENT = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"

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
