"""The words of tlsviz: what a thing is, why it is there, what would be odd. Data in ``*.toml``, read when asked for.

A key is ``family.name``: ``message.client_hello``, ``alert.handshake_failure``, ``field.client_hello.random``. Each
family lives in the files that `FAMILIES` names; a table in them is one entry.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import NamedTuple

FAMILIES: dict[str, tuple[str, ...]] = {
    "message": ("messages.toml",),
    "alert": ("alerts.toml",),
    "extension": ("extensions.toml", "extensions_rare.toml"),
    "field": ("fields_hello.toml", "fields_handshake.toml", "fields_extensions.toml", "fields_record.toml"),
    "version": ("versions.toml",),
    "suite": ("suites.toml",),
    "group": ("groups.toml",),
    "signature": ("signatures.toml",),
    "finding": ("findings.toml", "findings_certificate.toml"),
    "trust": ("trust.toml",),
    "mark": ("marks.toml",),
    "proof": ("proofs.toml",),
    "provenance": ("provenance.toml",),
    "concept": ("concepts.toml",),
}


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
    return found.get(name) or found.get(name.removesuffix("_RESERVED").lower())  # IANA marks retired names so


@cache
def entries(family: str) -> dict[str, Words]:
    """Every entry of a family by its name, in the order of the files; {} if there is no such family."""
    found: dict[str, Words] = {}
    for file in FAMILIES.get(family, ()):
        for name, table in _read(file).items():
            found[name] = Words(
                key=f"{family}.{name}",
                title=table.get("title", name),
                what=table["what"],
                why=table.get("why", ""),
                odd_if=table.get("odd_if", ""),
                mend=table.get("mend", ""),
                reference=table.get("reference", ""),
            )
    return found


def _read(file: str) -> dict[str, dict[str, str]]:
    import tomllib  # only when words are asked for

    text = resources.files(__package__).joinpath(file).read_text("utf-8")
    return tomllib.loads(text)


def lookup_field(names: tuple[str, ...]) -> Words | None:
    """The words of the node at the end of a path of names, the message's root first.

    The most specific entry wins: the whole path, then its shorter ends, then the nearest ancestor that has an entry
    with this name (``key_share.group``), then what the name alone means: a message, an extension, a field.
    """
    if not names:
        return None
    *above, last = names
    fields = entries("field")
    for start in range(len(above)):
        if (found := fields.get(".".join(names[start:]))) is not None:
            return found
    for ancestor in reversed(above[:-1]):
        if (found := fields.get(f"{ancestor}.{last}")) is not None:
            return found
    if not above:
        return words(f"message.{last}") or fields.get(last)
    if "extensions" in above[-1] and (found := words(f"extension.{last}")) is not None:
        return found
    return fields.get(last)
