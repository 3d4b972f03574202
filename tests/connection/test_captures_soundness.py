"""Every message tiles, and cutting changes nothing: the sample captures and some from elsewhere.

`captures_soundness.py` takes all captures of a folder.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from captures_soundness import Taped, captures, check_capture, connection, flights, opened, pieces

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "captures"
SMALL, EVERY = 40_000, 60
"""Of the captures of at most so many bytes, every sixtieth."""

pytestmark = pytest.mark.tshark


def test_own_captures() -> None:
    total = sum(map(check_capture, captures(ROOT / "captures")), Counter[str]())
    assert total["connections"] >= total["captures"] >= 19
    assert total["equal when cut"] == 2 * total["streams"] > 0
    assert total["messages"] > 200


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared captures are not here")
def test_some_captures_from_elsewhere() -> None:
    small = [path for path in captures(SHARED) if path.stat().st_size <= SMALL and "_negative" not in path.parts]
    total = sum(map(check_capture, small[::EVERY]), Counter[str]())
    assert total["connections"] and total["equal when cut"]


def test_a_difference_is_seen() -> None:
    """Less than all of the bytes makes another connection."""
    _, (engine,) = opened(ROOT / "captures" / "tls12.pcapng")
    assert isinstance(engine, Taped)
    tape = flights(engine.tape)
    whole = connection(tape, engine, engine.keylog)
    assert connection(list(pieces(tape, 100))[:-1], engine, engine.keylog) != whole
