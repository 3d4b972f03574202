"""What a filter may have been meant as: words that are an outcome's, and values that nothing is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import get_args

from tlsviz.connection.filter_keys import FLAGS, OUTCOMES, Key, called, code_of, name_test, names_of, plain, text_test
from tlsviz.connection.filters import FilterError, term, tokens, values_of
from tlsviz.connection.rows import Row
from tlsviz.wire.text import shorten

MOST = 3
"""Hints that are given at once."""
LOOKED_AT = 20_000
"""Rows whose values count as known, and are suggested."""
_NAMED = ("finding", "outcome", "trust", "transport", "cipher", "group", "alert")
"""Keys whose values all have names that are known."""
_REGISTRIES = {"cipher": "cipher_suites", "group": "groups", "alert": "alerts"}


Codes = Callable[[], Collection[str]]


def hints(text: str, rows: Iterable[Row], codes: Codes, matched: bool) -> tuple[str, ...]:
    """Sentences that help whoever typed the filter ``text``; () where there is nothing to say.

    ``rows``: all, whether it matches them or not. ``codes`` gives every finding code. ``matched``: it matches some.
    """
    some = list(islice(rows, LOOKED_AT))
    found = [] if matched else list(_outcomes(text, some))
    found += _unknown(text, some, codes)
    return tuple(found[:MOST])


def _outcomes(text: str, rows: Sequence[Row]) -> Iterator[str]:
    """The outcome that the whole filter is, or begins, as a list shows it: without quotes it is torn apart."""
    typed = text.strip()
    name, colon, rest = typed.partition(":")
    key = called(name)
    if colon and (key is None or key.name != "outcome"):
        return
    wanted = plain(rest if colon else typed).strip('="')
    if " " not in wanted or '"' in typed:
        return
    for outcome in sorted({row.outcome for row in rows}):
        if plain(outcome).startswith(wanted):
            yield f'For the outcome "{outcome}" type {term("outcome", outcome).replace(":=", ":", 1)}.'
            return
    torn = [word for word in ("not", "or", "and") if re.search(rf"\b{word}\b", wanted)]
    if torn and not colon and not re.search(r"[:()]", typed):
        words = f'"{torn[0]}" is an operator' if len(torn) == 1 else "these words are operators"
        yield f'Here {words}; for the text itself type "{shorten(typed, 80)}".'


def _unknown(text: str, rows: Sequence[Row], codes: Codes) -> Iterator[str]:
    """Values that neither occur nor are known under their key."""
    for key, value in _values(text):
        if key.name not in _NAMED or (key.kind == "point" and code_of(value) is not None):
            continue
        try:
            fits = (name_test if key.kind == "point" else text_test)(value)
        except ValueError:
            continue
        known, flag = _known(key, codes), plain(value) in FLAGS
        if not flag and any(map(fits, known)):
            continue
        occurring = dict.fromkeys(each for row in rows for each in key.texts(row))
        if any(map(fits, occurring)):
            continue
        meant = f"the word {plain(value)} alone" if flag else _nearest(value, [*occurring, *known])
        said = f"No {_NOUNS.get(key.name, key.name)} is called {shorten(value.lstrip('='), 40)}"
        yield f"{said}; did you mean {meant}?" if meant else f"{said}."


_NOUNS = {"cipher": "cipher suite", "trust": "verdict or reason"}


def _nearest(value: str, known: Iterable[str]) -> str:
    """The names that come nearest to a value, in words; "" for none."""
    from difflib import get_close_matches

    wanted = plain(value.lstrip("="))
    names: dict[str, str] = {}
    for each in known:
        names.setdefault(plain(each), each)
    near = get_close_matches(wanted, names, 2, 0.6)
    if not near:
        # A code is often remembered by one of its words.
        words = [word for word in wanted.split() if len(word) > 3]
        near = [name for name in names if any(word in name.split() for word in words)][:2]
    return " or ".join(shorten(names[each], 60) for each in near)


def _values(text: str) -> Iterator[tuple[Key, str]]:
    """The keys of a filter, each with every value that is not empty."""
    try:
        found = list(tokens(text))
    except FilterError:
        return
    for before, token in pairwise(found):
        key = called(before.text[:-1])
        if token.kind == "value" and key is not None:
            yield from ((key, value) for value in values_of(token.text) if value)


def _known(key: Key, codes: Codes) -> Collection[str]:
    """Every name that a value of the key, one of `_NAMED`, may be."""
    if key.name == "finding":
        return codes()
    if key.name in _REGISTRIES:
        return names_of(_REGISTRIES[key.name])
    if key.name == "transport":
        return ("tcp", "sctp", "dtls", "quic", "eap")
    from tlsviz.pki.trust import Reason, Verdict

    reasons: tuple[str, ...] = get_args(Reason)
    if key.name == "trust":
        return (*get_args(Verdict), *reasons)
    return (*OUTCOMES, "trust unknown", "not trusted", *reasons, *names_of("alerts"), *codes())
