"""Extensions, messages and key exchanges that hardly anybody sends, down to the last field."""

from __future__ import annotations

import pytest
from der_build import assert_der_tiles, der_faults, opened, tlv
from tls_build import (
    CLIENT_12,
    FROM_CLIENT,
    SERVER_12,
    SERVER_13,
    assert_tiles,
    at,
    client_hello,
    ext,
    extension_of,
    faults,
    handshake,
    server_hello,
    u16,
    vec,
)

from tlsviz.tls.context import Context
from tlsviz.tls.der.kinds import GostKeyTransportNode
from tlsviz.tls.handshake import decode_handshake
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Node

POINT = b"\x04" + bytes(64)
NAME = tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, b"\x55\x04\x03"), tlv(0x0C, b"CA"))))


def in_client(code: int, body: bytes) -> Node:
    data = client_hello(ext(code, body))
    tree = decode_handshake(data, FROM_CLIENT)
    assert_tiles(tree, data)
    assert faults(tree) == []
    return at(tree, "extensions").children[1]


def in_server(code: int, body: bytes) -> Node:
    data = server_hello(ext(code, body))
    tree = decode_handshake(data, SERVER_12)
    assert_tiles(tree, data)
    assert faults(tree) == []
    return at(tree, "extensions").children[1]


def in_encrypted(code: int, body: bytes) -> Node:
    data = handshake(8, vec(2, ext(code, body)))
    tree = decode_handshake(data, SERVER_13)
    assert_tiles(tree, data)
    assert faults(tree) == []
    return at(tree, "extensions").children[1]


def test_trusted_ca_keys() -> None:
    authorities = b"\0" + b"\x01" + bytes(20) + b"\x02" + vec(2, NAME) + b"\x03" + bytes(20)
    found = in_client(3, vec(2, authorities))
    kinds = [at(node, "identifier_type").label for node in at(found, "trusted_authorities_list").children[1:]]
    assert kinds == ["pre_agreed", "key_sha1_hash", "x509_name", "cert_sha1_hash"]
    third = at(found, "trusted_authorities_list").children[3]
    assert at(third, "distinguished_name.data").label == "CN=CA"


@pytest.mark.parametrize(
    ("code", "body", "path", "label"),
    [
        (6, vec(1, b"\x40"), "user_mapping_types.user_mapping_type", "upn_domain_hint"),
        (7, vec(1, b"\x01"), "authz_format_list.authz_format", "saml_assertion"),
        (8, vec(1, b"\x02"), "authz_format_list.authz_format", "x509_attr_cert_url"),
        (9, vec(1, b"\x00"), "certificate_types.certificate_type", "X509"),
        (25, vec(2, b"\x01" + vec(1, bytes(32))), "cached_info.cached_object.cached_information_type", "cert"),
        (30, vec(1, b"fred"), "pwd_name", "fred"),
        (39, vec(1, b"\x01"), "supported_ciphers.ekt_cipher", "aeskw_128"),
    ],
)
def test_clients_name_what_they_have(code: int, body: bytes, path: str, label: str) -> None:
    assert at(in_client(code, body), path).label == label


@pytest.mark.parametrize(
    ("code", "body", "path", "length"),
    [
        (29, vec(1, bytes(52)), "protected_name.data", 52),
        (31, vec(2, bytes(16)), "salt.data", 16),
        (31, vec(1, bytes(16)), "salt.data", 16),
        (32, vec(2, bytes(40)), "pinning_ticket.data", 40),
        (53, vec(1, bytes(5)), "cid.data", 5),
        (55, vec(1, bytes(32)), "binding_hash.data", 32),
        (56, vec(1, bytes(20)), "session_id.data", 20),
        (59, u16(443), "port_number", 2),
    ],
)
def test_clients_send_bytes(code: int, body: bytes, path: str, length: int) -> None:
    assert at(in_client(code, body), path).length == length


@pytest.mark.parametrize("code", [2, 33, 52, 61])
def test_some_are_empty(code: int) -> None:
    assert [node.name for node in in_client(code, b"").children] == ["extension_type", "length"]
    data = client_hello(ext(code, b"x"))
    assert [name for name, _ in faults(decode_handshake(data, FROM_CLIENT))] == ["unexpected_bytes"]


def test_servers_answer() -> None:
    assert at(in_server(25, vec(2, b"\x01\x02")), "cached_info").children[2].label == "cert_req"
    assert at(in_server(9, b"\x00"), "certificate_type").label == "X509"
    assert at(in_server(39, b"\x02"), "selected_cipher").label == "aeskw_256"
    assert at(in_encrypted(32, vec(1, b"p") + vec(2, b"t") + (9).to_bytes(4, "big")), "lifetime").value == 9
    assert at(in_encrypted(65486, bytes(16)), "nonce").length == 16
    items = at(in_server(52, vec(2, vec(2, u16(9) + b"item"))), "trans_item_list")
    assert at(items, "serialized_trans_item.trans_item").value == b"item"


