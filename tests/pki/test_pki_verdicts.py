"""Verdicts remembered: equal to fresh ones in every word, on both sides of each boundary in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make

from tlsviz.pki import stores, verdicts
from tlsviz.pki.certificate import read
from tlsviz.pki.trust import Borrowed, Trust
from tlsviz.pki.verdicts import Verdicts
from tlsviz.pki.verify import judge, judge_client
from tlsviz.pki.words import same_words, span

STORES = (stores.from_ders("lab", [ROOT.der]), stores.from_ders("none", [make("Other", ec_key(5), ca=True).der]))
BRIEF = make("brief", ec_key(2), MIDDLE, names=(HOST,), start=NOW - 3 * DAY, end=NOW + 3 * DAY)
LATER = NOW + 30 * DAY
STEPS = tuple(timedelta(microseconds=each) for each in (-1_000_000, -1, 0, 1, 500_000, 999_999, 1_000_000, 1_000_001))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The times that were judged at anew."""
    found: list[datetime] = []

    def counted(ders: list[bytes], name: str | None, at: datetime, *rest: object) -> Trust:
        found.append(at)
        return judge(ders, name, at, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(verdicts, "judge", counted)
    return found


def boundaries(*chain: Made) -> list[datetime]:
    dates = [date for made in chain for date in (read(made.der).not_before, read(made.der).not_after)]
    return sorted({date for date in dates if date is not None})


def around(*chain: Made) -> list[datetime]:
    """Times on both sides of each date, and of where the words about it change."""
    spans = (timedelta(), timedelta(seconds=1), timedelta(minutes=2), timedelta(hours=2), 2 * DAY, 3 * DAY)
    dates = boundaries(*chain)
    return sorted({date + sign * gap + step for date in dates for gap in spans for sign in (-1, 1) for step in STEPS})


@pytest.mark.parametrize("chain", [(BRIEF, MIDDLE), (BRIEF,), (LEAF, MIDDLE, ROOT)], ids=["whole", "gap", "long"])
@pytest.mark.parametrize("known", [(), (MIDDLE.der,)], ids=["alone", "known"])
def test_a_remembered_verdict_is_the_fresh_one_on_both_sides_of_every_boundary(
    chain: tuple[Made, ...], known: tuple[bytes, ...]
) -> None:
    ders = [made.der for made in chain]
    times = around(*chain)
    for before, after in pairwise(times):
        kept = Verdicts(STORES, LATER)
        for at in (before, after, before):
            assert kept.server(ders, HOST, at, known) == judge(ders, HOST, at, STORES, known, now=LATER)


def test_all_times_in_a_row_by_one_memory_are_judged_as_by_none() -> None:
    ders = [BRIEF.der, MIDDLE.der]
    kept = Verdicts(STORES, NOW)
    hours = [NOW + timedelta(minutes=each) for each in (-61, -60, -59, 0, 59, 60, 61)]
    for at in (*around(BRIEF), *hours, *reversed(around(BRIEF))):
        assert kept.server(ders, HOST, at) == judge(ders, HOST, at, STORES, now=NOW)


def test_between_boundaries_a_chain_is_judged_once(fresh: list[datetime]) -> None:
    kept = Verdicts(STORES)
    for seconds in range(1, 400):
        at = NOW + timedelta(seconds=seconds)
        assert kept.server([BRIEF.der, MIDDLE.der], HOST, at).at == at
    assert fresh == [NOW + timedelta(seconds=1)]


def test_long_after_its_end_it_is_judged_once_a_day(fresh: list[datetime]) -> None:
    kept = Verdicts(STORES)
    details = {
        kept.server([BRIEF.der], HOST, NOW + 5 * DAY + timedelta(hours=each, seconds=1)).faults for each in range(72)
    }
    assert len(fresh) == len(details) == 3


def test_whatever_else_is_asked_is_another_question(fresh: list[datetime]) -> None:
    kept = Verdicts(STORES)
    ders, at = [BRIEF.der], NOW
    kept.server(ders, HOST, at)
    kept.server(ders, "other.test", at)
    kept.server(ders, None, at)
    kept.server(ders, HOST, at, (MIDDLE.der,))
    kept.server(ders, HOST, at, cut=True)
    kept.server(ders, HOST, at, fetched=(Borrowed(MIDDLE.der, "fetched", "http://here.test/"),))
    kept.server([BRIEF.der, MIDDLE.der], HOST, at)
    assert len(fresh) == 7
    assert kept.client(ders, at) == judge_client(ders, at, STORES)
    kept.server(ders, HOST, at)
    assert len(fresh) == 7


def test_no_more_than_so_many_are_remembered(fresh: list[datetime]) -> None:
    kept = Verdicts(STORES, most=2)
    for name in ("a.test", "b.test", "a.test", "c.test", "a.test", "b.test"):
        kept.server([BRIEF.der], name, NOW)
    assert len(fresh) == 4 and len(kept._kept) == 2


def test_dates_at_the_ends_of_the_calendar(fresh: list[datetime]) -> None:
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    forever = make("forever", ec_key(2), MIDDLE, names=(HOST,), start=datetime(1950, 1, 1, tzinfo=UTC), end=end)
    kept = Verdicts(STORES)
    ders = [forever.der, MIDDLE.der]
    for at in (NOW, NOW + DAY, end, datetime.max.replace(tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)):
        assert kept.server(ders, HOST, at) == judge(ders, HOST, at, STORES)
    assert len(fresh) == 4


@pytest.mark.parametrize("seconds", [0, 0.5, 1, 1.5, 119.5, 120, 7_199, 7_200, 172_799.9, 172_800, 63_072_000, 9e8])
def test_a_length_of_time_has_the_same_words_from_here_to_there(seconds: float) -> None:
    time = timedelta(seconds=seconds)
    low, high = same_words(time)
    assert low <= time < high
    assert span(low) == span(time) == span(-time) == span(high - timedelta(microseconds=1))
