"""The key schedule of a QUIC connection draws the keys that open its packets."""

from __future__ import annotations

import pytest
from quic_flow import QuicFlow, follow

from tlsviz.connection.schedule import key_schedule
from tlsviz.wire.chunks import CLIENT, SERVER, Sender


@pytest.mark.parametrize(("version", "prefix"), [(1, "quic"), (0x6B3343CF, "quicv2")])
@pytest.mark.parametrize("sender", [CLIENT, SERVER])
def test_keys_of_packets_stand_in_the_schedule(version: int, prefix: str, sender: Sender) -> None:
    flow = QuicFlow(version=version)
    flow.conversation()
    schedule = key_schedule(follow(flow.datagrams))
    for secret, label in (
        (f"{sender}_handshake_traffic_secret", "HANDSHAKE_TRAFFIC_SECRET"),
        (f"{sender}_application_traffic_secret_0", "TRAFFIC_SECRET_0"),
    ):
        keys = flow.keys(sender, label)
        for part, expected in (("key", keys.key), ("iv", keys.iv), ("hp", keys.hp)):
            node, step = schedule.node(f"{secret}.{part}"), schedule.step(f"{secret}.{part}")
            assert node is not None and node.value == expected and node.secret
            assert step is not None and step.label == f"{prefix} {part}"


def test_without_keys_the_schedule_says_so() -> None:
    flow = QuicFlow()
    flow.conversation()
    node = key_schedule(follow(flow.datagrams, keys=False)).node("client_handshake_traffic_secret.hp")
    assert node is not None and node.value is None and node.why
