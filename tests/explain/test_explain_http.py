"""HTTP's status codes and methods: words for each, found as people type them."""

from __future__ import annotations

from http import HTTPMethod, HTTPStatus

import pytest

from tlsviz.explain.search import search
from tlsviz.explain.words import entries, words


@pytest.mark.parametrize("status", list(HTTPStatus), ids=lambda status: str(status.value))
def test_every_status_has_words_under_its_number(status: HTTPStatus) -> None:
    entry = words(f"http.{status.value}")
    assert entry is not None and entry.title.startswith(f"{status.value} ")
    assert entry in search(str(status.value))


@pytest.mark.parametrize("method", list(HTTPMethod), ids=str)
def test_every_method_has_words(method: HTTPMethod) -> None:
    entry = words(f"http.{method.value}")
    assert entry is not None and entry in search(method.value.lower())


def test_titles_begin_with_their_names_and_say_a_reference() -> None:
    for name, entry in entries("http").items():
        assert entry.reference
        if name.isdigit() or name.isupper():
            assert entry.title.startswith(name)


@pytest.mark.parametrize(
    "typed", ["HSTS", "Strict-Transport-Security", "max-age", "includeSubDomains", "ssl stripping"]
)
def test_hsts_is_found_by_its_parts(typed: str) -> None:
    assert "http.strict-transport-security" in {entry.key for entry in search(typed)}
