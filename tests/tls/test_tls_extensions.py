from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from tls_build import (
    FROM_CLIENT,
    FULL_CLIENT_HELLO,
    SERVER_13,
    VERSION_13,
    assert_tiles,
    at,
    client_hello,
    ext,
    extension_of,
    faults,
    handshake,
    server_hello,
    u16,
    values,
    vec,
)

from tlsviz.tls import extensions, registry
from tlsviz.tls.extensions.table import DECODERS, MESSAGES, extension
from tlsviz.tls.handshake import decode_handshake
from tlsviz.wire.nodes import Node

NO_DECODERS = {"block", "table"}


def in_client_hello(*parts: bytes) -> Node:
    data = client_hello(*parts)
    tree = decode_handshake(data, FROM_CLIENT)
    assert_tiles(tree, data)
    return tree


def in_server_hello(*parts: bytes) -> Node:
    data = server_hello(*parts, VERSION_13)
    tree = decode_handshake(data, SERVER_13)
    assert_tiles(tree, data)
    return tree


def in_server_hello_12(*parts: bytes) -> Node:
    data = server_hello(*parts)
    tree = decode_handshake(data, SERVER_13)
    assert_tiles(tree, data)
    return tree


def in_encrypted_extensions(*parts: bytes) -> Node:
    data = handshake(8, vec(2, *parts))
    tree = decode_handshake(data, SERVER_13)
    assert_tiles(tree, data)
    return tree


def modules() -> Iterator[str]:
    for module in pkgutil.iter_modules(extensions.__path__):
        if module.name not in NO_DECODERS:
            yield module.name


@pytest.mark.parametrize("name", list(modules()))
def test_no_family_is_forgotten(name: str) -> None:
    module = importlib.import_module(f"tlsviz.tls.extensions.{name}")
    mine = [body for body in vars(module).values() if callable(body) and body in DECODERS.values()]
    assert mine, f"{name} registers nothing"
    source = extensions.__file__
    assert source is not None
    with open(source, encoding="utf-8") as file:
        assert f"    {name},\n" in file.read(), "extensions/__init__.py must import it, else nobody does"


def test_decoders_are_for_places_where_the_extension_may_stand() -> None:
    short = dict(zip(MESSAGES, ("CH", "SH", "HRR", "EE", "CT", "CR", "NST", "CCR"), strict=True))
    for code, message in DECODERS:
        places = registry.extensions.row(code)[2].split()
        allowed = {short[message]} | ({"SH12"} if message == "server_hello" else set())
        # supported_groups in a ServerHello is wrong, but servers send it: read it, and note it
        assert places == ["-"] or allowed & set(places) or (code, message) == (10, "server_hello"), (code, message)


def test_registering_twice_or_for_no_message_is_a_bug() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        extension(0, "client_hello")(lambda r: None)
    with pytest.raises(ValueError, match="no such message"):
        extension(0x1234, "finished")(lambda r: None)


def test_unknown_and_grease() -> None:
    tree = in_client_hello(ext(0x1234, b"abc"), ext(0x4A4A, b"\0"))
    assert extension_of(tree, "extension_0x1234.extension_data").value == b"abc"
    assert extension_of(tree, "grease.extension_type").label == "GREASE"
    assert faults(tree) == []


def test_one_spoiled_extension_does_not_spoil_the_next() -> None:
    tree = in_client_hello(ext(10, u16(9, 29)), ext(43, vec(1, u16(0x0304))))
    assert faults(tree) == [("named_group_list", "says 9 bytes follow, but only 2 are there")]
    assert values(extension_of(tree, "supported_versions"), "versions") == [0x0304]
    tree = in_client_hello(ext(23, b"x"), ext(43, vec(1, u16(0x0304)) + b"y"))
    assert [name for name, _ in faults(tree)] == ["unexpected_bytes"] * 2


