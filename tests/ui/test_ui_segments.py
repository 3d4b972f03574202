"""TCP's segments below the ladder: the key t, what the rows say, and that a live handshake has none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handshake_sample import handshake
from handshake_stage import NARROW, NORMAL, WIDE, stage

from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection
from tlsviz.connection.tcp import ACK, PSH, Segment, Tcp
from tlsviz.ui.widgets.ladder import LadderRows
from tlsviz.ui.widgets.ladder_lines import Drawing
from tlsviz.wire.chunks import CLIENT, SERVER

FLAGS = ACK | PSH


def captured() -> Connection:
    """The sample, its ClientHello in packets 4 and 5, of which the first was sent twice; then plain ones."""
    connection = handshake()
    hello = connection.messages[0]
    start = connection.start
    messages = (replace(hello, packets=(4, 5)), *connection.messages[1:])
    segments = (
        Segment(CLIENT, start, 4, FLAGS, 0, 300),
        Segment(CLIENT, start + 0.2, 5, FLAGS, 300, 217),
        Segment(CLIENT, start + 0.3, 6, FLAGS, 0, 300, "retransmitted", 4, 0.3),
        *(Segment(SERVER, start + 0.4, number, FLAGS, number * 10, 10) for number in range(7, 27)),
    )
    return replace(connection, messages=messages, tcp=Tcp(segments))


def text(connection: Connection, width: int, *, segments: bool) -> str:
    rows = Drawing(connection, steps(connection), width, "compact", segments).rows()
    return "\n".join("".join(piece for piece, _ in row.line) for row in rows)


@pytest.mark.parametrize("width", [50, 80, 120])
def test_rows_say_packet_bytes_and_what_is_odd(width: int) -> None:
    plain, shown = (text(captured(), width, segments=on) for on in (False, True))
    assert "packet 4" not in plain and "sent again" not in plain
    assert "packet 4 · 300 B" in shown and "packet 5 · 217 B" in shown
    assert "sent again, 300.0 ms" in shown and "packets 7 to 26" in shown
    assert max(map(len, shown.split("\n"))) <= width


def test_those_that_carried_a_message_belong_to_its_step() -> None:
    connection = captured()
    rows = Drawing(connection, steps(connection), 80, "compact", True).rows()
    hello = next(place for place, step in enumerate(steps(connection)) if step.title == "ClientHello")
    mine = ["".join(piece for piece, _ in row.line) for row in rows if row.step == hello]
    assert [sum(f"packet {number}" in line for line in mine) for number in (4, 5, 6)] == [1, 1, 0]


@pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE])
async def test_the_key_draws_them_and_leaves_them_out(size: tuple[int, int]) -> None:
    async with stage(size, captured()) as (pilot, screen):
        rows = screen.query_one(LadderRows)
        before = rows.line_count()
        await pilot.press("t")
        await pilot.pause()
        assert rows.line_count() > before
        await pilot.press("t")
        await pilot.pause()
        assert rows.line_count() == before


async def test_a_live_handshake_has_no_segments() -> None:
    async with stage(NORMAL) as (_, screen):
        assert not screen.check_action("segments", ())
