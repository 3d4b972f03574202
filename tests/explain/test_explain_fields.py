"""No field without words: every name that a decoder writes, and every node of the sample captures."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tlsviz.tls
from tlsviz.connection.model import Connection
from tlsviz.connection.plain.heads import KNOWN_FIELDS, MOST_FIELDS, decode
from tlsviz.explain.words import entries, lookup_field, words
from tlsviz.tls import oids
from tlsviz.tls.der.extension_bodies import BODIES
from tlsviz.tls.der.names import GENERAL_NAMES
from tlsviz.tls.der.tags import TYPES
from tlsviz.tls.messages.key_exchange import FORTEZZA_KEYS
from tlsviz.tls.quic.frames import FRAMES, decode_frames
from tlsviz.wire.nodes import names, walk

READS = {"uint", "opaque", "text", "rest", "vector", "vector_opaque", "struct", "der_vector", "der_rest"}
QUIC_READS = {"varint", "varint_opaque", "varint_vector", "_data", "_one", "_id"}
DER_READS = {"element", "sequence", "any", "oid", "integer", "leaf", "general_name", "_each", "_time", "_wrapped"}
SHAPES = {"codes", "opaques", "structs", "text", "_session_id", "distinguished_names", "_rest_as"}
NAMES_FIRST = {"Node", "decode"}


def _decoder_names() -> dict[str, str]:
    """The field names that the decoders' sources hold, with the file they are in."""
    found: dict[str, str] = {}
    for file in sorted(Path(tlsviz.tls.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                method = isinstance(node.func, ast.Attribute)
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                for argument in [] if method and called == "decode" else _name_arguments(called, node):
                    found.setdefault(argument, file.name)
    return found


def _name_arguments(called: str, call: ast.Call) -> list[str]:
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if called in SHAPES or called == "vector_opaque":
        return texts
    return texts[:1] if called in READS | DER_READS | QUIC_READS | NAMES_FIRST and texts[:1] != [""] else []


def test_every_name_in_the_decoders_has_words() -> None:
    """A name is explained alone or below some parent: the captures show the rest."""
    fields = entries("field")
    ends = {key.rpartition(".")[2] for key in fields}
    known = ends | set(entries("message")) | set(entries("extension")) | {"data"}
    found = _decoder_names()
    assert len(found) > 150
    assert {name: file for name, file in found.items() if name not in known} == {}
    assert sorted(_der_names() - known) == []


def test_every_field_words_is_of_a_name_that_decoders_write() -> None:
    written = set(_decoder_names()) | _computed_names() | _der_names() | _http_names()
    unused = [key for key in entries("field") if key.rpartition(".")[2] not in written]
    assert unused == []


def _http_names() -> set[str]:
    """Names in heads of HTTP: of every field that has one of its own, and of what stands around them."""
    fields = b"".join(name.encode() + b": x\r\n" for name in KNOWN_FIELDS)
    heads = (
        b"GET / HTTP/1.1\r\n" + fields,
        b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n",
        b"?\r\n" + b"a: b\r\n" * (MOST_FIELDS + 1),
    )
    return {node.name for head in heads for _, node in walk(decode(head, "http_request"))}


def _der_names() -> set[str]:
    """Names of elements of DER that tables hold."""
    named = {row.name for row in oids.family("extension").values()}
    inside = {name for name, _, _ in BODIES.values()} | {name for name, _ in GENERAL_NAMES.values()}
    loops = {"requireExplicitPolicy", "inhibitPolicyMapping", "permittedSubtrees", "excludedSubtrees"}
    loops |= {"templateMajorVersion", "templateMinorVersion"}
    return named | inside | loops | set(TYPES.values()) | {"element", "Extension", "more_elements"}


def _computed_names() -> set[str]:
    """Names that are made from parts, or written by the engine."""
    kems = ("ml_kem_512", "ml_kem_768", "ml_kem_1024", "kyber_512", "kyber_768", "ntru_hrss")
    halves = {f"{kem}_{half}" for kem in kems for half in ("encapsulation_key", "ciphertext")}
    shares = {"x25519_public_key", "x448_public_key", "secp256r1_point", "secp384r1_point", "secp521r1_point"}
    quic = {name for name, _ in FRAMES.values()} | {"ect0_count", "ect1_count", "ecn_ce_count", "unknown_frame"}
    quic |= {"ack_eliciting_threshold", "requested_max_ack_delay", "reordering_threshold"}
    engine = {"encrypted_data", "unexpected_bytes", "extension", "length", "request_length"}
    shapes = {"curveSM2_point", "k", "k1", "k2", "k3", "id", "extensions", "public"}
    fortezza = {name for name, _ in FORTEZZA_KEYS}
    dns = {"target", "signer_name", "signature_expiration", "signature_inception"}
    return quic | halves | shares | engine | shapes | fortezza | dns | {"sct_extensions", "sth_extensions"}


def test_every_field_of_the_sample_captures_has_words(samples: dict[str, tuple[Connection, ...]]) -> None:
    if not samples:
        pytest.skip("no sample captures here")
    assert _without_words(samples) == set()


def test_every_field_of_captures_from_elsewhere_has_words(foreign: dict[str, tuple[Connection, ...]]) -> None:
    if not foreign:
        pytest.skip("no shared captures here")
    assert _without_words(foreign) == set()


def _without_words(captures: dict[str, tuple[Connection, ...]]) -> set[str]:
    without: set[str] = set()
    for connection in (connection for connections in captures.values() for connection in connections):
        trees = [m.tree for m in connection.messages if m.tree is not None]
        opened = [record for record in connection.records if record.packet_type and record.plaintext is not None]
        trees += [decode_frames(record.plaintext.data) for record in opened if record.plaintext is not None]
        for tree in [*trees, *(record.header for record in connection.records)]:
            for path, _ in walk(tree):
                way = names(tree, path)
                if lookup_field(way) is None:
                    without.add(".".join(way))
        without |= {f"finding.{each.code}" for each in connection.findings if words(f"finding.{each.code}") is None}
        without |= {f"proof.{each.what}" for each in connection.proofs if words(f"proof.{each.what}") is None}
    return without
