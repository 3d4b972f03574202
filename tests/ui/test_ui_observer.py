"""Other eyes on the handshake screen: the ladder redrawn, the banner, and what each observer learns."""

from __future__ import annotations

from functools import cache

import pytest
from dialogue import shake
from handshake_sample import handshake
from handshake_stage import NARROW, NORMAL, WIDE, shown, stage, title
from test_ui_panes import text

from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Connection
from tlsviz.connection.observer import OBSERVERS, Observer
from tlsviz.explain.observer import COMPARED, learned, verdict, who
from tlsviz.ui.selection import scene
from tlsviz.ui.widgets.header import ConnectionHeader
from tlsviz.ui.widgets.keys_pane import KeyGraph
from tlsviz.ui.widgets.ladder import LadderHead, LadderRows
from tlsviz.ui.widgets.ladder_lines import Drawing
from tlsviz.ui.widgets.observer_pane import ObserverBanner, ObserverPane, banner, facts, first_column
from tlsviz.ui.widgets.projector import Projector


@cache
def old(ciphers: str = "ECDHE-RSA-AES128-GCM-SHA256") -> Connection:
    return shake("1.2", ciphers, "rsa", request=b"GET /diary HTTP/1.1\r\n\r\n").connection()


def seen(connection: Connection, observer: Observer) -> dict[str, str]:
    return {fact.title: fact.seen for fact in facts(connection)[OBSERVERS.index(observer)]}


# what they learn, without an app


def test_the_certificate_is_in_the_clear_before_tls13_and_the_content_never() -> None:
    before, after = seen(old(), "eavesdropper"), seen(handshake(), "eavesdropper")
    assert (before["the certificate"], after["the certificate"]) == ("yes", "no")
    assert (before["the protocol inside"], after["the protocol inside"]) == ("yes", "partly")
    for found in (before, after):
        assert (found["the server's name"], found["the request"], found["the answer"]) == ("yes", "no", "no")
        assert found["how much, and when"] == "yes"


def test_the_servers_key_opens_rsa_key_exchange_alone() -> None:
    rsa, fresh = old("AES128-GCM-SHA256"), old()
    assert seen(rsa, "key_holder") == seen(rsa, "endpoints")
    assert seen(fresh, "key_holder") == seen(fresh, "eavesdropper")
    assert "premaster" in verdict(rsa, "key_holder")
    assert "only signs" in verdict(fresh, "key_holder")
    assert seen(rsa, "eavesdropper")["key stolen later"] == "yes"
    assert seen(fresh, "eavesdropper")["key stolen later"] == "no"


def test_what_the_ends_read_but_we_cannot_is_said_to_be_so() -> None:
    closed = handshake(keys=False)
    assert seen(closed, "endpoints")["the certificate"] == "theirs"
    assert seen(closed, "eavesdropper")["the certificate"] == "no"
    assert seen(closed, "proxy")["the protocol inside"] == "theirs"
    assert seen(closed, "key_holder")["the protocol inside"] == "partly"
    assert "keys are not here" in verdict(closed, "endpoints")


@pytest.mark.parametrize("connection", [handshake, old, Connection])
def test_every_observer_has_the_same_lines(connection: object) -> None:
    found = facts(connection())  # type: ignore[operator]
    assert len({tuple(fact.title for fact in each) for each in found}) == 1
    for observer in OBSERVERS:
        assert who(observer).what
        assert verdict(connection(), observer).endswith(".")  # type: ignore[operator]


def test_the_table_of_protocols_agrees_with_real_connections() -> None:
    rows = {row.title: row for row in COMPARED}
    for title_ in ("the server's name", "the certificate", "the protocol inside", "tickets for later"):
        assert rows[title_].tls12 == seen(old(), "eavesdropper")[title_]
        assert rows[title_].tls13 == seen(shake("1.3").connection(), "eavesdropper")[title_]


def test_values_of_others_are_not_told() -> None:
    made = scene(old()).seen_by("eavesdropper")
    told = learned(made.truth, made.connection, "eavesdropper")
    assert "diary" not in str(told)
    assert "diary" in str(learned(made.truth, made.truth, "endpoints"))


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("observer", OBSERVERS[1:])
def test_the_banner_fits(width: int, observer: Observer) -> None:
    lines = banner(scene(old()).seen_by(observer), width)
    assert len(lines) <= 4
    assert all(len(text([line])) <= width for line in lines)
    assert "Seen by a" in text(lines[:1])


