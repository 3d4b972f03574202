"""A real TLS 1.3 handshake in QUIC packets: read, decrypted and proven, whatever happens to the datagrams."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import quic_flow
from dialogue import shake
from quic_flow import ACK, CLIENT_ID, FIRST_ID, PING, SERVER_ID, QuicFlow, close_frame, follow, tls13

from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.quic.engine import ALIENS, QuicEngine
from tlsviz.connection.quic.keys import REPEATED
from tlsviz.crypto.keylog import KeyLog
from tlsviz.lab.quic import crypto_frame, initial, stream_frame
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Mark
from tlsviz.wire.nodes import leaves

V2 = 0x6B3343CF
READ = [
    "client_hello",
    "server_hello",
    "encrypted_extensions",
    "certificate",
    "certificate_verify",
    "finished",
    "finished",
]


@pytest.fixture(params=[1, V2, 0xFF00001D], ids=["v1", "v2", "draft29"])
def flow(request: pytest.FixtureRequest) -> QuicFlow:
    made = QuicFlow(version=request.param)
    made.conversation()
    return made


def _kinds(connection: Connection) -> list[str]:
    return [message.type for message in connection.messages]


def _proofs(connection: Connection) -> dict[str, str]:
    return {proof.what: proof.status for proof in judged(connection).proofs}


def test_a_whole_connection_is_read_and_proven(flow: QuicFlow) -> None:
    connection = follow(flow.datagrams)
    over_tcp = tls13()[0]
    assert connection.transport == "quic" and connection.complete
    assert _kinds(connection) == READ
    assert connection.server_name == "server.test" and connection.cipher_suite == over_tcp.cipher_suite
    assert connection.ja4 is not None and over_tcp.ja4 is not None and connection.ja4 == "q" + over_tcp.ja4[1:]
    sent = {m.sha256 for m in over_tcp.messages}
    assert all(m.sha256 in sent for m in connection.messages)
    assert [m.encrypted for m in connection.messages] == [False, False] + 5 * [True]
    assert {m.provenance for m in connection.messages} == {"decrypted"}
    proofs = _proofs(connection)
    for what in ("server_finished", "client_finished", "certificate_verify", "record_protection"):
        assert proofs[what] == "verified"
    assert [(run.sender, run.plaintext and run.plaintext.data) for run in connection.application] == [
        (CLIENT, b"GET / HTTP/1.1\r\n\r\n"),
        (SERVER, b"HTTP/1.1 200 OK\r\n\r\n"),
    ]


def test_packets_stand_in_the_place_of_records(flow: QuicFlow) -> None:
    connection = follow(flow.datagrams)
    found = [(record.sender, record.packet_type) for record in connection.records]
    assert found == [
        (CLIENT, "Initial"),
        (SERVER, "Initial"),
        (SERVER, "Handshake"),
        (SERVER, "Handshake"),
        (CLIENT, "Initial"),
        (CLIENT, "Handshake"),
        (CLIENT, "1-RTT"),
        (SERVER, "1-RTT"),
    ]
    for record in connection.records:
        assert record.protection is not None and record.protection.status == "verified"
        assert [leaf.start for leaf in leaves(record.header)][1:] == [leaf.end for leaf in leaves(record.header)][:-1]
        assert record.header.end + record.length == len(record.buffer.data)
        number = record.header.child("packet_number")
        assert number is not None and number.value == record.protection.sequence


def test_every_byte_of_a_message_leads_to_its_packets(flow: QuicFlow) -> None:
    connection = follow(flow.datagrams)
    certificate = connection.messages_of("certificate")[0]
    assert certificate.buffer is not None and len(certificate.records) == 2
    wires = {id(connection.records[index].buffer) for index in certificate.records}
    for offset in range(len(certificate.buffer.data)):
        last = certificate.buffer.origins(offset, offset + 1)[-1]
        assert last.buffer.kind == "wire" and id(last.buffer) in wires and last.end == last.start + 1


def test_without_keys_initial_packets_are_read_and_the_rest_inferred(flow: QuicFlow) -> None:
    connection = follow(flow.datagrams, keys=False)
    assert _kinds(connection) == READ and connection.complete
    assert [m.provenance for m in connection.messages] == 2 * ["decrypted"] + 5 * ["inferred"]
    sealed = [record for record in connection.records if record.packet_type != "Initial"]
    assert len(sealed) == 5
    assert {record.protection.why for record in sealed if record.protection} == {"no key log was given"}
    assert _proofs(connection)["record_protection"] == "not_provable"
    assert connection.client_data.records == connection.server_data.records == 1


def test_any_order_of_the_datagrams_gives_the_same_messages(flow: QuicFlow) -> None:
    expected = sorted((m.sender, m.type, m.sha256 or "") for m in follow(flow.datagrams).messages)
    shuffled = random.Random(7)
    for _ in range(40):
        order = list(flow.datagrams)
        shuffled.shuffle(order)
        connection = follow(order)
        assert sorted((m.sender, m.type, m.sha256 or "") for m in connection.messages) == expected
        assert connection.complete and all(m.whole for m in connection.messages)
        assert connection.client_data == follow(flow.datagrams).client_data


def test_packets_that_come_twice_count_once(flow: QuicFlow) -> None:
    once = follow(flow.datagrams)
    twice = follow([datagram for datagram in flow.datagrams for _ in range(2)])
    assert [m.sha256 for m in twice.messages] == [m.sha256 for m in once.messages]
    assert (twice.client_data, twice.server_data) == (once.client_data, once.server_data)
    assert sum(record.note == REPEATED for record in twice.records) == len(once.records)


def test_frames_out_of_order_and_over_each_other() -> None:
    flow = QuicFlow()
    hello = flow.said(CLIENT, "client_hello")
    pieces = [(100, 180), (40, 120), (0, 50), (150, len(hello)), (0, 20)]
    payload = b"".join(crypto_frame(start, hello[start:end]) for start, end in pieces)
    connection = follow([Chunk(CLIENT, 0.0, flow.initial(CLIENT, payload))])
    (message,) = connection.messages
    assert message.buffer is not None and message.buffer.data == hello and message.whole


def test_bytes_that_never_come_are_a_hole() -> None:
    flow = QuicFlow()
    hello = flow.said(CLIENT, "client_hello")
    payload = crypto_frame(0, hello[:60]) + crypto_frame(80, hello[80:])
    connection = follow([Chunk(CLIENT, 0.0, flow.initial(CLIENT, payload))])
    (message,) = connection.messages
    assert message.type == "client_hello" and not message.whole and message.sha256 is None
    assert message.buffer is not None and message.buffer.data == hello[:60] + bytes(20) + hello[80:]
    assert [hole.length for hole in connection.holes] == [20]


def test_updated_keys_are_followed(flow: QuicFlow) -> None:
    flow.numbers[CLIENT, "1-RTT"] = 100
    for updates in (1, 1, 2, 3):
        flow.send(CLIENT, flow.one_rtt(CLIENT, stream_frame(4, 0, b"x"), updates))
    late = flow.one_rtt(CLIENT, stream_frame(4, 0, b"y"), 2)
    flow.send(CLIENT, late)
    connection = follow(flow.datagrams)
    packets = [record for record in connection.records if record.packet_type == "1-RTT" and record.sender == CLIENT]
    assert len(packets) == 6
    assert all(record.protection is not None and record.protection.status == "verified" for record in packets)
    assert len({record.epoch for record in packets}) == 4


def test_a_changed_packet_is_shown_as_failed(flow: QuicFlow) -> None:
    data = flow.datagrams[3].data
    flow.datagrams[3] = flow.datagrams[3]._replace(data=data[:-1] + bytes([data[-1] ^ 1]))
    connection = follow(flow.datagrams)
    failed = [record for record in connection.records if record.protection and record.protection.status == "failed"]
    assert [record.packet_type for record in failed] == ["Handshake"]
    assert _proofs(connection)["record_protection"] == "failed"


def test_a_close_with_a_tls_alert_is_that_alert() -> None:
    flow = QuicFlow()
    flow.send(CLIENT, flow.initial(CLIENT, crypto_frame(0, flow.said(CLIENT, "client_hello")) + bytes(600)))
    flow.send(SERVER, flow.initial(SERVER, ACK + close_frame(0x0178, b"no way\x1b")))
    connection = judged(follow(flow.datagrams))
    alert = connection.messages[-1]
    assert (alert.type, alert.content_type, alert.sender) == ("alert", "alert", SERVER)
    assert alert.alert is not None and alert.alert.description.name == "no_application_protocol"
    assert alert.tree is not None and alert.buffer is not None
    assert alert.tree.start == 0 and alert.tree.end == len(alert.buffer.data)
    reason = alert.tree.child("reason_phrase")
    assert reason is not None and reason.label == "no way\\x1b"
    assert steps(connection)[-1].title == "Alert no_application_protocol"
    assert [finding.code for finding in connection.findings if finding.severity == "error"] == [
        "no_application_protocol"
    ]


def test_a_close_for_other_reasons_is_the_end_of_the_transport() -> None:
    flow = QuicFlow()
    flow.conversation()
    flow.send(SERVER, flow.one_rtt(SERVER, close_frame(0x0A, b"oops")))
    flow.send(SERVER, flow.one_rtt(SERVER, close_frame(0x0A, b"oops")))
    connection = follow(flow.datagrams)
    assert [(m.mark.kind, m.mark.detail) for m in connection.marks] == [("closed", "PROTOCOL_VIOLATION: oops")]


def test_initial_keys_follow_from_the_id_of_a_retry() -> None:
    first, again = QuicFlow(), QuicFlow(first_id=SERVER_ID)
    hello = crypto_frame(0, first.said(CLIENT, "client_hello")) + bytes(600)
    retry = bytes.fromhex("f000000001") + bytes([len(CLIENT_ID)]) + CLIENT_ID + bytes([len(SERVER_ID)]) + SERVER_ID
    from tlsviz.crypto.quic import retry_tag

    retry += b"a token"
    tag = retry_tag(1, FIRST_ID, retry + bytes(16))
    assert tag is not None
    first.send(CLIENT, first.initial(CLIENT, hello))
    first.send(SERVER, retry + tag)
    again.datagrams, again.numbers = first.datagrams, {(CLIENT, "Initial"): 0}
    again.handshake_flights()
    connection = follow(again.datagrams)
    assert _kinds(connection) == READ and connection.complete
    assert [placed.mark.kind for placed in connection.marks] == ["retry"]
    record = next(record for record in connection.records if record.packet_type == "Retry")
    assert record.note is None and record.header.end == len(record.buffer.data)
    verdict = record.header.child("retry_integrity_tag")
    assert verdict is not None and verdict.label is not None and verdict.label.startswith("right")
    spoiled = [
        c._replace(data=c.data[:-1] + bytes([c.data[-1] ^ 1])) if c.packets == (2,) else c for c in again.datagrams
    ]
    record = next(record for record in follow(spoiled).records if record.packet_type == "Retry")
    assert record.note is not None and "wrong" in record.note


def test_version_negotiation_begins_anew() -> None:
    old, new = QuicFlow(version=V2), QuicFlow()
    hello = old.said(CLIENT, "client_hello")
    other = hello[:6] + bytes(32) + hello[38:]
    old.send(CLIENT, old.initial(CLIENT, crypto_frame(0, other) + bytes(600)))
    versions = bytes([0x8A, 0, 0, 0, 0, len(CLIENT_ID)]) + CLIENT_ID + bytes([len(FIRST_ID)]) + FIRST_ID
    old.send(SERVER, versions + bytes.fromhex("00000001") + bytes.fromhex("1a2a3a4a"))
    new.datagrams = old.datagrams
    new.conversation()
    connection = follow(new.datagrams)
    assert _kinds(connection) == ["client_hello", *READ]
    assert [placed.mark.kind for placed in connection.marks] == ["version_negotiation"]
    record = connection.records[1]
    listed = record.header.child("supported_versions")
    assert listed is not None and [node.label for node in listed.children] == ["QUIC v1", "GREASE"]
    assert _proofs(connection)["server_finished"] == "verified"


def test_two_connections_on_the_same_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second has other IDs and numbers its packets from 0 again; its ClientHello is in two packets."""
    first = QuicFlow()
    first.conversation()
    dialogue = shake("1.3")
    monkeypatch.setattr(quic_flow, "tls13", lambda: (dialogue.connection(), dialogue.keys()))
    second = QuicFlow(first_id=bytes(range(8)), ids={CLIENT: b"\x11" * 4, SERVER: b"\x22" * 5})
    hello = second.said(CLIENT, "client_hello")
    second.send(CLIENT, second.initial(CLIENT, crypto_frame(0, hello[:100])))
    second.send(CLIENT, second.initial(CLIENT, crypto_frame(100, hello[100:])))
    second.conversation()
    monkeypatch.undo()
    both = KeyLog()
    for keys in (tls13()[1], dialogue.keys()):
        for of in keys.client_randoms():
            both.add_text("\n".join(f"{name} {of.hex()} {value.hex()}" for name, value in keys.labels(of).items()))
    engine = QuicEngine(client=Endpoint("10.0.0.1", 40000), server=Endpoint("10.0.0.2", 443), keylog=both)
    for datagram in [*first.datagrams, *second.datagrams]:
        engine.receive(datagram)
    engine.finish()
    connection = engine.connection()
    once = [(m.sender, m.type) for m in follow(first.datagrams).messages]
    assert [(m.sender, m.type) for m in connection.messages] == once * 2
    assert all(record.protection is None or record.protection.status == "verified" for record in connection.records)
    assert [m.note for m in connection.messages if m.note] == []


