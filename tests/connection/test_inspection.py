"""Whether somebody reads along: which clues make it likely, and when nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certificate_makers import HOST, NOW, Made, ec_key, make

from tlsviz.connection.findings import again, find
from tlsviz.connection.inspection import inspection, known_product, products
from tlsviz.connection.judge import judged
from tlsviz.connection.model import CodePoint, Connection, SentCertificate
from tlsviz.connection.observed import Observation
from tlsviz.pki import stores
from tlsviz.pki.certificate import read
from tlsviz.wire.chunks import SERVER

PUBLIC = make("Public Root", ec_key(0), ca=True, organization="Public")
OWN = make("Firewall Root", ec_key(3), ca=True, organization="A School")


def leaf(root: Made) -> Made:
    return make(HOST, ec_key(7), root, names=(HOST,))


def shown(
    root: Made, system: tuple[Made, ...] = (), mozilla: tuple[Made, ...] = (PUBLIC,), **more: object
) -> Connection:
    """A connection whose server shows a leaf of ``root``, judged by two stores."""
    asked = (
        stores.from_ders("Mozilla", [PUBLIC.der]),
        stores.from_ders("system", [each.der for each in (PUBLIC, *system)]),
    )
    connection = Connection(
        start=NOW.timestamp(),
        server_name=HOST,
        certificates=(SentCertificate(SERVER, 0, leaf(root).der),),
        complete=True,
        version=CodePoint(0x0303, 2, "TLS 1.2"),
        cipher_suite=CodePoint(0xC02F, 2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ja4="t13d1516h2_a_b",
        ja4s="t120300_c02f_b",
    )
    return judged(connection, asked)


def before(**changes: object) -> Observation:
    seen = Observation(HOST, 443, NOW.timestamp() - 60, True, ((), (), (), (), ()), (0x0304, 0x1301, 29, 0x0403, None))
    usual = {"ja4": "t13d1516h2_a_b", "ja4s": "t130200_1301_a", "public": True, "issuer": "CN=Public Root"}
    return seen._replace(**(usual | changes))


def clues(connection: Connection) -> set[str]:
    return {clue.code for clue in inspection(connection).clues if clue.points == "for"}


def test_a_public_chain_shows_nothing() -> None:
    found = shown(PUBLIC)
    assert inspection(found).verdict == "not seen"
    assert "inspection_likely" not in {finding.code for finding in find(found)}


def test_a_root_that_somebody_added_here_makes_it_likely() -> None:
    found = shown(OWN, system=(OWN,))
    assert inspection(found).verdict == "likely"
    assert clues(found) == {"local_root", "no_scts"}
    assert "inspection_likely" in {finding.code for finding in found.findings}


def test_an_unknown_root_alone_does_not_tell() -> None:
    assert inspection(shown(OWN)).verdict == "cannot tell"


@pytest.mark.parametrize(
    ("cn", "organization", "product"),
    [
        ("Zscaler Intermediate Root CA", "Zscaler Inc.", "Zscaler"),
        ("mitmproxy", "mitmproxy", "mitmproxy"),
        ("FortiGate CA", "Fortinet", "Fortinet FortiGate"),
        ("Avast Web/Mail Shield Root", None, "Avast"),
        ("PortSwigger CA", "PortSwigger", "Burp Suite"),
        ("DO_NOT_TRUST_FiddlerRoot", None, "Fiddler"),
    ],
)
def test_known_products_are_named(cn: str, organization: str | None, product: str) -> None:
    root = make(cn, ec_key(4), ca=True, organization=organization)
    found = inspection(shown(root))
    assert (found.verdict, found.product) == ("likely", product)


def test_a_vendors_own_website_is_not_inspected() -> None:
    site = make("www.sophos.com", ec_key(6), PUBLIC, names=("www.sophos.com",), organization="Sophos")
    assert known_product(read(site.der)) is None


def test_changes_against_earlier_handshakes() -> None:
    changed = replace(shown(OWN), earlier=(before(), before()))
    assert inspection(changed).verdict == "likely"
    assert clues(changed) == {"authority_changed", "server_fingerprint_changed", "older_version"}
    assert "inspection_likely" in {finding.code for finding in again(changed).findings}
    same = replace(shown(PUBLIC), earlier=(before(ja4s="t120300_c02f_b", chosen=(0x0303, 0xC02F, 29, None, None)),))
    assert clues(same) == set() and inspection(same).verdict == "not seen"


def test_another_hello_is_no_reason_to_wonder() -> None:
    changed = replace(shown(PUBLIC), earlier=(before(ja4="t13d0000h1_x_y"),))
    assert clues(changed) == set()


def test_no_certificate_no_verdict() -> None:
    assert inspection(Connection()).verdict == "cannot tell"
    assert "resumed" in inspection(Connection(resumed=True)).why


def test_the_data_names_every_product_once_with_its_source() -> None:
    names = [product.name for product in products()]
    assert len(set(names)) == len(names) > 20
    assert all(product.source and product.kind and product.words for product in products())
    assert all(word == word.lower() for product in products() for word in product.words)
