"""What is known of a server's taste: what it listed or chose, what it turned away, whose order it went by before."""

from __future__ import annotations

from typing import Literal, get_args

from tlsviz.connection.model import Connection
from tlsviz.wire.text import plural

Subject = Literal["version", "cipher_suite", "group", "signature_scheme", "alpn"]
"""What is negotiated, in the order of `observations.SUBJECTS`."""

_REFUSALS: dict[Subject, tuple[int, ...]] = {"version": (70,), "alpn": (120,)}
_REFUSED = (40, 47, 71)
"""The alerts that turn away what was offered of a subject, and of any other (RFC 8446 6.2)."""


def taken(connection: Connection, subject: Subject, value: int | str) -> str:
    """How it is known that the server accepts a value; "" if it is not."""
    place = _place(subject)
    times = sum(one.chosen[place] == value for one in connection.earlier)
    if times:
        return f"chosen in {plural(times, 'earlier handshake')}"
    if subject == "group" and value in _announced(connection):
        return "it lists it in EncryptedExtensions"
    return ""


def turned_away(connection: Connection, subject: Subject, value: int | str) -> bool:
    """Whether the server refused a handshake in which this was the only value of its kind."""
    place, codes = _place(subject), _REFUSALS.get(subject, _REFUSED)
    return any(one.alert in codes and one.offered[place] == (value,) for one in connection.earlier if not one.complete)


def follows(connection: Connection, subject: Subject, chosen: int | str) -> bool | None:
    """Whether earlier choices changed with the client's order; None if they do not tell."""
    place = _place(subject)
    version = connection.version.code if connection.version else None
    takes = {one.chosen[place] for one in connection.earlier} | {chosen}
    for one in reversed(connection.earlier):
        took, offers = one.chosen[place], one.offered[place]
        if took is None or one.chosen[0] != version or chosen not in offers:
            continue
        if took != chosen and took in offers:
            return offers.index(took) < offers.index(chosen)
        if took == chosen and any(value in takes and value != chosen for value in offers[: offers.index(chosen)]):
            return False
    return None


def _place(subject: Subject) -> int:
    return get_args(Subject).index(subject)


def _announced(connection: Connection) -> set[int]:
    """The groups that the server says it prefers (RFC 8446 4.2.7)."""
    found: set[int] = set()
    for message in connection.messages_of("encrypted_extensions"):
        listed = message.tree.get("extensions.supported_groups.named_group_list") if message.tree else None
        found |= {node.value for node in listed.children if isinstance(node.value, int)} if listed else set()
    return found
