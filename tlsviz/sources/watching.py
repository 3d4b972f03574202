"""Connections as they happen: told when their hello is there, again as they go on, judged when they are quiet or over.

The packets of a connection are kept for a while: keys that come after them have it followed once more from its start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from tlsviz.connection import eap
from tlsviz.connection.model import Connection
from tlsviz.connection.tickets import Tickets
from tlsviz.sources.following import Following
from tlsviz.sources.keyfollower import KeyFollower, randoms_of
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.segments import FIN, RST, Datagram, Packet, is_bare
from tlsviz.sources.sessions import FIRST, SCTP, Sessions

KEPT_EACH = 4 << 20
KEPT_ALL = 256 << 20
"""Bytes of packets that are kept for keys that come later: of one connection, and of all."""
MOST_OVER = 2000
"""Connections that are over and whose packets are still kept."""
UNDECIDED = 64
"""Datagrams after which a conversation that has shown neither DTLS nor QUIC is no longer looked at."""
FOLD = 200
"""What a packet takes beside its payload, about, in bytes."""

SOON, LATER = 0.25, 2.0
"""Seconds between two snapshots of one connection: while it shakes hands, and afterwards."""
QUIET = 1.0
"""Seconds without news after which a handshake is judged although the connection goes on."""
CLOSED, HALF_CLOSED, IDLE, IDLE_DATAGRAMS = 0.2, 10.0, 300.0, 30.0
"""Seconds without packets after which a connection is over: both sides have ended it, one has, neither has."""

Key = tuple[bool, int]
Found = Callable[[Connection, bool], None]


@dataclass(slots=True, eq=False)
class _Watched:
    """One TCP stream, UDP or EAP conversation. ``last``, ``told``: when the last packet came, the last snapshot went.

    ``ended``: who sent a FIN; ``over``: a reset, or EAP's last word.
    """

    key: Key
    following: Following
    packets: list[Packet | Datagram] | None = field(default_factory=list)
    size: int = 0
    count: int = 0
    last: float = 0.0
    told: float = 0.0
    news: bool = False
    ended: set[object] = field(default_factory=set)
    over: bool = False
    connection: Connection | None = None
    judged: int = -1

    @property
    def patience(self) -> float:
        """How long to wait for another packet, in seconds."""
        if self.over or len(self.ended) == 2:
            return CLOSED
        in_datagrams = self.key[0] and self.key[1] < SCTP
        return HALF_CLOSED if self.ended else IDLE_DATAGRAMS if in_datagrams else IDLE


class Watching:
    """Give it packets with `take`, call `tick` several times a second, `end` it at the end.

    ``found`` is called with each snapshot of a connection and whether it is over. ``connections`` counts those that
    were told of, ``over`` those that are over. ``clock`` gives seconds that never go back.
    """

    def __init__(
        self, follower: KeyFollower, opinions: Opinions, found: Found, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.connections = self.over = 0
        self.faults: list[str] = []
        self._follower = follower
        self._opinions = opinions
        self._tickets = Tickets()
        self._sessions = Sessions()
        self._found = found
        self._clock = clock
        self._watched: dict[Key, _Watched | None] = {}
        self._done: dict[Key, _Watched] = {}
        self._news: dict[Key, _Watched] = {}
        self._kept = 0
        self._next_round = 0.0

    def take(self, packets: Iterable[Packet | Datagram]) -> None:
        """Takes the next packets."""
        now = self._clock()
        for packet in packets:
            # Many share the ports of RADIUS, or an SCTP association.
            for each in self._sessions.told(packet) if isinstance(packet, Datagram) else (packet,):
                self._take_one(each, now)

    def _take_one(self, packet: Packet | Datagram, now: float) -> None:
        key = (isinstance(packet, Datagram), packet.stream)
        try:
            watched = self._watched[key]
        except KeyError:
            if isinstance(packet, Packet) and is_bare(packet):
                return
            watched = self._watched[key] = _Watched(key, Following(self._follower.keylog))
        if watched is not None:
            watched.last = now
            self._take(watched, packet)

    def _take(self, watched: _Watched, packet: Packet | Datagram) -> None:
        watched.following.take(packet)
        watched.count += 1
        if isinstance(packet, Packet):
            if packet.flags & FIN:
                watched.ended.add(packet.source)
            watched.over = watched.over or bool(packet.flags & RST)
        elif packet.sctp is not None:
            if packet.sctp.kind == "shutdown":
                watched.ended.add(packet.source)
            watched.over = watched.over or packet.sctp.kind == "abort"
        elif packet.stream >= FIRST and eap.ends(packet.payload, not packet.eapol):
            watched.over = True
        elif not watched.following.found and watched.count > UNDECIDED:
            self._forget(watched)
            return
        if watched.following.empty:
            self._forget(watched)
            return
        self._keep(watched, packet)
        watched.news = True
        self._news[watched.key] = watched

    def _keep(self, watched: _Watched, packet: Packet | Datagram) -> None:
        if watched.packets is None:
            return
        size = len(packet.payload) + FOLD
        watched.packets.append(packet)
        watched.size += size
        self._kept += size
        if watched.size > KEPT_EACH:
            self._let_go(watched)
        if self._kept > KEPT_ALL:
            self._make_room()

    def _make_room(self) -> None:
        """Lets go of the packets of those that are over, then of the longest known."""
        for watched in [*self._done.values(), *filter(None, self._watched.values())]:
            if self._kept <= KEPT_ALL // 2:
                return
            self._let_go(watched)
            self._done.pop(watched.key, None)

    def _let_go(self, watched: _Watched) -> None:
        self._kept -= watched.size
        watched.packets, watched.size = None, 0

    def _forget(self, watched: _Watched) -> None:
        """Never to be looked at again."""
        self._let_go(watched)
        self.faults += watched.following.faults
        self._watched[watched.key] = None
        self._news.pop(watched.key, None)

    # -- as time goes by -----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Tells what is new, judges what is quiet, ends what is over, and looks for keys."""
        now = self._clock()
        if self._follower.poll():
            self._again()
        for watched in list(self._news.values()):
            silent = now - watched.last
            if silent >= watched.patience:
                self._finish(watched)
            elif watched.news and now - watched.told >= (LATER if watched.judged >= 0 else SOON):
                self._tell(watched, now)
            if not watched.news and not watched.ended and not watched.over:
                self._news.pop(watched.key, None)
        if now >= self._next_round:
            self._next_round = now + QUIET
            self._round(now)

    def _round(self, now: float) -> None:
        for watched in [each for each in self._watched.values() if each is not None]:
            if now - watched.last >= watched.patience:
                self._finish(watched)
            elif now - watched.last >= QUIET and watched.connection is not None and _unjudged(watched):
                self._tell(watched, now, judge=True)

    def _tell(self, watched: _Watched, now: float, judge: bool = False) -> None:
        watched.news, watched.told = False, now
        connection = watched.following.snapshot()
        before = watched.connection
        if connection is None or (before is None and not connection.messages):
            return
        if before is None:
            number, self.connections = self.connections, self.connections + 1
        else:
            number = before.id
        connection = replace(connection, id=number)
        if judge:
            connection = self._opinions.next(connection, whole=True).connection
            watched.judged = len(connection.messages)
        elif before is not None:
            # What was judged stays until it is judged anew.
            connection = replace(
                connection,
                trust=before.trust,
                client_trust=before.client_trust,
                proofs=before.proofs,
                findings=before.findings,
            )
        watched.connection = connection
        self._found(connection, False)

    def _finish(self, watched: _Watched) -> None:
        """The connection is over: what it was in the end."""
        self._news.pop(watched.key, None)
        self._watched[watched.key] = None
        if not self._conclude(watched, watched.following):
            self._forget(watched)
            return
        self.over += 1
        if watched.packets is not None:
            self._done[watched.key] = watched
            if len(self._done) > MOST_OVER:
                oldest = self._done.pop(next(iter(self._done)))
                self._let_go(oldest)

    def _conclude(self, watched: _Watched, following: Following) -> bool:
        following.end()
        connection = next(following.finished(lambda connection: connection), None)
        if connection is None:
            return False
        if watched.connection is None:
            number, self.connections = self.connections, self.connections + 1
        else:
            number = watched.connection.id
        connection = replace(connection, id=number)
        connection = self._tickets.follow(self._opinions.next(connection, whole=True).connection)
        watched.connection = connection
        self._found(connection, True)
        return True

    def end(self) -> None:
        """Nothing more will come: everything that is still open is told as it is."""
        for datagram in self._sessions.rest():
            self._take_one(datagram, self._clock())
        if self._follower.poll():
            self._again()
        for watched in [each for each in self._watched.values() if each is not None]:
            self._finish(watched)

    # -- keys ----------------------------------------------------------------------------------------------

    def _again(self) -> None:
        """Keys have come: what they may open is followed once more, from its first packet."""
        for watched in [*self._concerned(self._watched.values())]:
            watched.following = self._follow(watched)
            watched.news, watched.judged, watched.told = True, -1, 0.0
            self._news[watched.key] = watched
        for watched in [*self._concerned(self._done.values())]:
            self._conclude(watched, self._follow(watched))

    def _concerned(self, candidates: Iterable[_Watched | None]) -> Iterator[_Watched]:
        for watched in candidates:
            if watched is None or watched.packets is None:
                continue
            connection = watched.connection or watched.following.snapshot()
            if connection is not None and self._follower.concerns((randoms_of(connection),)):
                yield watched

    def _follow(self, watched: _Watched) -> Following:
        following = Following(self._follower.keylog)
        for packet in watched.packets or ():
            following.take(packet)
        return following


def _unjudged(watched: _Watched) -> bool:
    connection = watched.connection
    return connection is not None and connection.complete and watched.judged != len(connection.messages)
