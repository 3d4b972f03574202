"""Conversations that tshark does not number, told apart: EAP's, and SCTP's streams.

Many of EAP share the ports of a RADIUS server, and the air around an access point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from tlsviz.connection import eap
from tlsviz.connection.model import Endpoint
from tlsviz.sources.segments import Datagram

if TYPE_CHECKING:
    from tlsviz.sources.associations import Associations

FIRST, SCTP = 1 << 40, 1 << 44
"""Conversations are numbered from here on, behind all numbers that tshark gives to UDP streams: EAP's, then SCTP's."""
MOST = 20_000
"""Conversations and open requests that are remembered."""
_GROUP = 1
"""The bit of a MAC address's first byte that makes it many stations' (802.1X's is 01:80:c2:00:00:03)."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
Ends = tuple[Endpoint, Endpoint]


class Sessions:
    """Gives each datagram that carries EAP or SCTP the number of its conversation as its stream."""

    def __init__(self) -> None:
        self._count = 0
        self._asked: dict[tuple[Ends, int], tuple[bytes, int]] = {}
        self._states: dict[tuple[Endpoint, bytes], int] = {}
        self._stations: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._over: set[int] = set()
        self._claimed: set[int] = set()
        self._associations: Associations | None = None

    def told(self, datagram: Datagram) -> Sequence[Datagram]:
        """The datagram; of one that carries EAP the stream is its conversation's number, unless it has one already.

        Of an SCTP packet what it brings to each of its connections.
        """
        if datagram.stream >= FIRST:
            return (datagram,)
        if datagram.sctp is not None:
            if self._associations is None:
                from tlsviz.sources.associations import Associations

                self._associations = Associations()
            return self._associations.told(datagram)
        if datagram.eapol:
            return (datagram._replace(stream=self._of_station(datagram)),)
        found = eap.radius(datagram.payload)
        return (datagram if found is None else datagram._replace(stream=self._of_radius(found, datagram)),)

    def rest(self) -> Sequence[Datagram]:
        """Nothing more comes: what waits of SCTP."""
        return self._associations.rest() if self._associations is not None else ()

    def _new(self) -> int:
        self._count += 1
        return FIRST + self._count

    # -- RADIUS: a request without State begins; an answer has the request's number, the next request its State ----

    def _of_radius(self, found: eap.Radius, datagram: Datagram) -> int:
        if found.code != eap.ACCESS_REQUEST:
            asked = self._asked.get(((datagram.destination, datagram.source), found.identifier))
            number = asked[1] if asked is not None else self._new()
            state = found.first(eap.STATE)
            if found.code == eap.ACCESS_CHALLENGE and state:
                keep(self._states, (datagram.source, state), number)
            return number
        key = ((datagram.source, datagram.destination), found.identifier)
        before = self._asked.get(key)
        if before is not None and before[0] == found.authenticator:
            return before[1]  # sent again
        state = found.first(eap.STATE)
        known = self._states.get((datagram.destination, state)) if state else None
        number = known if known is not None else self._new()
        keep(self._asked, key, (found.authenticator, number))
        return number

    # -- EAPOL: the station answers; after success or failure another conversation begins ---------------------------

    def _of_station(self, datagram: Datagram) -> int:
        found = eap.packet(datagram.payload)
        if found is None:
            return datagram.stream
        answers = found.code == eap.RESPONSE
        station, asker = datagram.source.address, datagram.destination.address
        if not answers:
            station, asker = asker, station
        number = self._stations.get(station) if not _is_group(station) else self._waiting.get(asker)
        begins = found.code in (eap.REQUEST, eap.RESPONSE)
        if number is None or (number in self._over and begins):
            number = self._asking(asker) if answers else None
            number = number if number is not None else self._new()
        if not _is_group(station):
            keep(self._stations, station, number)
            self._claimed.add(number)
        if not _is_group(asker):
            keep(self._waiting, asker, number)
        if not begins:
            self._over.add(number)
        return number

    def _asking(self, asker: str) -> int | None:
        """The conversation that somebody began with a request to everybody; a group's, if it is the only one."""
        number = self._waiting.get(asker) if not _is_group(asker) else next(reversed(self._waiting.values()), None)
        return None if number is None or number in self._over or number in self._claimed else number


def _is_group(address: str) -> bool:
    try:
        return bool(int(address[:2], 16) & _GROUP)
    except ValueError:
        return False


def keep(known: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Remembers a value, and forgets the oldest where there are too many."""
    known[key] = value
    if len(known) > MOST:
        del known[next(iter(known))]
