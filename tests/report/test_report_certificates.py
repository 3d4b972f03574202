"""The chain in the text report: every way, gap, fault and verdict; nothing that a peer wrote can inject."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, Made, ec_key, make
from cryptography import x509
from cryptography.x509.oid import NameOID

from tlsviz.connection.model import Connection, SentCertificate
from tlsviz.pki import stores
from tlsviz.pki.verify import judge
from tlsviz.report import certificates
from tlsviz.report.paint import cells, render

LAB = stores.from_ders("lab", [ROOT.der])
OTHER_ROOT = make("Other Root", ec_key(5), ca=True)
OTHER = stores.from_ders("other", [OTHER_ROOT.der])
CROSSED = make("Test Root", ec_key(0), OTHER_ROOT, ca=True, organization="Test")


def connection(*chain: Made, asked: str = HOST, store: tuple[stores.Store, ...] = (LAB,)) -> Connection:
    ders = [made.der for made in chain]
    sent = tuple(SentCertificate("server", index, der, 0) for index, der in enumerate(ders))
    return replace(Connection(), certificates=sent, trust=judge(ders, asked, NOW, store))


def printed(found: Connection, width: int = 100) -> str:
    lines = [
        *certificates.certificates(found, "server", width),
        *certificates.trust(found, "server", width),
        *certificates.vouched(found, width),
    ]
    return render(lines, False, False)


def test_a_good_chain_stands_from_the_root_down_with_its_links() -> None:
    text = printed(connection(LEAF, MIDDLE))
    assert text.index("Test Root") < text.index("Test Intermediate") < text.index("the server's own, sent 1st")
    assert text.count("link holds: signature, names") == 2
    assert "not sent, in the lab store" in text
    assert "lab  ✓ trusted      leads to Test Root" in text


def test_what_is_missing_is_a_ghost_with_its_address() -> None:
    leaf = make(HOST, ec_key(3), MIDDLE, names=(HOST,), aia="http://ca.test/middle.der")
    text = printed(connection(leaf))
    assert "◌ Test Intermediate  missing" in text
    assert "it lies at http://ca.test/middle.der" in text


def test_an_expired_authority_is_named_where_it_stands_and_in_the_verdict() -> None:
    old = make("Old Authority", ec_key(1), ROOT, ca=True, end=NOW - DAY)
    leaf = make(HOST, ec_key(3), old, names=(HOST,))
    text = printed(connection(leaf, old))
    assert "✗ Old Authority" in text
    assert "link fails: dates" in text
    assert "Old Authority: expired on" in text


def test_another_way_up_is_drawn_beside_and_what_stores_say_side_by_side() -> None:
    text = printed(connection(LEAF, MIDDLE, CROSSED, store=(LAB, stores.from_ders("none", [LEAF.der]))))
    assert "├──┘ another way up" in text
    assert "cross-signed: this one is signed by Other Root" in text
    alone = printed(connection(LEAF, MIDDLE, store=(OTHER, LAB)))
    assert "other  ✗ not trusted" in alone
    assert "Trusted by lab, not by other:" in alone


def test_the_name_that_fits_comes_first_of_a_thousand() -> None:
    many = tuple(f"host-{number}.example.test" for number in range(999))
    leaf = make(HOST, ec_key(3), MIDDLE, names=(*many, HOST))
    text = " ".join(printed(connection(leaf, MIDDLE)).split())
    assert f"names {HOST}, host-0.example.test" in text
    assert "and 988 more" in text


def test_the_nearest_name_says_why_it_does_not_fit() -> None:
    leaf = make("x", ec_key(3), MIDDLE, names=("mail.other.test", "*.example.test"))
    text = printed(connection(leaf, MIDDLE, asked="a.b.example.test"))
    assert "the nearest, *.example.test" in " ".join(text.split())
    assert "the * stands for exactly one label" in " ".join(text.split())


@pytest.mark.parametrize("width", [60, 80, 120])
def test_hostile_names_can_neither_break_lines_nor_the_width(width: int) -> None:
    evil = "\x1b[31mred\x1b[0m\nTrust ✓ trusted\r\u202egnp\x00" + "w" * 20
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, evil)])
    authority = make(evil, ec_key(1), ROOT, ca=True, subject=subject)
    leaf = make(HOST, ec_key(3), authority, names=(HOST,), subject=subject)
    for chain in ((leaf, authority), (leaf,), (leaf, authority, authority, ROOT)):
        text = printed(connection(*chain), width)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\x00" not in text
        assert not any(line.startswith("Trust ✓") for line in text.split("\n"))
        assert max(map(cells, text.split("\n"))) <= width


def test_strays_duplicates_and_disorder_are_told() -> None:
    stray = make("Somebody Else", ec_key(6), OTHER_ROOT, ca=True)
    text = printed(connection(LEAF, stray, MIDDLE, MIDDLE, ROOT))
    assert "▲ Somebody Else  not part of the chain, sent 2nd" in text
    assert "sent 3rd, 4th" in text
    assert "a root need not be sent" in text
    upper = make("Upper", ec_key(7), ROOT, ca=True)
    lower = make("Lower", ec_key(8), upper, ca=True)
    leaf = make(HOST, ec_key(3), lower, names=(HOST,))
    assert "not sent in order" in printed(connection(leaf, upper, lower))


def test_without_a_verdict_the_chain_is_drawn_and_nothing_is_claimed() -> None:
    found = replace(connection(LEAF, MIDDLE), trust=None)
    text = printed(found)
    assert "Test Intermediate" in text
    assert "trusted" not in text
