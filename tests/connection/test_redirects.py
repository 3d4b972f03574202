"""Which connection followed a redirect; the whole way, from packets, is in `sources/test_sources_plain.py`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from effort import growth

from tlsviz.connection.model import Endpoint, Redirect
from tlsviz.connection.redirects import SOON, Step, followed


def plain(number: int, start: float, target: str, port: int = 80) -> Step:
    answer = (Redirect(1, 301, target, None),)
    return Step(number, start, "10.0.0.1", Endpoint("192.0.2.1", port), "a.test", True, answer, (start + 0.1,))


def tls(number: int, start: float, name: str, port: int = 443) -> Step:
    return Step(number, start, "10.0.0.1", Endpoint("192.0.2.2", port), name, False)


@pytest.mark.parametrize(
    ("target", "other", "fits"),
    [
        ("https://b.test/", tls(1, 1.0, "B.test."), True),
        ("https://b.test/", tls(1, 1.0, ""), True),
        ("https://192.0.2.2/", tls(1, 1.0, "b.test"), True),
        ("https://b.test/", tls(1, 1.0, "c.test"), False),
        ("https://b.test/", tls(1, 1.0, "b.test", 8443), False),
        ("https://b.test/", tls(1, 0.05, "b.test"), False),
        ("https://b.test/", tls(1, 1.0 + SOON, "b.test"), False),
        ("http://b.test/", tls(1, 1.0, "b.test", 80), False),
        ("https://b.test/", tls(1, 1.0, "b.test")._replace(client="10.0.0.2"), False),
    ],
)
def test_what_fits(target: str, other: Step, fits: bool) -> None:
    found, led = followed([plain(0, 0.0, target), other])
    assert [redirect.connection for redirect in found[0]] == [1 if fits else None]
    assert led == ({1: 0} if fits else {})


def test_each_follows_once_and_the_first_comes_first() -> None:
    steps = [plain(0, 0.0, "https://b.test/"), plain(1, 0.1, "https://b.test/"), tls(2, 2.0, "b.test"), tls(3, 1.0, "")]
    assert followed(steps)[1] == {3: 0, 2: 1}


@pytest.mark.parametrize("target", ["https://b.test/", "https://nobody.test/"])
def test_thousands_of_a_moment_are_no_more_work_each(target: str) -> None:
    def work(size: int) -> Callable[[], object]:
        steps = [plain(number, number / size, target) for number in range(size)]
        steps += [tls(size + number, 2 + number / size, "b.test") for number in range(size)]
        return lambda: followed(steps)

    assert growth(work, 50, 8) < 2
