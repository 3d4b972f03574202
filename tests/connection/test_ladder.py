"""The ladder's steps: order, flights, round trips, titles."""

from __future__ import annotations

from dialogue import SECONDS_A_FLIGHT, shake

from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import round_trips, steps
from tlsviz.wire.chunks import CLIENT, SERVER, Gap, Mark


def test_flights_and_round_trips_of_both_versions() -> None:
    assert round_trips(shake().connection()) == 2  # the tickets come before the request here
    assert round_trips(shake("1.2").connection()) == 2


def test_steps_come_in_order_with_their_gaps() -> None:
    connection = judged(shake().connection())
    found = steps(connection)
    assert [step.title for step in found[:5]] == [
        "ClientHello",
        "ServerHello",
        "ChangeCipherSpec",
        "EncryptedExtensions",
        "Certificate",
    ]
    assert found[1].gap == found[1].time
    assert abs(found[1].gap - SECONDS_A_FLIGHT) < 1e-6
    assert [step.flight for step in found] == sorted(step.flight for step in found)
    assert {step.title for step in found if step.proof == "verified"} == {"CertificateVerify", "Finished"}
    assert found[-1].title == "Alert close_notify"


def test_a_request_is_named_by_its_first_line() -> None:
    titles = [step.title for step in steps(shake().connection()) if step.kind == "data"]
    assert titles == ["GET / HTTP/1.1", "HTTP/1.1 200 OK"]


def test_hostile_text_stays_text() -> None:
    said = shake(request=b"GET /\x1b[31m[red]x[/] HTTP/1.1\r\n\r\n")
    (title,) = [step.title for step in steps(said.connection()) if step.kind == "data" and step.sender == CLIENT]
    assert "\x1b" not in title
    assert "\\x1b[31m" in title


def test_marks_and_holes_have_their_places() -> None:
    said = shake()
    engine = said.engine()
    start = said.chunks[0].time - 0.02
    engine.receive(Mark("syn", CLIENT, start))
    engine.receive(Mark("syn_ack", SERVER, start + 0.01))
    for chunk in said.chunks[:2]:
        engine.receive(chunk)
    engine.receive(Gap(SERVER, said.chunks[2].time, 77))
    engine.receive(Mark("rst", SERVER, said.chunks[2].time))
    found = steps(engine.connection())
    assert [step.title for step in found[:2]] == ["TCP SYN", "TCP SYN, ACK"]
    assert [step.round_trip for step in found[:4]] == [0, 0, 1, 1]
    assert found[-2].title == "77 bytes missing"
    assert found[-1].note == "the server resets the connection, after Finished"


def test_question_and_answer_share_a_round_trip() -> None:
    trips = {step.title: step.round_trip for step in steps(shake("1.2").connection())}
    assert trips["ClientHello"] == trips["ServerHelloDone"] == 1
    assert trips["ClientKeyExchange"] == trips["NewSessionTicket"] == 2
    assert trips["GET / HTTP/1.1"] == trips["HTTP/1.1 200 OK"] == 3
