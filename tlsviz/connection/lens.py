"""A record taken apart: what stands in it on the wire, what comes out of it, and how the two belong together.

Everything follows from the record itself and what opening it told; where a cipher is not known the parts stay whole.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from tlsviz.connection.model import Connection, Record
from tlsviz.crypto.ciphers import block_kind, tag_length
from tlsviz.crypto.schedule import SSL3
from tlsviz.crypto.schedule import xor as xored
from tlsviz.tls.context import TLS_1_3, as_tls, layout
from tlsviz.tls.dtls import TLS12_CID
from tlsviz.tls.suites import Suite, suite

Kind = Literal[
    "header",
    "content",
    "nonce",
    "iv",
    "ciphertext",
    "tag",
    "mac",
    "sealed",
    "content_type",
    "padding",
    "padding_length",
    "frame",
]
Scheme = Literal["clear", "tls13", "aead", "cbc", "stream", "quic", "unknown"]
"""How a record is protected: tls13, aead and quic seal and encrypt in one; cbc and stream have a MAC of their own."""
Alignment = Literal["exact", "blocks", "none"]

TLS11 = 0x0302
EXPLICIT = 8


class Part(NamedTuple):
    """Bytes ``[start, end)`` of the record, or of what was inside; ``data`` is None where they are not known.

    ``name``: which frame of QUIC it is, or is of.
    """

    kind: Kind
    start: int
    end: int
    data: bytes | None
    name: str = ""

    @property
    def length(self) -> int:
        return self.end - self.start


class Ingredient(NamedTuple):
    """A piece that a nonce is made of. ``secret``: it comes from the key schedule."""

    name: str
    data: bytes
    secret: bool = False


class Recipe(NamedTuple):
    """How the nonce (or IV) came about: its pieces xored or joined, sent as it is, or taken from the record before.

    ``numbered``: xored too, with a number that DTLS sends with the record.

    ``secret``: the result gives a secret ingredient away.
    """

    how: Literal["xor", "numbered", "join", "sent", "chained", "key_block"]
    ingredients: tuple[Ingredient, ...]
    result: bytes
    secret: bool


class HeaderMask(NamedTuple):
    """QUIC's header protection: the ciphertext that was sampled, the mask made of it, and the header with and without.

    ``wire`` and ``clear`` are the first byte and the packet number; ``mask`` has as many bytes.
    """

    sample: bytes
    mask: bytes
    wire: bytes
    clear: bytes


class Anatomy(NamedTuple):
    """A record in its parts. ``wire`` tiles the record's bytes, ``inside`` what the protection held together.

    ``inside`` is () where nothing could be opened; its offsets count from the first of its bytes. ``aligned``: where
    in the record the byte 0 of the inside stands; ``alignment``: whether byte for byte, or block for block.
    ``covered``: what the tag or MAC covers beside the content, named piece by piece.
    """

    scheme: Scheme
    wire: tuple[Part, ...]
    inside: tuple[Part, ...] = ()
    alignment: Alignment = "none"
    aligned: int = 0
    recipe: Recipe | None = None
    covered: tuple[Ingredient, ...] = ()
    header_mask: HeaderMask | None = None

    def part(self, kind: Kind) -> Part | None:
        """The first part of that kind, on the wire or inside."""
        return next((part for part in (*self.wire, *self.inside) if part.kind == kind), None)


def anatomy(connection: Connection, record: Record) -> Anatomy:
    """Takes a record of the connection apart."""
    if record.packet_type is not None:
        from tlsviz.connection.quic.lens import packet  # which needs the shapes above

        return packet(record)
    data = record.buffer.data
    start = record.header.end
    if record.protection is None:
        return Anatomy("clear", _tile(data, ("header", start), ("content", len(data))))
    chosen = suite(connection.cipher_suite.code) if connection.cipher_suite else None
    scheme = _scheme(connection, record, chosen)
    protection = record.protection
    if record.plaintext is None:
        return Anatomy(scheme, _closed(connection, record, chosen, scheme))
    makers = {"tls13": _tls13, "aead": _aead, "cbc": _cbc, "stream": _stream}
    made = makers[scheme](connection, record) if scheme in makers else None
    if made is None:  # compressed, or not what the negotiated suite says
        content = Part("content", 0, len(record.plaintext.data), record.plaintext.data)
        made = Anatomy("unknown", _tile(data, ("header", start), ("sealed", len(data))), (content,))
    if record.header.name == "dtls_unified_header":
        header = Ingredient("header with the number decrypted", protection.additional_data or b"")
        return made._replace(covered=(header,))
    return made._replace(covered=_covered(protection.additional_data or b""))


def _scheme(connection: Connection, record: Record, chosen: Suite | None) -> Scheme:
    version = connection.version
    tls13 = layout(version.code) if version else None
    if tls13 is not None and tls13 >= TLS_1_3:
        return "tls13"
    if chosen is None:  # 0-RTT data before anything is agreed
        return "tls13" if record.plaintext is not None else "unknown"
    if chosen.mode == "CBC":
        return "cbc"
    if chosen.mode in ("GCM", "CCM", "POLY1305"):
        return "aead"
    return "stream" if chosen.mode in ("STREAM", "NULL") else "unknown"


def _tile(data: bytes, *ends: tuple[Kind, int]) -> tuple[Part, ...]:
    """Parts that follow each other, each up to its end."""
    parts, at = [], 0
    for kind, end in ends:
        if end > at:
            parts.append(Part(kind, at, end, data[at:end]))
            at = end
    return tuple(parts)


def _inside(*pieces: tuple[Kind, bytes | int]) -> tuple[Part, ...]:
    """Parts of the inside; a number stands for so many bytes that are not known."""
    parts, at = [], 0
    for kind, piece in pieces:
        data, size = (piece, len(piece)) if isinstance(piece, bytes) else (None, piece)
        if size or kind == "content":
            parts.append(Part(kind, at, at + size, data))
            at += size
    return tuple(parts)


# what could not be opened: the sizes of its parts are known nevertheless


def _closed(connection: Connection, record: Record, chosen: Suite | None, scheme: Scheme) -> tuple[Part, ...]:
    data, start = record.buffer.data, record.header.end
    size = len(data)
    version = as_tls(connection.version.code) if connection.version else 0
    front, back = 0, 0
    if chosen is not None and not record.missing:
        if scheme in ("tls13", "aead"):
            back = tag_length(chosen)
            front = EXPLICIT if scheme == "aead" and chosen.mode in ("GCM", "CCM") else 0
        elif scheme == "cbc" and version >= TLS11:
            kind = block_kind(chosen)
            front = kind.block if kind else 0
    if scheme == "unknown" or record.missing or size - start < front + back:
        return _tile(data, ("header", start), ("sealed", size))
    lead: Kind = "iv" if scheme == "cbc" else "nonce"
    return _tile(data, ("header", start), (lead, start + front), ("ciphertext", size - back), ("tag", size))


# what was opened


def _tls13(connection: Connection, record: Record) -> Anatomy | None:
    """Ciphertext and tag; inside content, its type, and zeros (RFC 8446 5.2)."""
    protection, plaintext, data = record.protection, record.plaintext, record.buffer.data
    if protection is None or plaintext is None or protection.tag is None:
        return None
    start, end = record.header.end, len(data) - len(protection.tag)
    kind = bytes([record.inner_type or 0])
    inside = _inside(("content", plaintext.data), ("content_type", kind), ("padding", bytes(protection.padding)))
    if inside[-1].end != end - start:
        return None
    wire = _tile(data, ("header", start), ("ciphertext", end), ("tag", len(data)))
    return Anatomy("tls13", wire, inside, "exact", start, _counted(record, protection.nonce, protection.sequence))


def _aead(connection: Connection, record: Record) -> Anatomy | None:
    """TLS 1.2's AEADs: the nonce's second part may be sent (RFC 5288 3), or be counted (RFC 7905 2)."""
    protection, plaintext, data = record.protection, record.plaintext, record.buffer.data
    if protection is None or plaintext is None or protection.tag is None or protection.nonce is None:
        return None
    start, end = record.header.end, len(data) - len(protection.tag)
    inside: list[tuple[Kind, bytes | int]] = [("content", plaintext.data)]
    if record.content_type == TLS12_CID:  # the true type and padding are inside, as in TLS 1.3 (RFC 9146 4)
        inside += [("content_type", bytes([record.inner_type or 0])), ("padding", bytes(protection.padding))]
    front = end - start - _inside(*inside)[-1].end
    if front not in (0, EXPLICIT) or not _copies(record):
        return None
    recipe = _counted(record, protection.nonce, protection.sequence)
    if front:
        fixed, sent = protection.nonce[:-EXPLICIT], protection.nonce[-EXPLICIT:]
        pieces = (Ingredient("write IV", fixed, secret=True), Ingredient("explicit nonce", sent))
        recipe = Recipe("join", pieces, protection.nonce, True)
    wire = _tile(data, ("header", start), ("nonce", start + front), ("ciphertext", end), ("tag", len(data)))
    return Anatomy("aead", wire, _inside(*inside), "exact", start + front, recipe)


def _cbc(connection: Connection, record: Record) -> Anatomy | None:
    """Blocks: content, MAC and padding inside, or the MAC behind them (RFC 5246 6.2.3.2, RFC 7366)."""
    protection, plaintext, data = record.protection, record.plaintext, record.buffer.data
    version = as_tls(connection.version.code) if connection.version else 0
    if protection is None or plaintext is None or protection.nonce is None:
        return None
    mac, padding = protection.tag or b"", protection.padding
    start = record.header.end
    first = start + (len(protection.nonce) if version >= TLS11 else 0)
    # SSL 3.0 leaves the content of the padding open
    filling: bytes | int = bytes([padding]) * padding if version > SSL3 else padding
    tail: tuple[tuple[Kind, bytes | int], ...] = (("padding", filling), ("padding_length", bytes([padding])))
    within = _inside(("content", plaintext.data), ("mac", mac), *tail)
    behind = _inside(("content", plaintext.data), *tail)
    recipe = _chained(record, protection.nonce, first > start)
    if mac and data.endswith(mac) and behind[-1].end == len(data) - len(mac) - first:
        wire = _tile(data, ("header", start), ("iv", first), ("ciphertext", len(data) - len(mac)), ("mac", len(data)))
        return Anatomy("cbc", wire, behind, "blocks", first, recipe)
    if within[-1].end != len(data) - first:
        return None
    wire = _tile(data, ("header", start), ("iv", first), ("ciphertext", len(data)))
    return Anatomy("cbc", wire, within, "blocks", first, recipe)


def _stream(connection: Connection, record: Record) -> Anatomy | None:
    """RC4, or no cipher: content and its MAC (RFC 5246 6.2.3.1)."""
    protection, plaintext, data = record.protection, record.plaintext, record.buffer.data
    if protection is None or plaintext is None or not _copies(record):
        return None
    start = record.header.end
    mac = protection.tag or data[start + len(plaintext.data) :]
    inside = _inside(("content", plaintext.data), ("mac", mac))
    if inside[-1].end != len(data) - start:
        return None
    if data[start : start + len(plaintext.data)] == plaintext.data:
        wire = _tile(data, ("header", start), ("content", start + len(plaintext.data)), ("mac", len(data)))
    else:
        wire = _tile(data, ("header", start), ("ciphertext", len(data)))
    return Anatomy("stream", wire, inside, "exact", start)


def _copies(record: Record) -> bool:
    """Whether the plaintext stands byte for byte where its ciphertext stands (a decompressed one does not)."""
    return record.plaintext is not None and all(piece.exact for piece in record.plaintext.pieces)


# nonces, and what is covered


def _counted(record: Record, nonce: bytes | None, sequence: int | None) -> Recipe | None:
    """The IV of the key schedule, xored with the number of the record: in DTLS before 1.3 the epoch is part of it."""
    if nonce is None or sequence is None:
        return None
    dtls = record.header.name.startswith("dtls")
    if record.header.name == "dtls_record_header":
        sequence |= record.epoch << 48
    number = sequence.to_bytes(len(nonce), "big")
    pieces = (Ingredient("write IV", xored(nonce, number), secret=True), Ingredient("record number", number))
    return Recipe("numbered" if dtls else "xor", pieces, nonce, True)


def _chained(record: Record, iv: bytes, sent: bool) -> Recipe:
    if sent:
        return Recipe("sent", (), iv, False)
    if record.protection is not None and record.protection.sequence == 0:
        return Recipe("key_block", (Ingredient("write IV", iv, secret=True),), iv, True)
    return Recipe("chained", (), iv, False)


def _covered(data: bytes) -> tuple[Ingredient, ...]:
    """TLS 1.3 covers the header (5 bytes), earlier versions the record's number too (13), SSL 3.0 no version (11)."""
    shapes = {
        5: (("type", 1), ("version", 2), ("length", 2)),
        13: (("record number", 8), ("type", 1), ("version", 2), ("length", 2)),
        11: (("record number", 8), ("type", 1), ("length", 2)),
    }
    pieces, at = [], 0
    for name, size in shapes.get(len(data), (("bytes", len(data)),)):
        pieces.append(Ingredient(name, data[at : at + size]))
        at += size
    return tuple(piece for piece in pieces if piece.data)