def test_the_proxy_stands_between_the_ends() -> None:
    drawing = Drawing(handshake(), steps(handshake()), 60, "compact")
    for height in (1, 3):
        drawn = text(drawing.head(height, "proxy"))
        assert drawn.index("client") < drawn.index("proxy") < drawn.index("server")
        assert "proxy" not in text(drawing.head(height))


# the same place in another view


def test_the_selection_stays_with_the_message_or_what_is_left_of_it() -> None:
    made = scene(handshake())
    for place in range(len(made.steps)):
        here = made.at_step(place)
        there = here.seen_by("eavesdropper")
        assert here.step is not None
        assert there.step is not None
        assert there.step.sender == here.step.sender
        assert there.step.time <= here.step.time
        assert there.step.flight == here.step.flight
    hello = made.at_step(3).next_field(1).next_field(1).next_field(1)
    assert hello.seen_by("eavesdropper").selection.path == hello.selection.path
    certificate = made.at_message(4)
    assert certificate.seen_by("eavesdropper").seen_by("endpoints").selection == certificate.selection


def test_a_newer_snapshot_is_seen_with_the_same_eyes() -> None:
    made = scene(handshake(3)).seen_by("eavesdropper").with_connection(handshake())
    assert made.observer == "eavesdropper"
    assert made.truth is handshake()
    assert all(run.plaintext is None for run in made.connection.application)


# on the screen


async def test_o_goes_round_the_observers_and_redraws_everything() -> None:
    async with stage() as (pilot, screen):
        ladder, strip = screen.query_one(LadderRows), screen.query_one(ObserverBanner)
        assert not strip.region
        assert "GET /" in shown(ladder)
        await pilot.press("o")
        await pilot.pause()
        assert strip.region.height >= 2
        assert "GET /" not in shown(ladder)
        assert "encrypted records" in shown(ladder)
        assert "trust unknown" in text(screen.query_one(ConnectionHeader).lines(120))
        await pilot.press("7")
        await pilot.pause()
        assert "●" not in shown(screen.query_one(KeyGraph))
        await pilot.press("o", "o")
        await pilot.pause()
        assert "GET /" in shown(ladder)
        assert "proxy" in text(screen.query_one(LadderHead).lines(52))
        await pilot.press("o")
        await pilot.pause()
        assert not strip.region
        assert "●" in shown(screen.query_one(KeyGraph))


@pytest.mark.parametrize("size", [NARROW, NORMAL, WIDE])
async def test_eight_says_what_they_learn_and_a_click_chooses_whose_eyes(size: tuple[int, int]) -> None:
    async with stage(size) as (pilot, screen):
        await pilot.press("8")
        await pilot.pause()
        pane = screen.query_one(ObserverPane)
        assert "Both endpoints" in shown(pane)
        border = 0 if size == NARROW else 1
        await pilot.click(ObserverPane, offset=(border + first_column(pane.width) + 8, border + pane._columns + 2))
        await pilot.pause()
        assert screen.scene is not None
        assert screen.scene.observer == "eavesdropper"
        assert "A passive eavesdropper" in shown(pane)
        assert "hidden" in shown(pane)
        await pilot.click(ObserverBanner, offset=(3, 0))
        await pilot.pause()
        assert screen.scene.observer == "key_holder"


async def test_the_projector_says_whose_eyes_these_are() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("p", "o")
        await pilot.pause()
        projector = screen.query_one(Projector)
        assert not screen.query_one(ObserverBanner).region
        assert "Seen by a passive eavesdropper" in text(projector.lines(120)[:1])
        await pilot.press("pagedown")
        assert title(screen) == "ServerHello"


async def test_a_running_handshake_is_followed_with_other_eyes() -> None:
    async with stage(connection=handshake(3), running=True) as (pilot, screen):
        await pilot.press("o")
        screen.show(handshake(), running=False)
        await pilot.pause()
        assert "GET /" not in shown(screen.query_one(LadderRows))
        await pilot.press("o", "o", "o")
        await pilot.pause()
        assert "GET /" in shown(screen.query_one(LadderRows))
