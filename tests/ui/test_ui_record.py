"""The lens on a record: pure drawing, and the pane driven by keys and mouse."""

from __future__ import annotations

import pytest
from handshake_sample import handshake
from handshake_stage import NARROW, NORMAL, WIDE, node, shown, stage, title
from rich.cells import cell_len
from test_ui_panes import at, text

from tlsviz.connection.lens import anatomy
from tlsviz.ui.widgets.byte_view import carriers
from tlsviz.ui.widgets.record_bars import bars, eavesdropper, sealing
from tlsviz.ui.widgets.record_pane import RecordPane, sheet
from tlsviz.ui.widgets.record_rows import byte_at, draw, fold, layout, lit_rows, rows

WIDTHS = [30, 46, 63, 80, 104, 130]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("step", ["ClientHello", "Certificate", "Finished"])
def test_every_byte_stands_in_its_place_on_both_sides(width: int, step: str) -> None:
    made = at(step)
    drawn = sheet(made, carriers(made)[0])
    grid = layout(width)
    clear = drawn.taken.scheme == "clear"
    seen_wire: list[int] = []
    seen_inside: list[int] = []
    for row in rows(drawn, grid.columns):
        line = text([draw(drawn, row, grid, max(width, 60))])
        for x in range(len(line)):
            found = byte_at(row, grid, x, clear)
            if found is None:
                continue
            wire, offset = found
            (seen_wire if wire else seen_inside).append(offset)
            data = drawn.record.buffer.data if wire or clear else drawn.inside
            if line[x : x + 2] != f"{data[offset]:02x}":  # the second half of a byte, or its character
                char = chr(data[offset]) if 32 <= data[offset] < 127 else "·"
                assert line[x] == f"{data[offset]:02x}"[1] or line[x] == char
    assert sorted(set(seen_wire)) == list(range(len(drawn.record.buffer.data)))
    if not clear:
        assert sorted(set(seen_inside)) == list(range(len(drawn.inside)))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bars_fill_the_width_and_what_was_inside_stands_below_its_ciphertext(width: int) -> None:
    made = at("Certificate")
    record = carriers(made)[0]
    lines = bars(record, anatomy(made.connection, record), width)
    assert all(cell_len(text([line])) <= width for line in lines)
    if width >= 46:
        wire, _, inside = (text([line]) for line in lines)
        assert wire.index("cipher") == inside.index("content" if "content" in inside else "says")


def test_long_content_is_folded_around_what_is_selected() -> None:
    made = at("Certificate").at_byte(500)
    drawn = sheet(made, carriers(made)[0])
    every = rows(drawn, 8)
    lit = lit_rows(drawn, every)
    few = fold(every, 20, lit)
    assert len(few) <= 20
    assert every[lit[0]] in few
    hidden = sum(row.hidden for row in few)
    assert hidden + sum(1 for row in few if not row.hidden) == len(every)
    assert [row for row in few if row.kind == "tag"] == [row for row in every if row.kind == "tag"]
    assert fold(every, len(every), lit) == every


def test_secrets_are_masked_until_asked_for() -> None:
    made = at("Finished")
    record = carriers(made)[0]
    taken = anatomy(made.connection, record)
    assert taken.recipe is not None
    nonce = taken.recipe.result.hex()
    masked = text(sealing(record, taken, 80, False)).replace(" ", "")
    assert nonce not in masked
    assert nonce in text(sealing(record, taken, 80, True)).replace(" ", "")


def test_it_says_what_an_eavesdropper_keeps() -> None:
    made = at("Certificate")
    record = carriers(made)[0]
    said = text(eavesdropper(made.connection, record, anatomy(made.connection, record), 100))
    assert "● the type application_data" in said
    assert "○ that it is handshake: Certificate" in said
    hello = at("ClientHello")
    record = carriers(hello)[0]
    said = text(eavesdropper(hello.connection, record, anatomy(hello.connection, record), 100))
    assert "● everything" in said
    assert "○" not in said


@pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE])
async def test_six_opens_the_lens_and_v_shows_the_nonce(size: tuple[int, int]) -> None:
    async with stage(size) as (pilot, screen):
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown", "6")
        await pilot.pause()
        pane = screen.query_one(RecordPane)
        assert title(screen) == "Certificate"
        assert pane.region.width > 60
        assert "tag: verified" in shown(pane)
        assert "••••" in shown(pane)
        await pilot.press("v")
        await pilot.pause()
        assert "••••" not in shown(pane)
        await pilot.press("p", "p")
        assert not screen.secrets, "the projector masks them again"


async def test_a_click_on_either_side_finds_the_field_and_lights_both() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("down", "down", "down", "down", "down", "6")
        await pilot.pause()
        assert title(screen) == "CertificateVerify"
        pane = screen.query_one(RecordPane)
        line = next(index for index, (_, row) in pane._rows.items() if row.kind == "content")
        grid = pane._grid
        await pilot.click(RecordPane, offset=(1 + 5 + grid.cell(5), 1 + line))
        assert node(screen) == "algorithm"
        lit = [part for part, style in pane.line(line) if "reverse" in style]
        assert len(lit) >= 2
        await pilot.click(RecordPane, offset=(1 + 5 + grid.cell(grid.columns - 1) + 4, 1 + line))
        assert node(screen) == "msg_type"


async def test_enter_or_a_click_opens_folded_rows() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("down", "down", "down", "down", "6")
        await pilot.pause()
        pane = screen.query_one(RecordPane)
        few = pane.line_count()
        line = next(index for index, (_, row) in pane._rows.items() if row.hidden)
        await pilot.click(RecordPane, offset=(12, 1 + line))
        await pilot.pause()
        assert pane.line_count() > few
        pane.focus()
        await pilot.press("enter")
        await pilot.pause()
        assert pane.line_count() == few


async def test_an_inferred_message_shows_the_records_it_must_be_in() -> None:
    async with stage(connection=handshake(keys=False)) as (pilot, screen):
        await pilot.press("down", "down", "down", "down", "6")
        await pilot.pause()
        assert title(screen) == "Certificate"
        pane = shown(screen.query_one(RecordPane))
        assert "The Certificate must be in one of these records" in pane
        assert "what it says: unknown" in pane
        assert "tag: cannot be checked" in pane


async def test_steps_without_records_say_so() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("home", "6")
        await pilot.pause()
        assert "No TLS record" in shown(screen.query_one(RecordPane))