def test_duplicates_are_noted() -> None:
    tree = in_client_hello(ext(23), ext(35), ext(23))
    assert faults(tree) == [("extended_master_secret", "a second extension of the same type")]
    assert at(tree, "extensions").children[3].note


def test_pre_shared_key_must_be_last() -> None:
    offer = ext(41, vec(2, vec(2, b"id") + bytes(4)) + vec(2, vec(1, bytes(32))))
    assert faults(in_client_hello(ext(23), offer)) == []
    assert faults(in_client_hello(offer, ext(23))) == [
        ("pre_shared_key", "must be the last extension (RFC 8446 4.2.11)")
    ]


def test_extensions_where_they_must_not_be() -> None:
    assert faults(in_server_hello(ext(16, vec(2, vec(1, b"h2"))))) == [
        ("application_layer_protocol_negotiation", "must not be in a ServerHello")
    ]
    assert faults(in_server_hello_12(ext(16, vec(2, vec(1, b"h2"))))) == []
    assert faults(in_server_hello_12(ext(51, u16(29) + vec(2, bytes(32))))) == [
        ("key_share", "must not be in a ServerHello of TLS 1.2 or before")
    ]
    assert faults(in_server_hello(ext(0x0A0A))) == [("grease", "must not be in a ServerHello")]
    assert faults(in_encrypted_extensions(ext(51))) == [("key_share", "must not be in EncryptedExtensions")]
    assert faults(in_encrypted_extensions(ext(0x1234))) == []


def test_server_name() -> None:
    tree = in_client_hello(ext(0, vec(2, b"\0" + vec(2, "bü\x1b[1m.example".encode()), b"\x07" + vec(2, b"?"))))
    names = extension_of(tree, "server_name.server_name_list")
    assert names.label == "bü\\x1b[1m.example"
    assert names.children[1].children[0].label == "host_name"
    assert faults(tree) == [("host_name", "is not a DNS name (RFC 6066 3)")]
    assert faults(in_encrypted_extensions(ext(0))) == []


def test_alpn() -> None:
    tree = in_client_hello(ext(16, vec(2, vec(1, b"\x0a\x0a"), vec(1, b"h2"), vec(1, b"a\xff\n"))))
    protocols = extension_of(tree, "application_layer_protocol_negotiation.protocol_name_list")
    assert [node.label for node in protocols.children[1:]] == ["GREASE", "h2", "a\\xff\\x0a"]
    assert protocols.label == "GREASE, h2, a\\xff\\x0a"
    many = in_client_hello(ext(16, vec(2, *[vec(1, b"h2")] * 30)))
    label = extension_of(many, "application_layer_protocol_negotiation.protocol_name_list").label
    assert label == ", ".join(["h2"] * 8 + ["…"])


