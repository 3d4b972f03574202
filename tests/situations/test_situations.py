"""The quick situations, each with its one right diagnosis; `run.py` plays all of them."""

from __future__ import annotations

from collections import Counter

import pytest
from situation_case import Situation
from situation_runner import play
from situation_table import SITUATIONS

from tlsviz.explain.words import words

QUICK = [situation for situation in SITUATIONS if situation.quick]


def test_the_table_is_large_and_its_codes_are_known() -> None:
    assert len(SITUATIONS) >= 40
    assert max(Counter(situation.name for situation in SITUATIONS).values()) == 1
    for situation in SITUATIONS:
        assert situation.code is None or words(f"finding.{situation.code}") is not None


@pytest.mark.parametrize("situation", QUICK, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    outcome = play(situation)
    if outcome.verdict == "undecided":
        pytest.skip(outcome.why)
    assert outcome.verdict == "right", outcome.why
