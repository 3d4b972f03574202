"""Strict-Transport-Security taken apart (RFC 6797 6.1), and what browsers' preload list wants of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from tlsviz.wire.text import plural, shorten

YEAR, HALF_YEAR, DAY = 31_536_000, 15_768_000, 86_400
"""Seconds. The preload list wants a year; less than half a year protects few visitors who come back rarely."""
_DIRECTIVE = re.compile(r'\s*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)\s*(?:=\s*("[^"]*"|[^\s";]+)\s*)?')


class Hsts(NamedTuple):
    """A header: ``max_age`` in seconds, None where it is missing or no number; ``faults`` make it worth nothing.

    ``wanted``: what the preload list (hstspreload.org) still wants of the header, () if nothing.
    """

    text: str
    max_age: int | None
    include_subdomains: bool
    preload: bool
    faults: tuple[str, ...]
    wanted: tuple[str, ...]

    @property
    def works(self) -> bool:
        """Whether browsers remember the host by it."""
        return not self.faults and bool(self.max_age)


def parse(text: str) -> Hsts:
    """The header's value, whatever it is."""
    found: dict[str, str] = {}
    faults: list[str] = []
    for part in text[:1000].split(";"):
        if not part.strip():
            continue
        match = _DIRECTIVE.fullmatch(part)
        if match is None:
            faults.append(f"not a directive: {shorten(part.strip(), 40)}")
            continue
        name, value = match[1].lower(), (match[2] or "").strip('"')
        if name in found:
            faults.append(f"{shorten(match[1], 40)} stands there twice")
        found.setdefault(name, value)
    age = found.get("max-age")
    seconds = int(age[:12]) if age is not None and age.isascii() and age.isdigit() else None
    if age is None:
        faults.append("max-age is missing")
    elif seconds is None:
        faults.append(f"max-age is no number: {shorten(age, 40)}")
    subdomains, preload = "includesubdomains" in found, "preload" in found
    wanted = [] if (seconds or 0) >= YEAR else [f"max-age of at least {YEAR} (1 year)"]
    wanted += [name for name, there in (("includeSubDomains", subdomains), ("preload", preload)) if not there]
    return Hsts(shorten(text, 200), seconds, subdomains, preload, tuple(faults), tuple(wanted))


def duration(seconds: int) -> str:
    """``2 years``, ``180 days``, ``5 minutes``: a max-age in words."""
    for size, word in ((YEAR, "year"), (DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and (seconds % size == 0 or seconds >= 3 * size or word == "minute"):
            exact = "" if seconds % size == 0 else "about "
            return f"{exact}{plural(round(seconds / size), word)}"
    return plural(seconds, "second")
