"""One connection in a few lines, below the list that it is in."""

from __future__ import annotations

from textual.content import Content

from tlsviz.connection import titles
from tlsviz.connection.model import Connection
from tlsviz.connection.rows import handshake
from tlsviz.ui.glyphs import glyphs, showable
from tlsviz.ui.listing import message_words, name_of, outcome
from tlsviz.wire.text import clock, safe

_MESSAGES = 24
"""So many are named."""


def glance_at(connection: Connection) -> Content:
    """One connection in three lines: what it agreed on, its messages, what is odd."""
    sign = outcome(connection)
    agreed = [
        str(each)
        for each in (
            titles.version(connection),
            titles.suite(connection.cipher_suite),
            connection.group,
            connection.alpn,
        )
        if each
    ]
    parts: list[tuple[str, str]] = [
        (f"{sign.glyph} {sign.word}", f"bold ${sign.role}"),
        (f"  {name_of(connection)}", "bold"),
        (f"  {safe(f' {glyphs().dot} '.join([*agreed, *_times(connection)]))}\n", "$muted"),
    ]
    sender = ""
    for message in connection.messages[:_MESSAGES]:
        arrow = glyphs().right if message.sender == "client" else glyphs().left
        if message.sender != sender:
            parts.append((f"{arrow} ", f"${message.sender}"))
        sender = message.sender
        parts.append((message_words(message) + " ", f"${message.sender}"))
    if len(connection.messages) > _MESSAGES:
        parts.append((f"and {len(connection.messages) - _MESSAGES} more", "$muted"))
    worst = [each for each in connection.findings if each.severity not in ("info", "notice")]
    parts += [(f"\n{glyphs().odd} {safe(finding.title)}", "$warning") for finding in worst[:2]]
    return Content.assemble(*parts)


def _times(connection: Connection) -> list[str]:
    """By the names of the columns, so that neither is taken for the other."""
    took, shaken = connection.duration, handshake(connection)
    named = {"took": took} if shaken is None else {"handshake": shaken, "took": took}
    return [f"{name} {showable(clock(each))}" for name, each in named.items()]
