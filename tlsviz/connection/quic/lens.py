"""A packet of QUIC taken apart: its header and the mask over it, what is sealed, and the frames inside."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.lens import Anatomy, HeaderMask, Ingredient, Kind, Part, Recipe
from tlsviz.connection.model import Record
from tlsviz.crypto.quic import LONGEST_NUMBER, SAMPLE
from tlsviz.crypto.schedule import xor
from tlsviz.tls.quic.frames import decode_frames
from tlsviz.tls.quic.packets import TAG
from tlsviz.tls.quic.versions import INITIAL

CARRIED = ("crypto_data", "stream_data", "datagram_data")


def packet(record: Record) -> Anatomy:
    """Header, ciphertext and tag; inside are frames (RFC 9001 5.3, 5.4)."""
    data, start, protection = record.buffer.data, record.header.end, record.protection
    if protection is None:
        return Anatomy("clear", (Part("header", 0, len(data), data),))
    end = len(data) if record.missing else max(len(data) - TAG, start)
    ends: tuple[tuple[Kind, int, int], ...] = (
        ("header", 0, start),
        ("ciphertext", start, end),
        ("tag", end, len(data)),
    )
    wire = tuple(Part(kind, low, high, data[low:high]) for kind, low, high in ends if high > low)
    if record.plaintext is None:
        return Anatomy("quic", wire)
    clear = protection.additional_data or b""
    covered = tuple(
        Ingredient(leaf.name.replace("_", " "), clear[leaf.start : leaf.end])
        for leaf in record.header.children
        if leaf.end > leaf.start
    )
    recipe = _nonce(protection.nonce, protection.sequence, record.packet_type != INITIAL)
    mask = _header_mask(record, clear)
    return Anatomy("quic", wire, tuple(_frames(record.plaintext.data)), "exact", start, recipe, covered, mask)


def _frames(payload: bytes) -> Iterator[Part]:
    """What each frame is, and the bytes that it carries for TLS or the application."""
    for frame in decode_frames(payload).children:
        if frame.name == "padding_frames":
            yield Part("padding", frame.start, frame.end, payload[frame.start : frame.end], "PADDING")
            continue
        name = frame.label or "unknown frame"
        carried = next((child for child in frame.children if child.name in CARRIED), None)
        middle, behind = (carried.start, carried.end) if carried is not None else (frame.end, frame.end)
        yield Part("frame", frame.start, middle, payload[frame.start : middle], name)
        if carried is not None:
            yield Part("content", middle, behind, payload[middle:behind], name)
        if behind < frame.end:
            yield Part("frame", behind, frame.end, payload[behind : frame.end], name)


def _nonce(nonce: bytes | None, number: int | None, secret: bool) -> Recipe | None:
    """The IV xored with the packet number; that of Initial packets is no secret."""
    if nonce is None or number is None:
        return None
    counted = number.to_bytes(len(nonce), "big")
    pieces = (Ingredient("IV", xor(nonce, counted), secret), Ingredient("packet number", counted))
    return Recipe("xor", pieces, nonce, secret)


def _header_mask(record: Record, clear: bytes) -> HeaderMask | None:
    """How the header was masked: 16 bytes of ciphertext make the mask (RFC 9001 5.4.2)."""
    number = record.header.child("packet_number")
    if number is None or len(clear) != number.end:
        return None
    data = record.buffer.data
    wire, plain = data[:1] + data[number.start : number.end], clear[:1] + clear[number.start : number.end]
    start = number.start + LONGEST_NUMBER
    return HeaderMask(data[start : start + SAMPLE], xor(wire, plain), wire, plain)
