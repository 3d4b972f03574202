"""How thoroughly to try: `HYPOTHESIS_PROFILE=deep pytest tests/...` takes every place and 10,000 examples."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
EXAMPLES = 10_000


def examples(quick: int, deep: int = EXAMPLES) -> settings:
    """So many examples, without a deadline; the examples are the same every time unless it is a deep run."""
    slow = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
    return settings(
        max_examples=deep if DEEP else quick, deadline=None, derandomize=not DEEP, suppress_health_check=slow
    )