def test_packets_from_before_the_hellos_wait_for_their_keys() -> None:
    flow = QuicFlow()
    flow.conversation()
    order = [flow.datagrams[index] for index in (5, 4, 3, 2, 1, 0)]
    connection = follow(order)
    assert all(record.protection is not None for record in connection.records)
    assert {record.protection.status for record in connection.records if record.protection} == {"verified"}


def test_bytes_that_are_no_quic() -> None:
    engine = QuicEngine()
    for count in range(ALIENS):
        assert engine.is_tls is None
        engine.receive(Chunk(CLIENT, float(count), b"\x05no packet at all, but bytes"))
    assert engine.is_tls is False
    connection = engine.connection()
    assert not connection.records and not connection.messages and not connection.holes


def test_padding_behind_the_packets_of_a_datagram_is_noted() -> None:
    flow = QuicFlow()
    flow.conversation()
    flow.datagrams[0] = flow.datagrams[0]._replace(data=flow.datagrams[0].data + bytes(30))
    connection = follow(flow.datagrams)
    assert connection.records[0].note == "30 zero bytes behind it fill the datagram up"
    assert connection.complete


def test_a_truncated_packet_stays_closed() -> None:
    flow = QuicFlow()
    flow.conversation()
    flow.datagrams[0] = flow.datagrams[0]._replace(data=flow.datagrams[0].data[:300])
    connection = follow(flow.datagrams)
    assert connection.records[0].missing > 0 and connection.records[0].plaintext is None
    assert connection.messages[0].type == "server_hello"  # its keys follow from the ID, which is there


