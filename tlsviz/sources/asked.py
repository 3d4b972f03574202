"""What tshark is asked for: which frames, which few of their fields, and what it is not to decode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tlsviz.sources.ek import FIELDS, FILTER, Parse

PREFERENCES = (
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
    "tcp.calculate_timestamps:TRUE",
    "frame.show_file_off:TRUE",
)
TLS_PORTS = ("443", "465", "563", "636", "853", "989-990", "992-995", "5061", "5671", "8443", "8883")
"""Where only TLS is to be expected. As that is switched off, tshark would try some eighty heuristics on each packet.

Other ports keep their protocols: of proxies' tunnels tshark counts streams of their own.
"""


class Asked(NamedTuple):
    """What tshark is asked for: frames by a display filter, fields of them, and what it is not to decode."""

    filter: str = FILTER
    fields: Sequence[str] = FIELDS
    disabled: Sequence[str] = ("dtls", "quic")
    parse: Parse | None = None


def parameters(asked: Asked = Asked()) -> list[str]:  # noqa: B008  # it cannot change
    """What tshark is told beside where its packets come from: few fields, and no decoding above TCP and UDP."""
    words = ["-Y", asked.filter]
    for ports in TLS_PORTS:
        words += ["-d", f"tcp.port=={ports},data"]
    for name in asked.fields:
        words += ["-e", name]
    for preference in PREFERENCES:
        words += ["-o", preference]
    for protocol in (*asked.disabled, "tls"):
        words += ["--disable-protocol", protocol]
    return words
