"""What all tests share: those marked ``tshark`` are skipped where it is missing."""

from __future__ import annotations

import shutil

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("tshark") is not None:
        return
    for item in items:
        if item.get_closest_marker("tshark") is not None:
            item.add_marker(pytest.mark.skip(reason="tshark is not here"))
