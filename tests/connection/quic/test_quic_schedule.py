"""The key schedule of a QUIC connection draws the keys that open its packets."""

from __future__ import annotations

import pytest
from quic_flow import CLIENT_ID, FIRST_ID, PING, SERVER_ID, QuicFlow, follow

from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto.quic import initial_keys, initial_secrets, retry_tag
from tlsviz.lab.quic import crypto_frame
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


@pytest.mark.parametrize("version", [1, 0x6B3343CF])
@pytest.mark.parametrize("with_keys", [True, False])
def test_initial_keys_are_no_secrets(version: int, with_keys: bool) -> None:
    flow = QuicFlow(version=version)
    flow.conversation()
    schedule = key_schedule(follow(flow.datagrams, keys=with_keys))
    expected = initial_secrets(version, FIRST_ID)
    assert expected is not None
    nodes = {node.id: node for node in schedule.nodes}
    assert nodes["initial_salt"].value == expected.salt
    assert (nodes["initial_dcid"].value, nodes["initial_dcid"].origin) == (FIRST_ID, "sent")
    assert nodes["initial_secret"].value == expected.initial
    for sender in (CLIENT, SERVER):
        keys, id = initial_keys(version, expected.of(sender)), f"{sender}_initial_secret"
        values = [nodes[name].value for name in (id, f"{id}.key", f"{id}.iv", f"{id}.hp")]
        assert values == [expected.of(sender), keys.key, keys.iv, keys.hp]
    assert not any(node.secret for id, node in nodes.items() if "initial" in id)


def test_without_the_first_packet_initial_keys_are_not_known() -> None:
    flow = QuicFlow()
    flow.conversation()
    node = key_schedule(follow(flow.datagrams[1:])).node("initial_secret")
    assert node is None or (node.value is None and node.why)


def test_initial_keys_behind_a_retry_follow_from_the_new_id() -> None:
    first, again = QuicFlow(), QuicFlow(first_id=SERVER_ID)
    hello = first.initial(CLIENT, crypto_frame(0, first.said(CLIENT, "client_hello")))
    retry = b"\xf0" + (1).to_bytes(4, "big") + b"\x04" + CLIENT_ID + b"\x05" + SERVER_ID + b"token"
    tag = retry_tag(1, FIRST_ID, retry + bytes(16))
    assert tag is not None
    again.conversation()
    first.send(CLIENT, hello)
    first.send(SERVER, retry + tag)
    node = key_schedule(follow([*first.datagrams, *again.datagrams])).node("initial_dcid")
    assert node is not None and node.value == SERVER_ID


@pytest.mark.parametrize(("version", "label"), [(1, "quic ku"), (0x6B3343CF, "quicv2 ku")])
def test_key_updates_are_drawn(version: int, label: str) -> None:
    """In any order of arrival; the header protection key is not made anew."""
    flow = QuicFlow(version=version)
    flow.conversation()
    for updates in (1, 1, 2):
        flow.send(CLIENT, flow.one_rtt(CLIENT, PING, updates))
    *rest, one, two = flow.datagrams
    schedule = key_schedule(follow([*rest, two, one] if version == 1 else flow.datagrams))
    keys, id = flow.keys(CLIENT, "TRAFFIC_SECRET_0").updated().updated(), "client_application_traffic_secret_2"
    step, node = schedule.step(id), schedule.node(id)
    assert step is not None and step.label == label and step.inputs == ("client_application_traffic_secret_1",)
    assert node is not None and node.value == keys.secret
    made = schedule.node(f"{id}.key")
    assert made is not None and made.value == keys.key
    assert schedule.node(f"{id}.hp") is None
    assert schedule.node("client_application_traffic_secret_3") is None
    assert schedule.node("server_application_traffic_secret_1") is None


def test_without_keys_the_schedule_says_so() -> None:
    flow = QuicFlow()
    flow.conversation()
    node = key_schedule(follow(flow.datagrams, keys=False)).node("client_handshake_traffic_secret.hp")
    assert node is not None and node.value is None and node.why
