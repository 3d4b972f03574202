from __future__ import annotations

from tls_build import (
    FROM_CLIENT,
    FROM_SERVER,
    FULL_CLIENT_HELLO,
    FULL_SERVER_HELLO,
    RANDOM,
    RETRY_RANDOM,
    SERVER_12,
    SERVER_13,
    VERSION_13,
    certificate_12,
    certificate_13,
    client_hello,
    ext,
    handshake,
    server_hello,
    u16,
    vec,
)

from tlsviz.tls import views
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_handshake
from tlsviz.wire.nodes import Node


def offered(data: bytes) -> views.ClientHello:
    return views.client_hello(decode_handshake(data, FROM_CLIENT), data)


def answered(data: bytes, context: Context = FROM_SERVER) -> views.ServerHello:
    return views.server_hello(decode_handshake(data, context), data)


def test_client_hello() -> None:
    hello = offered(FULL_CLIENT_HELLO)
    assert hello.legacy_version == 0x0303 and hello.random == RANDOM and hello.session_id == bytes(32)
    assert hello.cipher_suites == (0x1A1A, 0x1301, 0x1302, 0xC02F, 0x00FF)
    assert hello.compression_methods == (0,)
    assert [code for code, _ in hello.extensions][:3] == [0x3A3A, 0, 5]
    assert dict(hello.extensions)[45] == b"\x01\x01" and dict(hello.extensions)[23] == b""
    assert hello.server_name == "example.com"
    assert hello.alpn == ("h2", "http/1.1")
    assert hello.versions == (0x5A5A, 0x0304, 0x0303)
    assert hello.groups == (0x4A4A, 4588, 29, 23)
    assert hello.signature_schemes == (0x0403, 0x0804, 0x0904)
    assert hello.key_share_groups == (0x4A4A, 4588, 29)
    assert hello.point_formats == (0,)
    assert hello.psk_identities == (b"identity",)
    assert hello.psk_modes == (1,)
    assert not hello.has_early_data and offered(client_hello(ext(42))).has_early_data


def test_client_hello_of_old() -> None:
    hello = offered(client_hello())
    assert hello.extensions == hello.versions == hello.alpn == () and hello.server_name is None


def test_texts_are_safe_and_whole() -> None:
    name = b"a" * 250
    hello = offered(
        client_hello(ext(0, vec(2, b"\0" + vec(2, name))), ext(16, vec(2, vec(1, b"\x1b[31m"), vec(1, b"\xba\xba"))))
    )
    assert hello.server_name == name.decode()
    assert hello.alpn == ("\\x1b[31m", "GREASE")


def test_server_hello() -> None:
    hello = answered(FULL_SERVER_HELLO, SERVER_13)
    assert (hello.legacy_version, hello.version) == (0x0303, 0x0304)
    assert (hello.cipher_suite, hello.compression_method) == (0x1301, 0)
    assert (hello.group, hello.selected_psk, hello.alpn, hello.is_retry) == (4588, 0, None, False)
    assert hello.random == RANDOM and hello.session_id == bytes(32)
    assert [code for code, _ in hello.extensions] == [51, 43, 41]
    old = answered(server_hello(ext(16, vec(2, vec(1, b"h2"))), random=RANDOM[:24] + b"DOWNGRD\1", suite=0xC02F))
    assert (old.version, old.alpn, old.group, old.selected_psk) == (0x0303, "h2", None, None)
    assert old.random == RANDOM[:24] + b"DOWNGRD\1"


def test_hello_retry_request() -> None:
    retry = answered(server_hello(ext(51, u16(24)), VERSION_13, random=RETRY_RANDOM))
    assert (retry.is_retry, retry.group, retry.version) == (True, 24, 0x0304)


def test_extensions_of_other_messages() -> None:
    data = handshake(8, vec(2, ext(0), ext(16, vec(2, vec(1, b"h2")))))
    tree = decode_handshake(data, SERVER_13)
    assert views.extension_list(tree, data) == ((0, b""), (16, vec(2, vec(1, b"h2"))))
    assert views.selected_protocol(tree, data) == "h2"
    done = handshake(14)
    assert views.extension_list(decode_handshake(done, SERVER_12), done) == ()


def test_nothing_there_is_no_error() -> None:
    empty = Node("client_hello", 0, 0)
    assert views.client_hello(empty, b"").legacy_version == 0
    assert views.server_hello(empty, b"") == views.ServerHello(0, 0, b"", b"", 0, 0, (), None, None, None, False)
    assert views.certificates(empty, b"") == []
    assert views.key_exchange_group(empty) is None and views.signature_scheme(empty) is None


def test_a_cut_hello_gives_what_is_there() -> None:
    data = FULL_CLIENT_HELLO[: FULL_CLIENT_HELLO.index(b"example.com") + 7]
    hello = offered(data)
    assert hello.cipher_suites[1] == 0x1301 and hello.server_name == "example" and hello.alpn == ()
    odd = offered(client_hello(suites=b"\x13\x01\x13"))
    assert odd.cipher_suites == (0x1301,)


def test_a_cut_certificate_is_not_given_for_a_whole_one() -> None:
    for make, context in ((certificate_12, SERVER_12), (certificate_13, SERVER_13)):
        whole = make(b"first certificate", b"second certificate")
        cut = whole[: whole.index(b"second") + 3]
        found = views.certificates(decode_handshake(cut, context), cut)
        assert [der for der, _ in found] == [b"first certificate"]
