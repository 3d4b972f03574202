"""Sample captures, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsviz.connection.model import Connection

SAMPLES = Path(__file__).parents[2] / "captures"


@pytest.fixture(scope="session")
def samples() -> dict[str, tuple[Connection, ...]]:
    """The connections of each sample capture by its name without suffix; {} when there are none."""
    import shutil

    from tlsviz.sources.capture import OpenOptions, load_capture

    if shutil.which("tshark") is None:
        return {}
    authority = SAMPLES / "ca.pem"
    options = OpenOptions(ca=authority if authority.exists() else None)
    return {file.stem: load_capture(file, options).connections for file in sorted(SAMPLES.glob("*.pcapng"))}
