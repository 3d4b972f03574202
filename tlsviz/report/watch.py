"""Watched connections, a line each: when, who with whom, what came of it."""

from __future__ import annotations

import json
from datetime import datetime

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.report.json import to_json
from tlsviz.report.paint import Piece, render
from tlsviz.report.phrases import end, facts
from tlsviz.wire.text import clock


def line(connection: Connection, color: bool = False, ascii: bool = False) -> str:
    """One line with its line break; the time of day is the local one, as of the connection's start."""
    when = datetime.fromtimestamp(connection.start).astimezone()
    pieces = [
        Piece(f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}", "dim"),
        Piece(end(connection.client), "dim"),
        *facts(connection, brief=True),
        Piece(clock(connection.duration), "dim"),
    ]
    spaced: list[Piece] = []
    for piece in pieces:
        spaced += [Piece("  "), piece] if spaced else [piece]
    return render([spaced], color, ascii)


def json_line(connection: Connection, source: Source, ascii: bool = False, secrets: bool = False) -> str:
    """The connection's object of the JSON contract on one line, with its line break."""
    found = to_json(Trace(source, (connection,)), secrets=secrets)["connections"][0]
    return json.dumps(found, ensure_ascii=ascii, separators=(",", ":")) + "\n"
