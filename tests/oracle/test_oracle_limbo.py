"""x509-limbo: our accept or reject is cryptography's own, and our reasons name the defect of the description."""

from __future__ import annotations

from pathlib import Path

import pytest
from limbo import cases, outcome, posed

LIMBO = Path(__file__).parents[3] / "shared" / "vectors" / "x509-limbo" / "limbo-part.json"


@pytest.mark.skipif(not LIMBO.is_file(), reason="x509-limbo is not here")
def test_every_case_that_can_be_posed() -> None:
    found = [outcome(case) for case in posed(cases(LIMBO))]
    assert len(found) >= 95
    assert [one.case for one in found if not one.same] == []
    assert [one.case for one in found if one.fits is False] == []
    assert sum(bool(one.fits) for one in found) >= 51
