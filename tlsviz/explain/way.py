"""The way to the first byte, in words: what was measured, and what other kinds of handshake would save."""

from __future__ import annotations

from tlsviz.connection.savings import Choice
from tlsviz.connection.way import Way
from tlsviz.wire.text import clock, plural, safe


def in_short(found: Way) -> str:
    """``3 round trips of 11.2 ms · first byte after 36.2 ms``; what is not known is left out, "" if nothing is."""
    trips = plural(found.round_trips, "round trip") if found.round_trips else ""
    if trips and found.round_trip_time is not None:
        trips += f" of {clock(found.round_trip_time)}"
    if found.first_byte is not None:
        return " · ".join(filter(None, (trips, f"first byte after {clock(found.first_byte)}")))
    fault = next((safe(span.fault) for span in reversed(found.spans) if span.fault), "")
    return " · ".join(filter(None, (trips, fault)))


def saving(choice: Choice, choices: tuple[Choice, ...]) -> str:
    """What a kind of handshake saves against the first one, "" for nothing: ``1 RTT, 22.6 ms saved``."""
    if not choice.saved:
        return ""
    full = choices[0].time
    spared = f", {clock(full - choice.time)}" if full is not None and choice.time is not None else ""
    return f"{choice.saved} RTT{spared} saved"


def how(found: Way) -> str:
    """How the figures came about; "" where there are none."""
    if found.round_trip_time is None:
        return ""
    text = f"A round trip takes {clock(found.round_trip_time)}, by {found.measured}."
    if found.work is None:
        return text
    text += f" All else that was waited for, {clock(found.work)}, is the server's work and time of sending."
    if found.held:
        text += f" For {clock(found.held)} more a closed window held it up."
    if not found.choices:
        return text
    return f"{text} The times of the other kinds are computed from these two: their round trips, and the same work."
