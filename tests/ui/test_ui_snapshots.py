"""How the handshake screen looks at its three sizes.

Look at the report before renewing them with ``pytest --snapshot-update``.
"""

from __future__ import annotations

from typing import Any

import pytest
from handshake_sample import handshake
from handshake_stage import Stage


@pytest.mark.parametrize(
    ("size", "keys"),
    [
        ((80, 24), ["pagedown"]),
        ((120, 36), ["5"]),
        ((200, 50), ["down", "right", "right", "right", "right"]),
        ((80, 24), [*["pagedown"] * 5, "6"]),
        ((120, 36), ["7", "down", "down"]),
        ((200, 50), [*["down"] * 4, "o", "8"]),
        ((120, 36), ["4", "down"]),
    ],
    ids=["80x24", "120x36", "200x50", "record", "keys", "seen", "chain"],
)
def test_snapshot(snap_compare: Any, size: tuple[int, int], keys: list[str]) -> None:
    assert snap_compare(Stage(handshake()), terminal_size=size, press=keys)