def test_dnssec_chains_are_records() -> None:
    owner = b"\x04_443\x04_tcp\x07example\x03com\0"
    record = owner + u16(52, 1) + (3600).to_bytes(4, "big") + vec(2, b"\x03\x01\x01" + bytes(32))
    root = b"\0" + u16(48, 1) + bytes(4) + vec(2, b"\x01\x01\x03\x08key")
    chain = in_server(59, u16(24) + record + root)
    first, second = chain.children[3:]
    assert at(chain, "ext_support_lifetime").value == 24
    assert at(first, "name").label == "_443._tcp.example.com."
    assert (at(first, "type").label, at(first, "class").label, at(first, "ttl").value) == ("TLSA", "IN", 3600)
    assert at(first, "certificate_usage").label == "DANE-EE" and at(first, "selector").label == "SPKI"
    assert at(first, "certificate_association_data").length == 32
    assert (at(second, "name").label, at(second, "type").label) == (".", "DNSKEY")
    body = u16(24) + record + root
    for size in range(len(body)):
        data = server_hello(ext(59, body[:size]))
        assert_tiles(decode_handshake(data, SERVER_12), data)


def test_password_exchanges() -> None:
    pair = vec(1, POINT) + vec(1, POINT) + vec(1, bytes(32))
    found = in_client(256, pair + pair)
    assert [node.name for node in found.children[2:]] == ["ecjpake_key_kp", "ecjpake_key_kp"]
    assert at(found, "ecjpake_key_kp.zkp.V.point").length == 65
    params = decode_handshake(handshake(12, b"\x03" + u16(23), pair), Context(SERVER, 0x0303, 0xC0FF))
    assert at(params, "params.curve_params.namedcurve").label == "secp256r1"
    assert at(params, "params.ecjpake_key_kp.zkp.r.data").length == 32
    dragonfly = handshake(12, vec(1, b"salt"), b"\x03" + u16(23), vec(1, POINT), vec(1, bytes(32)))
    tree = decode_handshake(dragonfly, Context(SERVER, 0x0303, 0xC0B0))
    assert at(tree, "params.salt.data").value == b"salt"
    assert at(tree, "params.element.point").length == 65
    assert at(tree, "params.scalar.data").length == 32


def test_gost_key_transport() -> None:
    spki = tlv(0x30, tlv(0x30, tlv(6, bytes.fromhex("2a85030701010101"))), tlv(3, b"\0" + tlv(4, bytes(64))))
    wrapped = tlv(0x30, tlv(4, bytes(48)), spki)
    tree = decode_handshake(handshake(16, wrapped), Context(CLIENT, 0x0303, 0xC100))
    assert faults(tree) == []
    transport = at(tree, "GostKeyTransport")
    assert der_faults(transport) == []
    assert transport.label == "PSKeyTransport"
    assert at(transport, "ephemeralPublicKey").label == "id-tc26-gost3410-12-256, 528 bits"
    encrypted = tlv(0x30, tlv(4, bytes(32)), tlv(4, bytes(4)))
    parameters = tlv(0xA0, tlv(6, b"\x2a\x03"), tlv(0xA0, spki[2:]), tlv(4, bytes(8)))
    blob = tlv(0x30, tlv(0x30, encrypted, parameters))
    older = opened(blob, GostKeyTransportNode)
    assert_der_tiles(older, blob)
    assert (older.label, der_faults(older)) == ("TLSGostKeyTransportBlob", [])
    assert at(older, "keyBlob.transportParameters.ephemeralPublicKey.subjectPublicKey").length == 69
    assert at(older, "keyBlob.sessionEncryptedKey.macKey").length == 6


@pytest.mark.parametrize(
    ("kind", "body", "path", "length"),
    [
        (9, b"\x03", "num_cids", 1),
        (10, vec(2, vec(1, b"ab")) + b"\0", "cids.cid.data", 2),
        (17, vec(1, b"c") + vec(2), "certificate_request_context.data", 1),
        (26, vec(2, bytes(16)) + vec(2, bytes(14)) + u16(7) + bytes(3), "srtp_master_salt.data", 14),
        (203, u16(30032) + vec(2, bytes(128)), "channel_id.s", 32),
        (203, u16(0x1234) + vec(2, b"data"), "extension_0x1234.extension_data", 4),
    ],
)
def test_messages(kind: int, body: bytes, path: str, length: int) -> None:
    data = handshake(kind, body)
    tree = decode_handshake(data, SERVER_13)
    assert tree.name == f"handshake_0x{kind:02x}"
    assert_tiles(tree, data)
    assert faults(tree) == []
    assert at(tree, path).length == length
    for size in range(4, len(data)):
        assert_tiles(decode_handshake(data[:size], SERVER_13), data[:size])


def test_supplemental_data_and_protocols_are_named() -> None:
    entry = handshake(23, vec(3, u16(0) + vec(2, vec(2, b"\x40" + vec(2, b"eve") + vec(2, b"example")))))
    assert at(decode_handshake(entry, CLIENT_12), "supp_data.supplemental_data_entry.supp_data_type").label
    hello = client_hello(ext(16, vec(2, vec(1, b"h2"), vec(1, b"unheard-of"))))
    found = extension_of(decode_handshake(hello, FROM_CLIENT), "application_layer_protocol_negotiation")
    names = at(found, "protocol_name_list")
    assert [node.label for node in names.children[1:]] == ["h2", "unheard-of"]
    assert at(names.children[1], "data").label == "h2: HTTP/2 over TLS"
