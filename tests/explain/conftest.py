"""Sample captures, loaded once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tlsviz.connection.model import Connection

SAMPLES = Path(__file__).parents[2] / "captures"


SHARED = Path(__file__).parents[3] / "shared" / "captures"
FOREIGN = (
    "illustrated-tls13/capture.pcap",
    "nDPI/ftp-start-tls.pcap",
    "zeek/heartbleed-success.pcap",
    "zeek/tls-13draft19-early-data.pcap",
    "wireshark-4.4.18/tls-renegotiation.pcap",
    "suricata-verify/bypass-depth-disabled-input.pcap",
    "snet/TLS1_ECDHE-RSA-NULL-SHA.pcap",
    "ipfixprobe/tls.pcap",
    "nDPI/quic-29.pcap",
    "tcpdump/quic_vn.pcap",
)


@pytest.fixture(scope="session")
def foreign() -> dict[str, tuple[Connection, ...]]:
    """Connections of captures from elsewhere that hold what the samples do not; {} when they are not here."""
    from tlsviz.sources.capture import OpenOptions, load_capture

    found = {}
    for name in FOREIGN:
        file, keys = SHARED / name, SHARED / f"{name}.keylog"
        if file.exists() and shutil.which("tshark") is not None:
            found[name] = load_capture(file, OpenOptions(keylogs=(keys,) if keys.exists() else ())).connections
    return found


@pytest.fixture(scope="session")
def samples() -> dict[str, tuple[Connection, ...]]:
    """The connections of each sample capture by its name without suffix; {} when there are none."""
    from tlsviz.sources.capture import OpenOptions, load_capture

    if shutil.which("tshark") is None:
        return {}
    authority = SAMPLES / "ca.pem"
    options = OpenOptions(ca=authority if authority.exists() else None)
    return {file.stem: load_capture(file, options).connections for file in sorted(SAMPLES.glob("*.pcapng"))}
