"""tlsviz against tshark on captures of DTLS; `dtls.py` does the whole folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dtls import captures, compare

SHARED = Path(__file__).parents[3] / "shared" / "captures"
KNOWN = {name: (path, key) for path, key, name in captures(SHARED)} if (SHARED / "README.tsv").is_file() else {}

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here"),
    pytest.mark.skipif(not KNOWN, reason="the shared captures are not here"),
]


@pytest.mark.parametrize(
    ("name", "opened"),
    [
        ("hotplace/dtls12.pcapng", 5),
        ("wireshark-4.4.18/dtls12-aes128ccm8.pcap", 7),
        ("zeek/dtls1_0.pcap", 0),
        ("nDPI/capwap.pcap", 0),
        ("nDPI/stun.pcap", 0),
        ("mercury/dtls_interleaved_client_hello.pcap", 0),
    ],
)
def test_shared_captures(name: str, opened: int) -> None:
    result = compare(*KNOWN[name], name)
    assert result.differences == ()
    assert result.messages == result.theirs > 0
    assert result.opened >= result.their_opened >= opened


def test_what_tshark_cannot_open_is_opened() -> None:
    name = "illustrated-dtls/capture.pcap"
    result = compare(*KNOWN[name], name)
    assert result.reason is not None and result.opened > result.their_opened
