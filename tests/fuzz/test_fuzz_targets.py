"""What the fuzzer runs, run on what it starts from and on changes of that: no Atheris needed, and none of its guidance.

10,000 examples with ``HYPOTHESIS_PROFILE=deep``; the fuzzer itself is ``run.py``.
"""

from __future__ import annotations

import random
from functools import cache

import fuzz_decoders
import fuzz_engine
import fuzz_seeds
import fuzz_words
import pytest
from deep import examples
from fuzz_inputs import changed, parse
from hypothesis import given
from hypothesis import strategies as st

from tlsviz.tls import registry


@cache
def decoder_seeds() -> list[bytes]:
    return fuzz_seeds.some(fuzz_seeds.decoder_seeds(), 400)


@cache
def engine_seeds() -> list[bytes]:
    return fuzz_seeds.some((data for data in fuzz_seeds.engine_seeds() if len(data) < 8000), 30)


def test_decoders_take_their_seeds() -> None:
    assert len(decoder_seeds()) > 200
    for data in decoder_seeds():
        fuzz_decoders.one_input(data)
    assert {data[0] for data in decoder_seeds()} >= {0, 1, 2, 4, 6, 8}


def test_the_engine_takes_its_seeds() -> None:
    assert len(engine_seeds()) >= 15
    for data in engine_seeds():
        assert parse(parse(data).dump()) == parse(data)
        fuzz_engine.one_input(data)


def test_unsealed_seeds_open() -> None:
    """The plaintext put where the ciphertext was is what the engine finds behind it."""
    for made, connection in fuzz_seeds.spoken():
        again = parse(fuzz_seeds.unsealed(made))
        with fuzz_engine.opened_without_tags(True):
            seen = fuzz_engine.follow(again, again.inputs())
        assert [message.type for message in seen.messages] == [message.type for message in connection.messages]
        return


def test_failures_are_seen() -> None:
    """The checks are checked: a tree with a hole, and a text with an escape."""
    from soundness import assert_printable, assert_sound

    from tlsviz.wire.nodes import Node

    with pytest.raises(AssertionError):
        assert_sound(Node("a", 0, 2, None, None, (Node("b", 0, 1),)), b"xx")
    with pytest.raises(AssertionError):
        assert_sound(Node("a", 0, 2, b"xy"), b"xx")
    with pytest.raises(AssertionError):
        assert_printable(["\x1b[31m"])


def test_the_dictionary_has_every_extension() -> None:
    lines = fuzz_words.dictionary().splitlines()
    assert len(lines) > 300
    assert {f'"\\x{code >> 8:02x}\\x{code & 255:02x}\\x00\\x00"' for code in registry.extensions} <= set(lines)


def noise(data: bytes, dice: random.Random) -> bytes:
    """A few bytes changed, taken out, put in, or said twice."""
    made = bytearray(data)
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(made) + 1)
        match dice.randrange(4):
            case 0 if at < len(made):
                made[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
            case 1:
                del made[at : at + dice.randrange(1, 9)]
            case 2:
                made[at:at] = dice.randbytes(dice.randrange(1, 9))
            case _:
                made[at:at] = made[at : at + dice.randrange(1, 40)]
    return bytes(made)


@examples(300)
@given(st.binary(max_size=400))
def test_decoders_take_anything(data: bytes) -> None:
    fuzz_decoders.one_input(data)


@examples(300)
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_decoders_take_changed_seeds(seed: int, dice: random.Random) -> None:
    chosen = decoder_seeds()[seed % len(decoder_seeds())]
    fuzz_decoders.one_input(chosen[: fuzz_decoders.HEADER] + noise(chosen[fuzz_decoders.HEADER :], dice))


@examples(60, 2_000)
@given(st.binary(max_size=400))
def test_the_engine_takes_anything(data: bytes) -> None:
    fuzz_engine.one_input(data)


@examples(40, 10_000)
@given(st.integers(0, 2**32))
def test_the_engine_takes_changed_seeds(seed: int) -> None:
    dice = random.Random(seed)
    data = engine_seeds()[seed % len(engine_seeds())]
    fuzz_engine.one_input(changed(data, 20_000, seed, lambda piece, most: noise(piece, dice)[:most]))
