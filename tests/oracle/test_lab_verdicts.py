"""openssl and curl agree with what is expected of some of the lab's servers; ``lab_verdicts.py`` asks all of them."""

from __future__ import annotations

import shutil

import lab_verdicts
import pytest

from tlsviz.lab.run import scenario
from tlsviz.lab.scenarios import SCENARIOS

QUICK = (
    "tls12",
    "expired-root",
    "wildcard-too-deep",
    "ip-as-name",
    "no-san",
    "wrong-order",
    "cross-signed",
    "cross-signed-old-client",
    "path-length",
    "name-constraints",
    "sha1",
    "must-staple",
    "revoked-list",
    "hostile-text",
)

needs_both = pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="no openssl or no curl")


@needs_both
@pytest.mark.parametrize("name", QUICK)
def test_others_agree_or_it_is_known_why_not(name: str) -> None:
    line = lab_verdicts.compared(scenario(name))
    assert set(line.unexplained()) <= {"tlsviz"}, line


def test_every_reason_is_about_a_scenario() -> None:
    assert {name for name, _ in lab_verdicts.WHY} <= {one.name for one in SCENARIOS}
