"""Plain HTTP on the way to the first byte, and beside a connection with TLS."""

from __future__ import annotations

from dataclasses import replace

from dialogue import shake
from plain_talk import request, response, talk

from tlsviz.connection.compare import compare
from tlsviz.connection.model import PlacedMark
from tlsviz.connection.way import way
from tlsviz.ui.widgets.compare_lines import ending
from tlsviz.wire.chunks import CLIENT, SERVER, Mark


def test_plain_http_has_a_way_as_far_as_it_was_seen() -> None:
    spoken = talk(request(), response())
    placed = (
        PlacedMark(-2, Mark("syn", CLIENT, spoken.start - 1, ())),
        PlacedMark(-1, Mark("syn_ack", SERVER, spoken.start - 0.75, ())),
    )
    found = way(replace(spoken, start=spoken.start - 1, marks=placed))
    assert [(span.kind, span.round_trips) for span in found.spans] == [("connect", 1), ("request", 1)]
    assert found.spans[1].detail == "GET / → 200 OK"
    assert (found.round_trip_time, found.first_byte, found.choices, found.note) == (0.25, 2.0, (), "")
    alone = way(spoken)
    assert [(span.kind, span.round_trips) for span in alone.spans] == [("request", 0)]
    assert alone.round_trip_time is None and alone.first_byte is None and "SYN was not seen" in alone.note
    silent = way(talk(request()))
    assert [span.fault for span in silent.spans] == ["no answer seen"]


def test_plain_http_is_called_that_and_its_bodies_stand_beside_no_records() -> None:
    found = compare(shake("1.3").connection(keys=False), talk(request(), response(body=b"hello")))
    by_name = {one.what: one for one in found.differences}
    assert (by_name["outcome"].left, by_name["outcome"].right) == ("complete", "plain HTTP: 200 OK")
    assert by_name["version"].right == "plain HTTP"
    assert any(pair.right is not None and pair.right.kind == "data" for pair in found.pairs)
    assert all(pair.left is None or pair.right is None for pair in found.pairs)


def test_the_screen_says_how_plain_http_ended() -> None:
    assert ending(talk(request(), response("404 Not Found"))).word == "plain HTTP: 404 Not Found"
    assert ending(talk(request())).word == "plain HTTP: not answered"
