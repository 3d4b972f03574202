"""Decompression of certificates: exact, total, and bounded."""

from __future__ import annotations

import time
import zlib

import brotli
import pytest
import zstandard
from deep import examples
from hypothesis import given
from hypothesis import strategies as st

from tlsviz.tls.decompress import FREELY, TIMES, decompress

TEXT = b"certificates compress well: " * 50
PACKERS = {1: zlib.compress, 2: brotli.compress, 3: zstandard.compress}


@pytest.mark.parametrize("algorithm", PACKERS)
def test_what_was_packed_comes_out(algorithm: int) -> None:
    packed = PACKERS[algorithm](TEXT)
    assert decompress(algorithm, packed, len(TEXT)) == (TEXT, None)
    assert decompress(algorithm, packed, len(TEXT) - 1) == (
        TEXT[:-1],
        "decompresses to more than 1,399 bytes; should be 1,399 bytes",
    )
    assert decompress(algorithm, packed, len(TEXT) + 5) == (TEXT, "decompresses to 1,400 bytes, but should be 1,405")


@pytest.mark.parametrize("algorithm", PACKERS)
def test_damage_is_said(algorithm: int) -> None:
    packed = PACKERS[algorithm](TEXT)
    for size in range(len(packed)):
        found = decompress(algorithm, packed[:size], len(TEXT))
        assert found.fault is not None
        assert TEXT.startswith(found.data)
    assert decompress(algorithm, b"\xff" + packed, len(TEXT)).fault is not None


def test_unknown_algorithms_give_nothing() -> None:
    assert decompress(0x4A4A, b"x", 1) == (b"", "compressed by an algorithm that is not known")


@pytest.mark.parametrize("algorithm", PACKERS)
def test_bombs_are_not_blown_up(algorithm: int) -> None:
    packed = PACKERS[algorithm](bytes(1 << 26))
    begin = time.perf_counter()
    found = decompress(algorithm, packed, (1 << 24) - 1)
    assert time.perf_counter() - begin < 5
    assert len(found.data) == max(FREELY, TIMES * len(packed)) < 1 << 24
    assert found.fault is not None


@examples(200)
@given(st.sampled_from([1, 2, 3, 4]), st.binary(max_size=100), st.integers(0, (1 << 24) - 1))
def test_any_bytes_give_an_answer(algorithm: int, packed: bytes, size: int) -> None:
    found = decompress(algorithm, packed, size)
    assert len(found.data) <= size
    assert found.fault is not None or len(found.data) == size
