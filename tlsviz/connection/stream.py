"""One direction's byte stream, cut into records.

Content decides, never the chunking: the same bytes in one chunk or byte by byte give the same records. A stream may
start with a plaintext prelude (STARTTLS, CONNECT); TLS starts where its first hello stands.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from tlsviz.connection.carried import Carried

PRELUDE_LIMIT = 65536
RECORD_LIMIT = 16384 + 2048
"""The longest fragment any version allows (RFC 5246 6.2.3)."""

Sync = Literal["undecided", "tls", "lost", "not_tls"]

_HELLO_BYTES = rb"\x16\x03[\x00-\x04]..[\x01\x02]\x00..\x03[\x00-\x04]"
_HELLO = re.compile(_HELLO_BYTES, re.DOTALL)
_START = re.compile(
    _HELLO_BYTES
    + rb"|(?:(?<=\n)|(?<=\AS))\x15\x03[\x00-\x04]\x00\x02[\x01\x02].",  # a refusal, behind a line or PostgreSQL's yes
    re.DOTALL,
)
_START_LENGTH = 11

Holes = tuple[tuple[int, int], ...]


class RawRecord(NamedTuple):
    """A record's bytes (header included) with the time of its last byte and the packets that carried it.

    ``missing`` bytes of the fragment are not there; where that is inside, ``holes`` are the ranges of ``data`` where
    zeros stand in for them. ``ssl2``: SSL 2 framing. ``stray``: bytes that are no record. ``cut``: nothing more of its
    side came. ``header``: bytes of the header. ``epoch``, ``sequence``: what every record of DTLS says, else None.
    """

    data: bytes
    time: float
    packets: tuple[int, ...]
    content_type: int
    version: int
    length: int
    missing: int = 0
    ssl2: bool = False
    stray: bool = False
    holes: Holes = ()
    header: int = 5
    epoch: int | None = None
    sequence: int | None = None
    cut: bool = False


class RecordStream:
    """Feed it chunks and gaps, ask it for `take`."""

    __slots__ = ("_buffer", "_holes", "_known", "_searched", "prelude", "sync")

    def __init__(self) -> None:
        self.sync: Sync = "undecided"
        self.prelude = b""
        self._buffer = Carried()
        self._holes: list[tuple[int, int]] = []
        self._searched = 0
        self._known = False

    def feed(self, data: bytes, time: float, packets: tuple[int, ...]) -> None:
        """Adds bytes. Only right after everything that could be taken has been taken."""
        if not data or self.sync == "not_tls":
            return
        self._buffer.add(data, time, packets)

    def lose(self, length: int) -> list[RawRecord]:
        """Bytes are missing here: the record they fall into is damaged; past its end the stream is out of step.

        ``length``: 0 where nobody knows how many; then nothing but the next record's header tells where one begins.
        """
        if self.sync in ("undecided", "not_tls"):
            return self._lose_early()
        found: list[RawRecord] = []
        header, unknown = self._header(), not length
        if header is not None and self.sync == "tls":
            content_type, version, size = header
            need = 5 + size - len(self._buffer)
            if need > length > 0:
                # The rest of this record is still to come: stand in for the hole, and remember it.
                self._holes.append((len(self._buffer), len(self._buffer) + length))
                self._fill(length)
                return []
            found.append(self._damaged(content_type, version, size, need))
            length -= need
        elif self._buffer:
            found.append(self._stray(len(self._buffer)))
        if length or unknown:
            self.sync = "lost"
        return found

    def take(self) -> RawRecord | None:
        """The next whole record, or None until more bytes come."""
        if self.sync == "undecided":
            self.decide()
        if self.sync == "lost":
            return self._resynchronise()
        data = self._buffer
        if self.sync != "tls" or not data:
            return None
        if data[0] & 0x80 and self._is_ssl2():
            return self._take_ssl2()
        if len(data) < 5:
            return None
        content_type, version, length = data[0], data[1] << 8 | data[2], data[3] << 8 | data[4]
        if not _plausible(content_type, version):
            return self._desynchronise()
        if len(data) < 5 + length:
            return None
        return self._cut(5 + length, content_type, version, length)

    @property
    def fresh(self) -> bool:
        """Whether nothing has come yet."""
        return not self._buffer.offset and not self._buffer and self.sync == "undecided"

    @property
    def between_records(self) -> bool:
        """Whether all bytes so far belong to whole records, so that another begins here."""
        return self.sync == "tls" and not self._buffer

    def rest(self) -> RawRecord | None:
        """At the end of the stream: the cut record that is left, if any."""
        if not self._buffer or self.sync in ("undecided", "not_tls"):
            self._settle()
            return None
        header = self._header()
        if header is None or self.sync == "lost" or self._is_ssl2():
            return self._stray(len(self._buffer))
        content_type, version, length = header
        return self._damaged(content_type, version, length, 5 + length - len(self._buffer))

    # -- deciding ------------------------------------------------------------------------------------------

    def decide(self) -> None:
        """Finds out, when enough is there, whether and where TLS starts."""
        if self.sync != "undecided":
            return
        data = bytes(self._buffer[:32])
        if _starts_record(data) or _starts_ssl2(data):
            self.sync, self._known = "tls", True
            return
        if len(data) < 5 and _may_start_record(data):
            return
        if _starts_openvpn(data):
            # TLS inside OpenVPN's own framing: its records are not one behind the other.
            self._settle()
            return
        found = _START.search(self._buffer, self._searched)
        # What was searched once needs no second look, but for a start that was cut off.
        self._searched = max(len(self._buffer) - _START_LENGTH, 0)
        if found and found.start() < PRELUDE_LIMIT:
            self.prelude = bytes(self._buffer[: found.start()])
            self._buffer.drop(found.start())
            self.sync, self._known, self._searched = "tls", True, 0
        elif len(self._buffer) > PRELUDE_LIMIT:
            self._settle()

    def _settle(self) -> None:
        """It is not TLS after all; what was seen stays as the prelude."""
        if self.sync == "undecided" and self._buffer:
            self.prelude = bytes(self._buffer[:PRELUDE_LIMIT])
            self.sync = "not_tls"
        self._buffer.drop(len(self._buffer))

    def _lose_early(self) -> list[RawRecord]:
        if self.sync == "undecided":
            self.prelude += bytes(self._buffer)
            self._buffer.drop(len(self._buffer))
            self.sync = "lost"
        return []

    # -- cutting -------------------------------------------------------------------------------------------

    def _header(self) -> tuple[int, int, int] | None:
        data = self._buffer
        if len(data) < 5:
            return None
        return data[0], data[1] << 8 | data[2], data[3] << 8 | data[4]

    def _fill(self, length: int) -> None:
        self._buffer.add(bytes(length), self._buffer.last, ())

    def _cut(self, size: int, content_type: int, version: int, length: int, missing: int = 0) -> RawRecord:
        data = bytes(self._buffer[:size])
        time, packets = self._buffer.came(size)
        self._buffer.drop(size)
        if not self._holes:
            return RawRecord(data, time, packets, content_type, version, length, missing)
        holes, self._holes = tuple(self._holes), []
        missing += sum(end - start for start, end in holes)
        return RawRecord(data, time, packets, content_type, version, length, missing, holes=holes)

    def _damaged(self, content_type: int, version: int, length: int, need: int) -> RawRecord:
        return self._cut(len(self._buffer), content_type, version, length, need)

    def _stray(self, size: int) -> RawRecord:
        data = bytes(self._buffer[:size])
        time, packets = self._buffer.came(size)
        self._buffer.drop(size)
        return RawRecord(data, time, packets, data[0], 0, size, stray=True)

    def _desynchronise(self) -> RawRecord | None:
        """Here should be a record and is none: out of step until something looks like one again."""
        self.sync = "lost"
        self._searched = 1
        return self._resynchronise()

    def _resynchronise(self) -> RawRecord | None:
        data = self._buffer
        for offset in range(self._searched, len(data) - 4):
            if not _starts_record(data[offset : offset + 5]):
                continue
            certain = self._known or _followed(data, offset)
            if certain is None:
                self._searched = offset
                return None
            if certain:
                self.sync, self._known, self._searched = "tls", True, 0
                return self._stray(offset) if offset else self.take()
        self._searched = max(self._searched, len(data) - 4)
        if len(data) > PRELUDE_LIMIT:
            stray = self._stray(self._searched)
            self._searched = 0
            return stray
        return None

    # -- SSL 2 ---------------------------------------------------------------------------------------------

    def _is_ssl2(self) -> bool:
        return self._buffer.offset == len(self.prelude) and _starts_ssl2(bytes(self._buffer[:11]))

    def _take_ssl2(self) -> RawRecord | None:
        length = (self._buffer[0] & 0x7F) << 8 | self._buffer[1]
        if len(self._buffer) < 2 + length:
            return None
        raw = self._cut(2 + length, 0x80, 0x0002, length)
        return RawRecord(raw.data, raw.time, raw.packets, 22, 0x0002, length, ssl2=True)


def _plausible(content_type: int, version: int) -> bool:
    """Whether these can be a record's first three bytes (TLS, SSL 3, drafts of TLS 1.3, TLCP)."""
    return 20 <= content_type <= 26 and (0x0300 <= version <= 0x0304 or version == 0x0101)


