from __future__ import annotations

import pytest
from tls_build import FROM_CLIENT, FROM_SERVER, assert_tiles, at, faults, u16, values

from tlsviz.tls.handshake import decode_ssl2, ssl2_message_type
from tlsviz.tls.views import client_hello

HELLO = b"\x01" + u16(0x0301, 9, 0, 16) + bytes.fromhex("000039 010080 0700c0") + bytes(range(16))


def test_compatible_client_hello() -> None:
    tree = decode_ssl2(HELLO, FROM_CLIENT)
    assert tree.name == "ssl2_client_hello" and faults(tree) == []
    assert_tiles(tree, HELLO)
    assert [node.label for node in at(tree, "cipher_specs").children] == [
        "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        "SSL_CK_RC4_128_WITH_MD5",
        "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
    ]
    view = client_hello(tree, HELLO)
    assert view.legacy_version == 0x0301 and view.cipher_suites == (0x0039,)
    assert view.random == bytes(16) + bytes(range(16))
    assert view.extensions == () and view.server_name is None


@pytest.mark.parametrize(
    ("data", "name", "fields"),
    [
        ("00 0001", "ssl2_error", "error_code"),
        (
            "02 010080 0001 0002 0001 aa bbbb cc",
            "ssl2_client_master_key",
            "cipher_kind clear_key_length encrypted_key_length key_arg_length "
            "clear_key_data encrypted_key_data key_arg_data",
        ),
        ("03 aabb", "ssl2_client_finished", "connection_id"),
        (
            "04 00 01 0002 0001 0003 0002 aa 010080 bbbb",
            "ssl2_server_hello",
            "session_id_hit certificate_type server_version certificate_length cipher_specs_length "
            "connection_id_length certificate cipher_specs connection_id",
        ),
        ("05 aa", "ssl2_server_verify", "challenge_data"),
        ("06 aa", "ssl2_server_finished", "session_id_data"),
        ("07 01 aabb", "ssl2_request_certificate", "authentication_type certificate_challenge_data"),
        (
            "08 01 0001 0002 aa bbbb",
            "ssl2_client_certificate",
            "certificate_type certificate_length response_length certificate response_data",
        ),
        ("2a 0102", "ssl2_0x2a", "body"),
    ],
)
def test_messages(data: str, name: str, fields: str) -> None:
    raw = bytes.fromhex(data)
    tree = decode_ssl2(raw, FROM_SERVER)
    assert tree.name == name == ssl2_message_type(raw)
    assert [node.name for node in tree.children] == ["msg_type", *fields.split()]
    assert_tiles(tree, raw)
    assert faults(tree) == []


def test_lengths_that_lie() -> None:
    data = b"\x01" + u16(0x0002, 0xFFFF, 0, 16) + bytes(20)
    tree = decode_ssl2(data, FROM_CLIENT)
    assert_tiles(tree, data)
    assert at(tree, "cipher_specs").note
    for size in range(len(HELLO)):
        cut = decode_ssl2(HELLO[:size], FROM_CLIENT)
        assert_tiles(cut, HELLO[:size])
        assert faults(cut)
        client_hello(cut, HELLO[:size])
    assert values(decode_ssl2(HELLO, FROM_CLIENT), "cipher_specs") == [0x010080, 0x0700C0]
