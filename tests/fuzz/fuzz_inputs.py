"""What an engine is given, as the bytes of one input of the fuzzer, and how such inputs are changed with sense.

``options``, ``carrier``, the length of a key log (2 bytes), the key log; then steps: what (1 byte), a number (2 bytes),
and for chunks as many bytes as the number says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import NamedTuple, get_args

from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Input, Mark, MarkKind, Sender

CHUNK, GAP, MARK = 0, 2, 4
"""The even numbers are the client's, the odd ones the server's; 6 and 7 are chunks too."""
MARKS: tuple[MarkKind, ...] = get_args(MarkKind)
SIDES: tuple[Sender, Sender] = (CLIENT, SERVER)
TCP, QUIC, DTLS = range(3)
"""Carriers: what a chunk is of. Over the latter two it is a datagram."""
START, PAUSE = 1_768_000_000.0, 0.01
RECORD, HANDSHAKE_RECORD = 5, 22

Mutate = Callable[[bytes, int], bytes]


class Step(NamedTuple):
    """``what`` as on the wire of the fuzzer; ``number`` of a gap or mark; ``data`` of a chunk."""

    what: int
    number: int
    data: bytes = b""

    @property
    def is_chunk(self) -> bool:
        return self.what & 6 not in (GAP, MARK)


class Script(NamedTuple):
    """One input, taken apart."""

    options: int
    keylog: bytes
    steps: tuple[Step, ...]
    carrier: int = TCP

    def inputs(self) -> list[Input]:
        """What the engine receives: each step a little later than the one before."""
        return [self._input(step, number) for number, step in enumerate(self.steps)]

    @staticmethod
    def _input(step: Step, number: int) -> Input:
        sender, time, packets = SIDES[step.what & 1], START + number * PAUSE, (number + 1,)
        if step.is_chunk:
            return Chunk(sender, time, step.data, packets)
        if step.what & 6 == GAP:
            return Gap(sender, time, step.number + 1 if step.number else 0, packets)  # 0: nobody knows
        return Mark(MARKS[step.number % len(MARKS)], sender, time, packets, "why")

    def dump(self) -> bytes:
        """The bytes that `parse` takes."""
        head = bytes([self.options & 0xFF, self.carrier]) + len(self.keylog).to_bytes(2, "big") + self.keylog
        return head + b"".join(
            bytes([step.what & 7]) + step.number.to_bytes(2, "big") + step.data for step in self.steps
        )


def parse(data: bytes) -> Script:
    """Total: any bytes are a script; what is cut short is as long as it is."""
    size = int.from_bytes(data[2:4], "big")
    keylog, at = data[4 : 4 + size], 4 + size
    steps: list[Step] = []
    while at + 3 <= len(data):
        what, number = data[at] & 7, int.from_bytes(data[at + 1 : at + 3], "big")
        step = Step(what, number)
        at += 3
        if step.is_chunk:
            step = step._replace(data=data[at : at + number], number=len(data[at : at + number]))
            at += number
        steps.append(step)
    kept = tuple(step for step in steps if step.data or not step.is_chunk)
    return Script(data[0] if data else 0, keylog, kept, data[1] % 3 if data[1:] else TCP)


def script(said: Iterable[tuple[Sender, bytes]], keylog: bytes = b"", options: int = 0) -> Script:
    """A script of who said what; longer pieces than a step can hold are cut."""
    steps = [
        Step(CHUNK | (sender == SERVER), len(piece), piece)
        for sender, data in said
        for start in range(0, len(data), 0xFFFF)
        if (piece := data[start : start + 0xFFFF])
    ]
    return Script(options, keylog[:0xFFFF], tuple(steps))


# -- changing ----------------------------------------------------------------------------------------------


def changed(data: bytes, most: int, seed: int, mutate: Mutate) -> bytes:
    """A neighbour of an input: mostly one record's or message's bytes changed, with the lengths around made to fit."""
    dice = random.Random(seed)
    found = parse(data)
    if not found.steps or dice.random() < 0.1:
        return mutate(data, most)
    steps = list(found.steps)
    way = dice.random()
    if way < 0.2:
        _rearrange(steps, dice)
    elif way < 0.25:
        keylog = mutate(found.keylog, len(found.keylog) + 64)[:0xFFFF]
        found = found._replace(keylog=keylog, options=dice.randrange(256))
    else:
        _change_chunk(steps, dice, mutate)
    made = found._replace(steps=tuple(steps)).dump()
    return made if len(made) <= most else mutate(data, most)


def _rearrange(steps: list[Step], dice: random.Random) -> None:
    """A step more, less, elsewhere, cut in two, or said by the other side."""
    place = dice.randrange(len(steps))
    step = steps[place]
    match dice.randrange(6):
        case 0:
            del steps[place]
        case 1:
            steps.insert(dice.randrange(len(steps) + 1), step)
        case 2:
            steps.insert(dice.randrange(len(steps)), steps.pop(place))
        case 3:
            steps[place] = step._replace(what=step.what ^ 1)
        case 4:
            beside = dice.choice((GAP, GAP, MARK)) | dice.randrange(2)
            steps.insert(place, Step(beside, dice.choice((0, 1, 4, 40, 999, dice.randrange(0x10000)))))
        case _ if len(step.data) > 1:
            cut = dice.randrange(1, len(step.data))
            halves = (step.data[:cut], step.data[cut:])
            steps[place : place + 1] = [Step(step.what, len(half), half) for half in halves]


def _change_chunk(steps: list[Step], dice: random.Random, mutate: Mutate) -> None:
    places = [place for place, step in enumerate(steps) if step.is_chunk]
    if not places:
        return
    place = dice.choice(places)
    step = steps[place]
    spans = _records(step.data)
    if not spans or dice.random() < 0.3:
        made = mutate(step.data, min(len(step.data) + 64, 0xFFFF))
    else:
        start, end = dice.choice(spans)
        kind, body = step.data[start], step.data[start + RECORD : end]
        if kind == HANDSHAKE_RECORD and len(body) > 4 and dice.random() < 0.7:
            inner = mutate(body[4:], len(body) + 60)
            body = body[:1] + len(inner).to_bytes(3, "big") + inner
        else:
            body = mutate(body, len(body) + 64) if body else b"\1"
        body = body[:0x4000]
        head = step.data[start : start + 3] + len(body).to_bytes(2, "big")
        made = step.data[:start] + head + body + step.data[end:]
    made = made[:0xFFFF]
    steps[place] = Step(step.what, len(made), made)


def _records(data: bytes) -> list[tuple[int, int]]:
    """The ranges of the records that a chunk begins with."""
    found: list[tuple[int, int]] = []
    at = 0
    while at + RECORD <= len(data) and 20 <= data[at] <= 26:
        end = at + RECORD + int.from_bytes(data[at + 3 : at + 5], "big")
        if end > len(data):
            break
        found.append((at, end))
        at = end
    return found
