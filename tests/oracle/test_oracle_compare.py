"""tlsviz against tshark, on a few captures; `compare.py` does whole folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from compare import Difference, Result, compare_file, explain, justified
from second_opinion import tshark_views

ROOT = Path(__file__).parents[2]
OWN = ROOT / "captures"
SHARED = ROOT.parent / "shared" / "captures"
FEW = (
    "tls-handshake-analyzer/tls13-18-cert-sct-ocsp.pcap",
    "zeek/socks-with-ssl.pcap",
    "nDPI/heuristic_tcp_ack_payload.pcap",
    "ipfixprobe/tls.pcap",
    "zeek/globus-url-copy.pcap",
    "PcapFlowLab/tls_1_0_badssl_baseline_12.pcap",
    "suricata-verify/tls13_draft14.pcap",
    "mercury/openvpn_tcp_multi.pcap",
)

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here"),
]


def assert_agrees(path: Path, name: str) -> Result:
    result = Result()
    compare_file(path, name, result)
    explain(result.differences)
    assert not result.unreadable
    assert not result.wrong
    return result


@pytest.mark.parametrize("name", ["tls13.pcapng", "tls12-rsa.pcapng", "client-auth.pcapng", "hello-retry.pcapng"])
def test_own_captures(name: str) -> None:
    result = assert_agrees(OWN / name, name)
    assert not result.differences
    assert result.compared >= 7


@pytest.mark.parametrize("name", FEW)
def test_shared_captures(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("the shared captures are not here")
    assert assert_agrees(SHARED / name, name).compared


def test_tshark_sees_what_it_is_asked_for() -> None:
    """A comparison with an empty second opinion would agree with everything."""
    (view,) = tshark_views(OWN / "tls13.pcapng").values()
    assert view.version == "0x0304"
    assert view.cipher_suite is not None
    assert len(view.certificates) >= 1
    assert sum(map(len, view.messages.values())) >= 9


def test_a_difference_without_a_reason_is_wrong() -> None:
    known = next(line for line in justified() if line.file == "nDPI/tumblr.pcap")
    same = Difference(known.file, int(known.stream), known.what, "a", "b")
    other = Difference(known.file, int(known.stream) + 1, known.what, "a", "b")
    explain([same, other])
    assert same.reason == known.reason
    assert other.reason is None
