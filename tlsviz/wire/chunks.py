"""What every source gives and the engine takes: stream bytes, holes in them, and marks beside them."""

from typing import Literal, NamedTuple

Sender = Literal["client", "server"]
CLIENT: Sender = "client"
SERVER: Sender = "server"

MarkKind = Literal[
    "name_lookup", "syn", "syn_ack", "connected", "fin", "rst", "refused", "unreachable", "timeout", "closed", "error"
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
    """``length`` bytes of this direction are missing here: never captured, or cut."""

    sender: Sender
    time: float
    length: int
    packets: tuple[int, ...] = ()


class Mark(NamedTuple):
    """Something that happened to the transport, beside the bytes. ``sender`` is who did it; ``detail`` is safe text."""

    kind: MarkKind
    sender: Sender
    time: float
    packets: tuple[int, ...] = ()
    detail: str = ""


Input = Chunk | Gap | Mark


def other(sender: Sender) -> Sender:
    """The opposite side."""
    return SERVER if sender == CLIENT else CLIENT
