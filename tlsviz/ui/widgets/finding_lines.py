"""The findings of a whole connection as lines: what is odd, how grave it is, and where the evidence lies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from textual.message import Message

from tlsviz.connection import titles
from tlsviz.connection.model import GRAVE, Connection, Finding
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import MessageChosen
from tlsviz.ui.widgets.lines import Line
from tlsviz.ui.widgets.pane import heading, paragraph
from tlsviz.wire.nodes import path_of
from tlsviz.wire.text import plural, safe


class Place(NamedTuple):
    """The lines ``first`` to ``last`` that lead somewhere, and what choosing them says to the screen."""

    first: int
    last: int
    chosen: Message


class Block(NamedTuple):
    """Lines ``first`` to ``last`` of a pane, and what they lead to."""

    first: int
    last: int
    lines: list[Line]
    chosen: MessageChosen | None


def role(finding: Finding) -> str:
    """The role of the theme for a severity."""
    if finding.severity in GRAVE:
        return "failed"
    return "warning" if finding.severity == "warning" else "muted"


def evidence(connection: Connection, finding: Finding) -> MessageChosen | None:
    """What choosing a finding chooses: its message, and the field if it is there; None without a message."""
    number = finding.message
    if number is None or not 0 <= number < len(connection.messages):
        return None
    return MessageChosen(number, path_of(connection.messages[number].tree, finding.field))


def leads_to(connection: Connection, finding: Finding, chosen: MessageChosen) -> str:
    """Where the evidence lies, in words: the message, and the field if it is there."""
    place = f"{glyphs().arrow} {titles.message(connection.messages[chosen.index])}"
    return safe(f"{place} {glyphs().dot} {finding.field}" if chosen.path else place)


def finding_rows(connection: Connection, width: int, at: int) -> Iterator[Block]:
    """A heading and every finding, in the order of their weight, as they stand from line ``at`` on."""
    found = connection.findings
    if not found:
        return
    yield Block(at, at, heading(plural(len(found), "finding"), width), None)
    at += 1
    for finding in found:
        chosen = evidence(connection, finding)
        style = "foreground bold" if chosen else "foreground"
        titled = paragraph(safe(finding.title), width, style, 3)
        titled[0][0] = (f" {glyphs().odd} ", f"{role(finding)} bold")
        place = [finding.severity, *([leads_to(connection, finding, chosen)] if chosen is not None else [])]
        lines = [*titled, *paragraph(f" {glyphs().dot} ".join(place), width, "muted", 3)]
        yield Block(at, at + len(lines) - 1, lines, chosen)
        at += len(lines)
    yield Block(at, at, [[]], None)
