"""What tshark decrypts, we decrypt: a few captures; ``decrypted.py`` takes all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from decrypted import compare

CAPTURES = Path(__file__).parents[3] / "shared" / "captures"


@pytest.mark.tshark
@pytest.mark.skipif(not CAPTURES.exists() or not shutil.which("tshark"), reason="needs tshark and the shared captures")
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("wireshark-4.4.18/rsasnakeoil2.pcap", "rsakey.pem"),
        ("wireshark-4.4.18/tls-renegotiation.pcap", "rsakey.pem"),
        ("wireshark-4.4.18/tls-over-tls.pcapng.gz", "rsakey.pem"),
        ("wireshark-4.4.18/tls13-rfc8446.pcap", "keylog"),
        ("snet/tls1_2_dhe_rsa.pcap", "keylog"),
    ],
)
def test_nothing_is_missing(name: str, key: str) -> None:
    result = compare(CAPTURES / name, CAPTURES / f"{name}.{key}")
    assert result.theirs
    assert result.missing == 0
    assert result.ours >= result.theirs
    assert result.failures == ()
