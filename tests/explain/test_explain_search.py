"""`tlsviz explain NAME`: what people type, and what they get."""

from __future__ import annotations

import pytest

from tlsviz.explain.codes import KINDS, by_code
from tlsviz.explain.render import render, render_all
from tlsviz.explain.search import MOST, search
from tlsviz.explain.words import Words, aliases, words


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("0x1301", "suite.TLS_AES_128_GCM_SHA256"),
        ("TLS_AES_128_GCM_SHA256", "suite.TLS_AES_128_GCM_SHA256"),
        ("tls_aes_128_gcm_sha256", "suite.TLS_AES_128_GCM_SHA256"),
        ("key_share", "extension.key_share"),
        ("extension 51", "extension.key_share"),
        ("ext 0x0033", "extension.key_share"),
        ("alert 40", "alert.handshake_failure"),
        ("0x28", "alert.handshake_failure"),
        ("handshake_failure", "alert.handshake_failure"),
        ("certificate_name_mismatch", "finding.certificate_name_mismatch"),
        ("ClientHello", "message.client_hello"),
        ("client hello", "message.client_hello"),
        ("message 20", "message.finished"),
        ("forward secrecy", "concept.forward_secrecy"),
        ("X25519MLKEM768", "group.x25519mlkem768"),
        ("group 29", "group.x25519"),
        ("TLS 1.3", "version.tls13"),
        ("  no_hsts ", "finding.no_hsts"),
        ("message.finished", "message.finished"),
        ("random", "field.client_hello.random"),
        ("0x1d", "group.x25519"),
        ("0x001d", "group.x25519"),
        ("0x00001D", "group.x25519"),
        ("001d", "group.x25519"),
        ("29", "group.x25519"),
        ("0x0017", "group.secp256r1"),
        ("0x17", "message.application_data"),
        ("0xC0,0x2F", "suite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("c02f", "suite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("0x0303", "version.tls12"),
        ("0x010080", "suite.SSL_CK_RC4_128_WITH_MD5"),
        ("SSL_CK_DES_192_EDE3_CBC_WITH_MD5", "suite.SSL_CK_DES_192_EDE3_CBC_WITH_MD5"),
        ("ja3", "concept.ja3"),
        ("JA4", "concept.ja4"),
        ("sni", "extension.server_name"),
        ("alpn", "extension.application_layer_protocol_negotiation"),
        ("P-256", "group.secp256r1"),
        ("port 443", "concept.port_443"),
        ("443", "concept.port_443"),
        ("port 993", "concept.port_993"),
        ("0-rtt", "concept.zero_rtt"),
        ("ssl 2", "version.ssl2"),
        ("ssl2_client_hello", "message.ssl2_client_hello"),
    ],
)
def test_first_answer(typed: str, key: str) -> None:
    assert search(typed)[0].key == key


def test_a_bare_number_gives_every_meaning_the_current_ones_first() -> None:
    for typed in ("0x0017", "23", "0x17"):
        keys = [entry.key for entry in search(typed)]
        assert set(keys[:3]) == {
            "extension.extended_master_secret",
            "group.secp256r1",
            "message.application_data",
        }
        assert set(keys[3:]) == {"suite.TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", "message.supplemental_data"}


def test_groups_and_schemes_show_their_code_however_they_are_found() -> None:
    for typed in ("x25519", "29", "group 29", "group.x25519", "curve25519"):
        assert search(typed)[0].title == "X25519 (0x001d)"
    assert [entry.title for entry in search("x25519")] == ["X25519 (0x001d)"]
    assert search("0x0403")[0].title == "ecdsa_secp256r1_sha256 (0x0403): ECDSA"
    assert search("brainpoolP256r1")[0].title == "brainpoolP256r1 (0x001a): Brainpool curve"


def test_every_code_point_is_found_by_its_number() -> None:
    for kind in dict.fromkeys(KINDS.values()):
        for code in kind.names:
            entry = kind.find(code)
            assert entry is not None and kind.rank(code) in range(4)
            assert entry in by_code(f"0x{code:0{kind.names.width * 2}x}")
            assert entry in by_code(str(code))


def test_aliases_are_plain_and_lead_somewhere() -> None:
    for name, keys in aliases().items():
        assert name == "".join(character for character in name.lower() if character.isalnum())
        assert keys and all(words(key) is not None for key in keys), name


def test_a_part_of_a_name_gives_near_matches() -> None:
    found = search("finish")
    assert "message.finished" in [entry.key for entry in found]
    assert len(search("tls")) <= MOST


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("RTT", "Round trip"),
        ("Handshake Secret", "Key schedule"),
        ("HKDF-Extract", "HKDF"),
        ("PRF", "PRF: pseudorandom function"),
        ("AIA", "authorityInfoAccess"),
        ("root certificate", "Certificate authority (CA)"),
    ],
)
def test_the_words_on_the_screens_are_found(typed: str, title: str) -> None:
    assert search(typed)[0].title == title


@pytest.mark.parametrize("typed", ["", "  ", "zzzz", "alert 250", "0xffffff", "x" * 1000, "\x1b[31m", "nonsense 5"])
def test_nothing_is_found_and_nothing_raises(typed: str) -> None:
    assert search(typed) == []


def test_rendering_keeps_the_width_and_says_everything() -> None:
    entry = words("alert.handshake_failure")
    assert entry is not None
    text = render(entry, 60)
    assert max(map(len, text.splitlines())) <= 60
    flat = " ".join(text.split())
    assert all(part in flat for part in (entry.title, entry.what, entry.why, entry.mend, entry.reference))
    assert "Why:" not in text


def test_rendering_leaves_out_what_is_not_there() -> None:
    text = render(Words("field.x", "x", "A thing."), 5)
    assert text == "Field x\n\nA thing."


def test_many_entries_are_listed_by_title_first() -> None:
    many = search("0x0017")
    first, *rest = render_all(many, 60).split("\n\n")
    assert first.splitlines()[0] == "5 things fit, the likeliest first:"
    assert first.splitlines()[1] == "  group      secp256r1 (P-256) (0x0017)"
    assert max(map(len, first.splitlines())) <= 60
    assert rest[0] == many[0].title
    few = many[:3]
    assert render_all(few) == "\n\n".join(map(render, few))


def test_grease_is_answered_by_what_it_is_before_where_it_stands() -> None:
    """Its name fits an entry of many families: the list of them is followed by the answer itself."""
    found = search("grease")
    assert found[0].key == "concept.grease"
    assert render_all(found, 80).split("\n\n")[1:3] == render(found[0], 80).split("\n\n")[:2]
