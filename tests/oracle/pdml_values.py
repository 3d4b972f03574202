"""Whether tshark and tlsviz read the same out of the same bytes: the forms in which tshark shows values, and ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pdml_reader import Field

from tlsviz.tls import oids
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import safe

_NUMBER = re.compile(r"-?\d+|0x[0-9a-f]+")
_DOTTED = re.compile(r"\d+(\.\d+)+")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \(?(UTC)?([+-]\d{4})?\)?")
_LONG_MOMENT = re.compile(r"(\w{3} [ \d]\d, \d{4} \d\d:\d\d:\d\d\.\d{6})\d{3} UTC")
_BIT = re.compile(r"= ([\w-]+): ")
_BYTES = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2})*…?")
_PREFIX = re.compile(r"(DNS|IP|URI|email|RID):")
_RENAMED = {"contentCommitment": "nonRepudiation"}
"""Bits that tshark calls by X.509's newer names (RFC 5280 4.2.1.3 has both)."""

_NAMED = re.compile(r"[^:]*: (.+) \((?:0x[0-9a-f]+|\d+)\)")
_IN_BRACKETS = re.compile(r"(.*)\((.+)\)")


def named_alike(field: Field, node: Node) -> bool | None:
    """Whether both give a code point the same name, but for case and punctuation; None if tshark has no name for it."""
    found = _NAMED.fullmatch(field.shown)
    if found is None or not isinstance(node.value, int) or found[1].startswith("Unknown"):
        return None
    brackets = _IN_BRACKETS.fullmatch(found[1])
    return _plain(node.label or "") in {_plain(name) for name in (found[1], *(brackets.groups() if brackets else ()))}


def says_something(field: Field) -> bool:
    """Whether tshark shows more of the bytes than themselves, and than what the fields inside show.

    Of ASN.1 it numbers the alternatives of a CHOICE and counts the elements of a SEQUENCE OF; neither is on the wire.
    """
    if not field.show or not field.name or _is_bytes(field):
        return False
    return not field.group or field.name.startswith("tls.")


def _is_bytes(field: Field) -> bool:
    if not _BYTES.fullmatch(field.show) or field.value is None:
        return False
    return field.value.startswith(bytes.fromhex(field.show.replace(":", "").rstrip("…")))


def agrees(field: Field, node: Node, label: str) -> bool:
    """Whether our node over the same bytes says the same as tshark's field; ``label`` is what we say in words."""
    if isinstance(node.value, bytes) and field.value is not None and node.value != field.value:
        return False
    show = field.show
    if not says_something(field):
        return True
    if moment := _moment(show):
        return _moment(label) in (moment, moment.replace(microsecond=0))
    if isinstance(node.value, int):
        return _NUMBER.fullmatch(show) is not None and int(show, 0) == node.value
    return isinstance(node.value, bytes) and _agrees_in_words(field, node.value, label)


def _agrees_in_words(field: Field, value: bytes, label: str) -> bool:
    """As `agrees`, for bytes that we say in words."""
    show = field.show
    if field.bit:
        found = _BIT.search(field.shown)
        name = found[1] if found else ""
        is_set = _plain(_RENAMED.get(name, name)) in map(_plain, label.split(", "))
        return is_set == (show == "1")
    if label in ("TRUE", "FALSE"):
        return label == ("TRUE" if show == "1" else "FALSE")
    if _DOTTED.fullmatch(show) and oids.words(value)[0] == show:
        return True
    if _NUMBER.fullmatch(show) and (label == show or int(show, 0) == int.from_bytes(value, "big")):
        return True
    ours, show = _PREFIX.sub("", label, 1), safe(show)
    return show in (label, ours, label.partition(": ")[0]) or (ours.endswith("…") and show.startswith(ours[:-1]))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _moment(text: str) -> datetime | None:
    """A time in one of the ways in which tshark or tlsviz write it."""
    if found := _LONG_MOMENT.fullmatch(text):
        return datetime.strptime(found[1], "%b %d, %Y %H:%M:%S.%f").replace(tzinfo=UTC)
    if found := _MOMENT.fullmatch(text):
        return datetime.strptime(f"{found[1]} {found[3] or '+0000'}", "%Y-%m-%d %H:%M:%S %z")
    return None
