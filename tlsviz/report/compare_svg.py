"""Two connections compared, as an SVG picture: what differs in meaning, then both ladders with their rows level."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape as xml

from tlsviz.connection.align import StepPair
from tlsviz.connection.compare import NOTHING, Comparison, Difference
from tlsviz.connection.ladder import round_trips
from tlsviz.connection.model import Connection, Source
from tlsviz.report.compare import LEGEND, SIGNS, SUBJECTS, Compared, names
from tlsviz.report.paint import wrap
from tlsviz.report.phrases import facts
from tlsviz.report.svg import FLIGHT, NOTE, ROW, Lanes, ends, lanes_svg, line, note, picture, rung
from tlsviz.wire.text import clock, plural, shorten

COMPARED_WIDTH = 1280
LEADING = 19
MARGIN = 16
_SIDES = (Lanes(104, 560, 54, True), Lanes(744, 1200, 54, True))
"""The two ladders; before each there is room for times, behind each for signs."""
_CENTRE = 636
_WHAT, _LEFT, _SIGN, _RIGHT = MARGIN, 300, 780, 804
"""The columns of a difference (x)."""
_LETTER = 7.9
"""The width of a letter at 13 units."""
_SIGNS_SAID = "▣ encrypted or decrypted · ? inferred · ✓ verified · ✗ failed"

Drawn = tuple[list[str], float]
"""What draws a part, and where (y) the next one begins."""


def compare_svg(comparison: Comparison, sources: Compared, secrets: bool = False) -> str:
    """The whole picture. ``secrets``: application data is quoted."""
    left, right = names(comparison, sources)
    parts = [f"<title>{xml(f'{left} compared with {right}')}</title>\n"]
    head, at = _head(comparison, sources)
    told, at = _differences(comparison, at)
    drawn, at = _ladders(comparison, at + 26, secrets)
    return picture("".join((*parts, *head, *told, *drawn)), COMPARED_WIDTH, at)


def _head(comparison: Comparison, sources: Compared) -> Drawn:
    """Both ends beside each other, above their ladders: where from, and what came of it."""
    found: list[str] = []
    foot = 0.0
    for label, x, connection, source in (
        ("A", MARGIN, comparison.left, sources[0]),
        ("B", _CENTRE + MARGIN, comparison.right, sources[1]),
    ):
        at = 26.0
        found += [line(x, at, label, "title"), line(x + 20, at, _place(connection, source), "dim")]
        said, *more = (piece.text for piece in facts(connection, True))
        for part in wrap(said, _letters(_CENTRE - 60)):
            at += LEADING
            found.append(line(x + 20, at, part, "ink bold"))
        for part in wrap(" · ".join(more), _letters(_CENTRE - 60)):
            at += LEADING
            found.append(line(x + 20, at, part, "ink"))
        foot = max(foot, at)
    return found, foot + 14


def _place(connection: Connection, source: Source) -> str:
    return f"{shorten(source.name, 56)} · connection {connection.id}"


def _letters(width: float) -> int:
    """How many letters fit in so many units."""
    return int(width / _LETTER)


def _differences(comparison: Comparison, at: float) -> Drawn:
    """By subject: what differs, and what each side has of it."""
    found: list[str] = []
    if comparison.alike:
        at += 26
        found.append(line(MARGIN, at, "✓ No difference in meaning.", "good bold"))
    for subject, group in groupby(comparison.differences, key=lambda one: one.subject):
        at += 24
        found += [_rule(at - 18), line(_WHAT, at, SUBJECTS[subject], "title")]
        found += [line(_LEFT, at, "A", "title"), line(_RIGHT, at, "B", "title")]
        for _, alike in groupby(group, key=lambda one: (one.title, one.kind)):
            for one in _gathered(list(alike)):
                rows, at = _difference(one, at)
                found += rows
        at += 8
    return found, at


def _gathered(alike: list[Difference]) -> list[Difference]:
    """What only one side has of a list, in one row: a hello may lack thirty suites of another."""
    first = alike[0]
    if len(alike) == 1 or first.kind not in ("gone", "new") or first.subject not in ("offered", "answered"):
        return alike
    left = [one.left for one in alike if one.left != NOTHING]
    right = [one.right for one in alike if one.right != NOTHING]
    title = f"{first.title} ×{len(alike)}"
    return [first._replace(title=title, left=", ".join(left) or NOTHING, right=", ".join(right) or NOTHING)]


def _difference(one: Difference, at: float) -> Drawn:
    """Its words and both sides, wrapped, never cut."""
    figures = one.subject == "figures"
    columns = (
        (_WHAT, wrap(one.title, _letters(_LEFT - _WHAT - 12)), "dim"),
        (_LEFT, wrap(one.left, _letters(_SIGN - _LEFT - 16)), _side(one.left, figures)),
        (_RIGHT, wrap(one.right, _letters(COMPARED_WIDTH - _RIGHT - MARGIN)), _side(one.right, figures)),
    )
    found = [line(_SIGN, at + LEADING, "↕" if one.kind == "moved" else "→", "dim" if figures else "warn bold")]
    for x, parts, style in columns:
        found += [line(x, at + LEADING * row, part, style) for row, part in enumerate(parts, 1)]
    return found, at + LEADING * max(len(parts) for _, parts, _ in columns)


def _side(text: str, figures: bool) -> str:
    return "dim" if figures or text == NOTHING else "ink"


def _rule(at: float) -> str:
    return f'<line class="rule" x1="{MARGIN}" y1="{at:.0f}" x2="{COMPARED_WIDTH - MARGIN}" y2="{at:.0f}"/>\n'


# -- the ladders ---------------------------------------------------------------------------------------------------


def _ladders(comparison: Comparison, at: float, secrets: bool) -> Drawn:
    both = (comparison.left, comparison.right)
    found = [_rule(at - 18), line(MARGIN, at, "Ladders", "title"), line(_LEFT - 180, at, LEGEND, "dim small")]
    found.append(line(_LEFT - 180, at + 16, _SIGNS_SAID, "dim small"))
    at += 46
    for label, lanes, connection in zip("AB", _SIDES, both, strict=True):
        found += [line(lanes.left - 88, at, label, "title"), line(lanes.left - 72, at, _measured(connection), "ink")]
        found += ends(connection, at + 26, lanes)
    at += 26
    rows, foot = _rows(comparison, at + 10, secrets)
    for lanes in _SIDES:
        found += lanes_svg(lanes, at + 8, foot)
    return [*found, *rows], foot + 16


def _measured(connection: Connection) -> str:
    """How many round trips, and how long: what the eye compares first."""
    if not connection.complete:
        return f"not complete · {clock(connection.duration)}"
    trips = plural(round_trips(connection), "round trip")
    return f"{trips} before the client's data · {clock(connection.duration)}"


def _rows(comparison: Comparison, at: float, secrets: bool) -> Drawn:
    """Each pair of steps level, the flights apart, round trips counted before each side's times."""
    found: list[str] = []
    flights, trips = [0, 0], [0, 0]
    for pair in comparison.pairs:
        steps = (pair.left, pair.right)
        at += FLIGHT * any(step is not None and step.flight != flights[side] for side, step in enumerate(steps))
        found += _standing(pair, at)
        for side, (step, connection) in enumerate(zip(steps, (comparison.left, comparison.right), strict=True)):
            if step is None:
                continue
            lanes = _SIDES[side]
            flights[side] = step.flight
            if step.round_trip > trips[side]:
                trips[side] = step.round_trip
                found.append(line(lanes.left - 12, at - 12, f"round trip {step.round_trip}", "title small end"))
            found += rung(connection, step, at, lanes, secrets)
        at += ROW
        told = [(step.note, lanes) for step, lanes in zip(steps, _SIDES, strict=True) if step is not None and step.note]
        found += [note(text, at, lanes) for text, lanes in told]
        at += NOTE * bool(told)
    return found, at - ROW / 2


def _standing(pair: StepPair, at: float) -> Iterator[str]:
    """The sign between the two, and a band behind what only one side has."""
    sign, style = SIGNS[pair.standing]
    yield line(_CENTRE, at + 6, sign, f"{style} bold middle")
    if pair.standing not in ("gone", "new"):
        return
    side = 0 if pair.left is not None else 1
    for place, lanes in enumerate(_SIDES):
        if place == side:
            x, width = lanes.left + 1, lanes.right - lanes.left - 2
            yield f'<rect class="band" x="{x:.0f}" y="{at - 14:.0f}" width="{width:.0f}" height="26"/>\n'
        else:
            yield line(lanes.middle, at + 4, f"only {'AB'[side]} has this", "dim small middle")
