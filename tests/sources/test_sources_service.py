"""The HTTPS record in words, and that nothing waits for it."""

from __future__ import annotations

import time

import dns.resolver
import pytest
from dns.rdata import from_text

from tlsviz.sources.service import Answer, ServiceRecord, asked_of, describe
from tlsviz.wire.chunks import CLIENT, Input, Mark


def record(text: str) -> object:
    return from_text("IN", "HTTPS", text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 . alpn=h3,h2", "speaks h3 and h2"),
        ("1 . alpn=h2 ipv4hint=192.0.2.1,192.0.2.2", "speaks h2, 2 hints: 192.0.2.1, 192.0.2.2"),
        (
            "1 www.example. port=8443 ech=AAT+DQAA",
            "at www.example, port 8443, a key for encrypted ClientHellos (6 bytes)",
        ),
        ("0 cdn.example.", "an alias: ask cdn.example"),
        ("1 .", "without any parameter"),
    ],
)
def test_a_record_in_words(text: str, words: str) -> None:
    assert describe(record(text)) == words  # type: ignore[arg-type]


def test_hostile_names_are_harmless() -> None:
    assert "\x1b" not in describe(record(r"1 . alpn=\027[31mred"))  # type: ignore[arg-type]
    assert "\x1b" not in describe(record(r"0 \027[31mred.example."))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "asked"),
    [("www.example.com", True), ("localhost", False), ("www.lab.test", False), ("192.0.2.1", False), ("::1", False)],
)
def test_only_public_names_are_asked_for(host: str, asked: bool) -> None:
    assert asked_of(host) is asked


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (dns.resolver.NXDOMAIN(), "there is none"),
        (dns.resolver.LifetimeTimeout(timeout=2, errors=[]), "no answer from the name service within 2 s"),
        (dns.resolver.NoResolverConfiguration(), "cannot be asked for: "),
        (OSError(101, "Network is unreachable"), "cannot be asked for: [Errno 101] Network is unreachable"),
    ],
)
def test_what_goes_wrong_is_the_answer(monkeypatch: pytest.MonkeyPatch, raised: Exception, words: str) -> None:
    def fails(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(dns.resolver.Resolver, "resolve", fails)
    asked = ServiceRecord("www.example.com", 443, lambda: 7.0)
    asked.ask()
    until = time.monotonic() + 5
    while asked.answer is None and time.monotonic() < until:
        time.sleep(0.005)
    assert asked.answer is not None and asked.answer.text.startswith(words)
    assert asked.answer.at == 7.0


@pytest.mark.parametrize(
    ("at", "followed", "place", "time_of_mark"),
    [(2.5, 0, 2, 2.5), (2.5, 3, 3, 3.0), (9.0, 0, 4, 9.0), (0.5, 0, 0, 0.5), (2.0, 4, 4, 4.0)],
)
def test_the_answer_is_noted_once_in_its_place_and_time_never_runs_back(
    at: float, followed: int, place: int, time_of_mark: float
) -> None:
    asked = ServiceRecord("www.example.com", 443, lambda: at)
    inputs: list[Input] = [Mark("syn", CLIENT, float(second)) for second in (1, 2, 3, 4)]
    asked.note(inputs, followed)
    assert len(inputs) == 4
    asked.answer = Answer("there is none", at)
    asked.note(inputs, followed)
    asked.note(inputs, 0, last=True)
    assert [index for index, item in enumerate(inputs) if item[0] == "https_record"] == [place]
    assert inputs[place].time == time_of_mark


def test_without_an_answer_the_last_note_says_so() -> None:
    inputs: list[Input] = []
    ServiceRecord("www.example.com", 443, lambda: 3.0).note(inputs, 0, last=True)
    (mark,) = inputs
    assert isinstance(mark, Mark)
    assert (mark.kind, mark.detail) == ("https_record", "no answer before the connection was over")
