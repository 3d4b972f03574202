"""What a person would meet: each client's page and its cause, the keys of the screen, and the projector's slides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make
from handshake_sample import handshake
from rich.cells import cell_len
from test_ui_chain import EVIL, LAB, OLD, OLD_LEAF, connection, stage, text

from tlsviz.connection.model import Connection
from tlsviz.explain.browsers import READERS, advice, page, pages
from tlsviz.pki import stores
from tlsviz.pki.verify import judge
from tlsviz.ui.screens.browser import BrowserScreen
from tlsviz.ui.widgets.browser_lines import beside, tab_at, tabs, window
from tlsviz.ui.widgets.chain_lines import drawn
from tlsviz.ui.widgets.chain_slides import chain_slides
from tlsviz.ui.widgets.projector import drawn as slide_lines


def trust(*chain: Made, asked: str = HOST, store: stores.Store = LAB):
    return judge([made.der for made in chain], asked, NOW, [store])


@pytest.mark.parametrize(
    ("chain", "asked", "chrome", "firefox", "said"),
    [
        ((OLD_LEAF, OLD), HOST, "NET::ERR_CERT_DATE_INVALID", "SEC_ERROR_EXPIRED_ISSUER_CERTIFICATE", "1 day"),
        ((LEAF, MIDDLE), "x.test", "NET::ERR_CERT_COMMON_NAME_INVALID", "SSL_ERROR_BAD_CERT_DOMAIN", "x.test"),
        ((LEAF,), HOST, "NET::ERR_CERT_AUTHORITY_INVALID", "SEC_ERROR_UNKNOWN_ISSUER", "operating system"),
    ],
)
def test_every_client_refuses_with_its_own_code(
    chain: tuple[Made, ...], asked: str, chrome: str, firefox: str, said: str
) -> None:
    found = {one.client: one for one in pages(trust(*chain, asked=asked))}
    assert tuple(found) == READERS
    assert all(one.refuses and one.fault is not None for one in found.values())
    assert found["Chrome"].code == chrome
    assert found["Firefox"].code == f"Error code: {firefox}"
    assert found["curl"].title.startswith("curl: (60) ")
    assert "SSLHandshakeException" in found["Java"].title
    assert said in found["Chrome"].advanced or said == "1 day"
    assert "{" not in "".join(str(part) for one in found.values() for part in one[2:10])


def test_a_trusted_server_has_a_padlock_and_no_cause() -> None:
    for one in pages(trust(LEAF, MIDDLE)):
        assert not one.refuses
        assert one.fault is None
        assert one.look in ("secure", "terminal")


def test_a_revoked_certificate_stops_browsers_and_not_curl() -> None:
    found = trust(LEAF, MIDDLE)
    fault = trust(OLD_LEAF, OLD).faults[0]._replace(reason="revoked", certificate=0, detail="was revoked")
    store = found.stores[0]._replace(verdict="untrusted", reasons=("revoked",), faults=(fault,))
    revoked = found._replace(verdict="untrusted", reasons=("revoked",), faults=(fault,), stores=(store,))
    assert page(revoked, "Chrome").code == "NET::ERR_CERT_REVOKED"
    assert page(revoked, "Chrome").way_on == ""
    assert not page(revoked, "curl").refuses


def test_browsers_go_by_mozillas_store_and_curl_by_the_systems() -> None:
    mozilla = replace(stores.from_ders("x", [make("Other", ec_key(5), ca=True).der]), name="Mozilla")
    system = replace(LAB, name="system")
    both = judge([LEAF.der, MIDDLE.der], HOST, NOW, [mozilla, system])
    assert page(both, "Chrome").refuses
    assert not page(both, "curl").refuses
    assert page(both, "curl").store == "system"


def test_nothing_is_shown_where_nothing_was_judged() -> None:
    assert pages(None) == ()
    assert pages(trust(LEAF, MIDDLE)._replace(verdict="unknown")) == ()


@pytest.mark.parametrize("width", [24, 60, 76, 118])
def test_the_window_is_a_window_at_every_width_whatever_the_peer_wrote(width: int) -> None:
    evil = make(EVIL, ec_key(3), MIDDLE, names=("{code}.test", "b.test"), end=NOW - DAY)
    for verdict in (trust(evil, MIDDLE, asked="{issuer}\x1b[31m.test"), trust(OLD_LEAF, OLD), trust(LEAF, MIDDLE)):
        for one in pages(verdict):
            lines = window(one, width)
            assert len({cell_len(text([line])) for line in lines}) == 1
            assert all(text([line]).isprintable() for line in lines)


def test_the_cause_stands_on_the_chain_with_its_mend() -> None:
    found = connection(OLD_LEAF, OLD)
    assert found.trust is not None
    graph, _ = drawn(found, "server")
    lines = beside(page(found.trust, "Chrome"), graph, 60)
    shown = text([line for line, _ in lines])
    assert "✗ Old Authority" in shown
    assert "→ Send the authority's present intermediate" in shown
    assert "Old Authority" in text([line for line, leads in lines if leads])


def test_the_tabs_can_be_hit_where_they_are_drawn() -> None:
    names = [(client, False) for client in READERS]
    line = text([tabs(names, 0, 100)])
    for number, client in enumerate(READERS):
        assert tab_at(names, line.index(client)) == number


async def test_the_keys_of_the_browsers_page() -> None:
    async with stage() as (pilot, screen):
        await pilot.press("b")
        await pilot.pause()
        page_screen = pilot.app.screen
        assert isinstance(page_screen, BrowserScreen)
        assert page_screen.page is not None
        assert page_screen.page.client == "Chrome"
        await pilot.press("right", "right")
        assert page_screen.page.client == "Safari"
        await pilot.press("4")
        assert page_screen.page.client == "curl"
        await pilot.press("pagedown", "pagedown")
        assert page_screen.page.client == "Chrome"
        await pilot.press("escape")
        assert pilot.app.screen is screen


async def test_enter_goes_to_the_field_at_fault() -> None:
    good = handshake()
    ders = [sent.der for sent in good.certificates if sent.sender == "server"]
    lab = stores.from_ders("lab", [ROOT.der])
    bad = replace(good, trust=judge(ders, "other.test", NOW, [lab]))
    async with stage(shown=bad) as (pilot, screen):
        await pilot.press("b")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.screen is screen
        assert screen.scene is not None
        assert screen.scene.node is not None
        assert screen.scene.node.name == "issuer"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 36), (200, 50)])
def test_every_slide_of_the_chain_fits(size: tuple[int, int]) -> None:
    from tlsviz.ui.selection import scene

    found: Connection = replace(handshake(), certificates=connection(OLD_LEAF, OLD).certificates,
                                trust=connection(OLD_LEAF, OLD).trust)  # fmt: skip
    slides = chain_slides(found, size[0])
    assert [slide.title for slide in slides[:4]] == ["Certificate", "Intermediate", "Root", "not trusted"]
    for at, slide in enumerate(slides):
        lines = slide_lines(scene(found), slide, (at, len(slides)), "whom to trust", *size)
        assert len(lines) == size[1]
        assert all(cell_len(text([line])) <= size[0] for line in lines)


def test_a_resumed_connection_has_a_slide_that_says_so() -> None:
    (slide,) = chain_slides(Connection(), 80)
    assert slide.title == "No certificate"


def test_who_must_mend_depends_on_whose_certificate_has_expired() -> None:
    root = make("Old Root", ec_key(1), ca=True, end=NOW - DAY)
    own = make(HOST, ec_key(2), MIDDLE, names=(HOST,), end=NOW - DAY)
    under = make(HOST, ec_key(2), root, names=(HOST,))
    said = {
        "renew": trust(own, MIDDLE),
        "intermediate": trust(OLD_LEAF, OLD),
        "stores": trust(under, store=stores.from_ders("lab", [root.der])),
    }
    mends = {word: advice(page(found, "Chrome")).mend for word, found in said.items()}
    assert mends["renew"].startswith("Renew the certificate")
    assert "present intermediate" in mends["intermediate"] and "need not be renewed" in mends["intermediate"]
    assert mends["stores"].startswith("Update the clients' trust stores")
