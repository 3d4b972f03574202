"""A record taken apart: its parts tile it, and what was inside lines up with what was on the wire."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import shake

from tlsviz.connection.lens import Anatomy, anatomy
from tlsviz.connection.model import Connection, Record
from tlsviz.crypto.ciphers import aead
from tlsviz.crypto.schedule import traffic_keys
from tlsviz.tls.suites import suite
from tlsviz.wire.buffers import Buffer, Piece
from tlsviz.wire.chunks import CLIENT

KINDS = [
    ("1.3", None, "tls13", ["header", "ciphertext", "tag"], ["content", "content_type"], "xor"),
    (
        "1.3",
        "TLS_CHACHA20_POLY1305_SHA256",
        "tls13",
        ["header", "ciphertext", "tag"],
        ["content", "content_type"],
        "xor",
    ),
    ("1.2", "AES128-GCM-SHA256", "aead", ["header", "nonce", "ciphertext", "tag"], ["content"], "join"),
    ("1.2", "ECDHE-RSA-CHACHA20-POLY1305", "aead", ["header", "ciphertext", "tag"], ["content"], "xor"),
    (
        "1.2",
        "ECDHE-RSA-AES128-SHA256",
        "cbc",
        ["header", "iv", "ciphertext", "mac"],
        ["content", "padding", "padding_length"],
        "sent",
    ),
    (
        "1.0",
        "ECDHE-RSA-AES128-SHA",
        "cbc",
        ["header", "ciphertext", "mac"],
        ["content", "padding", "padding_length"],
        "key_block",
    ),
    ("1.2", "NULL-SHA256", "stream", ["header", "content", "mac"], ["content", "mac"], None),
]


def first_sealed(connection: Connection) -> Record:
    return next(record for record in connection.records if record.protection is not None)


def kinds(taken: Anatomy) -> tuple[list[str], list[str]]:
    return [part.kind for part in taken.wire], [part.kind for part in taken.inside]


@pytest.mark.parametrize(("version", "ciphers", "scheme", "wire", "inside", "recipe"), KINDS)
def test_every_kind_of_record_falls_into_its_parts(
    version: str, ciphers: str | None, scheme: str, wire: list[str], inside: list[str], recipe: str | None
) -> None:
    connection = shake(version, ciphers, "rsa").connection()
    taken = anatomy(connection, first_sealed(connection))
    assert taken.scheme == scheme
    assert kinds(taken) == (wire, inside)
    assert (taken.recipe.how if taken.recipe else None) == recipe


@pytest.mark.parametrize(("version", "ciphers"), [kind[:2] for kind in KINDS])
@pytest.mark.parametrize("keys", [True, False])
def test_the_parts_tile_every_record(version: str, ciphers: str | None, keys: bool) -> None:
    connection = shake(version, ciphers, "rsa").connection(keys)
    for record in connection.records:
        taken = anatomy(connection, record)
        assert b"".join(part.data or b"" for part in taken.wire) == record.buffer.data
        ends = [0, *(part.end for part in taken.inside)]
        assert [part.start for part in taken.inside] == ends[:-1]
        if taken.alignment == "exact":
            content = taken.part("content")
            assert content is not None
            assert record.plaintext is not None
            assert content.data == record.plaintext.data
            origin = record.plaintext.origins(0, len(record.plaintext.data))[0]
            assert (origin.start, origin.end) == (taken.aligned, taken.aligned + content.length)


def test_the_recipe_gives_the_nonce_that_opens_the_record() -> None:
    connection = shake("1.3").connection()
    secrets = dict(connection.secrets)
    known = suite(connection.cipher_suite.code if connection.cipher_suite else 0)
    assert known is not None
    runs = [run for run in connection.application if run.sender == CLIENT]
    record = connection.records[runs[0].record_indices[0]]
    taken = anatomy(connection, record)
    key, iv = traffic_keys(known, secrets["CLIENT_TRAFFIC_SECRET_0"])
    assert taken.recipe is not None
    assert taken.recipe.ingredients[0].data == iv
    cipher = aead(known, key)
    assert cipher is not None
    covered = b"".join(piece.data for piece in taken.covered)
    sealed = b"".join(part.data or b"" for part in taken.wire[1:])
    opened = cipher.decrypt(taken.recipe.result, sealed, covered)
    assert opened == b"".join(part.data or b"" for part in taken.inside)


def test_without_keys_the_sizes_are_known_and_nothing_else() -> None:
    connection = shake("1.2", "AES128-GCM-SHA256", "rsa").connection(keys=False)
    taken = anatomy(connection, first_sealed(connection))
    assert kinds(taken) == (["header", "nonce", "ciphertext", "tag"], [])
    assert [part.length for part in taken.wire] == [5, 8, 16, 16]
    assert taken.recipe is None


def test_what_is_not_encrypted_needs_no_key_but_its_mac_is_not_proven() -> None:
    connection = shake("1.2", "NULL-SHA256", "rsa").connection(keys=False)
    record = first_sealed(connection)
    taken = anatomy(connection, record)
    assert kinds(taken) == (["header", "content", "mac"], ["content", "mac"])
    assert record.protection is not None
    assert record.protection.status == "not_provable"


def test_padding_of_tls13_is_a_part() -> None:
    connection = shake("1.3").connection()
    record = first_sealed(connection)
    assert record.plaintext is not None
    assert record.protection is not None
    content = record.plaintext.data[:-3]
    short = Buffer("decrypted", content, (Piece(0, len(content), record.buffer, 5, 5 + len(content)),))
    padded = replace(record, plaintext=short, protection=record.protection._replace(padding=3))
    assert [(part.kind, part.length) for part in anatomy(connection, padded).inside[1:]] == [
        ("content_type", 1),
        ("padding", 3),
    ]


def test_a_record_that_does_not_add_up_stays_whole() -> None:
    connection = shake("1.3").connection()
    record = first_sealed(connection)
    odd = replace(record, plaintext=Buffer("decrypted", b"inflated" * 400))
    taken = anatomy(connection, odd)
    assert kinds(taken) == (["header", "sealed"], ["content"])
    assert taken.alignment == "none"
    cut = replace(record, missing=4, plaintext=None, protection=record.protection._replace(status="not_provable"))  # type: ignore[union-attr]
    assert kinds(anatomy(connection, cut)) == (["header", "sealed"], [])