@pytest.mark.parametrize(
    ("code", "body", "path", "value"),
    [
        (1, b"\x02", "max_fragment_length.max_fragment_length", 2),
        (5, b"\x01" + vec(2, vec(2, b"id")) + vec(2), "status_request.responder_id_list.responder_id.data", b"id"),
        (5, b"\x09x", "status_request.request", b"x"),
        (11, vec(1, b"\0\1"), "ec_point_formats.ec_point_format_list.ec_point_format", 0),
        (12, vec(1, b"user"), "srp.srp_I.data", b"user"),
        (14, vec(2, u16(1)) + vec(1), "use_srtp.srtp_protection_profiles.srtp_protection_profile", 1),
        (15, b"\x01", "heartbeat.mode", 1),
        (17, vec(2, b"\x02" + vec(2, vec(2) + vec(2))), "status_request_v2.certificate_status_req_list.length", 7),
        (19, vec(1, b"\x02"), "client_certificate_type.client_certificate_types.client_certificate_type", 2),
        (20, vec(1, b"\x02"), "server_certificate_type.server_certificate_types.server_certificate_type", 2),
        (24, b"\0\x0d" + vec(1, b"\x02"), "token_binding.key_parameters_list.key_parameters", 2),
        (27, vec(1, u16(2, 1)), "compress_certificate.algorithms.algorithm", 2),
        (28, u16(16385), "record_size_limit.record_size_limit", 16385),
        (34, vec(2, u16(0x0403)), "delegated_credential.supported_signature_algorithm.signature_scheme", 0x0403),
        (35, b"ticket", "session_ticket.ticket", b"ticket"),
        (44, vec(2, b"c"), "cookie.cookie.data", b"c"),
        (45, vec(1, b"\x01"), "psk_key_exchange_modes.ke_modes.ke_mode", 1),
        (50, vec(2, u16(0x0804)), "signature_algorithms_cert.supported_signature_algorithms.signature_scheme", 0x0804),
        (54, vec(1, b"cid"), "connection_id.cid.data", b"cid"),
        (58, b"\x02\x01", "ticket_request.resumption_count", 1),
        (62, vec(1, b"\x01"), "tls_flags.flags.data", b"\x01"),
        (17513, vec(2, vec(1, b"h2")), "application_settings_old.protocol_name_list.protocol_name.data", b"h2"),
        (17613, vec(2, vec(1, b"h2")), "application_settings.protocol_name_list.protocol_name.data", b"h2"),
        (64768, vec(1, u16(51)), "ech_outer_extensions.outer_extensions.extension_type", 51),
        (65281, vec(1, bytes(12)), "renegotiation_info.renegotiated_connection.data", bytes(12)),
        (
            65486,
            u16(0x1301, 29) + vec(2, bytes(32)) + vec(2, b"d") + vec(2, b"e"),
            "encrypted_server_name.encrypted_sni.data",
            b"e",
        ),
    ],
)
def test_in_a_client_hello(code: int, body: bytes, path: str, value: object) -> None:
    tree = in_client_hello(ext(code, body))
    assert extension_of(tree, path).value == value
    assert faults(tree) == []


@pytest.mark.parametrize("code", [4, 13172, 18, 22, 23, 30031, 30032, 42, 49])
def test_empty_in_a_client_hello(code: int) -> None:
    assert faults(in_client_hello(ext(code))) == []
    assert [name for name, _ in faults(in_client_hello(ext(code, b"x")))] == ["unexpected_bytes"]


def test_padding_is_zeros() -> None:
    assert faults(in_client_hello(ext(21, bytes(100)))) == []
    assert faults(in_client_hello(ext(21, b"\0\1"))) == [("padding", "padding must be zeros (RFC 7685 3)")]
    assert [name for name, _ in faults(in_client_hello(ext(28, u16(63))))] == ["record_size_limit"]


def test_key_share_has_three_shapes() -> None:
    share = u16(23) + vec(2, b"\x04" + bytes(64))
    tree = in_client_hello(ext(51, vec(2, share, u16(0x1A1A) + vec(2, b"\0"))))
    shares = extension_of(tree, "key_share.client_shares").children[1:]
    assert [entry.children[0].label for entry in shares] == ["secp256r1", "GREASE"]
    assert at(shares[0], "key_exchange.secp256r1_point.X").length == 32
    assert faults(tree) == []
    tree = in_server_hello(ext(51, share))
    assert extension_of(tree, "key_share.server_share.group").value == 23 and faults(tree) == []
    assert faults(in_client_hello(ext(51, vec(2)))) == []