def _starts_record(data: bytes | bytearray) -> bool:
    if len(data) < 5 or not _plausible(data[0], data[1] << 8 | data[2]):
        return False
    length = data[3] << 8 | data[4]
    return 0 < length <= RECORD_LIMIT


def _followed(data: bytes | bytearray, offset: int) -> bool | None:
    """Whether the record that seems to stand here is a hello, or followed by another; None if too few bytes tell.

    One header alone may be chance: among a million bytes of anything else there is about one.
    """
    if _HELLO.match(data, offset):
        return True
    after = offset + 5 + (data[offset + 3] << 8 | data[offset + 4])
    return _starts_record(data[after : after + 5]) if len(data) >= after + 5 else None


def _starts_openvpn(data: bytes) -> bool:
    """Whether OpenVPN over TCP starts here: a length, then the opcode of a hard reset with key 0."""
    return len(data) >= 3 and data[2] in (0x38, 0x40, 0x50) and 14 <= (data[0] << 8 | data[1]) < 256


def _may_start_record(data: bytes) -> bool:
    """Whether ``data`` (up to 5 bytes) is, or can still become, a plausible record header."""
    if not data:
        return False
    padded = data[:1] + (data[1:2] or b"\x03") + (data[2:3] or b"\x03") + (data[3:4] or b"\0") + (data[4:5] or b"\1")
    if data[1:2] == b"\x01" and len(data) == 2:
        padded = data + b"\x01\0\1"
    return _starts_record(padded)


def _starts_ssl2(data: bytes) -> bool:
    """Whether an SSL 2 (compatible) ClientHello stands here (RFC 5246 E.2)."""
    if len(data) < 11 or not data[0] & 0x80 or data[2] != 1:
        return False
    version = data[3] << 8 | data[4]
    ciphers, session, challenge = (data[i] << 8 | data[i + 1] for i in (5, 7, 9))
    length = (data[0] & 0x7F) << 8 | data[1]
    known = version == 0x0002 or 0x0300 <= version <= 0x0303
    return (
        known
        and ciphers % 3 == 0
        and session <= 32
        and 8 <= challenge <= 64
        and length == 9 + ciphers + session + challenge
    )
