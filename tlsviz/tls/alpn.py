"""Application protocols by the identifiers that ALPN and NPN send (RFC 7301 6)."""

from __future__ import annotations

from functools import cache
from pathlib import Path


def title(identifier: str) -> str | None:
    """What an identifier stands for: ``HTTP/2 over TLS`` for ``h2``; None for one that is not known."""
    return _names().get(identifier)


@cache
def _names() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in (Path(__file__).parent / "data" / "alpn_protocols.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            identifier, name, _ = line.split("\t")
            found[identifier] = name
    return found
