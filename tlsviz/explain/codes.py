"""Code points found by their number, the likeliest first: what is in use before what is rare before what is history."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tlsviz.explain import points
from tlsviz.explain.words import Words, in_file, words
from tlsviz.tls import registry
from tlsviz.tls.registry import Registry
from tlsviz.tls.suites import suite

CURRENT, USUAL, RARE, HISTORIC = range(4)


class Kind(NamedTuple):
    """A registry, how to find the words of its code points, and how likely each one is meant (0: most)."""

    names: Registry
    find: Callable[[int], Words | None]
    rank: Callable[[int], int]


def _named(names: Registry, family: str) -> Callable[[int], Words | None]:
    def find(code: int) -> Words | None:
        name = names.get(code)
        return words(f"{family}.{name}") if name else None

    return find


def _ranked(names: Registry, *patterns: tuple[int, str], other: int) -> Callable[[int], int]:
    """By the first pattern that the name begins with."""

    def rank(code: int) -> int:
        name = names.get(code) or ""
        return next((rank for rank, pattern in patterns if re.match(pattern, name)), other)

    return rank


def _rank_of_suite(code: int) -> int:
    taken = suite(code)
    if taken is None:  # GREASE, SCSV
        return USUAL
    if taken.weaknesses:
        return HISTORIC
    return CURRENT if taken.recommended else USUAL if taken.forward_secret else RARE


def _rank_of_extension(code: int) -> int:
    return CURRENT if registry.extensions.get(code) in in_file("extensions.toml") else RARE


_GROUPS = (
    (CURRENT, r"x25519$|x448$|secp(256|384|521)r1$|X25519MLKEM768|SecP(256|384)r1MLKEM"),
    (USUAL, r"ffdhe|MLKEM|GREASE"),
    (RARE, r"brainpool|GC|curveSM2"),
)
_SCHEMES = (
    (HISTORIC, r".*_(md5|sha1|sha224)$|dsa_|anonymous|.*_old$"),
    (CURRENT, r"rsa_pss|rsa_pkcs1_sha\d+$|ecdsa_secp|ed25519|ed448"),
    (USUAL, r"mldsa|GREASE"),
)
_VERSIONS = ((CURRENT, r"TLS 1\.[23]$"), (USUAL, r"TLS 1\.[01]$|SSL 3|GREASE"), (RARE, r"SSL 2|DTLS 1\.\d$"))
_ALERTS = ((HISTORIC, r"end_of_early|decryption_f|decompression|no_certificate|export"), (RARE, r"too_many_cids"))
_MESSAGES = (
    (HISTORIC, r"supplemental|certificate_url|hello_retry|next_protocol|channel_id|hello_verify"),
    (RARE, r"(request|new)_connection_id|client_certificate_request|ekt_key|message_hash|hello_request"),
    (USUAL, r"certificate_status|compressed_certificate|key_update|end_of_early_data"),
)
_RECORDS = ((RARE, r"tls12_cid|ACK|return_routability"),)

ALERT = Kind(registry.alerts, _named(registry.alerts, "alert"), _ranked(registry.alerts, *_ALERTS, other=CURRENT))
EXTENSION = Kind(registry.extensions, _named(registry.extensions, "extension"), _rank_of_extension)
MESSAGE = Kind(
    registry.handshake_types,
    _named(registry.handshake_types, "message"),
    _ranked(registry.handshake_types, *_MESSAGES, other=CURRENT),
)
RECORD = Kind(
    registry.record_types,
    _named(registry.record_types, "message"),
    _ranked(registry.record_types, *_RECORDS, other=CURRENT),
)
SUITE = Kind(registry.cipher_suites, points.cipher_suite, _rank_of_suite)
GROUP = Kind(registry.groups, points.group, _ranked(registry.groups, *_GROUPS, other=HISTORIC))
SIGNATURE = Kind(
    registry.signature_schemes,
    points.signature_scheme,
    _ranked(registry.signature_schemes, *_SCHEMES, other=RARE),
)
VERSION = Kind(registry.versions, points.version, _ranked(registry.versions, *_VERSIONS, other=HISTORIC))
SSL2_CIPHER = Kind(registry.ssl2_cipher_kinds, points.ssl2_cipher, lambda code: HISTORIC)

KINDS: dict[str, Kind] = {
    "alert": ALERT,
    "extension": EXTENSION,
    "ext": EXTENSION,
    "handshake": MESSAGE,
    "message": MESSAGE,
    "record": RECORD,
    "suite": SUITE,
    "cipher": SUITE,
    "cipher suite": SUITE,
    "group": GROUP,
    "curve": GROUP,
    "signature": SIGNATURE,
    "signature scheme": SIGNATURE,
    "scheme": SIGNATURE,
    "version": VERSION,
    "ssl2 cipher": SSL2_CIPHER,
}
"""By what people call them."""

# Equally likely meanings: wide numbers are usually quoted from lists of suites and groups, small ones from types.
_WIDE = (VERSION, SUITE, GROUP, SIGNATURE, EXTENSION, SSL2_CIPHER, RECORD, MESSAGE, ALERT)
_SMALL = (RECORD, MESSAGE, ALERT, EXTENSION, GROUP, SUITE, SIGNATURE, VERSION, SSL2_CIPHER)

_NUMBER = re.compile(
    r"(?:(?P<kind>[a-z][a-z0-9 ]*?)s?[ :])?"
    r"(?:0x(?P<hex>[0-9a-f]{1,8})|0x(?P<high>[0-9a-f]{2}), ?0x(?P<low>[0-9a-f]{2})|(?P<decimal>0|[1-9]\d{0,8}))"
)
_BARE_HEX = re.compile(r"0[0-9a-f]{3}|(?=.*\d)(?=.*[a-f])[0-9a-f]{4}")
"""Four digits as in a dump, ``c02f`` or ``0017``: no decimal number, which has no zero in front, and no word."""


def by_code(wanted: str) -> Iterator[Words]:
    """``0x1301``, ``0xC0,0x2F``, ``001d``, ``40``, ``alert 40``, ``extension 0x0033``; in hex of any width."""
    typed = wanted.lower()
    matched = _NUMBER.fullmatch(typed)
    if matched is None:
        if _BARE_HEX.fullmatch(typed):
            yield from _meanings(int(typed, 16), _WIDE, wide=True)
        return
    digits = matched["hex"] or (f"{matched['high']}{matched['low']}" if matched["high"] else None)
    code = int(digits, 16) if digits else int(matched["decimal"])
    wide = digits is not None and len(digits) > 2
    if matched["kind"] is None:
        yield from _meanings(code, _WIDE if wide else _SMALL, wide)
    elif matched["kind"] in KINDS:
        yield from _meanings(code, (KINDS[matched["kind"]],), wide=False)


def _meanings(code: int, kinds: tuple[Kind, ...], wide: bool) -> Iterator[Words]:
    """What a number stands for; ``wide``: it was written with more digits than one byte has."""

    def rank(kind: Kind) -> int:
        return kind.rank(code) + (RARE if wide and kind.names.width == 1 else CURRENT)

    for kind in sorted((kind for kind in kinds if code in kind.names), key=rank):
        if (entry := kind.find(code)) is not None:
            yield entry


def by_name(plain: str, simplify: Callable[[str], str]) -> Iterator[Words]:
    """The code points whose IANA name is, after ``simplify``, exactly this."""
    for kind in dict.fromkeys(KINDS.values()):
        for code in kind.names:
            if simplify(kind.names.get(code) or "") == plain and (entry := kind.find(code)) is not None:
                yield entry
