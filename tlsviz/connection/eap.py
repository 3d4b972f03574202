"""TLS inside of EAP (RFC 3748; EAP-TLS: RFC 5216, RFC 9190), as EAPOL and RADIUS carry it: unpacked, then followed.

EAP is lock-step: the server asks, the peer answers. Both sides' TLS records come in fragments behind a byte of flags;
TTLS (RFC 5281), PEAP, FAST (RFC 4851) and TEAP (RFC 7170) do the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, Endpoint, Message, changed
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Input, Mark, Sender
from tlsviz.wire.text import shorten

REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
IDENTITY, NAK = 1, 3
METHODS = {13: "EAP-TLS", 21: "EAP-TTLS", 25: "PEAP", 43: "EAP-FAST", 55: "TEAP"}
"""EAP types (IANA EAP Method Types) with TLS inside."""
_TEAP = 55
_LENGTH, _START, _OUTER = 0x80, 0x20, 0x10
HEADER = 4

ACCESS_REQUEST, ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_CHALLENGE = 1, 2, 3, 11
_RADIUS_CODES = frozenset((ACCESS_REQUEST, ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_CHALLENGE))
RADIUS_HEADER = 20
USER_NAME, STATE, CALLING_STATION_ID, EAP_MESSAGE = 1, 24, 31, 79


class Radius(NamedTuple):
    """A RADIUS packet (RFC 2865 3) with its attributes in order."""

    code: int
    identifier: int
    authenticator: bytes
    attributes: tuple[tuple[int, bytes], ...]

    def first(self, kind: int) -> bytes:
        """The first attribute of that type, b"" if there is none."""
        return next((value for found, value in self.attributes if found == kind), b"")

    @property
    def eap(self) -> bytes:
        """The EAP packet: its pieces stand in attributes of at most 253 bytes (RFC 3579 3.1)."""
        return b"".join(value for found, value in self.attributes if found == EAP_MESSAGE)


def radius(data: bytes) -> Radius | None:
    """A UDP payload as RADIUS that carries EAP; None if it is none: code, length and attributes must fit exactly."""
    if len(data) < RADIUS_HEADER or data[0] not in _RADIUS_CODES:
        return None
    length = int.from_bytes(data[2:4], "big")
    if not RADIUS_HEADER <= length <= len(data):
        return None
    found = []
    at = RADIUS_HEADER
    while at < length:
        size = data[at + 1] if at + 1 < length else 0
        if size < 2 or at + size > length:
            return None
        found.append((data[at], data[at + 2 : at + size]))
        at += size
    made = Radius(data[0], data[1], data[4:20], tuple(found))
    return made if len(made.eap) >= HEADER else None


class Packet(NamedTuple):
    """An EAP packet: ``kind`` is the type of requests and answers, 0 without one; ``body`` what follows it."""

    code: int
    identifier: int
    kind: int
    body: bytes

    @property
    def sender(self) -> Sender:
        """The peer, who is the client of TLS, answers; all else is the server's."""
        return CLIENT if self.code == RESPONSE else SERVER


def packet(data: bytes) -> Packet | None:
    """An EAP packet; None if it is none. What stands behind its length is padding."""
    if len(data) < HEADER or not REQUEST <= data[0] <= FAILURE:
        return None
    length = int.from_bytes(data[2:4], "big")
    if not HEADER <= length <= len(data):
        return None
    kind = data[HEADER] if data[0] <= RESPONSE and length > HEADER else 0
    return Packet(data[0], data[1], kind, data[HEADER + 1 : length])


def ends(data: bytes, in_radius: bool) -> bool:
    """Whether a RADIUS or EAP packet ends its conversation: with success or failure."""
    wrapped = radius(data) if in_radius else None
    found = packet(wrapped.eap if wrapped is not None else data)
    return found is not None and found.code in (SUCCESS, FAILURE)


def records(found: Packet) -> bytes:
    """The TLS bytes in a packet of one of `METHODS`, without flags, length and TEAP's outer TLVs."""
    body = found.body
    if not body or body[0] & _START:
        return b""
    at = 1 + (4 if body[0] & _LENGTH else 0)
    end = len(body)
    if found.kind == _TEAP and body[0] & _OUTER:
        end -= min(int.from_bytes(body[at : at + 4], "big"), end)
        at += 4
    return body[at:end]


class EapEngine(Engine):
    """Follows the TLS inside of one EAP conversation. Each `Chunk` is a whole RADIUS or EAP packet.

    ``outer``: what carries EAP, in words ("RADIUS", "802.1X").
    """

    transport: ClassVar[str] = "eap"

    def __init__(self, client: Endpoint, server: Endpoint, keylog: KeyLog, outer: str) -> None:
        super().__init__(client=client, server=server, keylog=keylog)
        self._outer = outer
        self._method = 0
        self._last: dict[Sender, tuple[int, int, bytes]] = {}

    def receive(self, item: Input) -> list[Message]:
        """Takes the next packet; returns the messages that it completed."""
        before = len(self.ledger.messages)
        items = self._unpacked(item) if isinstance(item, Chunk) else iter((item,))
        for each in items:
            super().receive(each)
        return self.ledger.messages[before:]

    def connection(self) -> Connection:
        """The model of what is known now."""
        return changed(super().connection(), carrier=self.carrier)

    @property
    def carrier(self) -> str:
        """``EAP-TLS in RADIUS``."""
        return f"{METHODS.get(self._method, 'EAP')} in {self._outer}"

    def _unpacked(self, chunk: Chunk) -> Iterator[Input]:
        """What a packet means: TLS bytes, or a mark for what EAP itself says."""
        wrapped = radius(chunk.data) if self._outer == "RADIUS" else None
        found = packet(wrapped.eap if wrapped is not None else chunk.data)
        if found is None:
            return
        sender = found.sender
        said = (found.code, found.identifier, found.body)
        if self._last.get(sender) == said:
            yield Mark("repeated", sender, chunk.time, chunk.packets)
            return
        self._last[sender] = said
        data = records(found) if found.kind in METHODS else b""
        if data:
            self._method = self._method or found.kind
            yield Chunk(sender, chunk.time, data, chunk.packets)
        elif words := self._words(found):
            yield Mark("eap", sender, chunk.time, chunk.packets, words)

    def _words(self, found: Packet) -> str:
        """What a packet without TLS says; "" for a bare acknowledgement of a fragment."""
        if found.code in (SUCCESS, FAILURE):
            return "success" if found.code == SUCCESS else "failure"
        if found.kind == IDENTITY:
            if found.code == REQUEST:
                return "who are you?"
            return f"identity {shorten(found.body.decode('utf-8', 'backslashreplace'), 80)}"
        if found.kind == NAK:
            wanted = [METHODS.get(kind, f"type {kind}") for kind in found.body[:4]]
            return f"another method, please: {', '.join(wanted)}" if wanted else "no method suits"
        if found.kind in METHODS:
            if found.body[:1] and found.body[0] & _START:
                self._method = found.kind
                return f"start of {self.carrier}"
            return ""
        return f"method of type {found.kind}"
