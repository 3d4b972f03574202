"""The key schedule on the screen: the graph, the derivation, and the ways from them to messages."""

from __future__ import annotations

from functools import cache

import pytest
from dialogue import shake
from handshake_sample import handshake
from handshake_stage import NARROW, NORMAL, WIDE, node, shown, stage, title
from rich.cells import cell_len

from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import key_schedule
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.key_detail import detail
from tlsviz.ui.widgets.key_graph import GraphLine, graph, spans
from tlsviz.ui.widgets.keys_pane import KeyDetail, KeyGraph, KeysPane
from tlsviz.ui.widgets.ladder import LadderRows


@cache
def old(ciphers: str = "ECDHE-RSA-AES128-SHA", version: str = "1.0") -> Connection:
    return shake(version, ciphers, "rsa").connection()


def text(lines: list[GraphLine]) -> str:
    return "\n".join("".join(bit.text for bit in line) for line in lines)


def drawn(connection: Connection, width: int = 63, secrets: bool = False, height: int = 18) -> list[GraphLine]:
    return graph(key_schedule(connection), width, height, secrets=secrets, proofs={})


@pytest.mark.parametrize("width", [40, 63, 80, 130])
@pytest.mark.parametrize("connection", [handshake, old, lambda: old("AES128-GCM-SHA256", "1.2")])
def test_every_value_is_drawn_and_fits(width: int, connection: object) -> None:
    made = connection()  # type: ignore[operator]
    lines = drawn(made, width)
    assert all(sum(cell_len(bit.text) for bit in line) <= width for line in lines)
    there = {span.node for span in spans(lines)}
    wanted = {each.id for each in key_schedule(made).nodes if each.kind != "constant"}
    assert wanted <= there if width >= 63 else there


def test_the_graph_of_tls13_runs_down_its_three_secrets() -> None:
    lines = text(drawn(handshake()))
    assert lines.index("Early Secret") < lines.index("Handshake Secret") < lines.index("Main Secret")
    assert "├─ c hs traffic ─▶ ● client_handshake_traffic_secret" in lines
    assert "├◀─ ◌ (EC)DHE by X25519MLKEM768" in lines
    assert "finished_key → ○ verify_data" in lines


def test_the_key_block_is_cut_into_its_parts() -> None:
    lines = drawn(old())
    place = next(at for at, line in enumerate(lines) if "MAC key 20" in text([line]))
    offsets, parts, sides = (text([line]) for line in lines[place - 1 : place + 2])
    assert offsets.split() == ["0", "20", "40", "56", "72", "88"]
    assert parts.split() == ["MAC", "key", "20"] * 2 + ["key", "16"] * 2 + ["IV", "16"] * 2
    assert sides.split() == ["client", "server"] * 3
    ids = [span.node for span in spans([lines[place]])]
    assert ids[:3] == ["client_write_MAC_key", "server_write_MAC_key", "client_write_key"]


def test_values_are_masked_until_asked_for_and_unknown_ones_say_why() -> None:
    connection = handshake()
    schedule = key_schedule(connection)
    known = schedule.node("server_handshake_traffic_secret")
    assert known is not None
    assert known.value is not None
    start = known.value.hex(" ", 2)[:9]
    assert start not in text(drawn(connection, 130))
    assert start in text(drawn(connection, 130, True))
    masked = detail(connection, schedule, known, 80, False)
    assert not any(start in "".join(part for part, _ in line) for line, _ in masked)
    assert any(start in "".join(part for part, _ in line) for line, _ in detail(connection, schedule, known, 80, True))
    unknown = schedule.node("main_secret")
    assert unknown is not None
    said = "".join(part for line, _ in detail(connection, schedule, unknown, 80, True) for part, _ in line)
    assert "? the key log holds traffic secrets" in said


def test_without_keys_everything_secret_is_unknown() -> None:
    lines = drawn(handshake(keys=False))
    assert "●" not in text(lines)
    assert "◌ client_handshake_traffic_secret" in text(lines)


