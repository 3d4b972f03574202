"""What kinds of handshake cost in round trips, and on the network of a connection in time: TLS 1.2 to 0-RTT and QUIC.

RFC 5246 7.3, RFC 8446 2, RFC 9001 4, RFC 9147 5.
"""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.connection.model import Connection
from tlsviz.crypto.schedule import DTLS13, draft_of

TLS13 = 0x0304


class Choice(NamedTuple):
    """A kind of handshake: round trips from TCP's SYN to the first byte of the answer, and the seconds that they take.

    ``time`` is computed: the round trips at this connection's own round trip time, and the work that it was seen to
    take beside them; None where that is not known. ``saved``: round trips fewer than with a full TLS 1.2 handshake.
    ``here``: this connection is of that kind.
    """

    name: str
    round_trips: int
    time: float | None
    saved: int
    here: bool


_KINDS: dict[str, tuple[tuple[str, int], ...]] = {
    "tcp": (
        ("TLS 1.2", 4),
        ("TLS 1.2, resumed", 3),
        ("TLS 1.3 after a HelloRetryRequest", 4),
        ("TLS 1.3", 3),
        ("TLS 1.3, resumed", 3),
        ("TLS 1.3, resumed with 0-RTT", 2),
        ("QUIC (TLS 1.3 inside)", 2),
        ("QUIC, resumed with 0-RTT", 1),
    ),
    "quic": (
        ("TLS 1.2 over TCP", 4),
        ("TLS 1.3 over TCP", 3),
        ("QUIC after a HelloRetryRequest", 3),
        ("QUIC", 2),
        ("QUIC, resumed", 2),
        ("QUIC, resumed with 0-RTT", 1),
    ),
    "dtls": (
        ("DTLS 1.2 with a cookie", 4),
        ("DTLS 1.2", 3),
        ("DTLS 1.2, resumed", 2),
        ("DTLS 1.3 after a HelloRetryRequest", 3),
        ("DTLS 1.3", 2),
        ("DTLS 1.3, resumed", 2),
        ("DTLS 1.3, resumed with 0-RTT", 1),
    ),
}
"""Round trips to the first byte of the answer, TCP's included; the kind that all are compared with comes first."""


def choices(connection: Connection, plain: int, rtt: float | None, work: float | None) -> tuple[Choice, ...]:
    """The kinds of handshake on this connection's way; () over a transport that has none.

    ``plain``: round trips that are spent before TLS whatever the kind. ``rtt`` and ``work`` in seconds, see `Way`.
    """
    kinds = [
        (name, trips + plain)
        for name, trips in (() if connection.carrier else _KINDS.get(connection.transport, ()))
        if not (plain and name.startswith("QUIC"))
    ]
    here = _kind(connection)

    def taken(trips: int) -> float | None:
        return trips * rtt + work if rtt is not None and work is not None else None

    return tuple(Choice(name, trips, taken(trips), kinds[0][1] - trips, name == here) for name, trips in kinds)


def _kind(connection: Connection) -> str:
    """Which of the kinds a connection is of; "" if none."""
    if connection.version is None:
        return ""
    carried = {"quic": "QUIC", "dtls": "DTLS 1."}.get(connection.transport, "TLS 1.")
    code = connection.version.code
    if code not in (TLS13, DTLS13) and draft_of(code) is None:
        resumed = ", resumed" if connection.resumed else ""
        cookie = " with a cookie" if connection.messages_of("hello_verify_request") and not resumed else ""
        return f"{carried}2{resumed}{cookie}"
    name = carried if carried == "QUIC" else f"{carried}3"
    if connection.early_data:
        return f"{name}, resumed with 0-RTT"
    if connection.hello_retry:
        return f"{name} after a HelloRetryRequest"
    return f"{name}, resumed" if connection.resumed else name
