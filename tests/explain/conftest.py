"""Sample captures, loaded once."""

from __future__ import annotations

import pytest
import samples as captured

from tlsviz.connection.model import Connection

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
    return captured.foreign(*FOREIGN)


@pytest.fixture(scope="session")
def samples() -> dict[str, tuple[Connection, ...]]:
    """The connections of each sample capture by its name without suffix; {} when there are none."""
    return captured.connections()
