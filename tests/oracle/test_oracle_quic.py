"""tlsviz against tshark on a few captures with QUIC; `quic.py` does whole folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from quic import Counts, compare, tshark_sees

SHARED = Path(__file__).parents[3] / "shared" / "captures"
FEW = (
    "illustrated-quic/capture.pcap",
    "nDPI/quic-29.pcap",
    "zeek/quicv2-echo-443.pcap",
    "wireshark-4.4.18/quic-fragmented-handshakes.pcapng.gz",
    "zeek/zerortt.pcap",
    "mercury/quic_reordered_frames.pcap",
)

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here"),
]


@pytest.mark.parametrize("name", FEW)
def test_shared_captures(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("the shared captures are not here")
    counts = Counts()
    compare(SHARED / name, name, counts)
    assert counts.wrong == []
    assert counts.equal["CRYPTO frames"] >= 2 and counts.equal["hellos"] >= 2


def test_tshark_sees_what_it_is_asked_for() -> None:
    """A comparison with an empty second opinion would agree with everything."""
    name = "illustrated-quic/capture.pcap"
    if not (SHARED / name).exists():
        pytest.skip("the shared captures are not here")
    (seen,) = tshark_sees(SHARED / name).values()
    assert {kind for _, kind in seen.messages} >= {1, 2, 8, 11, 15, 20}