def test_nothing_chosen_is_said() -> None:
    assert "No key schedule" in text(drawn(handshake(3)))


@pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE])
async def test_keys_walk_through_the_graph_and_on_to_the_derivation(size: tuple[int, int]) -> None:
    async with stage(size) as (pilot, screen):
        await pilot.press("7")
        await pilot.pause()
        pane = screen.query_one(KeysPane)
        assert pane.chosen == "handshake_secret"
        assert screen.query_one(KeyGraph).has_focus
        await pilot.press("down")
        assert pane.chosen == "client_handshake_traffic_secret"
        await pilot.press("down", "right")
        assert pane.chosen == "client_handshake_traffic_secret.verify_data"
        await pilot.press("left", "left", "left")
        assert pane.chosen == "client_handshake_traffic_secret.key"
        await pilot.press("up")
        assert pane.chosen == "client_handshake_traffic_secret"
        words = screen.query_one(KeyDetail)
        assert 'made by Derive-Secret "c hs traffic"' in " ".join(shown(words).split())
        await pilot.press("enter")
        assert words.has_focus
        await pilot.press("enter")
        assert pane.chosen == "handshake_secret"
        await pilot.press("escape")
        assert screen.query_one(KeyGraph).has_focus
        assert screen.app.left == 0  # type: ignore[attr-defined]


async def test_the_ladder_marks_the_messages_that_were_hashed_and_a_line_leads_to_them() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("end", "7", "down")
        await pilot.pause()
        assert screen.covered == (0, 1)
        ladder = screen.query_one(LadderRows)
        marked = [
            index
            for index in range(ladder.line_count())
            if ladder.line(index) and ladder.line(index)[0][0] == glyphs().full
        ]
        assert len(marked) == 2
        words = screen.query_one(KeyDetail)
        line = next(at for at, (_, target) in enumerate(words._lines) if target and target.message == 1)
        words.scroll_to(y=line, animate=False)
        await pilot.pause()
        await pilot.click(KeyDetail, offset=(14, 1 + line - words.scroll_offset.y))
        await pilot.pause()
        assert title(screen) == "ServerHello"
        await pilot.press("1")
        await pilot.pause()
        assert screen.covered == ()


async def test_what_was_sent_leads_to_its_bytes() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("7")
        await pilot.pause()
        graph_ = screen.query_one(KeyGraph)
        span = next(span for span in graph_._spans if span.node == "server_share")
        await pilot.click(KeyGraph, offset=(span.start + 1, span.line - graph_.scroll_offset.y))
        await pilot.pause()
        assert screen.query_one(KeysPane).chosen == "server_share"
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert title(screen) == "ServerHello"
        assert node(screen) == "key_exchange"
        assert screen.pane == "fields"


async def test_v_shows_the_values_and_the_projector_masks_them() -> None:
    async with stage(WIDE) as (pilot, screen):
        await pilot.press("7", "down")
        await pilot.pause()
        assert "••••" in shown(screen.query_one(KeyGraph))
        await pilot.press("v")
        await pilot.pause()
        assert "••••" not in shown(screen.query_one(KeyGraph))
        assert "••••" not in shown(screen.query_one(KeyDetail))
        await pilot.press("p", "p")
        await pilot.pause()
        assert "••••" in shown(screen.query_one(KeyGraph))


def test_what_does_not_fit_beside_a_value_s_name_stands_below() -> None:
    connection = handshake()
    schedule = key_schedule(connection)
    node = schedule.node("handshake_secret")
    assert node is not None
    for width in (42, 50, 80):
        lines = ["".join(part for part, _ in line) for line, _ in detail(connection, schedule, node, width, True)]
        use = schedule.node("client_handshake_traffic_secret")
        assert use is not None and use.value is not None
        at = next(at for at, line in enumerate(lines) if "client_handshake_traffic_secret" in line)
        assert use.value[:6].hex(" ", 2) in "".join(lines[at : at + 2])
        assert all(cell_len(line) <= width and line.strip() for line in lines)
