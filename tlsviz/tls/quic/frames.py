"""Frames: what the payload of a packet is made of (RFC 9000 19, RFC 9221)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tlsviz.tls import registry
from tlsviz.tls.quic.varint import varint, varint_opaque
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Reader, decode
from tlsviz.wire.text import plural, shorten

CRYPTO_ERROR = 0x0100
"""CRYPTO_ERROR is 0x0100 and a TLS alert in the lower byte (RFC 9001 4.8)."""
MOST_FRAMES = 2_000
"""More than a packet of an ordinary network has bytes, runs of PADDING and PING counted once."""
_FIN, _LEN, _OFF = 0x01, 0x02, 0x04
_PADDING, _PINGS = re.compile(rb"\x00+"), re.compile(rb"\x01{2,}")
"""Frames of a byte each: a packet may hold tens of thousands."""


class ErrorNames:
    """Names of transport errors, a TLS alert's included."""

    @staticmethod
    def get(code: int) -> str | None:
        """The name; ``CRYPTO_ERROR (handshake_failure)`` for an alert."""
        if code >> 8 == 1:
            alert = code & 0xFF
            return f"CRYPTO_ERROR ({registry.alerts.get(alert) or f'alert {alert}'})"
        return registry.quic_transport_errors.get(code)


class Crypto(NamedTuple):
    """Handshake bytes: ``[start, end)`` of the payload are those at ``offset`` of the level's CRYPTO stream."""

    offset: int
    start: int
    end: int


def decode_frames(data: bytes) -> Node:
    """The frames of a packet's payload, one after the other; a run of PADDING or of PING is one node.

    Behind `MOST_FRAMES` nothing is read: frames of a byte or two would make tens of thousands of nodes of a datagram.
    """
    return decode("quic_frames", data, _frames)


def _frames(r: Reader) -> None:
    for _ in range(MOST_FRAMES):
        if not r.remaining:
            return
        _frame(r)
    if r.rest("unread_frames"):
        r.note(f"behind {MOST_FRAMES:,} frames nothing is read")


def _frame(r: Reader) -> None:
    first = r.peek(1)[0]
    if length := _run(r, _PADDING):
        r.opaque("padding_frames", length, plural(length, "PADDING frame"))
        return
    if length := _run(r, _PINGS):
        r.opaque("ping_frames", length, plural(length, "PING frame"))
        return
    size = 1 << (first >> 6)
    kind = int.from_bytes(r.peek(size), "big") & ((1 << (8 * size - 2)) - 1)
    name, body = FRAMES.get(kind, ("unknown_frame", _unknown))

    def frame(v: Reader) -> None:
        varint(v, "frame_type", registry.quic_frame_types)
        body(v, kind)

    r.struct(name, frame, label=registry.quic_frame_types.get(kind))


def _run(r: Reader, pattern: re.Pattern[bytes]) -> int:
    """How many bytes of the pattern come next."""
    found = pattern.match(r.data, r.position, r.end)
    return found.end() - r.position if found else 0


def _nothing(r: Reader, kind: int) -> None:
    """A frame of its type alone."""


def _ack(r: Reader, kind: int) -> None:
    """RFC 9000 19.3."""
    largest = varint(r, "largest_acknowledged")
    varint(r, "ack_delay")
    count = varint(r, "ack_range_count")
    if varint(r, "first_ack_range") > largest:
        r.note("goes below packet number 0")
    for _ in range(min(count, r.remaining)):
        r.struct("ack_range", _range)
    if kind == 3:
        r.struct("ecn_counts", _ecn)


def _range(r: Reader) -> None:
    varint(r, "gap")
    varint(r, "ack_range_length")


def _ecn(r: Reader) -> None:
    for name in ("ect0_count", "ect1_count", "ecn_ce_count"):
        varint(r, name)


def _reset_stream(r: Reader, kind: int) -> None:
    varint(r, "stream_id")
    varint(r, "application_protocol_error_code")
    varint(r, "final_size")


def _stop_sending(r: Reader, kind: int) -> None:
    varint(r, "stream_id")
    varint(r, "application_protocol_error_code")


def _crypto(r: Reader, kind: int) -> None:
    """RFC 9000 19.6."""
    varint(r, "offset")
    size = varint(r, "length")
    _data(r, "crypto_data", size)


def _new_token(r: Reader, kind: int) -> None:
    if not varint_opaque(r, "token"):
        r.note("must not be empty")


def _stream(r: Reader, kind: int) -> None:
    """RFC 9000 19.8: three bits of the type say which fields there are."""
    stream = varint(r, "stream_id")
    side, way = ("server" if stream & 1 else "client"), ("one way" if stream & 2 else "both ways")
    r.label(f"{stream}: opened by the {side}, {way}")
    if kind & _OFF:
        varint(r, "offset")
    size = varint(r, "length") if kind & _LEN else r.remaining
    _data(r, "stream_data", size, "the last bytes of the stream" if kind & _FIN else None)


def _data(r: Reader, name: str, size: int, label: str | None = None) -> None:
    if size > r.remaining:
        r.note(f"says {size} bytes follow, but only {r.remaining} are there")
        size = r.remaining
    if size:
        r.opaque(name, size, label)


def _one(name: str) -> Callable[[Reader, int], None]:
    """A frame of one number."""

    def body(r: Reader, kind: int) -> None:
        varint(r, name)

    return body


