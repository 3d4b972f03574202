"""What a filter may have been meant as: words that are an outcome's, and values that nothing is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import get_args

from tlsviz.connection.filter_keys import ALIASES, FLAGS, KEYS, Key, text_test
from tlsviz.connection.filters import FilterError, term, tokens
from tlsviz.connection.rows import Row
from tlsviz.wire.text import shorten

MOST = 3
"""Hints that are given at once."""
LOOKED_AT = 20_000
"""Rows whose values count as known."""
_OUTCOMES = ("trusted", "complete", "incomplete", "resumed", "pre-shared key", "trust unknown", "not trusted")
_NAMED = ("finding", "outcome", "trust", "transport", "cipher", "group", "alert")
"""Keys whose values all have names that are known."""
_REGISTRIES = {"cipher": "cipher_suites", "group": "groups", "alert": "alerts"}


Codes = Callable[[], Collection[str]]


def hints(text: str, rows: Iterable[Row], codes: Codes, matched: bool) -> tuple[str, ...]:
    """Sentences that help whoever typed the filter ``text``; () where there is nothing to say.

    ``rows``: all, whether it matches them or not. ``codes`` gives every finding code. ``matched``: it matches some.
    """
    some = [row for _, row in zip(range(LOOKED_AT), rows, strict=False)]
    found = [] if matched else list(_outcomes(text, some))
    found += _unknown(text, some, codes)
    return tuple(found[:MOST])


def _outcomes(text: str, rows: Sequence[Row]) -> Iterator[str]:
    """The outcome that the whole filter is, or begins, as a list shows it: without quotes it is torn apart."""
    typed = text.strip()
    key, colon, rest = typed.partition(":")
    if colon and ALIASES.get(key.lower(), key.lower()) != "outcome":
        return
    wanted = _plain(rest if colon else typed).strip('="')
    if " " not in wanted or '"' in typed:
        return
    for outcome in sorted({row.outcome for row in rows}):
        if _plain(outcome).startswith(wanted):
            yield f'For the outcome "{outcome}" type {term("outcome", outcome).replace(":=", ":", 1)}.'
            return
    torn = [word for word in ("not", "or", "and") if re.search(rf"\b{word}\b", wanted)]
    if torn and not colon and not re.search(r"[:()]", typed):
        words = f'"{torn[0]}" is an operator' if len(torn) == 1 else "these words are operators"
        yield f'Here {words}; for the text itself type "{shorten(typed, 80)}".'


def _unknown(text: str, rows: Sequence[Row], codes: Codes) -> Iterator[str]:
    """Values that neither occur nor are known under their key."""
    for key, value in _values(text):
        if key.name not in _NAMED or _numeric(key, value):
            continue
        occurring = dict.fromkeys(each for row in rows for each in key.texts(row))
        try:
            fits = text_test(value.replace("-", "_") if key.kind == "point" else value)
        except ValueError:
            continue
        if any(map(fits, occurring)):
            continue
        known, flag = _known(key, codes), _plain(value) in FLAGS
        if not flag and any(map(fits, known)):
            continue
        meant = f"the word {_plain(value)} alone" if flag else _nearest(value, [*occurring, *known])
        said = f"No {_NOUNS.get(key.name, key.name)} is called {shorten(value.lstrip('='), 40)}"
        yield f"{said}; did you mean {meant}?" if meant else f"{said}."


_NOUNS = {"cipher": "cipher suite", "trust": "verdict or reason"}


def _nearest(value: str, known: Iterable[str]) -> str:
    """The names that come nearest to a value, in words; "" for none."""
    from difflib import get_close_matches

    wanted = _plain(value.lstrip("="))
    names: dict[str, str] = {}
    for each in known:
        names.setdefault(_plain(each), each)
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
        name = before.text[:-1].lower()
        key = KEYS.get(ALIASES.get(name, name))
        if token.kind == "value" and key is not None:
            for value in re.findall(r'(?:"[^"]*"|[^,"])+', token.text):
                if bare := value.replace('"', ""):
                    yield key, bare


def _known(key: Key, codes: Codes) -> Collection[str]:
    """Every name that a value of the key, one of `_NAMED`, may be."""
    if key.name == "finding":
        return codes()
    if key.name in _REGISTRIES:
        return _registry(_REGISTRIES[key.name])
    if key.name == "transport":
        return ("tcp", "dtls", "quic", "eap")
    from tlsviz.pki.trust import Reason, Verdict

    reasons: tuple[str, ...] = get_args(Reason)
    if key.name == "trust":
        return (*get_args(Verdict), *reasons)
    return (*_OUTCOMES, *reasons, *_registry("alerts"), *codes())


def _registry(name: str) -> tuple[str, ...]:
    from tlsviz.tls import registry as registries

    known = getattr(registries, name)
    return tuple(known.get(code) or "" for code in known)


def _numeric(key: Key, value: str) -> bool:
    """Whether it is a code's number, which may be any."""
    return key.kind == "point" and re.fullmatch(r"0x[0-9a-fA-F]{1,4}|\d{1,5}", value) is not None


def _plain(text: str) -> str:
    return text.casefold().replace("_", " ")
