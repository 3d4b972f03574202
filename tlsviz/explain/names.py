"""The name that was asked for, against the names of a certificate: the fitting or nearest one first."""

from __future__ import annotations

from tlsviz.pki.naming import NameReport, NameTry
from tlsviz.wire.text import shorten

MOST_COMPARED = 1_000


def ordered(report: NameReport) -> tuple[NameTry, ...]:
    """The names: what fits first, else the nearest first; then as the certificate lists them."""
    if report.asked is None:
        return report.tries
    first = next((one for one in report.tries if one.matches), None) or nearest(report)
    if first is None:
        return report.tries
    return (first, *(one for one in report.tries if one is not first))


def nearest(report: NameReport) -> NameTry | None:
    """The name that comes closest to the one asked for, None when none fails in a way worth telling."""
    wanted = report.ascii.lower()
    tries = [one for one in report.tries[:MOST_COMPARED] if not one.matches]
    if not wanted or not tries:
        return None
    return max(tries, key=lambda one: (_same_end(one.name.lower(), wanted), _alike(one.name.lower(), wanted)))


def _same_end(name: str, wanted: str) -> int:
    """How many labels the two share, counted from the right."""
    count = 0
    for one, other in zip(reversed(name.split(".")), reversed(wanted.split(".")), strict=False):
        if one != other:
            break
        count += 1
    return count


def _alike(name: str, wanted: str) -> float:
    from difflib import SequenceMatcher  # only where no name fits

    return SequenceMatcher(None, name[:100], wanted[:100]).quick_ratio()


def reading(one: NameTry) -> str:
    """A name, and how it reads if it is an internationalised one."""
    shown = shorten(one.name, 200)
    return f"{shown} ({one.unicode})" if one.unicode else shown


def verdict(report: NameReport) -> str:
    """Whether the certificate is for the name asked for, and why not, in a sentence."""
    if report.asked is None:
        return "no name was asked for, so none was compared"
    asked = shorten(report.asked, 100)
    # An internationalised name is said both ways.
    other = next((form for form in (report.unicode, report.ascii) if form and form != report.asked), "")
    both = f"{asked} ({shorten(other, 100)})" if other and other.lower() != report.asked.lower() else asked
    if report.matches:
        fits = next((one for one in report.tries if one.matches), None)
        if fits is None:
            return f"for {both}: {report.why}"
        if fits.name.lower() != report.ascii.lower():
            return f"for {both}, {fits.why}: {reading(fits)}"
        return f"for {both}, {'one of its names' if len(report.tries) > 1 else 'its only name'}"
    found = nearest(report)
    near = f"; the nearest, {shorten(found.name, 100)}, {found.why}" if found else ""
    return f"not for {both}: {report.why}{near}"
