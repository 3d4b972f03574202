"""What a filter that finds nothing may have been meant as."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_filters import ROWS, ZERO, made

from tlsviz.connection.filter_hints import hints
from tlsviz.connection.filters import FilterError, parse
from tlsviz.explain.words import entries
from tlsviz.pki.trust import Trust

NOON = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = (
    *ROWS,
    made(5, trust=Trust("untrusted", ("not_yet_valid",), NOON, "Mozilla")),
    made(6, trust=Trust("untrusted", ("self_signed",), NOON, "Mozilla")),
)
CODES = entries("finding")


def told(text: str) -> str:
    wanted = parse(text)
    return " ".join(hints(text, EVERY, lambda: CODES, any(wanted.matches(each, ZERO) for each in EVERY)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not yet valid", 'For the outcome "not yet valid" type outcome:"not yet valid".'),
        ("NOT YET V", 'For the outcome "not yet valid" type outcome:"not yet valid".'),
        ("this or that", 'Here "or" is an operator; for the text itself type "this or that".'),
        ("finding:nosuch", "No finding is called nosuch."),
        ("not finding:nosuch", "No finding is called nosuch."),
        ("finding:certificate_exprd", "did you mean certificate_expired"),
        ("finding:expiry_certificate", "did you mean certificate_"),
        ("outcome:failed", "No outcome is called failed; did you mean the word failed alone?"),
        ("outcome:self_singed", "did you mean self signed"),
        ("trust:nosuch", "No verdict or reason is called"),
        ("cipher:rc5", "No cipher suite is called rc5"),
        ("transport:dccp", "No transport is called dccp"),
        ("finding:expired,nosuch", "No finding is called nosuch."),
    ],
)
def test_what_is_told(text: str, words: str) -> None:
    assert words in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'outcome:"not yet valid"',
        "self signed",
        "finding:expired",
        "finding:weak_c*",
        "finding:revoked",
        "trust:trusted",
        "outcome:unknown_issuer",
        "outcome:=handshake_failure",
        "cipher:AES-128-GCM",
        "cipher:0x9999",
        "cipher:rc4",
        "group:29",
        "sni:nowhere.example",
        "nowhere",
        "version:1.2 or version:1.3",
    ],
)
def test_what_needs_no_words(text: str) -> None:
    assert told(text) == ""


def test_an_outcome_behind_its_key_is_put_in_quotes_too() -> None:
    found = hints("outcome:not yet va", EVERY, lambda: CODES, False)
    assert found == ('For the outcome "not yet valid" type outcome:"not yet valid".',)


PIECES = ("a", "outcome:", "finding:", "not ", "or ", "yet", '"', "*", "?", "=", " ", ",", "(", "\x1b", "valid")


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_a_hint_is_safe_whatever_was_typed(text: str) -> None:
    try:
        parse(text)
    except FilterError:
        return
    assert "\x1b" not in "".join(hints(text, EVERY, lambda: CODES, False))
