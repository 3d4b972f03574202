"""Finding words by what a person types: ``0x1301``, ``key_share``, ``alert 40``, ``forward secrecy``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tlsviz.explain import points
from tlsviz.explain.words import FAMILIES, Words, entries, words
from tlsviz.tls import registry
from tlsviz.tls.registry import Registry

MOST = 20
"""At most so many near matches are given."""

Finder = Callable[[int], Words | None]


def _named(names: Registry, family: str) -> Finder:
    def find(code: int) -> Words | None:
        name = names.get(code)
        return words(f"{family}.{name}") if name else None

    return find


_ALERT = (registry.alerts, _named(registry.alerts, "alert"))
_EXTENSION = (registry.extensions, _named(registry.extensions, "extension"))
_MESSAGE = (registry.handshake_types, _named(registry.handshake_types, "message"))
_RECORD = (registry.record_types, _named(registry.record_types, "message"))
_SUITE = (registry.cipher_suites, points.cipher_suite)
_GROUP = (registry.groups, points.group)
_SIGNATURE = (registry.signature_schemes, points.signature_scheme)
_VERSION = (registry.versions, points.version)

_KINDS: dict[str, tuple[Registry, Finder]] = {
    "alert": _ALERT,
    "extension": _EXTENSION,
    "ext": _EXTENSION,
    "handshake": _MESSAGE,
    "message": _MESSAGE,
    "record": _RECORD,
    "suite": _SUITE,
    "cipher": _SUITE,
    "cipher suite": _SUITE,
    "group": _GROUP,
    "curve": _GROUP,
    "signature": _SIGNATURE,
    "signature scheme": _SIGNATURE,
    "version": _VERSION,
}
_TWO_BYTES = (_SUITE, _EXTENSION, _GROUP, _SIGNATURE, _VERSION)
_ONE_BYTE = (_ALERT, _MESSAGE, _RECORD)


def search(name: str) -> list[Words]:
    """The entries that a name, code point or key stands for; else up to 20 that contain it; [] if there are none."""
    wanted = " ".join(name.split())
    if not wanted or len(wanted) > 200:
        return []
    found = list(dict.fromkeys([*_by_code(wanted), *_by_key(wanted), *_by_name(wanted)]))
    return found or list(dict.fromkeys(_near(wanted)))[:MOST]


def _by_code(wanted: str) -> Iterator[Words]:
    """``0x1301``, ``40``, ``alert 40``, ``extension 0x0033``."""
    matched = re.fullmatch(r"(?:([A-Za-z][A-Za-z ]*?)s? )?(0x[0-9a-fA-F]{1,6}|\d{1,6})", wanted)
    if matched is None:
        return
    kind, digits = matched.groups()
    code = int(digits, 0) if digits.startswith("0x") else int(digits)
    if kind is not None:
        kinds: tuple[tuple[Registry, Finder], ...] = (_KINDS[kind.lower()],) if kind.lower() in _KINDS else ()
    elif digits.startswith("0x"):
        kinds = _TWO_BYTES if len(digits) > 4 else _ONE_BYTE
    else:
        kinds = (*_ONE_BYTE, *_TWO_BYTES)
    for _, finder in kinds:
        if (entry := finder(code)) is not None:
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


def _by_name(wanted: str) -> Iterator[Words]:
    """A code point's IANA name, in any case."""
    plain = _plain(wanted)
    for names, finder in {id(kind): kind for kind in _KINDS.values()}.values():
        for code in names:
            if _plain(names.get(code) or "") == plain and (found := finder(code)) is not None:
                yield found


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
