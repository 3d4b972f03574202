"""The projector's own slides: one for each key and each part of a record, with every secret masked."""

from __future__ import annotations

from functools import cache

import pytest
from dialogue import shake
from handshake_sample import handshake
from handshake_stage import Stage
from rich.cells import cell_len
from test_ui_secrecy import NEEDLE, secrets
from test_ui_secrecy import shown as squeezed

from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import key_schedule
from tlsviz.explain.words import words
from tlsviz.ui.selection import scene
from tlsviz.ui.widgets.projector import Projector
from tlsviz.ui.widgets.projector_slides import Slide, key_slides, record_slides


@cache
def old(version: str, ciphers: str, kind: str = "rsa") -> Connection:
    return shake(version, ciphers, kind).connection()


CONNECTIONS = {
    "TLS 1.3": handshake,
    "TLS 1.2, AEAD": lambda: old("1.2", "ECDHE-RSA-AES128-GCM-SHA256"),
    "TLS 1.2, CBC": lambda: old("1.2", "ECDHE-RSA-AES128-SHA"),
    "TLS 1.0, CBC": lambda: old("1.0", "AES128-SHA"),
    "TLS 1.2, NULL": lambda: old("1.2", "NULL-SHA256"),
    "no keys": lambda: shake("1.3").connection(keys=False),
}


def parts(connection: Connection, kind: str, sender: str, width: int = 80) -> list[Slide]:
    here = scene(connection)
    place = next(
        at
        for at, step in enumerate(here.steps)
        if step.kind == "message" and connection.messages[step.index].type == kind and step.sender == sender
    )
    return record_slides(here.at_step(place), width)


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", list(CONNECTIONS))
def test_every_slide_fits_and_tells_something(name: str, width: int) -> None:
    connection = CONNECTIONS[name]()
    slides = [*key_slides(connection, key_schedule(connection), width), *parts(connection, "finished", "client", width)]
    assert len(slides) > 8
    for slide in slides:
        assert slide.title
        assert slide.texts[0]
        for line in slide.picture:
            assert sum(cell_len(text) for text, _ in line) <= width
    assert len({slide.key for slide in slides}) == len(slides)


@pytest.mark.parametrize("name", list(CONNECTIONS))
def test_no_slide_shows_a_secret(name: str) -> None:
    connection = CONNECTIONS[name]()
    values = [node.value for node in key_schedule(connection).nodes if node.secret and node.value]
    hidden = {value for value in values if len(value) >= NEEDLE}
    slides = [*key_slides(connection, key_schedule(connection), 120), *parts(connection, "finished", "client", 120)]
    text = "".join(
        "".join(piece for line in slide.picture for piece, _ in line) + slide.facts + "".join(slide.texts)
        for slide in slides
    ).replace(" ", "")
    assert not [value.hex() for value in hidden if value[:NEEDLE].hex() in text]


def test_every_derived_value_has_its_slide_with_what_it_is_made_of() -> None:
    connection = handshake()
    schedule = key_schedule(connection)
    slides = {slide.key: slide for slide in key_slides(connection, schedule, 120)}
    assert set(slides) == {step.output for step in schedule.steps}
    made = slides["client_handshake_traffic_secret"]
    picture = "\n".join("".join(text for text, _ in line) for line in made.picture)
    assert "Handshake Secret" in picture
    assert "hash of 2 messages" in picture
    assert "Derive-Secret “c hs traffic”" in picture
    assert "every message from ClientHello to ServerHello" in made.texts[1]


def test_a_record_is_shown_part_by_part() -> None:
    modern = [slide.key for slide in parts(handshake(), "finished", "client")]
    assert modern == ["record", "header", "nonce", "ciphertext", "content_type", "tag", "covered", "kept"]
    older = [slide.key for slide in parts(old("1.0", "AES128-SHA"), "finished", "client")]
    assert older[0] == "record"
    assert {"header", "iv", "padding", "mac", "kept"} <= set(older)
    closed = [slide.key for slide in parts(CONNECTIONS["TLS 1.2, CBC"](), "client_hello", "client")]
    assert closed == ["record", "header", "kept"]


def test_every_part_has_words() -> None:
    for kind in ("header", "ciphertext", "sealed", "nonce", "iv", "covered", "tag", "mac", "content_type", "padding"):
        found = words(f"part.{kind}")
        assert found is not None
        assert found.title
        assert found.why


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_page_keys_turn_the_slides(size: tuple[int, int]) -> None:
    app = Stage(handshake())
    async with app.run_test(size=size) as pilot:
        await pilot.press("7", "p")
        await pilot.pause()
        projector = app.screen.query_one(Projector)
        assert projector.subject == "keys"
        assert "howthekeysaremade" in squeezed(app)
        step, first = app.screen.scene.selection.step, projector.at  # type: ignore[attr-defined]
        await pilot.press("pagedown", "pagedown", "pageup", "down")
        assert projector.at == first + 2
        await pilot.press("end", "pagedown")
        assert projector.at == len(projector._slides(size[0])) - 1
        await pilot.press("home", "up")
        assert projector.at == 0
        assert app.screen.scene.selection.step == step  # type: ignore[attr-defined]
        for _ in range(len(projector._slides(size[0]))):
            await pilot.press("pagedown")
            await pilot.pause()
            text = squeezed(app)
            assert not [name for name, value in secrets(handshake()).items() if value[:NEEDLE].hex() in text]
        await pilot.press("escape", "6", "p")
        await pilot.pause()
        assert projector.subject == "record"
        assert "therecordof" in squeezed(app)
        await pilot.press("escape", "1", "p", "pagedown")
        await pilot.pause()
        assert projector.subject == "steps"
        assert app.screen.scene.selection.step == step + 1  # type: ignore[attr-defined]


async def test_slides_are_those_of_the_observer() -> None:
    """An eavesdropper's slides know no key."""
    app = Stage(handshake())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("o", "7", "p")
        await pilot.pause()
        text = squeezed(app)
        assert "notknownhere" in text
        assert "howthekeysaremade" in text
