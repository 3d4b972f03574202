"""A small language to pick connections: ``version:1.2 not sni:*.example.com (alert: or handshake:>200ms)``.

A pure function of rows (`connection.rows`). What stands side by side must all be true; ``or`` binds less than that,
``not`` and parentheses as one expects. A word without a key is looked for in everything that a row shows. A value, or
a word, in quotes is taken as it is; commas part values of which one must be met; after ``=`` a value must be the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tlsviz.connection import titles
from tlsviz.connection.filter_keys import ALIASES, FLAGS, KEYS, Test, called, make
from tlsviz.connection.model import Connection
from tlsviz.connection.rows import Row, only, rows
from tlsviz.errors import UsageError
from tlsviz.wire.text import shorten

LONGEST = 2000
DEEPEST = 50
"""Parentheses and ``not`` inside of each other."""


class FilterError(UsageError):
    """A filter that cannot be read; ``position``: where, in characters from its start."""

    def __init__(self, why: str, position: int, text: str) -> None:
        self.why, self.position = why, position
        super().__init__(f"The filter {shorten(text, 80)!r}", f"{why}, at character {position + 1}")

    def __reduce__(self) -> tuple[type[FilterError], tuple[str, int, str]]:
        return FilterError, (self.why, self.position, self.title)


class Filter(NamedTuple):
    """A filter that was read. ``matches(row, zero)``: ``zero`` is when the first connection began (Unix seconds)."""

    text: str
    matches: Test


class Token(NamedTuple):
    """``kind``: "(", ")", "word", "key" (with its colon), "value" or "text" (quoted). Bounds in characters."""

    kind: str
    text: str
    start: int
    end: int


def parse(text: str) -> Filter:
    """Reads a filter; raises `FilterError`. An empty one lets everything pass."""
    if len(text) > LONGEST:
        raise FilterError(f"it is longer than {LONGEST:,} characters", LONGEST, text)
    found = _Parser(text)
    test = found.either(0) if found.tokens else _everything
    if found.ahead is not None:
        raise FilterError("a parenthesis is closed that was never opened", found.ahead.start, text)
    return Filter(text, test)


def picked(wanted: Filter, connections: Sequence[Connection]) -> Sequence[Connection]:
    """The connections that match, in their order."""
    found = rows(connections)
    zero = min((each.start for each in found), default=0.0)
    return only(connections, {each.id: None for each in found if wanted.matches(each, zero)})


def shown(of: Row) -> str:
    """What free text is looked for in: everything that a list shows of the row, in lower case, a line each."""
    parts = (
        *(of.title, str(of.client), str(of.server), of.spoken, str(of.suite or ""), titles.suite(of.suite)),
        *(str(of.group or ""), of.alpn, "resumed" if of.resumed else "", of.outcome, of.transport, of.history),
    )
    return "\n".join(parts).casefold()


_WORD = re.compile(r'[^\s()":,]+')
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:")
_VALUE = re.compile(r'(?:"[^"]*"|[^\s()"])+')
_ADDRESS = re.compile(r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*|[0-9.]+:\d+|\[[0-9a-fA-F:.]+\](:\d+)?")


def tokens(text: str) -> Iterator[Token]:
    """The parts of a filter; raises `FilterError` for quotes that do not end."""
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
            continue
        if char in "()":
            token = Token(char, char, at, at + 1)
        elif char == '"':
            end = text.find('"', at + 1)
            if end < 0:
                raise FilterError("the quotation mark is not closed", at, text)
            token = Token("text", text[at + 1 : end], at, end + 1)
        else:
            token = _plain_token(text, at)
        yield token
        at = token.end
        if token.kind == "key" and at < len(text) and not text[at].isspace() and text[at] not in "()":
            value = _VALUE.match(text, at)
            if value is None:
                raise FilterError("the quotation mark is not closed", at, text)
            yield Token("value", value[0], at, value.end())
            at = value.end()


def _plain_token(text: str, at: int) -> Token:
    """A key with its colon, or a word; addresses have colons of their own."""
    whole = _VALUE.match(text, at)
    assert whole is not None
    if _ADDRESS.fullmatch(whole[0]):
        return Token("word", whole[0], at, whole.end())
    key = _KEY.match(text, at)
    if key is not None and not text.startswith("//", key.end()):
        return Token("key", key[0], at, key.end())
    return Token("word", whole[0], at, whole.end())


def _everything(row: Row, zero: float) -> bool:
    return True


class _Parser:
    """Reads tokens one after the other, with one of them in sight."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self._at = 0

    @property
    def ahead(self) -> Token | None:
        return self.tokens[self._at] if self._at < len(self.tokens) else None

    def _next_is(self, word: str) -> bool:
        token = self.ahead
        return token is not None and token.kind == "word" and token.text.lower() == word

    def _fail(self, why: str) -> FilterError:
        token = self.ahead
        return FilterError(why, token.start if token else len(self.text), self.text)

    def either(self, depth: int) -> Test:
        """Alternatives with ``or`` between them."""
        choices = [self.every(depth)]
        while self._next_is("or"):
            self._at += 1
            choices.append(self.every(depth))
        if len(choices) == 1:
            return choices[0]
        return lambda row, zero: any(test(row, zero) for test in choices)

    def every(self, depth: int) -> Test:
        """What stands side by side, with or without ``and``."""
        tests = [self.one(depth)]
        while self.ahead is not None and self.ahead.kind != ")" and not self._next_is("or"):
            if self._next_is("and"):
                self._at += 1
            tests.append(self.one(depth))
        if len(tests) == 1:
            return tests[0]
        return lambda row, zero: all(test(row, zero) for test in tests)

    def one(self, depth: int) -> Test:
        """A term, or its opposite, or what stands in parentheses."""
        token = self.ahead
        if depth > DEEPEST:
            raise self._fail("too much is inside of each other")
        if token is None or token.kind == ")" or self._next_is("or") or self._next_is("and"):
            raise self._fail("something to look for is missing")
        self._at += 1
        if token.kind == "word" and token.text.lower() == "not":
            test = self.one(depth + 1)
            return lambda row, zero: not test(row, zero)
        if token.kind == "(":
            test = self.either(depth + 1)
            if self.ahead is None:
                raise FilterError("this parenthesis is not closed", token.start, self.text)
            self._at += 1
            return test
        return self._keyed(token) if token.kind == "key" else _term(token)

    def _keyed(self, token: Token) -> Test:
        name = token.text[:-1].lower()
        key = called(name)
        if key is None:
            meant = nearest(name)
            known = f"; there are {', '.join(KEYS)}"
            hint = f"; is {meant}: meant?" if meant else f"{known}; quotes look for the text itself"
            raise FilterError(f"there is no key {shorten(name, 20)!r}{hint}", token.start, self.text)
        value = self.ahead
        values, start = [""], token.end
        if value is not None and value.kind == "value":
            self._at += 1
            values, start = values_of(value.text), value.start
        try:
            tests = [make(key, each) for each in values]
        except ValueError as error:
            raise FilterError(str(error), start, self.text) from None
        if len(tests) == 1:
            return tests[0]
        return lambda row, zero: any(test(row, zero) for test in tests)


def values_of(text: str) -> list[str]:
    """What commas part, outside of quotes; without the quotes."""
    parts = re.findall(r'((?:"[^"]*"|[^,"])+)', text)
    return [part.replace('"', "") for part in parts] or [""]


def _term(token: Token) -> Test:
    """A flag, or text to be found anywhere in the row."""
    flag = FLAGS.get(token.text.lower()) if token.kind == "word" else None
    if flag is not None:
        true = flag.test
        return lambda row, zero: true(row)
    wanted = token.text.casefold()
    return lambda row, zero: wanted in shown(row)


def nearest(name: str) -> str | None:
    """The key that somebody who wrote ``name`` may have meant."""
    from difflib import get_close_matches

    found = get_close_matches(name, [*KEYS, *ALIASES], 1, 0.6)
    return found[0] if found else None


def term(key: str, value: str) -> str:
    """The filter for exactly one value of a key, in quotes where it needs them."""
    if '"' in value:
        return f'{key}:"{value.replace(chr(34), "?")}"'  # the only character that quotes cannot hold
    plain = re.fullmatch(r"[^\s(),]+", value) is not None
    return f"{key}:={value}" if plain else f'{key}:="{value}"'
