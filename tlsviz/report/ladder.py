"""The ladder in text: two lanes, an arrow a step, flights apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from tlsviz.connection import titles
from tlsviz.connection.ladder import ARROWLESS, Step, steps
from tlsviz.connection.model import Connection
from tlsviz.report.paint import Line, Piece, Style, cells, clip, pad, wrap
from tlsviz.report.phrases import PROOF, end, step_words
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import clock, safe

CLOCK = 10
WIDEST = 118
LONGEST_TALK = 12
"""So many turns of application data in a row are drawn; of more only the first and last."""
_ARROWLESS = ARROWLESS | {"connected", "refused"}
_SPACED = 0.001
"""A flight's wait is written down from a millisecond on."""


def ladder(connection: Connection, width: int, secrets: bool = False) -> list[Line]:
    """The ladder's lines, none wider than ``width`` (at least 60). Application data is quoted only with ``secrets``."""
    return list(_Ladder(connection, min(width, WIDEST), secrets).lines())


class _Ladder:
    def __init__(self, connection: Connection, width: int, secrets: bool) -> None:
        self.connection = connection
        self.secrets = secrets
        self.steps = steps(connection)
        self.status = 25 if width >= 92 else 14
        self.span = max(width - CLOCK - self.status - 6, 20)

    def lines(self) -> Iterator[Line]:
        if not self.steps:
            yield [Piece(" " * CLOCK), Piece("nothing was seen of this connection", "guess")]
            return
        yield from self._heads()
        flight = 0
        for step in self._shown():
            if isinstance(step, list):
                yield from self._folded(step)
                continue
            if step.flight != flight:
                yield self._turn(step, first=flight == 0)
                flight = step.flight
            yield self._step(step)
            yield from self._note(step)
        yield self._row("", Piece(""), Piece(" " * self.span))

    def _shown(self) -> Iterator[Step | list[Step]]:
        """The steps; of a long conversation in application data the beginning, the middle as a list, and the end."""
        for is_data, group in groupby(self.steps, key=lambda step: step.kind == "data"):
            run = list(group)
            if not is_data or len(run) <= LONGEST_TALK or self.secrets:
                yield from run
            else:
                yield from run[:4]
                yield run[4:-2]
                yield from run[-2:]

    def _folded(self, steps: list[Step]) -> Iterator[Line]:
        """The middle of a long conversation, summed up."""
        sums = []
        for sender in (CLIENT, SERVER):
            runs = [self.connection.application[step.index] for step in steps if step.sender == sender]
            sums.append(f"{sender} {titles.size(sum(run.bytes for run in runs))}")
        first, last = steps[0].time, steps[-1].time
        yield self._row("", Piece(""), Piece(" " * self.span))
        for text in wrap(f"{len(steps):,} more turns in {clock(last - first)}: {', '.join(sums)}", self.span - 2):
            yield self._row("⋮", Piece(""), Piece(pad(f" {text}", self.span), "dim"))

    def _heads(self) -> Iterator[Line]:
        """Who is who: the words above the lanes, and the addresses if they fit."""
        client, server = (
            " ".join(filter(None, (word, end(place))))
            for word, place in (("client", self.connection.client), ("server", self.connection.server))
        )
        if cells(client) + cells(server) > self.span + 2:
            client, server = "client", "server"
        gap = self.span + 2 - cells(client) - cells(server)
        yield [Piece(" " * CLOCK), Piece(client, "bold"), Piece(" " * max(gap, 2)), Piece(server, "bold")]

    def _row(self, time: str, status: Piece | list[Piece], *body: Piece) -> Line:
        """A line of the ladder: time, lane, body in exactly ``span`` columns, lane, status."""
        ends = status if isinstance(status, list) else [status]
        rail = Piece("│", "dim")
        return [Piece(f"{time:>{CLOCK - 2}}  ", "dim"), rail, *body, rail, Piece("  "), *ends]

    def _turn(self, step: Step, first: bool) -> Line:
        """The space above a flight: how long its sender was waited for."""
        if first or step.gap < _SPACED:
            return self._row("", Piece(""), Piece(" " * self.span))
        text = f"{clock(step.gap)} later"
        if step.sender == CLIENT:
            return self._row("", Piece(""), Piece(pad(f" {text}", self.span), "dim"))
        return self._row("", Piece(""), Piece(" " * (self.span - cells(text) - 1) + f"{text} ", "dim"))

    def _step(self, step: Step) -> Line:
        title, detail = step_words(self.connection, step, self.secrets)
        if step.kind == "hole":
            words = clip(", ".join(filter(None, [title, detail])), self.span - 6)
            body = [Piece(f"░░ {words} " + "░" * (self.span - cells(words) - 4), "warn")]
        elif step.kind == "mark" and self.connection.marks[step.index].mark.kind in _ARROWLESS:
            body = self._event(step, title, detail)
        else:
            body = self._arrow(step, title, detail)
        return self._row(clock(step.time), self._status(step), *body)

    def _event(self, step: Step, title: str, detail: str) -> list[Piece]:
        """What has no direction stands on its side."""
        style: Style = "bad" if step.note else "dim"
        text = clip(f"◆ {title}" + (f" · {detail}" if detail else ""), self.span - 2)
        if step.sender == CLIENT:
            return [Piece(f" {pad(text, self.span - 1)}", style)]
        return [Piece(" " * (self.span - cells(text) - 1) + f"{text} ", style)]

    def _arrow(self, step: Step, title: str, detail: str) -> list[Piece]:
        """``─── ClientHello 517 B ───▶``, the words near the sender's side when there is room."""
        shaft, right, left, style = _shape(step)
        words = clip(title, self.span - 10)
        room = self.span - 9 - cells(words)
        figures = clip(detail, room - 1) if detail and room > 6 else ""
        label = [Piece(f" {words} ", "bold" if step.provenance != "inferred" else "guess")]
        if figures:
            label.append(Piece(f" {figures} ", "dim"))
        line = self.span - sum(cells(piece.text) for piece in label)
        if step.sender == CLIENT:
            return [Piece(shaft * 3, style), *label, Piece(shaft * (line - 4) + right, style)]
        return [Piece(left + shaft * 2, style), *label, Piece(shaft * (line - 3), style)]

    def _status(self, step: Step) -> list[Piece]:
        """How it travelled and whether it was proven, in sign and word."""
        if step.kind in ("mark", "hole", "prelude"):
            return [Piece(self._beside(step), "dim")]
        if step.provenance == "inferred":
            found = [Piece("? inferred", "guess")]
        elif not step.encrypted and step.provenance == "decrypted":  # QUIC's Initial packets: everybody has their key
            found = [Piece("□ known key")]
        elif not step.encrypted:
            found = [Piece("  clear")]
        else:
            found = [Piece("▣ decrypted" if step.provenance == "decrypted" else "▣ encrypted", "sealed")]
        if step.proof:
            # Beside the narrow ladder there is room for one word: the proof's.
            text = found[0].text[:2] if self.status < 25 else pad(found[0].text, 13)
            found = [Piece(text, found[0].style), PROOF[step.proof]]
        return found

    def _beside(self, step: Step) -> str:
        """The word for what is not TLS."""
        if step.kind == "prelude":
            return "  plaintext"
        if step.kind == "hole":
            return "  missing" if self.connection.holes[step.index].stray is None else "  not TLS"
        return "  TCP" if step.title.startswith("TCP") else ""

    def _note(self, step: Step) -> Iterator[Line]:
        """What is wrong with a step, below it and between the lanes."""
        if not step.note:
            return
        for index, part in enumerate(wrap(safe(step.note), self.span - 7)[:4]):
            lead = "  ▲ " if index == 0 else "    "
            yield self._row("", Piece(""), Piece(pad(f"{lead}{part}", self.span), "warn"))


def _shape(step: Step) -> tuple[str, str, str, Style]:
    """Shaft and heads of an arrow, and its style."""
    if step.kind == "mark":
        return "╌", "▷", "◁", "dim"
    if step.provenance == "inferred":
        return "┄", "▷", "◁", "guess"
    if step.encrypted:
        return "═", "▶", "◀", "sealed"
    return "─", "▶", "◀", ""
