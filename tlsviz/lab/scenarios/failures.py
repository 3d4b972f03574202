"""Handshakes that come to nothing."""

from __future__ import annotations

from tlsviz.lab.scenarios.scenario import Group, Scenario
from tlsviz.lab.server import ServerSettings
from tlsviz.sources.options import LiveOptions

GROUP = Group(
    "Handshakes that fail",
    (
        Scenario(
            "old-server",
            "No version in common",
            "The server ends at TLS 1.2, the client begins at 1.3: one hello, one alert.",
            None,
            None,
            "unknown",
            diagnosis="version_not_supported",
            server=ServerSettings(max_version="1.2"),
            options=LiveOptions(min_version="1.3"),
        ),
        Scenario(
            "no-cipher",
            "No cipher suite in common",
            "The client offers one suite, the server wants another: one hello, one alert.",
            None,
            None,
            "unknown",
            diagnosis="no_common_cipher_suite",
            server=ServerSettings(max_version="1.2", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384"),
            options=LiveOptions(max_version="1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"),
        ),
    ),
)
