"""`tlsviz explain NAME`: what people type, and what they get."""

from __future__ import annotations

import pytest

from tlsviz.explain.render import render
from tlsviz.explain.search import MOST, search
from tlsviz.explain.words import Words, words


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
    ],
)
def test_first_answer(typed: str, key: str) -> None:
    assert search(typed)[0].key == key


def test_a_bare_number_gives_every_meaning() -> None:
    keys = [entry.key for entry in search("0x0017")]
    assert "extension.extended_master_secret" in keys
    assert "group.secp256r1" in keys


def test_a_part_of_a_name_gives_near_matches() -> None:
    found = search("finish")
    assert "message.finished" in [entry.key for entry in found]
    assert len(search("tls")) <= MOST


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
