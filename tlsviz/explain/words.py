"""The words of tlsviz: what a thing is, why it is there, what would be odd. Data in ``*.toml``, read when asked for.

A key is ``family.name``: ``message.client_hello``, ``alert.handshake_failure``, ``field.client_hello.random``. Each
family lives in the files that `FAMILIES` names; a table in them is one entry.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

FAMILIES: dict[str, tuple[str, ...]] = {
    "message": ("messages.toml",),
    "alert": ("alerts.toml",),
    "extension": ("extensions.toml", "extensions_rare.toml"),
    "field": (
        "fields_hello.toml",
        "fields_handshake.toml",
        "fields_extensions.toml",
        "fields_record.toml",
        "fields_x509.toml",
        "fields_rare.toml",
        "fields_quic.toml",
        "fields_rare_bodies.toml",
        "fields_http.toml",
    ),
    "version": ("versions.toml",),
    "suite": ("suites.toml",),
    "group": ("groups.toml",),
    "signature": ("signatures.toml",),
    "finding": ("findings.toml",),
    "trust": ("trust.toml",),
    "trust_place": ("trust_place.toml",),
    "mark": ("marks.toml",),
    "proof": ("proofs.toml",),
    "provenance": ("provenance.toml",),
    "concept": ("concepts.toml",),
    "part": ("parts.toml",),
    "http": ("http.toml",),
}


_DATA = Path(__file__).parent
_NUMBERED = re.compile("(handshake|extension|content_type|ssl2)_0x[0-9a-f]+")
"""How decoders name what no registry knows."""


class Words(NamedTuple):
    """An entry: plain text without line breaks; what does not apply is "".

    ``what`` it is, ``why`` it is there (of an alert or finding: the usual causes), ``odd_if`` it would be unusual or
    dangerous, ``mend`` what to try.
    """

    key: str
    title: str
    what: str
    why: str = ""
    odd_if: str = ""
    mend: str = ""
    reference: str = ""


def words(key: str) -> Words | None:
    """The entry of that key; None if there is none (no error: a peer may send what nobody has described)."""
    family, _, name = key.partition(".")
    found = entries(family)
    if (entry := found.get(name) or found.get(name.removesuffix("_RESERVED").lower())) is not None:  # IANA's retired
        return entry
    return found.get("unassigned") if _NUMBERED.fullmatch(name) else None


@cache
def entries(family: str) -> dict[str, Words]:
    """Every entry of a family by its name, in the order of the files; {} if there is no such family."""
    found: dict[str, Words] = {}
    for file in FAMILIES.get(family, ()):
        for name, table in _read(file).items():
            found[name] = Words(
                key=f"{family}.{name}",
                title=table.get("title", name.rpartition(".")[2]),
                what=table["what"],
                why=table.get("why", ""),
                odd_if=table.get("odd_if", ""),
                mend=table.get("mend", ""),
                reference=table.get("reference", ""),
            )
    if family == "finding":
        found |= {f"certificate_{reason}": _certificate_finding(entry) for reason, entry in entries("trust").items()}
    return found


def _certificate_finding(reason: Words) -> Words:
    """A trust reason as the finding that it leads to."""
    name = reason.key.partition(".")[2]
    return reason._replace(key=f"finding.certificate_{name}", title=f"Certificate: {reason.title.lower()}")


@cache
def in_file(file: str) -> frozenset[str]:
    """The names of the entries of one file."""
    return frozenset(_read(file))


@cache
def aliases() -> dict[str, tuple[str, ...]]:
    """What people call things, in letters and digits alone, with the keys of what they mean."""
    import tomllib

    table = tomllib.loads((_DATA / "aliases.toml").read_text("utf-8"))
    return {name: tuple(keys) for name, keys in table.items()}


def _read(file: str) -> dict[str, dict[str, str]]:
    import tomllib  # only when words are asked for

    return tomllib.loads((_DATA / file).read_text("utf-8"))


def lookup_field(names: tuple[str, ...]) -> Words | None:
    """The words of the node at the end of a path of names, the message's root first.

    The most specific entry wins: the whole path, then its shorter ends, then what it is by its place in a message's or
    an extension's header, then the nearest ancestor that has an entry with this name (``key_share.group``), then the
    name alone: a message, an extension, a field. ``data`` is what its parent is.
    """
    if not names:
        return None
    *above, last = names
    fields = entries("field")
    for key in _keys(names):
        if (found := fields.get(key)) is not None:
            return found
    if not above:
        return words(f"message.{last}") or fields.get(last)
    if above[-1] == "extensions" and (found := words(f"extension.{last}")) is not None:
        return found
    if last == "data":
        return lookup_field(tuple(above))
    return fields.get(last)


def _keys(names: tuple[str, ...]) -> list[str]:
    """The dotted keys to try for a path, the most specific first."""
    *above, last = names
    keys = [".".join(names[start:]) for start in range(len(above))]
    if len(names) == 2:
        keys.append(f"message_header.{last}")
    elif len(names) > 2 and above[-2] == "extensions":
        keys.append(f"extension_header.{last}")
    if last != "length":  # every vector has one: an ancestor's is another
        keys += [f"{ancestor}.{last}" for ancestor in reversed(above[:-1])]
    return keys
