"""The line above everything: what this connection is, what was proven of it, and why it failed if it did."""

from __future__ import annotations

import time

from rich.cells import cell_len
from textual.reactive import reactive
from textual.timer import Timer

from tlsviz.connection import titles
from tlsviz.connection.model import Connection, Source
from tlsviz.ui.glyphs import Sign, glyphs, trust
from tlsviz.ui.selection import Scene
from tlsviz.ui.widgets.lines import Line, Painted, Piece, cells, clip_line, wrap
from tlsviz.wire.text import clock, plural, safe, shorten

_TICK = 0.1
"""Seconds between two looks at the running clock."""
_LONG_SUITE = 6
"""The rank of the suite with its key exchange; one less is that of its cipher alone."""


class ConnectionHeader(Painted):
    """Name, version, suite, group, protocol, trust, proofs, duration; the least important are left out first.

    While the handshake runs, a clock does; ``patience``: the seconds after which it is given up, None if there is
    no such limit.
    """

    scene: reactive[Scene | None] = reactive(None)
    running: reactive[bool] = reactive(False)
    playing: reactive[bool] = reactive(False)

    def __init__(self, source: Source | None = None, patience: float | None = None) -> None:
        super().__init__()
        self.source = source
        self.patience = patience
        self._began = time.monotonic()
        self._ticks: Timer | None = None

    def watch_running(self, running: bool) -> None:
        if running and self._ticks is None:
            self._ticks = self.set_interval(_TICK, self.refresh)
        elif not running and self._ticks is not None:
            self._ticks.stop()
            self._ticks = None

    def watch_scene(self, old: Scene | None, new: Scene | None) -> None:
        if not (old and old.steps) and new and new.steps:
            self._began = time.monotonic()
        if len(self.lines(max(self.content_region.width, 20))) != self.content_region.height:
            self.refresh(layout=True)

    def lines(self, width: int) -> list[Line]:
        if self.scene is None:
            return []
        connection = self.scene.connection
        line = summary(connection, self.source, width, self._state(), took=not self.running)
        return [line, *diagnosis(connection, width)]

    def _state(self) -> str:
        signs = glyphs()
        if self.running:
            took, limit = time.monotonic() - self._began, " s"
            if self.patience:
                took, limit = min(took, self.patience), f" of {self.patience:g} s"
            return f"{signs.ghost} handshaking{signs.ellipsis} {took:.1f}{limit}"
        if self.playing and self.scene is not None:
            return f"{signs.play} step {self.scene.selection.step + 1} of {len(self.scene.steps)}"
        return ""


def summary(connection: Connection, source: Source | None, width: int, state: str = "", *, took: bool = True) -> Line:
    """The one line, in exactly ``width`` cells; ``state`` says what is going on just now, ``took`` how long it took."""
    signs = glyphs()
    end: Line = [(f"{clock(connection.duration)} ", "muted")] if took else []
    if state:
        end = [(f"{state}{'  ' if took else ' '}", "warning bold"), *end]
    items = _items(connection, source)
    while True:
        line: Line = [(" ", "")]
        for index, (_, pieces) in enumerate(items):
            if index:
                line.append((f" {signs.dot} ", "rule"))
            line.extend(pieces)
        room = width - cells(line) - cells(end)
        if room >= 1 or len(items) == 1:
            break
        last = max(range(len(items)), key=lambda place: items[place][0])
        if items[last][0] == _LONG_SUITE:
            items[last] = (_LONG_SUITE - 1, [(titles.suite(connection.cipher_suite, 1), "foreground")])
        else:
            del items[last]
    line = clip_line(line, width - cells(end) - 1)
    return [*line, (" " * (width - cells(line) - cells(end)), ""), *end]


def _items(connection: Connection, source: Source | None) -> list[tuple[int, list[Piece]]]:
    """What to say, each with its rank: the highest number is left out first."""
    found: list[tuple[int, list[Piece]]] = [(0, [(titles.whom(connection, 60), "foreground bold")])]
    if connection.other_failure is not None:
        found.append((0, [(f"{glyphs().failed} failed", "failed bold")]))
    if connection.plain:
        found.append((0, [(f"{glyphs().eye} {titles.plain(connection)}, not encrypted", "warning bold")]))
    agreed = (
        (2, titles.version(connection) if connection.version else ""),
        (4, connection.carrier),
        (_LONG_SUITE, titles.suite(connection.cipher_suite)),
        (7, str(connection.group or "")),
        (8, shorten(connection.alpn or "", 20)),
    )
    found += [(rank, [(words, "foreground")]) for rank, words in agreed if words]
    unproven = titles.unproven(connection)
    if connection.resumed and not unproven:
        found.append((9, [("resumed", "foreground")]))
    if connection.trust and (connection.certificates or not connection.failure):
        sign = trust(connection.trust.verdict)
        words = f"{sign.glyph} {sign.word}"
        if connection.trust.reasons:
            words += f": {connection.trust.reasons[0].replace('_', ' ')}"
        if unproven:
            words, sign = f"{glyphs().chosen} {unproven}", Sign("", "", "clear")
        found.insert(1 if connection.distrusted else len(found), (1, [(words, f"{sign.role} bold")]))
    if connection.proofs:
        found.append((3, _proofs(connection)))
    if source:
        found.append((10, [(f"{source.kind} {shorten(source.name, 40)}", "muted")]))
    return found


def _proofs(connection: Connection) -> list[Piece]:
    signs = glyphs()
    # The chain is judged by stores, and the verdict stands beside this.
    claims = [each.status for each in connection.proofs if each.what != "certificate_chain"]
    verified, failed = claims.count("verified"), claims.count("failed")
    if failed:
        return [(f"{signs.failed} {plural(failed, 'proof')} failed", "failed bold")]
    if verified:
        return [(f"{signs.verified} {plural(verified, 'proof')}", "verified")]
    return [(f"{signs.unknown} nothing provable", "inferred")]


def diagnosis(connection: Connection, width: int) -> list[Line]:
    """What stopped the connection, why, and what to do, in at most four lines; [] when nothing stopped it."""
    finding = connection.failure
    if finding is None:
        return []
    signs = glyphs()
    lines: list[Line] = []
    title = wrap(f"{signs.failed} {safe(finding.title)}", width - 4)[0]
    lines.append([(" ", ""), (f" {title} ", "failed bold reverse")])
    evidence, mend = safe(finding.evidence), safe(finding.mend)
    if mend and cell_len(evidence) + cell_len(mend) + 9 <= width:
        evidence, mend = f"{evidence}  {signs.arrow} {mend}", ""
    for text, most in ((evidence, 2), (mend and f"{signs.arrow} {mend}", 1)):
        if text:
            lines += [[("   ", ""), (part, "foreground")] for part in cut(wrap(text, width - 6), most)]
    return lines


def cut(lines: list[str], most: int) -> list[str]:
    """The first lines, with an ellipsis when more are left out."""
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]}{glyphs().ellipsis}"]
