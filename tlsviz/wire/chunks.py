"""What every source gives and the engine takes: stream bytes, holes in them, and marks beside them."""

from typing import Literal, NamedTuple

Sender = Literal["client", "server"]
CLIENT: Sender = "client"
SERVER: Sender = "server"

MarkKind = Literal[
    "name_lookup",
    "https_record",
    "syn",
    "syn_ack",
    "connected",
    "version_negotiation",
    "retry",
    "fin",
    "rst",
    "init",
    "init_ack",
    "shutdown",
    "abort",
    "refused",
    "unreachable",
    "timeout",
    "closed",
    "error",
    "repeated",
    "eap",
    "joined",
]


class Chunk(NamedTuple):
    """In-order bytes of one direction of a connection.

    ``time`` in seconds (Unix); ``packets`` the frame numbers that carried them, as tshark counts; () when live.
    """

    sender: Sender
    time: float
    data: bytes
    packets: tuple[int, ...] = ()


class Gap(NamedTuple):
    """``length`` bytes of this direction are missing here: never captured, or (with ``packets``) cut.

    ``length`` is 0 where nobody knows how many. ``offset``: how many bytes of the direction come before them, None if
    nobody counts.
    """

    sender: Sender
    time: float
    length: int
    packets: tuple[int, ...] = ()
    offset: int | None = None


class Mark(NamedTuple):
    """Something that happened to the transport, beside the bytes. ``sender`` is who did it; ``detail`` is safe text."""

    kind: MarkKind
    sender: Sender
    time: float
    packets: tuple[int, ...] = ()
    detail: str = ""


class Bulk(NamedTuple):
    """Whole application data records of one direction, counted instead of carried (`sources.carve`).

    ``time`` and ``last_time`` are when the first and the last of them were complete, ``bytes`` the sum of their
    lengths (RFC 8446 5.1), ``packets`` the first of the frames that carried them.
    """

    sender: Sender
    time: float
    last_time: float
    records: int
    bytes: int
    packets: tuple[int, ...] = ()


class CannotCountError(Exception):
    """Counted records do not fit in here: the connection has to be read whole."""


Input = Chunk | Gap | Mark | Bulk


def other(sender: Sender) -> Sender:
    """The opposite side."""
    return SERVER if sender == CLIENT else CLIENT
