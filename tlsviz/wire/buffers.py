"""Address spaces: the buffers that nodes point into, and where their bytes came from."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["wire", "reassembled", "decrypted", "decompressed"]


class Piece(NamedTuple):
    """Bytes ``[start, end)`` of a buffer that came from ``[parent_start, parent_end)`` of ``parent``.

    ``exact``: byte for byte (a copy, or a stream cipher); otherwise the whole range made the whole range.
    """

    start: int
    end: int
    parent: Buffer
    parent_start: int
    parent_end: int
    exact: bool = True


class Origin(NamedTuple):
    """A range of an ancestor buffer."""

    buffer: Buffer
    start: int
    end: int


class Buffer(NamedTuple):
    """Immutable bytes of one kind. A ``wire`` buffer holds one record (or SSL 2 record) and has no pieces."""

    kind: Kind
    data: bytes
    pieces: tuple[Piece, ...] = ()

    def origins(self, start: int, end: int) -> list[Origin]:
        """The ranges, in every ancestor down to the wire, that ``[start, end)`` was made from."""
        found: list[Origin] = []
        for piece in self.pieces:
            low, high = max(start, piece.start), min(end, piece.end)
            if low >= high:
                continue
            if piece.exact:
                below = Origin(
                    piece.parent, piece.parent_start + low - piece.start, piece.parent_start + high - piece.start
                )
            else:
                below = Origin(piece.parent, piece.parent_start, piece.parent_end)
            found.append(below)
            found.extend(below.buffer.origins(below.start, below.end))
        return found


def join(parts: list[tuple[Buffer, int, int]]) -> Buffer:
    """One buffer of several ranges: the buffer itself if one part is whole, else a ``reassembled`` one."""
    if len(parts) == 1:
        parent, start, end = parts[0]
        if start == 0 and end == len(parent.data):
            return parent
        return Buffer("reassembled", parent.data[start:end], (Piece(0, end - start, parent, start, end),))
    pieces: list[Piece] = []
    data = bytearray()
    for parent, start, end in parts:
        pieces.append(Piece(len(data), len(data) + end - start, parent, start, end))
        data += parent.data[start:end]
    return Buffer("reassembled", bytes(data), tuple(pieces))