def _stream_limit(r: Reader, kind: int) -> None:
    varint(r, "stream_id")
    varint(r, "maximum_stream_data")


def _new_connection_id(r: Reader, kind: int) -> None:
    """RFC 9000 19.15."""
    varint(r, "sequence_number")
    varint(r, "retire_prior_to")
    r.vector_opaque("connection_id", 1)
    r.opaque("stateless_reset_token", 16)


def _path(r: Reader, kind: int) -> None:
    r.opaque("path_data", 8)


def _close(r: Reader, kind: int) -> None:
    """RFC 9000 19.19: by the transport (0x1c), where TLS's alerts are too, or by the application (0x1d)."""
    if kind == 0x1C:
        varint(r, "error_code", ErrorNames)
        varint(r, "offending_frame_type", registry.quic_frame_types)
    else:
        varint(r, "application_error_code")
    size = varint(r, "length")
    if size > r.remaining:
        r.note(f"says {size} bytes follow, but only {r.remaining} are there")
    if size := min(size, r.remaining):
        r.text("reason_phrase", size)


def _datagram(r: Reader, kind: int) -> None:
    """RFC 9221 4."""
    size = varint(r, "length") if kind & 1 else r.remaining
    _data(r, "datagram_data", size)


def _ack_frequency(r: Reader, kind: int) -> None:
    varint(r, "sequence_number")
    for name in ("ack_eliciting_threshold", "requested_max_ack_delay", "reordering_threshold"):
        varint(r, name)


def _unknown(r: Reader, kind: int) -> None:
    """Frames do not say how long they are: nothing behind an unknown one can be read."""
    r.note("an unknown frame: where it ends cannot be known")
    r.rest("unknown_data")


FRAMES: dict[int, tuple[str, Callable[[Reader, int], None]]] = {
    0x01: ("ping_frame", _nothing),
    0x02: ("ack_frame", _ack),
    0x03: ("ack_frame", _ack),
    0x04: ("reset_stream_frame", _reset_stream),
    0x05: ("stop_sending_frame", _stop_sending),
    0x06: ("crypto_frame", _crypto),
    0x07: ("new_token_frame", _new_token),
    **dict.fromkeys(range(0x08, 0x10), ("stream_frame", _stream)),
    0x10: ("max_data_frame", _one("maximum_data")),
    0x11: ("max_stream_data_frame", _stream_limit),
    0x12: ("max_streams_frame", _one("maximum_streams")),
    0x13: ("max_streams_frame", _one("maximum_streams")),
    0x14: ("data_blocked_frame", _one("maximum_data")),
    0x15: ("stream_data_blocked_frame", _stream_limit),
    0x16: ("streams_blocked_frame", _one("maximum_streams")),
    0x17: ("streams_blocked_frame", _one("maximum_streams")),
    0x18: ("new_connection_id_frame", _new_connection_id),
    0x19: ("retire_connection_id_frame", _one("sequence_number")),
    0x1A: ("path_challenge_frame", _path),
    0x1B: ("path_response_frame", _path),
    0x1C: ("connection_close_frame", _close),
    0x1D: ("connection_close_frame", _close),
    0x1E: ("handshake_done_frame", _nothing),
    0x1F: ("immediate_ack_frame", _nothing),
    0x30: ("datagram_frame", _datagram),
    0x31: ("datagram_frame", _datagram),
    0xAF: ("ack_frequency_frame", _ack_frequency),
}
"""Frame type to the name of its node and the reader of what follows the type."""


# what an engine needs of them


def crypto(frames: Node) -> list[Crypto]:
    """The handshake bytes that a payload carries, in the order of their frames."""
    found: list[Crypto] = []
    for frame in frames.children:
        if frame.name == "crypto_frame":
            offset, data = frame.child("offset"), frame.child("crypto_data")
            if offset is not None and data is not None and isinstance(offset.value, int):
                found.append(Crypto(offset.value, data.start, data.end))
    return found


def application(frames: Node) -> list[tuple[int, int]]:
    """The ranges of a payload that belong to the application: data of streams and datagrams."""
    found: list[tuple[int, int]] = []
    for frame in frames.children:
        node = frame.child("stream_data") or frame.child("datagram_data")
        if node is not None:
            found.append((node.start, node.end))
    return found


def closing(frames: Node) -> Node | None:
    """The CONNECTION_CLOSE among them."""
    return next((frame for frame in frames.children if frame.name == "connection_close_frame"), None)


def close_alert(frame: Node) -> int | None:
    """The TLS alert for which a CONNECTION_CLOSE closes; None if it is for another reason."""
    code = frame.child("error_code")
    return code.value & 0xFF if code is not None and isinstance(code.value, int) and code.value >> 8 == 1 else None


def close_words(frame: Node) -> str:
    """Why a CONNECTION_CLOSE closes, in a few safe words."""
    code, reason = frame.child("error_code"), frame.child("reason_phrase")
    if code is not None and isinstance(code.value, int):
        said = code.label or f"transport error 0x{code.value:x}"
    else:
        code = frame.child("application_error_code")
        said = f"application error 0x{code.value:x}" if code is not None and isinstance(code.value, int) else "damaged"
    return f"{said}: {shorten(reason.label, 80)}" if reason is not None and reason.label else said
