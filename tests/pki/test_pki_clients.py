"""What clients say of refused certificates: words for every reason, and the one that a person meets first."""

from __future__ import annotations

from typing import get_args

import pytest
from certificate_makers import DAY, HOST, LEAF, MIDDLE, NOW, ROOT, ec_key, make

from tlsviz.pki import stores
from tlsviz.pki.clients import CLIENTS, browser_page, clients_say, reasons
from tlsviz.pki.trust import Reason
from tlsviz.pki.verify import judge

STORE = stores.from_ders("lab", [ROOT.der])


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_words_of_every_client(reason):
    for issuer in (False, True):
        said = clients_say(reason, "www.example.test", issuer)
        assert [words.client for words in said] == list(CLIENTS)
        assert any(words.refuses for words in said)
        assert all(words.says.isprintable() and "{" not in words.says for words in said)
    assert reason in reasons()


def test_an_issuers_fault_is_said_otherwise_than_the_servers_own():
    own, above = (
        {words.client: words.says for words in clients_say("expired", HOST, issuer)} for issuer in (False, True)
    )
    assert (own["Firefox"], above["Firefox"]) == (
        "SEC_ERROR_EXPIRED_CERTIFICATE",
        "SEC_ERROR_EXPIRED_ISSUER_CERTIFICATE",
    )
    assert own["Chrome"] == "NET::ERR_CERT_DATE_INVALID"
    assert own["curl"] == "curl: (60) SSL certificate problem: certificate has expired"
    assert f"'{HOST}'" in {words.client: words.says for words in clients_say("name_mismatch", HOST)}["curl"]
    assert clients_say("no_such_reason") == ()


def test_a_hostile_name_stays_harmless():
    assert all(words.says.isprintable() for words in clients_say("name_mismatch", "\x1b[31m\u202e" + "x" * 500))


def test_the_page_that_a_person_meets():
    lonely = make("another.test", ec_key(2), names=("another.test",), end=NOW - DAY)
    trust = judge([lonely.der], HOST, NOW, [STORE])
    assert set(trust.reasons) == {"expired", "self_signed", "name_mismatch"}
    fault, said = browser_page(trust)
    assert fault is not None and fault.reason == "self_signed"
    assert said[0].says == "NET::ERR_CERT_AUTHORITY_INVALID"
    late = judge([LEAF.der, MIDDLE.der], "another.test", NOW + 90 * DAY, [STORE])
    assert set(late.reasons) == {"expired", "name_mismatch"}
    assert browser_page(late)[0].reason == "name_mismatch"  # type: ignore[union-attr]
    assert browser_page(late, names_last=True)[0].reason == "expired"  # type: ignore[union-attr]
    assert browser_page(judge([LEAF.der, MIDDLE.der], HOST, NOW, [STORE])) == (None, ())
