"""What the panes draw, without an app: values, bytes, cipher, chain, header, big letters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handshake_sample import SOURCE, failed, handshake
from rich.cells import cell_len

from tlsviz.connection.model import CodePoint
from tlsviz.tls.suites import suite
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import Scene, scene
from tlsviz.ui.widgets import byte_view, bytes_pane, cipher_pane, explain_pane, header, time_line
from tlsviz.ui.widgets.big_text import big_lines, words_of
from tlsviz.ui.widgets.lines import Line, clip, fit, wrap
from tlsviz.ui.widgets.projector import slide
from tlsviz.ui.widgets.values import summary, value_words
from tlsviz.wire.nodes import Node, lookup, path_at, walk


def text(lines: list[Line]) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


def at(title: str, made: Scene | None = None) -> Scene:
    made = made or scene(handshake())
    return made.at_step(next(index for index, step in enumerate(made.steps) if step.title == title))


# the selection


def test_the_story_starts_at_the_first_message_and_a_failed_one_where_it_failed() -> None:
    step = scene(handshake()).step
    assert step is not None
    assert step.title == "ClientHello"
    assert scene(failed()).step.title == "ClientHello"  # type: ignore[union-attr]


def test_a_byte_selects_its_deepest_field_and_the_fields_own_bytes() -> None:
    made = at("ServerHello")
    chosen = made.at_byte(10).selection
    assert made.tree is not None
    assert chosen.path == path_at(made.tree, 10)
    assert (chosen.start, chosen.end) == (6, 38)
    assert lookup(made.tree, chosen.path or ()).name == "random"


def test_fields_are_walked_in_wire_order_and_back_to_the_whole_message() -> None:
    made = at("ServerHello")
    first = made.next_field(1)
    assert first.node is not None
    assert first.node.name == "msg_type"
    assert first.next_field(-1).selection.path is None
    count = sum(1 for _ in walk(made.tree or Node("", 0, 0)))
    last = made
    for _ in range(count + 5):
        last = last.next_field(1)
    assert last.node is not None
    assert last.node.end == len(made.buffer.data if made.buffer else b"")


def test_a_newer_snapshot_keeps_the_place() -> None:
    before = at("ClientHello", scene(handshake(3))).next_field(1).next_field(1)
    after = before.with_connection(handshake())
    assert after.selection == before.selection
    assert len(after.steps) > len(before.steps)


# values


def test_values_in_words() -> None:
    assert value_words(Node("version", 0, 2, 0x0303, "TLS 1.2")) == "TLS 1.2  0x0303"
    assert value_words(Node("version", 0, 2, 0x0303, "TLS 1.2"), 8) == "TLS 1.2"
    assert value_words(Node("length", 0, 2, 1550)) == "1,550"
    assert value_words(Node("random", 0, 4, b"\1\2\3\4")) == "01 02 03 04"
    parts = (Node("length", 0, 2, 4), Node("g", 2, 4, 29, "x25519"), Node("g", 4, 6, 23, "secp256r1"))
    assert summary(Node("groups", 0, 6, None, None, parts)) == "2: x25519, secp256r1"


# bytes


def test_one_line_of_bytes() -> None:
    section = byte_view.sections(at("ServerHello"), records=False)[0]
    line = text([bytes_pane.draw(section, 0, bytes_pane.grid(80))])
    assert line.startswith("0000 02 00 04 b6 03 03")


@pytest.mark.parametrize("width", [24, 40, 62, 74, 130])
def test_every_byte_can_be_hit_in_hex_and_ascii(width: int) -> None:
    layout = bytes_pane.grid(width)
    section = byte_view.sections(at("ServerHello"), records=False)[0]
    line = text([bytes_pane.draw(section, 0, layout)])
    assert cell_len(line) <= max(width, 24)
    for column in range(layout.columns):
        x = bytes_pane.OFFSET + layout.cell(column)
        assert line[x : x + 2] == f"{section.buffer.data[column]:02x}"
        assert bytes_pane.column_at(layout, x) == bytes_pane.column_at(layout, x + 1) == column
        if layout.ascii:
            first = bytes_pane.OFFSET + layout.cell(layout.columns - 1) + 4
            assert bytes_pane.column_at(layout, first + column) == column


def test_a_decrypted_field_lights_the_ciphertext_that_carried_it() -> None:
    made = at("Finished").at_byte(6)
    (record,) = byte_view.sections(made, records=True)
    (start, end), *_ = record.lit
    assert end - start == made.selection.end - made.selection.start
    assert record.buffer.data[start:end] != made.buffer.data[4:52]  # type: ignore[union-attr]
    assert byte_view.own_offset(made.buffer, record.buffer, start) == made.selection.start  # type: ignore[arg-type]


def test_a_byte_of_the_record_header_is_of_no_field() -> None:
    made = at("Finished")
    (record,) = byte_view.sections(made, records=True)
    assert made.buffer is not None
    assert byte_view.own_offset(made.buffer, record.buffer, 0) is None


# cipher


@pytest.mark.parametrize("code", [0x1301, 0xC02F, 0x009C, 0x000A, 0xC0AC, 0x0033])
@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_parts_of_a_suite_are_called_out_in_order(code: int, width: int) -> None:
    known = suite(code)
    assert known is not None
    point = handshake().cipher_suite
    assert point is not None
    point = point._replace(code=code, name=known.name)
    lines = cipher_pane.callouts(point, known, width)
    assert all(cell_len(text([line])) <= max(width, len(known.name) + 12) for line in lines)
    drawn = text(lines[2:])
    meanings = [meaning for part, meaning in cipher_pane._parts(known) if part in known.name]
    places = [drawn.index(meaning.split(":")[0] + ":") for meaning in reversed(meanings)]
    assert len(places) >= 2
    assert places == sorted(places)


def test_the_chosen_suite_is_marked_among_the_offered() -> None:
    drawn = text(cipher_pane.offers(handshake(), 100))
    assert "● 0x1302  TLS_AES_256_GCM_SHA384  ← chosen" in drawn
    assert "○ 0x1301" in drawn
    assert "no forward secrecy" in drawn


# chain


def test_the_validity_bar_marks_now() -> None:
    signs = glyphs()
    assert time_line.bar_of(0.5, 10, signs) == "═════●────"
    assert time_line.bar_of(-3, 6, signs) == "●─────"
    assert time_line.bar_of(9, 6, signs) == "═════●"


def test_a_message_has_one_size_wherever_it_is_said() -> None:
    made = at("ClientHello")
    assert made.step is not None
    assert made.buffer is not None
    count = len(made.buffer.data)
    assert f"{count:,} B" in made.step.detail
    assert f"{count:,} bytes" in text(explain_pane._title(made, made.step, 80))


# header and projector


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_header_fits_and_drops_the_least_important(width: int) -> None:
    line = text([header.summary(handshake(), SOURCE, width)])
    assert cell_len(line) == width
    assert ("✓ trusted" in line) == (width >= 40)


def test_the_header_says_why_a_connection_failed() -> None:
    drawn = text(header.diagnosis(failed(), 80))
    assert "✗ The server did not answer" in drawn
    assert "→ Try another port." in drawn


def test_the_first_line_says_that_it_failed_before_all_that_went_well() -> None:
    made = replace(failed(), version=handshake().version, trust=handshake().trust)
    line = text([header.summary(made, SOURCE, 80)])
    assert line.index("✗ failed") < line.index("TLS 1.3")
    assert "trusted" not in line, "no certificate was seen"
    assert "failed" not in text([header.summary(handshake(), SOURCE, 200)])


def test_the_suite_in_the_header_gives_up_its_key_exchange_first() -> None:
    made = replace(handshake(), cipher_suite=CodePoint(0xC02F, 2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"))
    assert "ECDHE-RSA AES-128-GCM" in text([header.summary(made, SOURCE, 120)])
    forms = {text([header.summary(made, SOURCE, width)]).partition("TLS 1.3")[2] for width in range(60, 100)}
    assert any("AES-128-GCM" in line and "ECDHE" not in line for line in forms)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36), (200, 50)])
def test_every_slide_fits_and_keeps_secrets(size: tuple[int, int]) -> None:
    made = scene(handshake())
    for index in range(len(made.steps)):
        here = made.at_step(index)
        assert here.step is not None
        lines = slide(here, here.step, *size)
        assert len(lines) == size[1]
        assert all(cell_len(text([line])) <= size[0] for line in lines)
        assert f"{index + 1} of {len(made.steps)}" in text(lines[:1])
        assert "GET /" not in text(lines)


def test_big_letters() -> None:
    assert words_of("CertificateVerify") == ["Certificate", "Verify"]
    lines = big_lines("ServerHello", 60)
    assert lines is not None
    assert len(lines) == 3
    assert big_lines("ServerHello", 30) is not None
    assert len(big_lines("ServerHello", 30) or []) == 7
    assert big_lines("Extraordinary", 20) is None


# text


def test_text_is_cut_and_wrapped_by_cells() -> None:
    assert fit("漢字漢字", 5) == "漢字…"
    assert cell_len(clip("漢字漢字漢字", 6)) <= 6
    assert wrap("one two three", 7) == ["one two", "three"]
    assert all(cell_len(part) <= 4 for part in wrap("漢字漢字漢字 abcdefghij", 4))
    assert "".join(wrap("漢字漢字漢字", 4)) == "漢字漢字漢字"


def test_a_scene_without_steps_is_harmless() -> None:
    empty = scene(replace(handshake(2), marks=()))
    assert empty.step is None
    assert empty.next_field(1).at_step(5).at_byte(3).node is None
    assert byte_view.sections(empty, records=True) == []
