"""Object identifiers and their names, from ``data/oids.tsv``."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

MAX_SIZE = 64
"""Bytes of an object identifier's contents that are read; longer ones are noise."""

KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
"""RFC 5280 4.2.1.3, by bit."""


class Oid(NamedTuple):
    """A known object identifier. ``short`` as summaries write it (``CN``); ``bits`` of a curve, else 0.

    ``family``: attribute, key, curve, signature, hash, purpose, extension, access, policy, qualifier or other.
    """

    dotted: str
    family: str
    name: str
    short: str
    reference: str
    bits: int


@cache
def table() -> tuple[Oid, ...]:
    """Every row of the data; an identifier that names a key and a signature (Ed25519) has two."""
    rows: list[Oid] = []
    for line in (Path(__file__).parent / "data" / "oids.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            dotted, family_name, name, short, reference, *bits = line.split("\t")
            rows.append(Oid(dotted, family_name, name, name if short == "-" else short, reference, int(*bits)))
    return tuple(rows)


@cache
def family(name: str) -> dict[str, Oid]:
    """The identifiers of one family by their dotted form."""
    return {row.dotted: row for row in table() if row.family == name}


@cache
def _by_dotted() -> dict[str, Oid]:
    found: dict[str, Oid] = {}
    for row in table():
        found.setdefault(row.dotted, row)
    return found


def get(dotted: str) -> Oid | None:
    """What is known of an identifier; of its first family when it has several."""
    return _by_dotted().get(dotted)


def dotted_form(content: bytes) -> str | None:
    """The dotted form of an OBJECT IDENTIFIER's contents (X.690 8.19); None when they are none."""
    if not content or len(content) > MAX_SIZE or content[-1] & 0x80:
        return None
    arcs: list[int] = []
    value = 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    head = min(arcs[0] // 40, 2)
    return ".".join(map(str, (head, arcs[0] - 40 * head, *arcs[1:])))


@lru_cache(maxsize=1024)
def words(content: bytes) -> tuple[str, str]:
    """Dotted form and label (``commonName (2.5.4.3)``) of an OBJECT IDENTIFIER's contents; two ""s when it is none."""
    dotted = dotted_form(content)
    if dotted is None:
        return "", ""
    known = get(dotted)
    return dotted, f"{known.name} ({dotted})" if known else dotted
