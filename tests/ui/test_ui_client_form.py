"""What the client says, as a form: filled from the last run, checked, and run, with the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from shellhelp import make_app, shown, until
from textual.widgets import Input

from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target
from tlsviz.ui.client_fields import FIELDS, FieldError, choices, hint, request, texts
from tlsviz.ui.screens.client_form import ClientFormScreen
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.screens.home import HomeScreen
from tlsviz.ui.workers import Live

SIZES = [(80, 24), (120, 36), (200, 50)]


@pytest.fixture
def server() -> Iterator[LabServer]:
    authority = Authority()
    with LabServer(ServerSettings(), authority.server(), authority) as running:
        yield running


def test_what_is_filled_in_becomes_the_options_again(tmp_path: Path) -> None:
    pem = tmp_path / "ca.pem"
    pem.write_text("")
    before = LiveOptions(
        servername="",
        resolve="127.0.0.1:8443",
        profile="chrome",
        min_version="1.2",
        max_version="1.3",
        ciphers="TLS_AES_128_GCM_SHA256",
        groups="X25519",
        sigalgs="ecdsa_secp256r1_sha256",
        alpn=("h2",),
        ca=pem,
        starttls="smtp",
        proxy="http://alice:s3cret@127.0.0.1:3128",
        timeout=2.5,
        resume=2,
        step=True,
    )
    filled = texts("mail.test:587", before)
    assert set(filled) == {field.name for field in FIELDS}
    assert not [value for value in filled.values() if "s3cret" in value or "alice" in value]
    again = request(filled, before)
    assert (again.target.host, again.target.port) == ("mail.test", 587)
    assert again.options == before


def test_an_empty_form_means_the_defaults() -> None:
    filled = dict.fromkeys((field.name for field in FIELDS), "")
    made = request(filled | {"target": "a.test", "alpn": "http/1.1"}, LiveOptions())
    assert made.options == LiveOptions()


def test_mail_is_not_offered_http() -> None:
    filled = texts("mail.test:25", LiveOptions()) | {"starttls": "smtp"}
    made = request(filled, LiveOptions()).options
    assert made is not None
    assert made.alpn == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", ""),
        ("target", "exa mple"),
        ("target", "http://plain.test"),
        ("servername", "not a name"),
        ("resolve", "a.test"),
        ("profile", "netscape"),
        ("min", "1.9"),
        ("ciphers", "nonsense"),
        ("groups", "nonsense"),
        ("sigalgs", "nonsense"),
        ("cert", "/not/there.pem"),
        ("cert", __file__),
        ("key", "/not/there.pem"),
        ("ca", "/not/there.pem"),
        ("starttls", "gopher"),
        ("proxy", "https://u:p@h:1"),
        ("timeout", "soon"),
        ("timeout", "0"),
        ("timeout", "nan"),
        ("resume", "-1"),
        ("resume", "inf"),
        ("step", "perhaps"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(field: str, value: str) -> None:
    with pytest.raises(FieldError) as wrong:
        request(texts("a.test", LiveOptions()) | {field: value}, LiveOptions())
    assert wrong.value.field == field
    assert wrong.value.error.title


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_says_what_may_stand_in_it(field: object) -> None:
    assert "{" not in hint(field)  # type: ignore[arg-type]
    for choice in choices(field.name):  # type: ignore[attr-defined]
        assert choice in hint(field)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
async def test_change_and_run_again_by_keyboard_alone(server: LabServer, tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path, Live(Target("127.0.0.1", server.port), LiveOptions(stores=(), servername="lab.test")))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen) and not app.screen.running)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ClientFormScreen))
        text = shown(app)
        for field in FIELDS:
            assert field.label in text
        assert app.screen.query_one("#field-servername", Input).value == "lab.test"
        await pilot.press(*["down"] * 3, *"1.7", "enter")
        await until(pilot, lambda: "not a TLS version" in shown(app))
        focused = app.focused
        assert isinstance(focused, Input)
        assert focused.id == "field-min"
        await pilot.press("ctrl+u", "down", *"1.2", "enter")
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen) and not app.screen.running)
        screen = app.screen
        assert isinstance(screen, HandshakeScreen)
        assert screen.scene is not None
        assert str(screen.scene.truth.version) == "TLS 1.2"
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ClientFormScreen))
        assert app.screen.query_one("#field-max", Input).value == "1.2"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)


async def test_the_form_begins_with_what_is_typed_at_home(server: LabServer, tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        await pilot.press(*f"127.0.0.1:{server.port}", "f2")
        await until(pilot, lambda: isinstance(app.screen, ClientFormScreen))
        assert app.screen.query_one("#field-target", Input).value == f"127.0.0.1:{server.port}"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, HandshakeScreen) and not app.screen.running)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
