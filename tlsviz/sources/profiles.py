"""What well-known clients offer (``profiles.toml``), and playing one of them as far as OpenSSL can."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tlsviz.connection.model import CodePoint, Offered
from tlsviz.errors import UsageError
from tlsviz.sources.options import VERSIONS, LiveOptions
from tlsviz.tls import registry
from tlsviz.tls.registry import GREASE, Registry
from tlsviz.wire.text import shorten

TLS13 = 0x0304
SERVER_NAME = 0
"""The extension's code."""
_DATA = Path(__file__).with_name("profiles.toml")
_GREASE_CODE = 0x0A0A
"""Stands for any of the values of RFC 8701: they mean the same, nothing."""

Codes = tuple[int, ...]


class Profile(NamedTuple):
    """What one client offers: code points in wire order, GREASE among them (`registry.is_grease`).

    ``shares``: the groups with a key share. ``seen``: year and month. ``ja3`` and ``ja4``: as the source gives them,
    or "".
    """

    name: str
    title: str
    seen: str
    source: str
    versions: Codes
    cipher_suites: Codes
    groups: Codes
    shares: Codes
    signature_schemes: Codes
    alpn: tuple[str, ...]
    extensions: Codes
    shuffled: bool
    ja3: str
    ja4: str


@cache
def profiles() -> dict[str, Profile]:
    """All profiles, by name."""
    import tomllib

    with _DATA.open("rb") as file:
        data = tomllib.load(file)
    lists = ("versions", "cipher_suites", "groups", "shares", "signature_schemes", "extensions")
    return {
        name: Profile(
            name=name,
            title=entry["title"],
            seen=entry["seen"],
            source=entry["source"],
            alpn=tuple(entry["alpn"]),
            shuffled=entry.get("shuffled", False),
            ja3=entry.get("ja3", ""),
            ja4=entry.get("ja4", ""),
            **{key: tuple(_code(word) for word in entry[key].split()) for key in lists},
        )
        for name, entry in data.items()
    }


def _code(word: str) -> int:
    return _GREASE_CODE if word == GREASE else int(word, 16)


def profile(name: str) -> Profile:
    """The profile of a name. Raises UsageError."""
    found = profiles().get(name)
    if found is None:
        known = ", ".join(profiles())
        raise UsageError(f"--profile {shorten(name, 40)}", "no such client is known here", f"Use one of {known}.")
    return found


def played(options: LiveOptions) -> LiveOptions:
    """The options with what their profile offers, as far as OpenSSL has it; what they name themselves stays."""
    if options.profile is None:
        return options
    from tlsviz.sources.openssl import CAN_LEAVE_OUT, knows

    chosen = profile(options.profile)
    versions = [name for name, code in VERSIONS.items() if code in chosen.versions]
    suites = _names(chosen.cipher_suites, registry.cipher_suites, lambda name: knows("ciphers", name))
    groups = [
        ("*" if name in _names(chosen.shares, registry.groups) else "") + name
        for name in _names(chosen.groups, registry.groups, lambda name: knows("groups", name))
    ]
    schemes = _names(chosen.signature_schemes, registry.signature_schemes, lambda name: knows("sigalgs", name))
    default = LiveOptions()
    return dataclasses.replace(
        options,
        min_version=options.min_version or versions[0],
        max_version=options.max_version or versions[-1],
        ciphers=options.ciphers or ":".join(suites),
        groups=options.groups or ":".join(groups),
        sigalgs=options.sigalgs or ":".join(schemes),
        leave_out=options.leave_out | (CAN_LEAVE_OUT - set(chosen.extensions)),
        alpn=chosen.alpn if options.alpn == default.alpn and options.starttls is None else options.alpn,
    )


def _names(codes: Codes, names: Registry, known: Callable[[str], bool] | None = None) -> list[str]:
    """IANA's names, each once, without GREASE and what ``known`` does not know."""
    found = dict.fromkeys(names.get(code) or "" for code in codes if not registry.is_grease(code))
    return [name for name in found if name and (known is None or known(name))]


def differences(chosen: Profile, offered: Offered) -> list[str]:
    """What a ClientHello that plays the profile offers otherwise, in words."""
    found: list[str] = []
    grease = [registry.is_grease(code) for code in (*chosen.cipher_suites, *chosen.groups, *chosen.extensions)]
    if any(grease) and not any(registry.is_grease(each.code) for each in offered.extensions):
        found.append("no GREASE")
    for what, wanted, came in (
        ("versions", chosen.versions, offered.versions),
        ("cipher suites", chosen.cipher_suites, offered.cipher_suites),
        ("groups", chosen.groups, offered.groups),
        ("signature schemes", chosen.signature_schemes, offered.signature_schemes),
        ("extensions", chosen.extensions, offered.extensions),
    ):
        names = registry.extensions if what == "extensions" else _REGISTRIES[what]
        found += _difference(what, wanted, came, names)
    if chosen.alpn != offered.alpn:
        found.append(f"ALPN {', '.join(offered.alpn) or 'none'} instead of {', '.join(chosen.alpn) or 'none'}")
    if chosen.shuffled:
        found.append("extensions not shuffled")
    return found


_REGISTRIES: dict[str, Registry] = {
    "versions": registry.versions,
    "cipher suites": registry.cipher_suites,
    "groups": registry.groups,
    "signature schemes": registry.signature_schemes,
}


def _difference(what: str, wanted: Codes, came: tuple[CodePoint, ...], names: Registry) -> list[str]:
    """What is missing of one list, what is there too, and whether the rest has another order."""
    ours = [each.code for each in came if not registry.is_grease(each.code)]
    theirs = list(dict.fromkeys(code for code in wanted if not registry.is_grease(code)))
    if what == "versions" and TLS13 not in ours:
        # Before TLS 1.3 a hello has no list of them: one field says the highest.
        theirs = theirs[:1]
    if what == "extensions" and SERVER_NAME not in ours:
        # Every client leaves it out where an IP address is meant.
        theirs = [code for code in theirs if code != SERVER_NAME]
    found = []
    if missing := [code for code in theirs if code not in ours]:
        found.append(f"without the {what} {_listed(missing, names)}")
    if more := [code for code in ours if code not in theirs]:
        found.append(f"with the {what} {_listed(more, names)} too")
    if [code for code in ours if code in theirs] != [code for code in theirs if code in ours]:
        found.append(f"{what} in another order")
    return found


def _listed(codes: list[int], names: Registry) -> str:
    return ", ".join(names.get(code) or f"0x{code:0{2 * names.width}x}" for code in codes)


def remarks(options: LiveOptions, offered: Offered | None) -> list[str]:
    """What is to be said of a connection that played a profile: how far it went."""
    if options.profile is None or offered is None or not offered.cipher_suites:
        return []
    chosen = profile(options.profile)
    other = differences(chosen, offered)
    how = "all that it offers" if not other else "what OpenSSL cannot do as it does: " + "; ".join(other)
    return [f"Played {chosen.title} (as of {chosen.seen}): {how}."]
