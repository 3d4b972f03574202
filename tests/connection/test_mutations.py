"""No changed bit goes unnoticed: some bits of each region, in connections of every version and kind.

``python tests/support/mutations.py --all`` tries every bit.
"""

from __future__ import annotations

import mutations
import pytest

CASES = list(mutations.cases())


@pytest.mark.parametrize("number", range(len(CASES)))
def test_changed_bits_are_caught(number: int) -> None:
    case = CASES[number]()
    tallies = mutations.try_case(case, 5, 1)
    assert {"Finished", "client random", "server random", "ciphertext"} <= set(tallies), case.name
    for name, tally in tallies.items():
        assert tally.tried > 1, name
        assert tally.missed == []


def test_a_blind_spot_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial itself is tried: proofs that always agree are found out."""
    import hmac

    from tlsviz.connection.proofs import finished

    monkeypatch.setattr(finished.hmac, "compare_digest", lambda one, other: True)
    tallies = mutations.try_case(mutations.made("blind", mutations.made13.resumed(mutations.PSK)), 4, 1)
    monkeypatch.undo()
    assert not hmac.compare_digest(b"a", b"b")
    assert tallies["Finished"].missed
    assert tallies["ciphertext"].missed == []
