"""The way to the first byte: spans, round trips, and what other handshakes would take."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from samples import connections

from tlsviz.connection.model import ApplicationRun, Connection, Endpoint, PlacedMark
from tlsviz.connection.way import Way, way
from tlsviz.wire.chunks import CLIENT, SERVER, Mark, MarkKind, Sender

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
