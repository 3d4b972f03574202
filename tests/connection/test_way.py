"""The way to the first byte: spans, round trips, and what other handshakes would take."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from dialogue import shake
from samples import connections, foreign

from tlsviz.connection.model import ApplicationRun, Connection, Endpoint, PlacedMark
from tlsviz.connection.observer import as_seen_by
from tlsviz.connection.tcp import IN_THE_MIDDLE
from tlsviz.connection.way import Way, way
from tlsviz.wire.chunks import CLIENT, SERVER, Gap, Mark, MarkKind, Sender

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="reads captures with tshark")


def trips(found: Way) -> list[tuple[str, int]]:
    return [(span.kind, span.round_trips) for span in found.spans]


def marked(*marks: tuple[MarkKind, Sender, float, str]) -> Connection:
    placed = tuple(
        PlacedMark(order, Mark(kind, sender, 100.0 + time, (), detail))
        for order, (kind, sender, time, detail) in enumerate(marks)
    )
    return Connection(start=100.0, duration=marks[-1][2], server=Endpoint("192.0.2.1", 443), marks=placed)


@pytest.mark.parametrize(
    ("name", "number", "spans", "here"),
    [
        ("tls13", 0, [("connect", 1), ("handshake", 1), ("request", 1)], "TLS 1.3"),
        ("tls13-no-keys", 0, [("connect", 1), ("handshake", 1), ("request", 1)], "TLS 1.3"),
        ("tls12", 0, [("connect", 1), ("handshake", 1), ("handshake", 1), ("request", 1)], "TLS 1.2"),
        (
            "hello-retry",
            0,
            [("connect", 1), ("handshake", 1), ("handshake", 1), ("request", 1)],
            "TLS 1.3 after a HelloRetryRequest",
        ),
        ("resumption", 1, [("connect", 1), ("handshake", 1), ("request", 1)], "TLS 1.3, resumed"),
        ("early-data", 1, [("connect", 1), ("handshake", 1), ("request", 0)], "TLS 1.3, resumed with 0-RTT"),
        (
            "dtls12",
            0,
            [("handshake", 1), ("handshake", 1), ("handshake", 1), ("request", 1)],
            "DTLS 1.2 with a cookie",
        ),
    ],
)
@needs_tshark
def test_round_trips_are_those_of_the_kind_of_handshake(
    name: str, number: int, spans: list[tuple[str, int]], here: str
) -> None:
    found = way(connections()[name][number])
    assert trips(found) == spans
    (chosen,) = [choice for choice in found.choices if choice.here]
    assert chosen.name == here
    assert chosen.round_trips == found.round_trips == sum(count for _, count in spans)
    assert found.first_byte is not None and found.work is not None and found.round_trip_time is not None
    assert chosen.time == pytest.approx(found.round_trips * found.round_trip_time + found.work)


@needs_tshark
def test_savings_are_round_trips_of_this_network() -> None:
    found = way(connections()["tls12"][0])
    full, *others = found.choices
    assert full.name == "TLS 1.2" and full.saved == 0
    for choice in others:
        assert full.time is not None and choice.time is not None and found.round_trip_time is not None
        assert full.time - choice.time == pytest.approx(choice.saved * found.round_trip_time)
    saved = {choice.name: choice.saved for choice in found.choices}
    assert (saved["TLS 1.3"], saved["TLS 1.3, resumed with 0-RTT"], saved["QUIC, resumed with 0-RTT"]) == (1, 2, 3)


@needs_tshark
def test_overlapping_waits_are_counted_once() -> None:
    found = way(connections()["early-data"][1])
    handshake, request = found.spans[-2:]
    assert request.start < handshake.end
    assert found.first_byte is not None and found.work is not None and found.round_trip_time is not None
    assert found.work <= found.first_byte - 2 * found.round_trip_time + 1e-6


@needs_tshark
def test_a_refused_handshake_has_no_first_byte_and_no_comparison() -> None:
    found = way(connections()["old-server"][0])
    assert trips(found) == [("connect", 1), ("handshake", 1)]
    assert found.spans[-1].detail == "ClientHello → Alert protocol_version"
    assert found.first_byte is None and found.choices == () and found.work is None


def test_every_address_that_was_tried_is_a_span() -> None:
    found = way(
        marked(
            ("name_lookup", CLIENT, 0.0, "www.example.test"),
            ("name_lookup", CLIENT, 0.02, "www.example.test is 2001:db8::1, 192.0.2.1, 192.0.2.2"),
            ("https_record", SERVER, 0.03, "h3 and h2"),
            ("syn", CLIENT, 0.02, "[2001:db8::1]:443"),
            ("timeout", CLIENT, 3.02, "no answer from [2001:db8::1]"),
            ("syn", CLIENT, 3.02, "192.0.2.1:443"),
            ("refused", SERVER, 3.03, "192.0.2.1"),
            ("syn", CLIENT, 3.03, "192.0.2.2:443"),
            ("connected", SERVER, 3.07, "192.0.2.2:443"),
        )
    )
    assert [(s.kind, s.round_trips, s.fault) for s in found.spans] == [
        ("name", 0, ""),
        ("record", 0, ""),
        ("connect", 0, "no answer"),
        ("connect", 1, "refused"),
        ("connect", 1, ""),
    ]
    assert found.spans[0].detail.startswith("3 addresses (2 IPv4, 1 IPv6): 2001:db8::1, ")
    assert found.round_trips == 1
    assert [round(s.duration, 3) for s in found.spans] == [0.02, 0.03, 3.0, 0.01, 0.04]


def test_a_syn_that_is_sent_again_belongs_to_the_first() -> None:
    found = way(
        marked(
            ("syn", CLIENT, 0.0, ""), ("syn", CLIENT, 1.0, ""), ("syn", CLIENT, 3.0, ""), ("syn_ack", SERVER, 3.1, "")
        )
    )
    assert [(s.start, round(s.duration, 3)) for s in found.spans] == [(0.0, 3.1)]


def test_a_name_that_is_not_found_says_so() -> None:
    found = way(marked(("name_lookup", CLIENT, 0.0, "no.such"), ("error", CLIENT, 0.5, "Name or service not known")))
    assert [(s.kind, s.fault) for s in found.spans] == [("name", "Name or service not known")]
    assert found.round_trip_time is None and found.round_trips == 0


@needs_tshark
def test_decrypted_words_are_not_told() -> None:
    made = connections()["tls13"][0]
    assert any(run.plaintext and b"HTTP/1.1" in run.plaintext.data for run in made.application)
    assert not any("HTTP" in span.detail + span.title for span in way(made).spans)


def test_nothing_seen_is_no_way() -> None:
    assert way(Connection()) == Way((), 0, None, "", None, None, ())
    run = ApplicationRun(0, 100.0, 100.0, SERVER, 1, 5)
    alone = replace(Connection(start=100.0), application=(run,))
    assert way(alone).round_trips == 0


def test_data_alone_measures_no_round_trip() -> None:
    runs = tuple(
        ApplicationRun(order, 100.0 + time, 100.0 + time, sender, 1, 84)
        for order, (sender, time) in enumerate(((CLIENT, 0.0), (SERVER, 9.0), (CLIENT, 10.0)), 1)
    )
    found = way(replace(marked(("joined", CLIENT, 0.0, IN_THE_MIDDLE)), application=runs))
    assert (found.spans, found.round_trips, found.round_trip_time, found.choices) == ((), 0, None, ())
    assert found.first_byte is None
    assert found.note.endswith("neither TCP's SYN nor a ClientHello was seen, so that no round trip can be told.")


def test_a_late_flight_is_measured_and_what_came_before_it_is_not_made_up() -> None:
    whole = shake("1.2").connection()
    begun = next(message.index for message in whole.messages if message.type == "client_key_exchange")
    found = way(replace(whole, messages=whole.messages[begun:], proofs=(), findings=(), certificates=()))
    assert trips(found)[:2] == [("handshake", 1), ("request", 1)]
    assert found.round_trip_time is not None
    assert found.first_byte is None and found.choices == () and "other handshakes" in found.note
    assert way(whole).choices and not way(whole).note


# -- TLS 1.3 without keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_certificate", [False, True])
def test_tickets_before_the_request_are_not_its_answer(client_certificate: bool) -> None:
    said = shake("1.3", client_certificate=client_certificate)
    read, sealed = way(said.connection()), way(said.connection(keys=False))
    assert sealed.first_byte == pytest.approx(read.first_byte)
    assert [span.start for span in sealed.spans] == pytest.approx([span.start for span in read.spans])
    assert "tickets" not in sealed.spans[-1].detail


def test_tickets_without_a_request_are_no_answer() -> None:
    whole = shake("1.3", bye=False).connection(keys=False)
    runs = whole.application
    assert [run.sender for run in runs[:3]] == [SERVER, CLIENT, SERVER]
    found = way(replace(whole, application=runs[:3]))
    assert trips(found) == [("handshake", 1)]
    assert found.first_byte is None and found.choices == () and "session tickets" in found.note


@needs_tshark
def test_a_request_right_behind_the_finished_may_be_answered_by_tickets_first() -> None:
    found = way(connections()["tls13-no-keys"][0])
    assert found.spans[-1].detail.startswith("113 B → ") and "perhaps session tickets" in found.spans[-1].detail
    early = way(connections()["early-data"][1])
    assert "tickets" not in early.spans[-1].detail


def test_what_answers_early_data_is_not_told_without_keys() -> None:
    whole = shake("1.3").connection(keys=False)
    runs = tuple(run._replace(early=run.sender == CLIENT) for run in whole.application)
    found = way(replace(whole, application=runs))
    assert found.first_byte is None and "0-RTT" in found.note


@needs_tshark
def test_keys_do_not_move_the_first_byte_of_a_capture_from_elsewhere() -> None:
    name = "ssldump/tls1.3_aes128.pcap"
    if not foreign(name):
        pytest.skip("the captures from elsewhere are not here")
    (read,), (sealed,) = foreign(name)[name], foreign(name, keys=False)[name]
    assert way(sealed).first_byte == way(read).first_byte


def test_what_finishes_a_handshake_over_quic_is_no_request() -> None:
    name = "illustrated-quic/capture.pcap"
    if not foreign(name):
        pytest.skip("the captures from elsewhere are not here")
    (read,), (sealed,) = foreign(name)[name], foreign(name, keys=False)[name]
    assert way(sealed).first_byte == pytest.approx(way(read).first_byte)
    assert way(sealed).round_trip_time == pytest.approx(way(read).round_trip_time, rel=0.01)


def test_handshake_packets_alone_are_no_request() -> None:
    """Of a QUIC connection without keys that ends with the handshake."""
    (connection,) = connections()["quic"]
    sealed = as_seen_by(connection, "eavesdropper")
    assert way(sealed).first_byte == pytest.approx(way(connection).first_byte)
    kept = tuple(
        run for run in sealed.application if connection.records[run.record_indices[0]].packet_type == "Handshake"
    )
    only = replace(sealed, application=kept)
    assert kept and way(only).first_byte is None
    assert all(span.kind != "request" for span in way(only).spans)


def test_without_keys_a_flight_lasts_until_its_last_record() -> None:
    """Where Finished is inferred it stands at the flight's first record, which may be long before it was all there."""
    said = shake()
    answers = [at for at, chunk in enumerate(said.chunks) if chunk.sender == SERVER]
    flight = said.chunks[answers[0]]
    first, last = (
        flight._replace(data=flight.data[:200]),
        flight._replace(data=flight.data[200:], time=flight.time + 0.5),
    )
    later = [chunk._replace(time=chunk.time + 0.5) for chunk in said.chunks[answers[0] + 1 :]]
    said.chunks[answers[0] :] = [first, last, *later]
    keyless, keyed = (
        next(span for span in way(said.connection(keys=keys)).spans if span.kind == "handshake")
        for keys in (False, True)
    )
    assert keyless.duration == pytest.approx(keyed.duration) and keyless.duration > 0.5


def test_where_the_client_was_not_seen_to_finish_later_data_is_not_the_flights() -> None:
    said = shake(answer=b"HTTP/1.1 200 OK\r\n\r\n")
    finished = [at for at, chunk in enumerate(said.chunks) if chunk.sender == CLIENT][1]
    whole = next(span for span in way(said.connection(keys=False)).spans if span.kind == "handshake")
    engine = said.engine(keys=False)
    for at, chunk in enumerate(said.chunks):
        if at == finished:
            engine.receive(Gap(CLIENT, chunk.time, len(chunk.data), (), 0))
        else:
            engine.receive(chunk._replace(time=chunk.time + 5 * (at > finished)))
    engine.finish(said.chunks[-1].time + 5)
    found = next(span for span in way(engine.connection()).spans if span.kind == "handshake")
    assert found.duration == pytest.approx(whole.duration)
