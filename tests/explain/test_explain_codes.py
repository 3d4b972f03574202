"""`tlsviz explain CODE`: every extension, message, alert, record type and version has words; so has each family."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tlsviz.explain.codes import KINDS, by_code
from tlsviz.tls import registry
from tlsviz.tls.suites import suite


def every() -> Iterator[tuple[str, int]]:
    for kind in ("extension", "message", "alert", "record", "version", "group", "signature", "suite", "ssl2 cipher"):
        names = KINDS[kind].names
        yield from ((kind, code) for code in names)


def test_every_code_point_has_a_sensible_answer() -> None:
    without, thin = [], []
    for kind, code in every():
        found = list(by_code(f"{kind} 0x{code:0{KINDS[kind].names.width * 2}x}"))
        if not found:
            without.append((kind, hex(code), KINDS[kind].names.get(code)))
        elif len(found[0].what) < 25 or not found[0].title:
            thin.append((kind, hex(code), found[0].title))
    assert without == []
    assert thin == []


@pytest.mark.parametrize("kind", ["extension", "message", "alert"])
def test_one_of_a_kind_has_words_of_its_own(kind: str) -> None:
    names = KINDS[kind].names
    said = {code: next(by_code(f"{kind} {code}")).what for code in names}
    assert len(set(said.values())) == len(said)


def test_the_answer_names_what_was_asked_for() -> None:
    for code in registry.extensions:
        title = next(by_code(f"extension {code}")).title
        assert str(code) in title, (code, title)
    for code in registry.cipher_suites:
        if suite(code) is not None:
            name = registry.cipher_suites.get(code) or ""
            assert name in "".join(next(by_code(f"suite 0x{code:04x}"))), name


def test_grease_is_explained_everywhere() -> None:
    for kind in ("extension", "suite", "group", "version"):
        assert "grease" in next(by_code(f"{kind} 0x1a1a")).title.lower()
