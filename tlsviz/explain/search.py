"""Finding words by what a person types: ``0x1301``, ``key_share``, ``alert 40``, ``forward secrecy``, ``sni``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tlsviz.explain import points
from tlsviz.explain.codes import by_code, by_name
from tlsviz.explain.words import FAMILIES, Words, aliases, entries, words
from tlsviz.tls import registry

MOST = 20
"""At most so many near matches are given."""


def search(name: str) -> list[Words]:
    """The entries that a name, code point or key stands for; else up to 20 that contain it; [] if there are none.

    The likeliest come first: of a bare number's meanings those in use, the rare and the historic ones last.
    """
    wanted = " ".join(name.split())
    if not wanted or len(wanted) > 200:
        return []
    found = _once([*by_code(wanted), *_by_alias(wanted), *_by_key(wanted), *by_name(_plain(wanted), _plain)])
    return found or _once(_near(wanted))[:MOST]


def _once(found: Iterable[Words]) -> list[Words]:
    return list(dict.fromkeys(map(points.numbered, found)))


def _by_alias(wanted: str) -> Iterator[Words]:
    """``sni``, ``p-256``, ``0-rtt``."""
    for key in aliases().get(_plain(wanted), ()):
        if (entry := words(key)) is not None:
            yield entry


def _by_key(wanted: str) -> Iterator[Words]:
    """``message.client_hello`` and the entry's bare name in every family."""
    if (entry := words(wanted)) is not None:
        yield entry
    plain = _plain(wanted)
    for family in FAMILIES:
        for name, entry in entries(family).items():
            if _plain(name) == plain or _plain(entry.title) == plain:
                yield entry


def _near(wanted: str) -> Iterator[Words]:
    plain = _plain(wanted)
    if len(plain) < 3:
        return
    for family in FAMILIES:
        for name, entry in entries(family).items():
            if plain in _plain(name) or plain in _plain(entry.title):
                yield entry
    for code in registry.cipher_suites:
        if plain in _plain(registry.cipher_suites.get(code) or "") and (found := points.cipher_suite(code)) is not None:
            yield found


def _plain(text: str) -> str:
    """Letters and digits alone: ``ClientHello``, ``client_hello`` and ``client hello`` are the same."""
    return re.sub(r"[^a-z0-9]", "", text.lower().removesuffix("_reserved"))
