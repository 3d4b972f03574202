"""The process that reads runs before anybody has said what; if nobody does, it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsviz.sources.background import Done, Loading
from tlsviz.sources.begun import Begun
from tlsviz.sources.opening import OpenOptions

OWN = Path(__file__).resolve().parents[2] / "captures"


def test_nobody_says_what_to_read() -> None:
    with Begun() as begun:
        assert begun.process.poll() is None
    assert begun.process.returncode == 0
    begun.close()


@pytest.mark.tshark
@pytest.mark.skipif(not OWN.is_dir(), reason="the sample captures are not here")
def test_what_was_said_first_counts() -> None:
    path = OWN / "tls12-no-keys.pcapng"
    with Begun() as begun:
        begun.tell(path, OpenOptions(name="first"))
        with Loading(path, OpenOptions(name="second"), begun) as loading:
            last = list(loading)[-1]
            assert isinstance(last, Done) and last.trace.source.name == "first"
            assert len(last.trace.connections) == 1
    assert begun.process.returncode == 0
