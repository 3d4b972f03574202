"""The time of validity as a bar: what has passed, the time judged at, now, what is left."""

from __future__ import annotations

from datetime import datetime

from rich.cells import cell_len

from tlsviz.pki.certificate import Certificate
from tlsviz.pki.lifetime import Lifetime, Moment, lifetime, state
from tlsviz.pki.words import span
from tlsviz.ui.glyphs import Glyphs, glyphs
from tlsviz.ui.widgets.lines import Line, wrap

STYLES = {
    "unknown": "inferred",
    "not_yet_valid": "failed",
    "valid": "verified",
    "expires_soon": "warning",
    "expires_now": "warning",
    "expired": "failed",
}
WIDEST = 72


def validity(certificate: Certificate, at: datetime | None, room: int) -> list[Line]:
    """The time of validity in one line, with a mark at the time of judgement; words below it where room is short."""
    signs = glyphs()
    start, end = certificate.not_before, certificate.not_after
    if start is None or end is None:
        return [[(f"{signs.odd} validity cannot be read", "warning")]]
    first, last = f"{start:%Y-%m-%d} ", f" {end:%Y-%m-%d}"
    words, style = "", "verified"
    place = None
    if at is not None:
        length = (end - start).total_seconds()
        place = (at - start).total_seconds() / length if length > 0 else 2.0
        found = state(certificate, at)
        style = STYLES[found]
        if found == "expired":
            words = f"{signs.failed} expired {span(at - end)} earlier"
        elif found == "not_yet_valid":
            words = f"{signs.failed} valid only {span(start - at)} later"
        else:
            near = f"{signs.odd} only " if style == "warning" else ""
            words = f"{near}{span(end - at)} left"
    size = max(min(room - len(first) - len(last) - (len(words) + 2 if words else 0), 30), 8)
    line: Line = [(first, "muted"), (bar_of(place, size, signs), style), (last, "muted")]
    if len(first) + size + len(last) + 2 + len(words) <= room:
        return [[*line, (f"  {words}", style)]]
    return [line, [(words, style)]] if words else [line]


def bar_of(place: float | None, size: int, signs: Glyphs) -> str:
    """``━━━●┄┄┄``: what has passed, now, what is left; the mark is at an end when now is outside."""
    if place is None:
        return signs.dash * size
    mark = min(max(int(place * size), 0), size - 1)
    return signs.encrypted * mark + signs.chosen + signs.dash * (size - mark - 1)


def time_line(certificate: Certificate, at: datetime, now: datetime | None, room: int) -> list[Line]:
    """The whole time line: its ends, a mark for the time judged at and one for now, and both in words."""
    known = lifetime(certificate, at, now or at)
    if known.judged is None or known.not_before is None or known.not_after is None:
        return [[(f"{glyphs().odd} its dates cannot be read", "warning")]]
    size = max(min(room, WIDEST), 12)
    marks = [(known.judged, "judged")]
    if now is not None and known.now is not None and abs((now - at).total_seconds()) >= 60:
        marks.append((known.now, "now"))
    ends = [f"{known.not_before:%Y-%m-%d %H:%M}", f"{known.not_after:%Y-%m-%d %H:%M}"]
    between = size - sum(map(len, ends))
    lines: list[Line] = [[(ends[0], "muted"), (" " * max(between, 1), ""), (ends[1], "muted")]]
    lines.append(_bar(known, marks, size))
    signs = glyphs()
    for (moment, what), sign in zip(marks, (signs.chosen, signs.here), strict=False):
        text = f"{sign} {what} {moment.at:%Y-%m-%d %H:%M}: {moment.words}"
        if moment.state in ("expires_soon", "expires_now"):
            text += f" {signs.odd} ends soon: who renews at two thirds of the time would have done so"
        for number, part in enumerate(wrap(text, room - 2)):
            lines.append([("  " if number else "", ""), (part, STYLES[moment.state])])
    return lines


def _bar(known: Lifetime, marks: list[tuple[Moment, str]], size: int) -> Line:
    """The bar, marked where its moments lie; one that lies outside stands at the end as an arrow's side."""
    signs = glyphs()
    places = [min(max(int(moment.share * size), 0), size - 1) for moment, _ in marks]
    passed = max((place for place in places[:1]), default=0)
    row = [signs.encrypted if at < passed else signs.dash for at in range(size)]
    line: Line = []
    for at, char in enumerate(row):
        if at in places:
            first = places.index(at) == 0
            line.append((signs.chosen if first else signs.here, f"{STYLES[marks[places.index(at)][0].state]} bold"))
        else:
            line.append((char, STYLES[marks[0][0].state] if at < passed else "muted"))
    return line if cell_len("".join(text for text, _ in line)) == size else line[:size]
