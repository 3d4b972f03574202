"""How it was negotiated, and whether somebody reads along: in JSON."""

from __future__ import annotations

from typing import Any

from tlsviz.connection.inspection import inspection
from tlsviz.connection.model import Connection
from tlsviz.connection.negotiation import Candidate, negotiation
from tlsviz.wire.text import safe

Json = dict[str, Any]


def negotiation_json(connection: Connection) -> list[Json]:
    """Every choice with all its candidates."""
    return [
        {
            "subject": choice.subject,
            "chosen": choice.chosen,
            "decided_by": choice.decider,
            "why": choice.why,
            "retry": choice.retry or None,
            "message": choice.message,
            "accepted": list(choice.accepted),
            "candidates": [_candidate(one) for one in choice.candidates],
        }
        for choice in negotiation(connection)
    ]


def _candidate(one: Candidate) -> Json:
    return {"name": one.name, "code": one.code, "fate": one.fate, "why": one.why, "key_share": one.key_share}


def inspection_json(connection: Connection) -> Json:
    """The verdict on inspection with its clues."""
    found = inspection(connection)
    return {
        "verdict": found.verdict,
        "why": safe(found.why),
        "product": found.product,
        "clues": [
            {"code": clue.code, "points": clue.points, "text": safe(clue.text), "message": clue.message}
            for clue in found.clues
        ],
    }
