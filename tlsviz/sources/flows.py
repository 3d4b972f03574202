"""UDP conversations: datagrams in, one engine for what they carry. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsviz.connection import eap
from tlsviz.connection.datagrams import Carrier, Follower, carrier_of, unwrapped
from tlsviz.connection.model import Endpoint
from tlsviz.sources.roles import datagram_hello, knownness
from tlsviz.sources.sessions import FIRST
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Sender, other
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from tlsviz.crypto.keylog import KeyLog
    from tlsviz.sources.segments import Datagram


def follower(carrier: Carrier, client: Endpoint, server: Endpoint, keylog: KeyLog) -> Follower:
    """A new engine for a carrier; loaded only where a capture has such a conversation."""
    if carrier == "dtls":
        from tlsviz.connection.dtls.engine import DtlsEngine

        return DtlsEngine(client=client, server=server, keylog=keylog)
    from tlsviz.connection.quic.engine import QuicEngine

    return QuicEngine(client=client, server=server, keylog=keylog)


def _eap(datagram: Datagram, keylog: KeyLog) -> eap.EapEngine | None:
    """The engine of an EAP conversation that begins with this datagram, its ends as they are called in it.

    In RADIUS the client is whom the access point calls so (its MAC address, else who it says it is), at no port.
    """
    ends = datagram.source, datagram.destination
    if datagram.eapol:
        client, server = ends if _answers(datagram) else ends[::-1]
        return eap.EapEngine(client, server, keylog, "802.1X")
    wrapped = eap.radius(datagram.payload)
    if wrapped is None:
        return None
    client, server = ends if wrapped.code == eap.ACCESS_REQUEST else ends[::-1]
    called = wrapped.first(eap.CALLING_STATION_ID) or wrapped.first(eap.USER_NAME)
    if called:
        client = Endpoint(shorten(called.decode("utf-8", "backslashreplace"), 80), 0)
    return eap.EapEngine(client, server, keylog, "RADIUS")


def _answers(datagram: Datagram) -> bool:
    """Whether an EAP packet on the link is the peer's."""
    found = eap.packet(datagram.payload)
    return found is not None and found.sender == CLIENT


class Flow:
    """One UDP conversation. ``engine`` is None until a datagram shows that it carries DTLS or QUIC.

    An EAP conversation is one too, whatever carries it (`sources.sessions`).

    What came before that (STUN, and whatever else shares the ports) is passed over. The client is who sends a
    ClientHello, or the first packet; else who uses the port less known. ``over``: it will never be any.
    """

    def __init__(self, keylog: KeyLog, first: float = 0) -> None:
        """``first``: the frame number of the first datagram."""
        self.first = first
        self.engine: Follower | None = None
        self.is_tls = self.over = False
        self.last: float | None = None
        self._keylog = keylog
        self._wrapped = False
        self._client = Endpoint("", 0)

    def feed(self, datagram: Datagram) -> bool:
        """Takes the next datagram; True if it is the one that shows that this is DTLS or QUIC."""
        if self.engine is None and datagram.stream >= FIRST:
            self.engine = _eap(datagram, self._keylog)
        elif self.engine is None:
            self._begin(datagram)
        if self.engine is None:
            return False
        data = unwrapped(datagram.payload) if self._wrapped else datagram.payload
        sender = CLIENT if datagram.source == self._client else SERVER
        if data is None:
            return False
        self.last = datagram.time if self.last is None else max(self.last, datagram.time)
        if datagram.eapol:  # what was sent to the group of all 802.1X did not say who the other is
            if _answers(datagram):
                self.engine.client = datagram.source
            else:
                self.engine.server = datagram.source
        packets = (datagram.number,)
        self.engine.receive(Chunk(sender, datagram.time, data, packets))
        if datagram.missing:
            self.engine.receive(Gap(sender, datagram.time, datagram.missing, packets))
        known, self.is_tls = self.is_tls, bool(self.engine.is_tls)
        return self.is_tls and not known

    def _begin(self, datagram: Datagram) -> None:
        data = datagram.payload
        carrier = carrier_of(data)
        if carrier is None and (inner := unwrapped(data)) is not None:
            carrier, data = carrier_of(inner), inner
            self._wrapped = carrier == "dtls"
            carrier = carrier if self._wrapped else None
        if carrier is None:
            return
        sender = _sender(carrier, data, datagram)
        ends = {sender: datagram.source, other(sender): datagram.destination}
        self._client = ends[CLIENT]
        self.engine = follower(carrier, ends[CLIENT], ends[SERVER], self._keylog)


def _sender(carrier: Carrier, data: bytes, datagram: Datagram) -> Sender:
    said = datagram_hello(data) if carrier == "dtls" else None
    if said is not None:
        return said
    known = knownness(datagram.source.port), knownness(datagram.destination.port)
    if carrier == "quic" and max(known) <= 1 << 16:
        return CLIENT  # between two ports of no fame, who spoke first
    return SERVER if known[0] > known[1] else CLIENT