def test_hostile_datagrams_never_raise() -> None:
    flow = QuicFlow()
    flow.conversation()
    chance = random.Random(11)
    for _ in range(150):
        datagrams = []
        for datagram in flow.datagrams:
            data = bytearray(datagram.data)
            for _ in range(chance.randrange(3)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            cut = chance.randrange(len(data)) if chance.random() < 0.2 else len(data)
            datagrams.append(datagram._replace(data=bytes(data[:cut])))
        connection = follow(datagrams)
        assert len(connection.records) <= 40
    for size in range(60):
        follow([Chunk(CLIENT, 0.0, flow.datagrams[0].data[:size]), Chunk(SERVER, 1.0, bytes([0xC0] * size))])


def test_nothing_grows_without_bound() -> None:
    engine = QuicEngine()
    for count in range(500):
        payload = crypto_frame(1000 + 7 * count, b"late") + PING
        packet = initial(CLIENT, FIRST_ID, count, payload, count.to_bytes(8, "big"), CLIENT_ID)
        engine.receive(Chunk(CLIENT, float(count), packet))
        engine.receive(Chunk(SERVER, float(count), bytes([0xE3]) + bytes.fromhex("00000001") + bytes(40)))
    assert len(engine.opener.ids) <= 8
    assert len(engine._waiting) <= 64
    engine.finish()
    connection = engine.connection()
    assert connection.messages == () and len(connection.records) <= 1000


def test_marks_and_gaps_take_their_places() -> None:
    flow = QuicFlow()
    flow.conversation()
    engine = QuicEngine()
    engine.receive(flow.datagrams[0])
    engine.receive(Mark("unreachable", SERVER, flow.datagrams[0].time + 1))
    engine.finish()
    connection = engine.connection()
    assert [step.kind for step in steps(connection)] == ["message", "mark"]
    assert replace(connection, marks=()).messages == connection.messages