@pytest.mark.parametrize(
    ("group", "client", "server"),
    [
        (4588, {"ml_kem_768_encapsulation_key": 1184, "x25519_public_key": 32}, {"ml_kem_768_ciphertext": 1088}),
        (4587, {"secp256r1_point": 65, "ml_kem_768_encapsulation_key": 1184}, {"ml_kem_768_ciphertext": 1088}),
        (4589, {"secp384r1_point": 97, "ml_kem_1024_encapsulation_key": 1568}, {"ml_kem_1024_ciphertext": 1568}),
        (25497, {"x25519_public_key": 32, "kyber_768_encapsulation_key": 1184}, {"kyber_768_ciphertext": 1088}),
    ],
)
def test_hybrid_shares_are_two(group: int, client: dict[str, int], server: dict[str, int]) -> None:
    entry = u16(group) + vec(2, b"\x04" * sum(client.values()))
    tree = in_client_hello(ext(51, vec(2, entry)))
    parts = extension_of(tree, "key_share.client_shares.key_share_entry.key_exchange").children[1:]
    assert {node.name: node.length for node in parts} == client
    assert list(client) == [node.name for node in parts]
    assert faults(tree) == []
    both = {**{name: size for name, size in client.items() if "key" not in name or "public" in name}, **server}
    tree = in_server_hello(ext(51, u16(group) + vec(2, b"\x04" * sum(both.values()))))
    parts = extension_of(tree, "key_share.server_share.key_exchange").children[1:]
    assert {node.name: node.length for node in parts} == both and faults(tree) == []


def test_shares_of_the_wrong_size_or_form() -> None:
    tree = in_client_hello(ext(51, vec(2, u16(4588) + vec(2, bytes(1215)))))
    assert faults(tree) == [("data", "a share of this group has 1216 bytes")]
    tree = in_client_hello(ext(51, vec(2, u16(23) + vec(2, bytes(65)))))
    assert faults(tree) == [("legacy_form", "must be 4, for uncompressed")]


def test_pre_shared_keys() -> None:
    identities = vec(2, vec(2, b"first") + bytes(4), vec(2, b"second") + b"\0\0\1\0")
    tree = in_client_hello(ext(41, identities + vec(2, vec(1, bytes(32)), vec(1, bytes(32)))))
    offered = extension_of(tree, "pre_shared_key.identities").children[1:]
    assert [at(node, "identity.data").value for node in offered] == [b"first", b"second"]
    assert at(offered[1], "obfuscated_ticket_age").value == 256 and faults(tree) == []
    tree = in_client_hello(ext(41, identities + vec(2, vec(1, bytes(32)))))
    assert faults(tree) == [("binders", "not one binder for each identity")]
    tree = in_server_hello(ext(41, u16(1)))
    assert extension_of(tree, "pre_shared_key.selected_identity").value == 1


def test_supported_versions() -> None:
    tree = in_client_hello(ext(43, vec(1, u16(0x6A6A, 0x0304, 0x7F1C))))
    labels = [node.label for node in extension_of(tree, "supported_versions.versions").children[1:]]
    assert labels == ["GREASE", "TLS 1.3", "TLS 1.3 (draft 28)"]
    assert extension_of(in_server_hello(), "supported_versions.selected_version").value == 0x0304


def test_encrypted_client_hello() -> None:
    hello = extension_of(decode_handshake(FULL_CLIENT_HELLO, FROM_CLIENT), "encrypted_client_hello")
    assert at(hello, "type").label == "outer"
    assert at(hello, "cipher_suite.kdf_id").label == "HKDF-SHA256"
    assert at(hello, "cipher_suite.aead_id").label == "AES-128-GCM"
    assert at(hello, "config_id").value == 7 and at(hello, "payload.data").length == 144
    assert faults(in_client_hello(ext(65037, b"\1"))) == []
    config = b"\x07" + u16(0x20) + vec(2, bytes(32)) + vec(2, u16(1, 1)) + b"\x40" + vec(1, b"cover.example") + vec(2)
    tree = in_encrypted_extensions(ext(65037, vec(2, u16(0xFE0D) + vec(2, config), u16(0xFE0A) + vec(2, b"old"))))
    configs = extension_of(tree, "encrypted_client_hello.retry_configs").children[1:]
    assert at(configs[0], "public_name").label == "cover.example"
    assert at(configs[0], "key_config.kem_id").label == "DHKEM(X25519, HKDF-SHA256)"
    assert at(configs[1], "contents").value == b"old" and faults(tree) == []


