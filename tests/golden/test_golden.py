"""Messages are decoded as the dumps say; ``python tests/golden/make.py`` writes them anew, the diff is the review."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from make import HERE, Message, dumps, rfc8448, samples

from tlsviz.wire.nodes import Node


def written(folder: str) -> dict[str, str]:
    return {
        path.relative_to(HERE).as_posix(): path.read_text(encoding="utf-8") for path in HERE.glob(f"{folder}/*.txt")
    }


def assert_same(fresh: dict[str, str], kept: dict[str, str]) -> None:
    """File by file: pytest shows the lines that differ."""
    assert sorted(fresh) == sorted(kept), "messages came or went: run tests/golden/make.py and read the diff"
    for name, text in fresh.items():
        assert text.splitlines() == kept[name].splitlines(), f"{name}: run tests/golden/make.py and read the diff"


def test_rfc_8448() -> None:
    assert_same(dumps(rfc8448()), written("rfc8448"))


@pytest.mark.tshark
def test_the_sample_captures() -> None:
    assert_same(dumps(samples()), written("captures"))


def test_a_message_of_the_same_fields_is_dumped_once() -> None:
    def said(*values: bytes | int) -> Iterator[Message]:
        for number, value in enumerate(values):
            yield f"x/{number}.txt", "heading", Node("m", 0, 2, None, None, (Node("f", 0, 2, value, None, (), None),))

    assert list(dumps(said(b"aa", b"bb", 1, 1, 2))) == ["x/0.txt", "x/2.txt", "x/4.txt"]


def test_what_is_wrong_is_seen_in_a_dump() -> None:
    tree = Node("m", 0, 2, None, None, (Node("f", 0, 2, 0x0303, "TLS 1.2", (), "too old"),))
    (text,) = dumps([("x/0.txt", "heading", tree)]).values()
    assert text.splitlines()[0] == "# heading"
    assert text.splitlines()[2].split() == ["0-2", "f", "0x0303", "TLS", "1.2", "!!", "too", "old"]
