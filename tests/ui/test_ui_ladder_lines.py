"""The ladder's rows: directions, signs, times, and that every row fits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handshake_sample import failed, handshake
from rich.cells import cell_len

from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection
from tlsviz.ui.widgets.ladder_lines import Density, Drawing, Row
from tlsviz.wire.text import clock

DENSITIES: tuple[Density, ...] = ("airy", "spaced", "roomy", "compact")


def rows(connection: Connection, width: int = 100, density: Density = "compact") -> list[Row]:
    return Drawing(connection, steps(connection), width, density).rows()


def text(row: Row) -> str:
    return "".join(part for part, _ in row.line)


def row_of(found: list[Row], title: str) -> str:
    return next(text(row) for row in found if title in text(row))


@pytest.mark.parametrize("width", [40, 52, 62, 80, 92, 160])
@pytest.mark.parametrize("density", DENSITIES)
def test_every_row_fits(width: int, density: Density) -> None:
    for connection in (handshake(), handshake(keys=False), failed()):
        for row in rows(connection, width, density):
            assert sum(cell_len(part) for part, _ in row.line) <= width


def test_the_lanes_stand_in_the_same_columns_in_every_row() -> None:
    drawing = Drawing(handshake(), steps(handshake()), 80, "airy")
    first, second = drawing.layout.lane, drawing.layout.lane + drawing.layout.span + 1
    for row in drawing.rows():
        assert text(row)[first] in "│║┊"
        assert text(row)[second] in "│║┊"


def test_clear_encrypted_and_inferred_have_their_own_arrows() -> None:
    assert "── ClientHello" in row_of(rows(handshake()), "ClientHello")
    assert row_of(rows(handshake()), "ClientHello").count("▶") == 1
    assert "◀─── ServerHello" in row_of(rows(handshake()), "ServerHello")
    assert "◀═══ Certificate " in row_of(rows(handshake()), "Certificate ")
    inferred = row_of(rows(handshake(keys=False)), "CertificateVerify")
    assert "◀┄┄┄ CertificateVerify" in inferred
    assert "? inferred" in inferred


def test_encryption_and_proof_are_said_in_words_where_there_is_room() -> None:
    wide = row_of(rows(handshake(), 100), "CertificateVerify")
    assert "▣ decrypted" in wide
    assert "✓ verified" in wide
    narrow = row_of(rows(handshake(), 56), "CertificateVerify")
    assert "▣" in narrow
    assert "✓" in narrow


def test_a_lane_turns_double_when_its_side_begins_to_encrypt() -> None:
    drawing = Drawing(handshake(), steps(handshake()), 80, "compact")
    found = drawing.rows()
    server = drawing.layout.lane + drawing.layout.span + 1
    assert row_of(found, "ServerHello")[server] == "│"
    assert row_of(found, "EncryptedExtensions")[server] == "║"


def test_flights_are_counted_and_gaps_shown() -> None:
    flights = [text(row) for row in rows(handshake()) if "flight" in text(row)]
    assert [line.split("flight ")[1][0] for line in flights] == ["1", "2", "3", "4", "5", "6"][: len(flights)]
    assert "round trip 1" in flights[0]
    assert "round trip" not in flights[1]
    gap = next(step for step in steps(handshake()) if step.title == "ServerHello").gap
    assert f"+{clock(gap)}" in flights[1]


def test_the_diagnosis_stands_at_the_step_that_it_is_about() -> None:
    found = rows(failed())
    place = next(index for index, row in enumerate(found) if "did not answer" in text(row))
    assert found[place].step == found[place - 1].step
    assert "ClientHello" in text(found[place - 1])


def test_a_diagnosis_about_no_message_ends_the_ladder() -> None:
    finding = failed().findings[0]._replace(message=None)
    last = rows(replace(failed(), findings=(finding,)))[-1]
    assert "did not answer" in text(last)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 ms"),
        (0.0229, "22.9 ms"),
        (0.99999, "1.00 s"),
        (1.254, "1.25 s"),
        (125, "2:05 min"),
        (-0.001, "-1.0 ms"),
    ],
)
def test_clock(seconds: float, words: str) -> None:
    assert clock(seconds) == words
