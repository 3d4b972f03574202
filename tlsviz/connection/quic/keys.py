"""Which keys open which packet: everybody's for Initial packets, the key log's for the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from tlsviz.connection.keys import KeyRing
from tlsviz.connection.model import Protection
from tlsviz.connection.opening import no_key
from tlsviz.crypto.opening import Unopened
from tlsviz.crypto.quic import OpenedPacket, PacketKeys, initial_keys, initial_secrets
from tlsviz.tls.quic.packets import Packet
from tlsviz.tls.quic.versions import HANDSHAKE, INITIAL, ONE_RTT, V1, ZERO_RTT
from tlsviz.wire.chunks import CLIENT, Sender
from tlsviz.wire.text import plural

PHASES = {ZERO_RTT: "early", HANDSHAKE: "handshake", ONE_RTT: "application"}
"""The packet types whose keys come from TLS, with the phases that the key ring knows."""
FIRST_IDS = 8
"""How many connection IDs are remembered that Initial keys may have been made of."""
LOST_NUMBERS = 5000
REPEATED = "the same packet once more"


@dataclass(slots=True, eq=False, repr=False)
class Numbers:
    """The packet numbers of one side in one space (RFC 9000 12.3)."""

    largest: int = -1
    _seen: set[int] = field(default_factory=set)

    def take(self, number: int) -> bool:
        """Notes a number that a right tag proves; False if it came before."""
        if number in self._seen:
            return False
        self.largest = max(self.largest, number)
        self._seen.add(number)
        if len(self._seen) > 2 * LOST_NUMBERS:
            self._seen = {one for one in self._seen if one > self.largest - LOST_NUMBERS}
        return True


@dataclass(slots=True, eq=False, repr=False)
class PacketOpener:
    """Opens the packets of a connection. ``version``: the one that packets with a short header are of."""

    ring: KeyRing
    version: int = V1
    ids: list[bytes] = field(default_factory=list)
    """The Destination Connection IDs of the client's Initial packets: one of them is what Initial keys are made of."""
    proven: bytes | None = None
    """The one of them whose keys opened an Initial packet last."""
    _initial: dict[tuple[int, bytes, Sender], PacketKeys | None] = field(default_factory=dict)
    _keys: dict[tuple[Sender, str, int], list[PacketKeys]] = field(default_factory=dict)
    _generation: dict[Sender, int] = field(default_factory=dict)
    _numbers: dict[tuple[Sender, str], Numbers] = field(default_factory=dict)

    def numbers(self, sender: Sender, kind: str) -> Numbers:
        """The space of a packet type; 0-RTT and 1-RTT share one."""
        return self._numbers.setdefault((sender, ONE_RTT if kind == ZERO_RTT else kind), Numbers())

    def forget(self) -> None:
        """Another connection begins on the same path."""
        self._keys.clear()
        self._generation.clear()
        self._numbers.clear()

    def phase(self, sender: Sender) -> int:
        """How often that side has updated its 1-RTT keys."""
        return self._generation.get(sender, 0)

    def open(self, sender: Sender, packet: Packet) -> tuple[OpenedPacket | None, Protection]:
        """The packet's payload, or why it stays closed."""
        if packet.kind == INITIAL and sender == CLIENT and packet.dcid not in self.ids and len(self.ids) < FIRST_IDS:
            self.ids.append(packet.dcid)
        if packet.missing:
            why = f"{plural(packet.missing, 'byte')} of the packet {'is' if packet.missing == 1 else 'are'} missing"
            return None, Protection("not_provable", why)
        try:
            opened = self._initials(sender, packet) if packet.kind == INITIAL else self._others(sender, packet)
        except Unopened as reason:
            return None, Protection("failed" if reason.failed else "not_provable", reason.why)
        return opened, Protection("verified", "", opened.unmasked.number, opened.nonce, opened.header, opened.tag)

    def _initials(self, sender: Sender, packet: Packet) -> OpenedPacket:
        """Initial keys follow from the ID that the client chose first, or from the one that a Retry told it to use."""
        failed = Unopened("the client's first packet, from which its keys follow, is not in the capture")
        latest = [] if self.proven is None else [self.proven]
        for dcid in (*latest, *(one for one in reversed(self.ids) if one != self.proven)):
            keys = self._initial_keys(packet.version or 0, dcid, sender)
            if keys is None:
                raise Unopened("the keys of this version's Initial packets are not known")
            try:
                opened = self._attempt(keys, sender, packet)
            except Unopened as reason:
                failed = reason
                continue
            self.proven = dcid
            return opened
        raise failed

    def _initial_keys(self, version: int, dcid: bytes, sender: Sender) -> PacketKeys | None:
        place = (version, dcid, sender)
        if place not in self._initial:
            if len(self._initial) >= 8 * FIRST_IDS:
                self._initial.clear()
            secrets = initial_secrets(version, dcid)
            self._initial[place] = initial_keys(version, secrets.of(sender)) if secrets is not None else None
        return self._initial[place]

    def _others(self, sender: Sender, packet: Packet) -> OpenedPacket:
        version = self.version if packet.version is None else packet.version
        generations = self._levels(sender, packet.kind, version)
        if packet.kind != ONE_RTT:
            return self._first_that_fits(generations, sender, packet)
        if self._generation.get(sender) is None:
            opened = self._first_that_fits(generations, sender, packet)
            self._generation[sender] = 0
            return opened
        return self._by_phase(generations, sender, packet)

    def _levels(self, sender: Sender, kind: str, version: int) -> list[PacketKeys]:
        """The keys of a level: those of each suite that it can be; of 1-RTT, once one fits, its generations."""
        place = (sender, kind, version)
        if place not in self._keys:
            phase = PHASES[kind]
            secret = self.ring.traffic_secret(sender, phase)
            if secret is None:
                raise Unopened(no_key(self.ring, self.ring.label(sender, phase)))
            self._keys[place] = [PacketKeys(version, suite, secret) for suite in self.ring.suites_13(secret)]
        return self._keys[place]

    def _first_that_fits(self, candidates: list[PacketKeys], sender: Sender, packet: Packet) -> OpenedPacket:
        failed = Unopened("no cipher suite of QUIC fits the secret")
        for keys in list(candidates):
            try:
                opened = self._attempt(keys, sender, packet)
            except Unopened as reason:
                failed = reason
                continue
            candidates[:] = [keys]
            return opened
        raise failed

    def _by_phase(self, generations: list[PacketKeys], sender: Sender, packet: Packet) -> OpenedPacket:
        """The key phase bit says whether the keys were updated (RFC 9001 6)."""
        now = self._generation[sender]
        largest = self.numbers(sender, packet.kind).largest
        first = generations[0].unmask(packet.data, packet.start, largest).first
        if first >> 2 & 1 == now & 1:
            return self._attempt(generations[now], sender, packet)
        if now + 1 == len(generations):
            generations.append(generations[now].updated())
        try:
            opened = self._attempt(generations[now + 1], sender, packet)
        except Unopened:
            if now == 0:
                raise
            return self._attempt(generations[now - 1], sender, packet)
        self._generation[sender] = now + 1
        return opened

    def _attempt(self, keys: PacketKeys, sender: Sender, packet: Packet) -> OpenedPacket:
        largest = self.numbers(sender, packet.kind).largest
        return keys.decrypt(packet.data, packet.start, keys.unmask(packet.data, packet.start, largest))
