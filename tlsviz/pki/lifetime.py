"""A certificate on its time line: where the time judged at lies, where now does, and when it is time to renew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from tlsviz.pki.certificate import Certificate
from tlsviz.pki.words import lifetime_days, moment, span

State = Literal["unknown", "not_yet_valid", "valid", "expires_soon", "expires_now", "expired"]

SOON, NOW = timedelta(days=30), timedelta(days=7)
SOON_SHARE, NOW_SHARE = 0.2, 0.1
"""Near its end: a month or a fifth of the lifetime, whichever is less; urgent: a week or a tenth.

Renewing should be automatic and happen with a third of the lifetime left (Let's Encrypt's advice), so who gets here
has missed it."""


class Moment(NamedTuple):
    """A time on the line: ``share`` of the lifetime that is over (below 0: before it, above 1: behind it)."""

    at: datetime
    state: State
    share: float
    left: timedelta
    words: str


class Lifetime(NamedTuple):
    """The time line. ``days``: the whole length; ``judged`` and ``now`` None when the dates cannot be read."""

    not_before: datetime | None
    not_after: datetime | None
    days: int | None
    judged: Moment | None
    now: Moment | None


def lifetime(cert: Certificate, at: datetime, now: datetime) -> Lifetime:
    """The time line of a certificate with the (aware) time judged at and the present."""
    return Lifetime(cert.not_before, cert.not_after, lifetime_days(cert), _moment(cert, at), _moment(cert, now))


def state(cert: Certificate, at: datetime) -> State:
    """Where a time lies in the validity period."""
    if cert.not_before is None or cert.not_after is None:
        return "unknown"
    if at < cert.not_before:
        return "not_yet_valid"
    if at > cert.not_after:
        return "expired"
    whole, left = cert.not_after - cert.not_before, cert.not_after - at
    if left <= min(NOW, whole * NOW_SHARE):
        return "expires_now"
    return "expires_soon" if left <= min(SOON, whole * SOON_SHARE) else "valid"


def _moment(cert: Certificate, at: datetime) -> Moment | None:
    if cert.not_before is None or cert.not_after is None:
        return None
    whole = (cert.not_after - cert.not_before).total_seconds()
    share = (at - cert.not_before).total_seconds() / whole if whole > 0 else 1.0
    found = state(cert, at)
    left = cert.not_after - at
    words = {
        "not_yet_valid": f"not valid before {moment(cert.not_before)}, {span(cert.not_before - at)} later",
        "expired": f"expired {span(left)} earlier, on {moment(cert.not_after)}",
    }.get(found, f"{span(left)} left of {span(cert.not_after - cert.not_before)}")
    return Moment(at, found, share, left, words)
