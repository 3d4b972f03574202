"""What a filter may go on with, while it is typed: keys, and the values that occur, with how many rows have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tlsviz.connection.filter_keys import ALIASES, FLAGS, KEYS, Key, called, plain
from tlsviz.connection.filters import FilterError, tokens
from tlsviz.connection.rows import Row
from tlsviz.connection.tally import ordered

MOST = 50
"""Suggestions that are made at most."""
OPERATORS = {"not": "the opposite of what follows", "or": "one or the other"}


class Suggestion(NamedTuple):
    """``text`` takes the place of what stands from ``start`` to the cursor; ``shown`` and ``detail`` describe it."""

    start: int
    text: str
    shown: str
    detail: str


def suggest(text: str, cursor: int, rows: Iterable[Row]) -> list[Suggestion]:
    """What may stand where the cursor is, for these rows: keys that begin like it, or values that hold it."""
    key, start = _place(text[:cursor])
    typed = text[start:cursor]
    if key is not None:
        return _values(key, typed.lstrip('="'), start, rows)
    found = [
        Suggestion(start, f"{name}:", f"{name}:", known.words) for name, known in KEYS.items() if _begins(name, typed)
    ]
    found += [Suggestion(start, f"{name} ", name, flag.words) for name, flag in FLAGS.items() if _begins(name, typed)]
    found += [Suggestion(start, f"{name} ", name, words) for name, words in OPERATORS.items() if _begins(name, typed)]
    others = [(other, KEYS[name]) for other, name in ALIASES.items() if not found and _begins(other, typed)]
    return found + [Suggestion(start, f"{key.name}:", f"{other}, {key.name}:", key.words) for other, key in others]


def about(text: str, cursor: int) -> str:
    """What the key at the cursor means, and an example; "" where there is none."""
    key, start = _place(text[:cursor])
    if key is not None:
        return f"{key.name}: {key.words}, as in {key.example}"
    flag = FLAGS.get(text[start:cursor].lower())
    return f"{flag.name}: {flag.words}" if flag is not None else ""


def _begins(name: str, typed: str) -> bool:
    return name.startswith(typed.lower()) and name != typed.lower()


def _place(before: str) -> tuple[Key | None, int]:
    """The key whose value is being typed, None for none; and where the value, or the word, began."""
    try:
        found = list(tokens(before))
    except FilterError as error:
        found = list(tokens(before[: error.position]))
        key = called(found[-1].text[:-1]) if found and found[-1].kind == "key" else None
        return key, error.position
    if not found or found[-1].end < len(before) or found[-1].kind in "()":
        return None, len(before)
    last = found[-1]
    if last.kind == "key":
        return called(last.text[:-1]), last.end
    if last.kind == "value":
        return called(found[-2].text[:-1]), last.start + last.text.rfind(",") + 1
    return None, last.start


def _values(key: Key, typed: str, start: int, rows: Iterable[Row]) -> list[Suggestion]:
    wanted = plain(typed)
    counted = Counter(value for row in rows for value in key.texts(row))
    found = []
    for value, number in ordered(counted):
        if wanted in plain(value):
            bare = not any(char in value for char in ' (),"')
            text = value if bare else f'"{value.replace(chr(34), "?")}"'
            found.append(Suggestion(start, f"{text} ", value, f"{number:,}"))
            if len(found) == MOST:
                break
    return found
