"""The ladder: everything that happened between two ends, as steps in time, grouped into flights."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tlsviz.connection import titles
from tlsviz.connection.holes import incomplete, silent, why
from tlsviz.connection.model import Connection, PlacedMark, Provenance
from tlsviz.connection.prelude import protocol
from tlsviz.connection.tcp import CLOCK_STEP
from tlsviz.wire.chunks import CLIENT, Sender
from tlsviz.wire.text import clock

StepKind = Literal["mark", "message", "data", "hole", "prelude"]
Certainty = Literal["verified", "failed", ""]
ARROWLESS = frozenset(("name_lookup", "https_record", "timeout", "error", "unreachable", "closed", "joined"))
"""Kinds of marks that nothing was sent for."""


class Step(NamedTuple):
    """One arrow (or mark) on the ladder.

    ``time`` in seconds since the connection's start; ``gap`` since the end of the step before. ``index`` into the tuple
    that ``kind`` names: ``messages``, ``application``, ``marks``, ``holes`` or ``prelude``. ``title``, ``detail`` are
    short and safe to print. ``flight`` counts turns of the sender from 1; ``round_trip`` says to which question and
    answer a step belongs, counted from the client's first bytes; 0 is before them. ``note`` says what is wrong
    here, None when nothing is.
    """

    kind: StepKind
    index: int  # type: ignore[assignment]  # of what is shown, not a tuple's method
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


Placed = tuple[int, float, Step]


def steps(connection: Connection) -> tuple[Step, ...]:
    """The connection's steps in order, with their flights and round trips counted."""
    placed = sorted(_placed(connection), key=lambda item: item[0])
    found: list[Step] = []
    flight = round_trip = 0
    last_sender: Sender | None = None
    answered = True
    last_time = connection.start
    back = _steps_back(connection)
    for _, time, step in placed:
        if _turns(step) and step.sender != last_sender:
            flight += 1
            last_sender = step.sender
        if _speaks(step):
            round_trip += step.sender == CLIENT and answered
            answered = step.sender != CLIENT
        if step.note is None and back and (late := back.keys() & set(carriers(connection, step))):
            note = f"the clock of the capture goes back by {clock(max(back.pop(each) for each in late))} here"
            step = step._replace(note=note)
        gap = max(time - last_time, 0.0) if found else 0.0
        found.append(step._replace(time=time - connection.start, gap=gap, flight=flight, round_trip=round_trip))
        last_time = max(connection.application[step.index].last_time if step.kind == "data" else time, last_time)
    return tuple(found)


def _steps_back(connection: Connection) -> dict[int, float]:
    """The packets before which the capture's clock went back, with the seconds."""
    found = connection.tcp.steps_back if connection.tcp is not None else []
    return {segment.packet: seconds for segment, seconds in found if seconds >= CLOCK_STEP}


def carriers(connection: Connection, step: Step) -> tuple[int, ...]:
    """The packets that carried a step."""
    if step.kind == "message":
        return connection.messages[step.index].packets
    if step.kind == "data":
        return connection.application[step.index].packets
    if step.kind == "mark":
        return connection.marks[step.index].mark.packets
    if step.kind == "prelude":
        return connection.prelude[step.index].packets
    cut = connection.holes[step.index].packet
    return () if cut is None else (cut,)


def connected(connection: Connection) -> bool:
    """Whether a TCP connection came about, as its marks say; a capture without marks has bytes instead."""
    return any(placed.mark.kind in ("connected", "syn_ack") for placed in connection.marks)


def round_trips(connection: Connection) -> int:
    """How often the client waited for the server before it could send its first application data (0 with 0-RTT)."""
    last = 0
    for step in steps(connection):
        if step.kind == "data" and step.sender == CLIENT:
            return step.round_trip - 1
        last = step.round_trip
    return last


def _turns(step: Step) -> bool:
    """Whether a step is something that a side does (a name lookup or a time-out is not)."""
    return _speaks(step) or step.title in titles.TURNS


def _speaks(step: Step) -> bool:
    """Whether a side says something; TCP's own packets say nothing."""
    return step.kind in ("message", "data", "prelude")


def _placed(connection: Connection) -> list[Placed]:
    proofs = _proofs(connection)
    found: list[Placed] = []
    for index, message in enumerate(connection.messages):
        step = Step(
            "message",
            index,
            message.sender,
            0.0,
            0.0,
            titles.message(message),
            titles.message_detail(connection, message),
            message.encrypted,
            message.provenance,
            0,
            0,
            proofs.get(index, ""),
            message.note,
        )
        found.append((message.order, message.time, step))
    for index, run in enumerate(connection.application):
        readable: Provenance = "decrypted" if run.plaintext is not None else "wire"
        title, detail = titles.data(run, titles.carrier(connection, run))
        sealed = connection.plain is None
        step = Step("data", index, run.sender, 0.0, 0.0, title, detail, sealed, readable, 0, 0)
        found.append((run.order, run.time, step))
    return found + _beside(connection)


def _beside(connection: Connection) -> list[Placed]:
    """Marks, holes and plaintext: what happened beside TLS."""
    found: list[Placed] = []
    for index, placed in enumerate(connection.marks):
        mark = placed.mark
        title, note = titles.mark(mark)
        if mark.kind in ("rst", "fin", "shutdown") and connection.transport in ("tcp", "sctp"):
            note = _ended(connection, placed) or note
        detail = "" if mark.kind == "eap" else mark.detail
        step = Step("mark", index, mark.sender, 0.0, 0.0, title, detail, False, "wire", 0, 0, "", note)
        found.append((placed.order, mark.time, step))
    unheard = silent(connection) if connection.holes else None
    for index, hole in enumerate(connection.holes):
        title, _ = titles.hole(hole, connection.transport)
        detail, note = titles.extent(hole), why(connection, hole, unheard)
        step = Step("hole", index, hole.sender, 0.0, 0.0, title, detail, False, "wire", 0, 0, "", note)
        found.append((hole.order, hole.time, step))
    spoken = connection.starttls or protocol(connection.prelude)
    for index, part in enumerate(connection.prelude):
        title, detail = titles.prelude(part, spoken)
        step = Step("prelude", index, part.sender, 0.0, 0.0, title, detail, False, "wire", 0, 0)
        found.append((part.order, part.time, step))
    return found


def _ended(connection: Connection, placed: PlacedMark) -> str | None:
    """Behind what a side ended or reset the connection, where that was not the end that it should have."""
    # Of a handshake that broke off nobody knows how much of what must be there was sent.
    said = [
        message
        for message in connection.messages
        if message.order < placed.order and (connection.complete or message.provenance != "inferred")
    ]
    after = f" after {titles.message(said[-1])}" if said else " before anything was said"
    if placed.mark.kind == "rst":
        back = connection.tcp is not None and connection.tcp.after_reset
        what = "a reset that did not end the connection" if back else f"the {placed.mark.sender} resets the connection"
        return f"{what},{after}" + (": more of the same side follows" if back else "")
    if connection.complete or connection.plain or incomplete(connection):
        return None
    if any(
        each.mark.kind in ("fin", "rst", "shutdown", "abort") and each.order < placed.order for each in connection.marks
    ):
        return None
    return f"the {placed.mark.sender} ends the connection{after}, before the handshake was done"


def _proofs(connection: Connection) -> dict[int, Certainty]:
    """For each message that a proof is about: verified, or failed if any failed."""
    found: dict[int, Certainty] = {}
    for proof in connection.proofs:
        if proof.message is None or proof.status == "not_provable":
            continue
        if found.get(proof.message) != "failed":
            found[proof.message] = proof.status
    return found
