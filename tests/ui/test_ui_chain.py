"""The Chain pane and the page of a certificate: what they draw, and where keys and clicks lead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make
from handshake_sample import handshake
from handshake_stage import Stage
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input, Label

from tlsviz.connection.model import Connection, SentCertificate
from tlsviz.pki import stores
from tlsviz.pki.verify import judge, judge_client
from tlsviz.tls.der.kinds import CertificateNode
from tlsviz.ui.certificates import at_certificate_field, descend
from tlsviz.ui.screens.certificate import CertificateScreen
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.selection import scene
from tlsviz.ui.widgets.certificate_lines import certificate_lines, fields
from tlsviz.ui.widgets.certificate_view import CertificateView
from tlsviz.ui.widgets.chain_lines import Target, chain_lines, drawn, targets
from tlsviz.ui.widgets.chain_pane import ChainPane
from tlsviz.ui.widgets.der_view import DerView
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.lines import Line
from tlsviz.wire.nodes import Node, lookup

LAB = stores.from_ders("lab", [ROOT.der])
OLD = make("Old Authority", ec_key(1), ROOT, ca=True, end=NOW - DAY)
OLD_LEAF = make(HOST, ec_key(3), OLD, names=(HOST,))
EVIL = "\x1b[31m[bold]red[/]\n\u202egnp.exe\x00"


def connection(*chain: Made, asked: str = HOST, store: tuple[stores.Store, ...] = (LAB,)) -> Connection:
    ders = [made.der for made in chain]
    sent = tuple(SentCertificate("server", index, der) for index, der in enumerate(ders))
    return replace(Connection(), certificates=sent, trust=judge(ders, asked, NOW, store))


def text(lines: list[Line]) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


def drawing(found: Connection, width: int = 80) -> str:
    return text([each.line for each in chain_lines(found, width)])


@asynccontextmanager
async def stage(
    size: tuple[int, int] = (120, 36), shown: Connection | None = None
) -> AsyncIterator[tuple[Pilot[None], HandshakeScreen]]:
    app = Stage(shown or handshake())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot, app.handshake


# what is drawn


def test_each_link_says_what_was_checked_and_what_was_not_to_be() -> None:
    shown = drawing(connection(LEAF, MIDDLE))
    assert shown.index("Test Root") < shown.index("Test Intermediate") < shown.index("the server's own · sent 1st")
    assert shown.count("✓ link holds: signature, names") == 2
    assert "not limited: name constraints" in shown
    assert "lab  trusted  leads to Test Root" in shown


def test_a_failed_link_names_what_failed_and_leads_to_the_field() -> None:
    lines = chain_lines(connection(OLD_LEAF, OLD), 80)
    assert "✗ link fails: dates" in text([each.line for each in lines])
    found = [target for _, _, target in targets(lines)]
    assert Target("server", OLD.der, 1, "tbsCertificate.validity.notAfter") in found
    assert found[0].der == OLD.der, "the verdict leads to its fault"


def test_stores_that_differ_are_contrasted_and_a_gap_is_a_ghost_that_says_where() -> None:
    other = stores.from_ders("other", [make("Other Root", ec_key(5), ca=True).der])
    shown = " ".join(drawing(connection(LEAF, MIDDLE, store=(other, LAB)), 120).split())
    assert "Trusted by lab, not by other:" in shown
    leaf = make(HOST, ec_key(3), MIDDLE, names=(HOST,), aia="http://ca.test/middle.der")
    shown = drawing(connection(leaf))
    assert "◌ Test Intermediate  missing" in shown
    assert "it lies at http://ca.test/middle.der" in shown


def test_the_clients_chain_is_drawn_with_its_own_verdict() -> None:
    both = connection(LEAF, MIDDLE)
    ders = [OLD_LEAF.der, OLD.der]
    sent = tuple(SentCertificate("client", index, der) for index, der in enumerate(ders))
    both = replace(both, certificates=(*both.certificates, *sent), client_trust=judge_client(ders, NOW, [LAB]))
    shown = drawing(both).partition("The client's certificates")[2]
    assert "judged as a client's" in shown
    assert "the client's own" in shown
    assert "lab  not trusted" in shown


@pytest.mark.parametrize("width", [40, 56, 78, 120])
def test_no_line_is_wider_than_the_pane_and_no_peer_can_style_it(width: int) -> None:
    authority = make(EVIL, ec_key(1), ROOT, ca=True)
    evil = make(EVIL, ec_key(3), authority, names=("a" * 60 + ".test", "b.test"))
    for found in (connection(evil, authority), connection(evil), connection(OLD_LEAF, OLD, MIDDLE, ROOT)):
        for each in chain_lines(found, width):
            line = text([each.line])
            assert cell_len(line) <= width
            assert line.isprintable()


def test_every_fact_of_a_certificate_is_of_a_field_that_is_there() -> None:
    for found in (connection(LEAF, MIDDLE), connection(OLD_LEAF, OLD)):
        graph, verdict = drawn(found, "server")
        for vertex in graph.vertices:
            lines = certificate_lines(vertex, verdict, 80)
            assert vertex.certificate is not None
            der = vertex.certificate.der
            tree = CertificateNode("certificate", 0, len(der), der)
            for _, _, field in fields(lines):
                assert not field or tree.get(field) is not None, field
            shown = text([each.line for each in lines])
            for part in ("BEGIN CERTIFICATE", "SHA-256", "sha256//", "Limits of the CA/Browser Forum", "serial"):
                assert part in shown


def test_a_field_is_found_as_far_as_it_goes() -> None:
    tree = Node("certificate", 0, 9, children=(Node("tbs", 0, 5, children=(Node("a", 0, 1), Node("b", 1, 5))),))
    assert lookup(tree, descend(tree, "tbs.b")).name == "b"
    assert lookup(tree, descend(tree, "tbs.c.d")).name == "tbs"
    assert descend(tree, "") == ()


def test_a_field_of_a_sent_certificate_is_chosen_in_its_message() -> None:
    made = at_certificate_field(scene(handshake()), "server", 1, "tbsCertificate.validity.notAfter")
    assert made.node is not None
    assert made.node.name == "notAfter"
    assert made.buffer is not None
    assert made.buffer.data[made.selection.start : made.selection.end] in handshake().certificates[1].der


# keys


async def test_the_cursor_goes_through_the_chain_and_enter_opens_the_certificate() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("4")
        pane = screen.query_one(ChainPane)
        assert pane.has_focus
        seen = []
        for _ in range(12):
            seen.append(pane.target)
            await pilot.press("down")
        assert len({target.der for target in seen if target}) == 3
        while pane.target is not None and (pane.target.index != 1 or pane.target.field):
            await pilot.press("up")
        await pilot.press("enter")
        await pilot.pause()
        page = pilot.app.screen
        assert isinstance(page, CertificateScreen)
        assert page.vertex.index == 1
        await pilot.press("escape")
        assert pilot.app.screen is screen


async def test_the_first_step_goes_from_the_verdict_to_the_certificate_at_fault() -> None:
    async with stage(shown=replace(handshake(), **judged_of(OLD_LEAF, OLD))) as (pilot, screen):
        await pilot.press("4")
        pane = screen.query_one(ChainPane)
        assert pane.target is not None and pane.target.field == "tbsCertificate.validity.notAfter"
        await pilot.press("down")
        assert pane.target == Target("server", OLD.der, 1)
        await pilot.press("up")
        assert pane.target.der == ROOT.der, "what lies between is still on the way"


def judged_of(*chain: Made) -> dict[str, Any]:
    """What a connection with these certificates has of them."""
    found = connection(*chain)
    return {"certificates": found.certificates, "trust": found.trust}


async def page_of(pilot: Pilot[None], connection: Connection, index: int, field: str = "") -> CertificateScreen:
    target = Target("server", connection.certificates[index].der, index, field)
    page = CertificateScreen(connection, target)
    await pilot.app.push_screen(page)
    await pilot.pause()
    await pilot.pause()
    return page


async def test_the_facts_light_their_bytes_and_enter_goes_to_them_in_the_handshake() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("4")
        pane = screen.query_one(ChainPane)
        while pane.target is None or pane.target.index != 0 or pane.target.field:
            await pilot.press("down")
        await pilot.press("enter")
        await pilot.pause()
        page = pilot.app.screen
        assert isinstance(page, CertificateScreen)
        view, tree = page.query_one(CertificateView), page.query_one(DerView)
        while view.field != "tbsCertificate.serialNumber":
            await pilot.press("down")
        lit = [at for at in range(tree.line_count()) if "on selection" in tree.line(at)[0][1]]
        assert "serialNumber" in text([tree.line(lit[0])])
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.screen is screen
        assert screen.scene is not None
        assert screen.scene.node is not None
        assert screen.scene.node.name == "serialNumber"


async def test_left_and_right_go_through_the_chain_of_certificates() -> None:
    async with stage() as (pilot, _):
        page = await page_of(pilot, handshake(), 0)
        names = []
        for _ in range(3):
            names.append(page.vertex.name)
            await pilot.press("right")
        assert len(set(names)) == 3
        assert page.vertex.name == names[0]
        await pilot.press("left")
        assert page.vertex.index is None, "the root was not sent"
        assert page.check_action("bytes", ()) is False


async def test_the_certificate_is_saved_as_pem_but_never_over_another_file(tmp_path: Path) -> None:
    async with stage() as (pilot, _):
        page = await page_of(pilot, handshake(), 0)
        await pilot.press("w")
        box = page.query_one("#file", Input)
        saving = page.query_one("#saving")
        await pilot.pause()
        bar = "".join(part for line in page.query_one(KeyBar).lines(100) for part, _ in line)
        assert saving.display and str(saving.query_one(Label).render()) == "save as"
        assert "⏎ save" in bar and "esc back" in bar
        assert box.value == "www.lab.test.pem"
        target = tmp_path / "leaf.pem"
        box.value = str(target)
        await pilot.press("enter")
        await pilot.pause()
        assert target.read_text().startswith("-----BEGIN CERTIFICATE-----\n")
        assert not saving.display
        target.write_text("mine")
        await pilot.press("w")
        box.value = str(target)
        await pilot.press("enter")
        await pilot.pause()
        assert target.read_text() == "mine"
        assert saving.display, "another name may be given"
        await pilot.press("escape")
        assert not saving.display
        assert pilot.app.screen is page


async def test_the_pem_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as (pilot, _):
        await page_of(pilot, handshake(), 0)
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        await pilot.press("c")
        assert copied
        assert copied[0].startswith("-----BEGIN CERTIFICATE-----\n")


async def test_where_there_is_little_room_facts_and_bytes_take_turns() -> None:
    async with stage((80, 24)) as (pilot, _):
        page = await page_of(pilot, handshake(), 0)
        facts, tree = page.query_one(CertificateView), page.query_one(DerView)
        assert (facts.display, tree.display) == (True, False)
        await pilot.press("d")
        assert (facts.display, tree.display) == (False, True)
        await pilot.press("escape")
        assert (facts.display, tree.display) == (True, False)


def test_the_bar_and_the_verdict_say_alike_how_long_ago_it_expired() -> None:
    shown = drawing(connection(OLD_LEAF, OLD))
    assert "expired 24 hours earlier" in shown and "hours before" not in shown