def test_signed_certificate_timestamps() -> None:
    sct = b"\0" + bytes(32) + (1_700_000_000_000).to_bytes(8, "big") + vec(2) + u16(0x0403) + vec(2, b"sig")
    tree = in_server_hello_12(ext(18, vec(2, vec(2, sct), vec(2, b"\x01later"))))
    stamps = extension_of(tree, "signed_certificate_timestamp.sct_list").children[1:]
    assert at(stamps[0], "timestamp").label == "2023-11-14 22:13:20 UTC"
    assert at(stamps[0], "signature.data").value == b"sig" and at(stamps[1], "sct").value == b"later"
    assert faults(tree) == []
    far = b"\0" + bytes(32) + b"\xff" * 8 + vec(2) + u16(0x0403) + vec(2)
    tree = in_server_hello_12(ext(18, vec(2, vec(2, far))))
    assert extension_of(tree, "signed_certificate_timestamp.sct_list.serialized_sct.timestamp").label is None


def test_quic_transport_parameters() -> None:
    body = bytes.fromhex("01 04 80007530 1b 02 aabb 0f 00 6ab2 00")
    tree = in_client_hello(ext(57, body))
    parameters = extension_of(tree, "quic_transport_parameters").children[2:]
    assert [node.children[0].label for node in parameters] == [
        "max_idle_timeout",
        "GREASE",
        "initial_source_connection_id",
        "grease_quic_bit",
    ]
    assert at(parameters[0], "value").value == 30000 and faults(tree) == []
    draft = in_client_hello(ext(65445, vec(2, u16(1) + vec(2, b"\x75\x30"), u16(12) + vec(2))))
    old = extension_of(draft, "quic_transport_parameters_draft.transport_parameters").children[1:]
    assert [at(node, "id").label for node in old] == ["max_idle_timeout", "disable_active_migration"]
    later = in_client_hello(ext(65445, body))
    assert extension_of(later, "quic_transport_parameters_draft.transport_parameter.value").value == 30000
    assert faults(draft) == faults(later) == []
    cut = in_client_hello(ext(57, body[:4]))
    assert [name for name, _ in faults(cut)] == ["length", "value"]


def test_delegated_credential_in_a_certificate() -> None:
    credential = bytes(4) + u16(0x0403) + vec(3, b"spki") + u16(0x0403) + vec(2, b"sig")
    tree = decode_handshake(handshake(11, vec(1), vec(3, vec(3, b"der") + vec(2, ext(34, credential)))), SERVER_13)
    entry = at(tree, "certificate_list.certificate_entry.extensions.delegated_credential")
    assert at(entry, "cred.dc_cert_verify_algorithm").value == 0x0403 and faults(tree) == []


def test_oid_filters() -> None:
    one = vec(1, b"oid") + vec(2, b"values")
    schemes = ext(13, vec(2, u16(0x0403)))
    tree = decode_handshake(handshake(13, vec(1), vec(2, schemes, ext(48, vec(2, one)))), SERVER_13)
    assert extension_of(tree, "oid_filters.filters.oid_filter.certificate_extension_oid.data").value == b"oid"
    assert faults(tree) == []


def test_answers_of_a_server() -> None:
    tree = in_encrypted_extensions(
        ext(0), ext(10, vec(2, u16(29))), ext(16, vec(2, vec(1, b"h2"))), ext(20, b"\x02"), ext(42), ext(58, b"\x02")
    )
    assert extension_of(tree, "server_certificate_type.server_certificate_type").label == "RawPublicKey"
    assert extension_of(tree, "ticket_request.expected_count").value == 2
    assert faults(tree) == []
    tree = in_server_hello_12(ext(5), ext(17), ext(19, b"\0"), ext(13172, vec(1, b"h2") + vec(1, b"spdy/3")))
    assert [node.label for node in extension_of(tree, "next_protocol_negotiation").children[2:]] == ["h2", "spdy/3"]
    assert faults(tree) == []
    settings = in_encrypted_extensions(ext(17613, b"abc"))
    assert extension_of(settings, "application_settings.settings").value == b"abc"
