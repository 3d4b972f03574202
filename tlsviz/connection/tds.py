"""SQL Server's packets ([MS-TDS] 2.2.3): while TLS shakes hands, its records travel inside of them."""

from __future__ import annotations

import struct

PRELOGIN, TABULAR_RESULT = 0x12, 0x04
START = bytes([PRELOGIN])
"""What a client's first packet begins with."""
HEADER = 8
"""Bytes of a packet's header: type, status, length, SPID, packet number, window."""
END_OF_MESSAGE = 1
LARGEST = 4096
"""Bytes of a packet, at most, before a login agrees on another size."""


def packet(kind: int, body: bytes) -> bytes:
    """One packet that is a whole message."""
    return struct.pack(">BBHHBB", kind, END_OF_MESSAGE, HEADER + len(body), 0, 0, 0) + body


def packets(data: bytes) -> bytes:
    """One message of TLS records in as many packets as it takes."""
    pieces = [data[at : at + LARGEST - HEADER] for at in range(0, len(data), LARGEST - HEADER)]
    made = b""
    for number, piece in enumerate(pieces, 1):
        status = END_OF_MESSAGE if number == len(pieces) else 0
        made += struct.pack(">BBHHBB", PRELOGIN, status, HEADER + len(piece), 0, number & 0xFF, 0) + piece
    return made


class Unwrapping:
    """Takes the headers off one direction's packets; from the first byte on that is no packet, nothing more.

    The first packet (PRELOGIN, or the answer to it) stays whole: it is plaintext before TLS.
    """

    __slots__ = ("_header", "_left", "_plain", "first")

    def __init__(self, first: bool = True) -> None:
        self.first = first
        self._header = bytearray()
        self._left = 0
        self._plain = False

    def unwrapped(self, data: bytes) -> bytes:
        """What of these bytes (cut anywhere) is not a header."""
        if self._plain:
            return data
        kept = bytearray()
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                kept += piece
                self._left -= len(piece)
                at += len(piece)
                continue
            self._header.append(data[at])
            at += 1
            found = self._begun()
            if found is None:
                self._plain = True
                return bytes(kept + self._header) + data[at:]
            kept += found
        return bytes(kept)

    def _begun(self) -> bytes | None:
        """Looks at the header so far; what of it is to be kept, None if it is no header."""
        header = bytes(self._header)
        kinds = (PRELOGIN, TABULAR_RESULT) if self.first else (PRELOGIN,)
        length = int.from_bytes(header[2:4], "big")
        fits = header[0] in kinds and header[1:2] in (b"", b"\x00", b"\x01") and (len(header) < 4 or length >= HEADER)
        if not fits:
            return None
        if len(header) < HEADER:
            return b""
        self._header.clear()
        self._left = length - HEADER
        kept = header if self.first else b""
        self.first = self.first and not header[1] & END_OF_MESSAGE
        return kept
