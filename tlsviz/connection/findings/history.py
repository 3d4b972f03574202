"""Findings that depend on what is remembered of earlier handshakes with the same server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tlsviz.connection.inspection import inspection
from tlsviz.connection.model import Connection, Finding
from tlsviz.wire.chunks import SERVER


def inspected(connection: Connection) -> Iterator[Finding]:
    """Somebody between who ends the TLS and makes another certificate."""
    if not any(sent.sender == SERVER for sent in connection.certificates):
        return  # then nobody can tell
    found = inspection(connection)
    if found.verdict != "likely":
        return
    first = next((clue.message for clue in found.clues if clue.points == "for" and clue.message is not None), None)
    yield Finding(
        "inspection_likely",
        "warning",
        "This connection is likely inspected on its way",
        "; ".join(clue.text for clue in found.clues if clue.points == "for"),
        "Ask whoever runs this network or computer; compare with another network. Whoever inspects reads it all.",
        "NIST SP 1800-37",
        message=first,
    )


CODES = frozenset(("inspection_likely",))
FINDERS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (inspected,)
