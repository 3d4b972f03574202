"""A second connection that resumes the first, data before the handshake is over, and new keys in the middle."""

from __future__ import annotations

from tlsviz.lab.authority import SERVER_NAME
from tlsviz.lab.scenarios.scenario import Group, Scenario
from tlsviz.lab.server import ServerSettings
from tlsviz.sources.options import LiveOptions

EARLY_DATA = 4096
REQUEST = f"GET /early HTTP/1.1\r\nHost: {SERVER_NAME}\r\nConnection: close\r\n\r\n".encode()

GROUP = Group(
    "Sessions: resumption, 0-RTT, new keys",
    (
        Scenario(
            "resumption",
            "TLS 1.3 resumption by ticket",
            "Two connections: the ticket of the first is the identity in the second, whose binder proves the key. "
            "No certificate is sent again.",
            options=LiveOptions(resume=1),
        ),
        Scenario(
            "resumption-tls12",
            "TLS 1.2 resumption by ticket",
            "Two connections: the second has an abbreviated handshake with the old master secret.",
            "TLS 1.2",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            server=ServerSettings(max_version="1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"),
            options=LiveOptions(resume=1),
        ),
        Scenario(
            "early-data",
            "0-RTT data, accepted",
            "The second connection's request travels right behind the ClientHello, and could be replayed.",
            server=ServerSettings(early_data=EARLY_DATA),
            options=LiveOptions(early_data=REQUEST),
        ),
        Scenario(
            "early-data-refused",
            "0-RTT data, refused",
            "The server resumes the session but passes over the early data: the client sends it again.",
            server=ServerSettings(early_data=EARLY_DATA, refuse_early_data=True),
            options=LiveOptions(early_data=REQUEST),
        ),
        Scenario(
            "key-update",
            "TLS 1.3 with KeyUpdate",
            "In the middle of its answer the server says KeyUpdate: what follows has a key made from the one before.",
            server=ServerSettings(key_update=True),
        ),
    ),
)
