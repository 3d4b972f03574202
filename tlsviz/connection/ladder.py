"""The ladder: everything that happened between two ends, as steps in time, grouped into flights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tlsviz.connection.model import Connection, Provenance
from tlsviz.wire.chunks import Sender

StepKind = Literal["mark", "message", "data", "hole", "prelude"]
Certainty = Literal["verified", "failed", ""]


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow (or mark) on the ladder.

    ``time`` in seconds since the connection's start; ``gap`` since the step before. ``index`` into the tuple that
    ``kind`` names: ``messages``, ``application``, ``marks``, ``holes`` or ``prelude``. ``title`` and ``detail`` are
    short and safe to print. ``flight`` counts turns of the sender from 1; ``round_trip`` counts how often the
    client has waited for the server so far. ``note`` says what is wrong here, None when nothing is.
    """

    kind: StepKind
    index: int
    sender: Sender
    time: float
    gap: float
    title: str
    detail: str
    encrypted: bool
    provenance: Provenance
    flight: int
    round_trip: int
    proof: Certainty = ""
    note: str | None = None


def steps(connection: Connection) -> tuple[Step, ...]:
    """The connection's steps in order."""
    raise NotImplementedError
