"""Verdicts remembered: thousands of connections show the same chain, and only the time is another.

A verdict with all its words stays the same from one boundary in time to the next: where a certificate that takes part
begins or ends, and where the words that say how long ago that was change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tlsviz.pki.certificate import Certificate, read
from tlsviz.pki.policy import Purpose
from tlsviz.pki.stores import Store
from tlsviz.pki.trust import Borrowed, Trust
from tlsviz.pki.verify import SAME_TIME, aware, judge, judge_client
from tlsviz.pki.words import same_words

MOST = 1_000
"""So many verdicts are remembered; a trusted chain's takes some kilobytes."""
_SECOND = timedelta(seconds=1)


class _Asked(NamedTuple):
    """What was asked, apart from the time."""

    purpose: Purpose
    ders: tuple[bytes, ...]
    name: str | None
    known: tuple[bytes, ...]
    cut: bool
    fetched: tuple[Borrowed, ...]


class _Kept:
    """A verdict at a time; and between which times it is the same, found when that is first of use."""

    __slots__ = ("span", "trust")

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.span: tuple[datetime, datetime] | None = None


class Verdicts:
    """`judge` and `judge_client` by the same stores, again and again. ``now``: also judge at this time."""

    def __init__(self, stores: Sequence[Store], now: datetime | None = None, most: int = MOST) -> None:
        self.stores = tuple(stores)
        self.now = now
        self._most = most
        self._kept: OrderedDict[_Asked, _Kept] = OrderedDict()

    def server(
        self,
        ders: Sequence[bytes],
        name: str | None,
        at: datetime,
        known: Sequence[bytes] = (),
        cut: bool = False,
        fetched: Sequence[Borrowed] = (),
    ) -> Trust:
        """What `judge` says of a server's certificates."""
        return self._ask(_Asked("server", tuple(ders), name, tuple(known), cut, tuple(fetched)), aware(at))

    def client(self, ders: Sequence[bytes], at: datetime, known: Sequence[bytes] = (), cut: bool = False) -> Trust:
        """What `judge_client` says of a client's certificates."""
        return self._ask(_Asked("client", tuple(ders), None, tuple(known), cut, ()), aware(at))

    def _ask(self, asked: _Asked, at: datetime) -> Trust:
        kept = self._kept.get(asked)
        if kept is not None:
            if kept.span is None and kept.trust.at != at:
                kept.span = self._same(asked, kept.trust.at)
            if kept.trust.at == at or (kept.span is not None and kept.span[0] < at < kept.span[1]):
                self._kept.move_to_end(asked)
                return kept.trust if kept.trust.at is at else kept.trust._replace(at=at)
        trust = self._judge(asked, at)
        self._kept[asked] = _Kept(trust)
        self._kept.move_to_end(asked)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return trust

    def _judge(self, asked: _Asked, at: datetime) -> Trust:
        if asked.purpose == "client":
            return judge_client(asked.ders, at, self.stores, asked.known, asked.cut, self.now)
        return judge(asked.ders, asked.name, at, self.stores, asked.known, asked.cut, asked.fetched, self.now)

    def _same(self, asked: _Asked, at: datetime) -> tuple[datetime, datetime]:
        """The times, exclusive, between which the verdict at ``at`` holds in every word; nothing lies on a boundary."""
        bounds = [datetime.min.replace(tzinfo=at.tzinfo), datetime.max.replace(tzinfo=at.tzinfo)]
        if self.now is not None:
            now = aware(self.now)
            bounds += (_moved(now, -SAME_TIME), _moved(now, SAME_TIME))
        for cert in self._taking_part(asked):
            found = _boundaries(cert, at)
            if not found:
                return at, at
            bounds += found
        return max(each for each in bounds if each <= at), min(each for each in bounds if each >= at)

    def _taking_part(self, asked: _Asked) -> Iterable[Certificate]:
        """Every certificate that a way up may lead over, or that the judge is given: as sent, known, or an anchor."""
        found = dict.fromkeys((*asked.ders, *asked.known, *(one.der for one in asked.fetched)))
        ahead = list(found)
        while ahead:
            issuer = read(ahead.pop()).issuer_der
            fresh = [der for store in self.stores for der in _held(store, issuer) if der not in found]
            found.update(dict.fromkeys(fresh))
            ahead += fresh
        return map(read, found)


def _held(store: Store, subject: bytes) -> tuple[bytes, ...]:
    """The anchors of that subject, and those that the judge is always given."""
    try:
        return (*store.by_subject(subject), *store.ders[:3])
    except OSError:  # a store that cannot be read, whatever the time is
        return ()


def _boundaries(cert: Certificate, at: datetime) -> tuple[datetime, ...]:
    """The times at which what is said of a certificate's dates changes; () where nobody knows them."""
    begin, end = cert.not_before, cert.not_after
    if begin is None or end is None:
        return ()
    # The judge lets a certificate live to the end of its last second.
    dates = (begin, end, _moved(end, _SECOND))
    if at < begin:
        low, high = same_words(begin - at)
        return (*dates, _moved(begin, -low), _moved(begin, -high))
    if at > end:
        low, high = same_words(at - end)
        return (*dates, _moved(end, low), _moved(end, high))
    return dates


def _moved(time: datetime, by: timedelta) -> datetime:
    try:
        return time + by
    except OverflowError:  # beyond the calendar
        return (datetime.max if by > timedelta() else datetime.min).replace(tzinfo=time.tzinfo)
