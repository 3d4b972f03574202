"""What a filter is completed with."""

from __future__ import annotations

import pytest
from test_filters import ROWS, ZERO

from tlsviz.connection.filter_words import about, suggest
from tlsviz.connection.filters import parse


def shown(text: str, cursor: int | None = None) -> list[str]:
    return [each.shown for each in suggest(text, len(text) if cursor is None else cursor, ROWS)]


def test_names_come_first_then_values_that_occur_with_their_counts() -> None:
    assert shown("ve") == ["version:"]
    assert "resumed" in shown("re") and "or" in shown("o")
    assert len(shown("")) > 20
    assert [(each.shown, each.detail) for each in suggest("version:", 8, ROWS)] == [
        ("TLS 1.3", "2"),
        ("DTLS 1.2", "1"),
        ("TLS 1.0", "1"),
        ("TLS 1.2", "1"),
    ]
    assert shown("not (www or version:1.2") == ["DTLS 1.2", "TLS 1.2"]
    assert shown("finding:EXP") == ["certificate_expired"]
    assert shown("version:1.0,1.3") == ["TLS 1.3"]
    assert shown("slo") == ["slow, handshake:"]
    assert shown("handshake:") == [] and shown("nokey:x") == []


@pytest.mark.parametrize(
    "text", ["version:", "sni:", "cipher:cbc", 'version:"TLS', "sni:exa", "server:", "version:1.0,"]
)
def test_what_is_completed_can_be_read_and_finds_as_many(text: str) -> None:
    for each in suggest(text, len(text), ROWS):
        whole = text[: each.start] + each.text
        wanted = parse(whole)
        assert sum(wanted.matches(row, ZERO) for row in ROWS) >= int(each.detail), whole


def test_the_middle_of_a_filter_is_completed_too() -> None:
    (found,) = suggest("ver sni:a", 3, ROWS)
    assert (found.start, found.text) == (0, "version:")


def test_a_key_is_explained() -> None:
    assert about("not slow:>2", 11).startswith("handshake: how long")
    assert about("resumed", 7).startswith("resumed: ")
    assert about("www", 3) == ""
