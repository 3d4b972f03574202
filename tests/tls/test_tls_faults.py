"""Typical faults: which field carries the note, what it says, and what is still decoded behind it."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from tls_build import (
    CLIENT_12,
    CLIENT_13,
    FROM_CLIENT,
    FROM_SERVER,
    RANDOM,
    RETRY_RANDOM,
    SERVER_12,
    SERVER_13,
    VERSION_13,
    assert_tiles,
    client_hello,
    ext,
    faults,
    handshake,
    server_hello,
    u16,
    vec,
)

from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_content, decode_handshake
from tlsviz.tls.records import decode_record_header
from tlsviz.wire.chunks import SERVER
from tlsviz.wire.nodes import Node, walk

LAST = ext(10, vec(2, u16(29)))
"""An extension at the end of each message: it must still be decoded."""
SHARE = u16(29) + vec(2, bytes(32))
BEHIND = "named_group"


class Fault(NamedTuple):
    """``where``: the noted field; ``says``: a part of the note; ``then``: a field that is still decoded behind it."""

    name: str
    data: bytes
    context: Context
    where: str
    says: str
    then: str = BEHIND


def in_hello(name: str, extension: bytes, where: str, says: str, then: str = BEHIND) -> Fault:
    return Fault(name, client_hello(extension, LAST), FROM_CLIENT, where, says, then)


def in_server(name: str, extension: bytes, where: str, says: str, then: str = "selected_version") -> Fault:
    return Fault(name, server_hello(extension, VERSION_13), FROM_SERVER, where, says, then)


def hello(
    version: int = 0x0303, session: bytes = b"\0", suites: bytes = vec(2, u16(0x1301)), methods: bytes = b"\x01\0"
) -> bytes:
    return handshake(1, u16(version) + RANDOM + session + suites + methods, vec(2, LAST))


def offering(message: bytes) -> bytes:
    """A hello with TLS 1.3 among its versions."""
    return handshake(1, message[4:].replace(vec(2, LAST), vec(2, ext(43, vec(1, u16(0x0304))), LAST)))


HELLOS = [
    Fault(
        "session id of 33 bytes", hello(session=vec(1, bytes(33))), FROM_CLIENT, "legacy_session_id", "longer than 32"
    ),
    Fault("no cipher suites", hello(suites=vec(2)), FROM_CLIENT, "cipher_suites", "must not be empty"),
    Fault("half a cipher suite", hello(suites=vec(2, b"\x13\x01\x13")), FROM_CLIENT, "cipher_suite", "needs 2 bytes"),
    Fault(
        "no compression methods", hello(methods=vec(1)), FROM_CLIENT, "legacy_compression_methods", "must not be empty"
    ),
    Fault(
        "without null compression", hello(methods=vec(1, b"\x01")), FROM_CLIENT, "legacy_compression_methods", "null"
    ),
    Fault(
        "compression offered with TLS 1.3",
        offering(hello(methods=vec(1, b"\x01\0"))),
        FROM_CLIENT,
        "legacy_compression_methods",
        "null alone",
    ),
    Fault(
        "legacy version with TLS 1.3",
        offering(hello(0x0304)),
        FROM_CLIENT,
        "legacy_version",
        "0x0303",
    ),
    Fault(
        "compression chosen with TLS 1.3",
        handshake(2, u16(0x0303) + RANDOM + vec(1) + u16(0x1301) + b"\x01", vec(2, VERSION_13)),
        FROM_SERVER,
        "legacy_compression_method",
        "must be 0",
        "selected_version",
    ),
    Fault(
        "legacy version of a ServerHello of TLS 1.3",
        server_hello(VERSION_13, version=0x0301),
        FROM_SERVER,
        "legacy_version",
        "0x0303",
        "selected_version",
    ),
    Fault(
        "bytes behind the extensions",
        client_hello(LAST)[:1] + vec(3, client_hello(LAST)[4:], b"xx"),
        FROM_CLIENT,
        "unexpected_bytes",
        "2 bytes",
    ),
    Fault(
        "message cut in its extensions",
        client_hello(LAST, ext(16, vec(2, vec(1, b"h2"))))[:-3],
        FROM_CLIENT,
        "length",
        "only",
    ),
    Fault(
        "extensions longer than the message",
        hello()[:-10] + b"\0\xff" + LAST,
        FROM_CLIENT,
        "extensions",
        "says 255 bytes",
    ),
]
EXTENSIONS = [
    in_hello("the same extension twice", ext(23) + ext(23), "extended_master_secret", "a second extension"),
    in_hello("cookie in a ServerHello's place", ext(48, vec(2)), "oid_filters", "must not be in a ClientHello"),
    in_server("a name in the wrong message", ext(21, b""), "padding", "must not be in a ServerHello"),
    in_hello(
        "pre_shared_key not at the end",
        ext(41, vec(2, vec(2, b"t") + bytes(4)) + vec(2, vec(1, bytes(32)))),
        "pre_shared_key",
        "must be the last",
    ),
    in_hello("binders missing", ext(41, vec(2, vec(2, b"t") + bytes(4)) + vec(2)), "binders", "not one binder"),
    in_hello(
        "binder too short",
        ext(41, vec(2, vec(2, b"t") + bytes(4)) + vec(2, vec(1, bytes(8)))),
        "psk_binder_entry",
        "at least 32",
    ),
    in_hello(
        "ticket empty", ext(41, vec(2, vec(2) + bytes(4)) + vec(2, vec(1, bytes(32)))), "identity", "must not be empty"
    ),
    in_hello("empty list of names", ext(0, vec(2)), "server_name_list", "must not be empty"),
    in_hello("empty name", ext(0, vec(2, b"\0" + vec(2))), "host_name", "must not be empty"),
    in_hello("name of no UTF-8", ext(0, vec(2, b"\0" + vec(2, b"\xff\xfe.test"))), "host_name", "not a DNS name"),
    in_hello("name with a blank", ext(0, vec(2, b"\0" + vec(2, b"a b.test"))), "host_name", "not a DNS name"),
    in_hello("name that is an address", ext(0, vec(2, b"\0" + vec(2, b"192.0.2.1"))), "host_name", "an IP address"),
    in_hello("name with a dot at its end", ext(0, vec(2, b"\0" + vec(2, b"a.test."))), "host_name", "without a dot"),
    in_hello("two names of one kind", ext(0, vec(2, 2 * (b"\0" + vec(2, b"a.test")))), "server_name", "a second name"),
    in_hello("empty list of protocols", ext(16, vec(2)), "protocol_name_list", "must not be empty"),
    in_hello(
        "empty protocol", ext(16, vec(2, vec(1), vec(1, b"h2"))), "protocol_name", "must not be empty", "protocol_name"
    ),
    Fault(
        "two protocols chosen",
        handshake(8, vec(2, ext(16, vec(2, vec(1, b"h2"), vec(1, b"h3"))), LAST)),
        SERVER_13,
        "protocol_name_list",
        "exactly one",
    ),
    in_hello("empty list of groups", ext(10, vec(2)), "named_group_list", "must not be empty", "legacy_version"),
    in_hello("odd list of groups", ext(10, vec(2, b"\0\x1d\0")), "named_group", "needs 2 bytes"),
    in_hello("empty list of signatures", ext(13, vec(2)), "supported_signature_algorithms", "must not be empty"),
    in_hello("odd list of signatures", ext(13, vec(2, b"\x04\x03\x08")), "signature_scheme", "needs 2 bytes"),
    in_hello("empty list of versions", ext(43, vec(1)), "versions", "must not be empty"),
    in_hello("odd list of versions", ext(43, vec(1, b"\x03\x04\x03")), "version", "needs 2 bytes"),
    in_hello("empty list of modes", ext(45, vec(1)), "ke_modes", "must not be empty"),
    in_hello("no uncompressed points", ext(11, vec(1, b"\x01")), "ec_point_format_list", "uncompressed"),
    in_hello("empty cookie", ext(44, vec(2)), "cookie", "must not be empty"),
    in_hello("list longer than its extension", ext(16, u16(99) + vec(1, b"h2")), "protocol_name_list", "says 99 bytes"),
    in_hello("list shorter than its extension", ext(16, vec(2, vec(1, b"h2")) + b"zz"), "unexpected_bytes", "2 bytes"),
    in_hello("bytes in an empty extension", ext(23, b"x"), "unexpected_bytes", "1 byte"),
    in_hello("padding that is not zero", ext(21, b"\0\x01"), "padding", "must be zeros"),
    in_hello("renegotiation longer than itself", ext(65281, b"\x05ab"), "renegotiated_connection", "says 5 bytes"),
    in_hello("fragment length unknown", ext(1, b"\x09"), "max_fragment_length", "1 to 4"),
    in_hello("record size limit too small", ext(28, u16(63)), "record_size_limit", "less than 64"),
    in_hello("heartbeat mode unknown", ext(15, b"\x03"), "mode", "must be 1 or 2"),
]
SHARES = [
    in_hello("key share of the wrong size", ext(51, vec(2, u16(29) + vec(2, bytes(31)))), "data", "has 32 bytes"),
    in_hello(
        "hybrid share of the wrong size", ext(51, vec(2, u16(4588) + vec(2, bytes(1215)))), "data", "has 1216 bytes"
    ),
    in_hello("empty key share", ext(51, vec(2, u16(0x0100) + vec(2))), "key_exchange", "must not be empty"),
    in_hello("two shares of a group", ext(51, vec(2, SHARE, SHARE)), "key_share_entry", "a second share"),
    in_hello("compressed point", ext(51, vec(2, u16(23) + vec(2, b"\x02" + bytes(64)))), "legacy_form", "must be 4"),
    in_server("server share of the wrong size", ext(51, u16(29) + vec(2, bytes(33))), "data", "has 32 bytes"),
    Fault(
        "shares in another order than the groups",
        client_hello(ext(51, vec(2, u16(23) + vec(2, b"\x04" + bytes(64)), SHARE)), ext(10, vec(2, u16(29, 23)))),
        FROM_CLIENT,
        "client_shares",
        "order",
    ),
    Fault(
        "share of a group that is not offered",
        client_hello(ext(51, vec(2, SHARE)), ext(10, vec(2, u16(23)))),
        FROM_CLIENT,
        "client_shares",
        "not among",
    ),
]
MESSAGES = [
    Fault(
        "certificate longer than its list",
        handshake(11, vec(3, vec(3, b"\x30\0"), b"\0\0\xff\x30\0")),
        SERVER_12,
        "certificate",
        "says 255",
        "certificate",
    ),
    Fault(
        "empty certificate",
        handshake(11, vec(3, vec(3), vec(3, b"\x30\0"))),
        SERVER_12,
        "certificate",
        "must not be empty",
        "certificate",
    ),
    Fault("Finished too short", handshake(20, bytes(11)), CLIENT_12, "verify_data", "must be 12 bytes", "length"),
    Fault("Finished too long", handshake(20, bytes(33)), CLIENT_13, "unexpected_bytes", "1 byte", "verify_data"),
    Fault("body in an empty message", handshake(14, b"x"), SERVER_12, "unexpected_bytes", "1 byte", "msg_type"),
    Fault("KeyUpdate unknown", handshake(24, b"\x02"), CLIENT_13, "request_update", "must be 0 or 1", "length"),
    Fault(
        "ticket lifetime over a week",
        handshake(4, (604801).to_bytes(4, "big") + bytes(4) + vec(1) + vec(2, b"t") + vec(2)),
        SERVER_13,
        "ticket_lifetime",
        "604,800",
        "ticket",
    ),
    Fault(
        "empty ticket of TLS 1.3",
        handshake(4, bytes(8) + vec(1) + vec(2) + vec(2)),
        SERVER_13,
        "ticket",
        "must not be empty",
        "extensions",
    ),
    Fault(
        "curve point of the wrong size",
        handshake(12, b"\x03" + u16(23) + vec(1, bytes(9)), u16(0x0403), vec(2, b"sig")),
        Context(SERVER, 0x0303, 0xC02F),
        "point",
        "has 65 bytes",
        "algorithm",
    ),
    Fault(
        "explicit curve unknown",
        handshake(12, b"\x09" + bytes(9)),
        Context(SERVER, 0x0303, 0xC02F),
        "curve_type",
        "no such curve type",
        "curve",
    ),
    Fault(
        "retry without anything to retry",
        server_hello(VERSION_13, random=RETRY_RANDOM),
        FROM_SERVER,
        "extensions",
        "nothing to change",
        "selected_version",
    ),
    Fault(
        "empty certificate request",
        handshake(13, vec(1), vec(2)),
        SERVER_13,
        "extensions",
        "signature_algorithms",
        "certificate_request_context",
    ),
]


@pytest.mark.parametrize("fault", HELLOS + EXTENSIONS + SHARES + MESSAGES, ids=lambda f: f.name)
def test_the_faulty_field_is_noted_and_what_follows_is_decoded(fault: Fault) -> None:
    tree = decode_handshake(fault.data, fault.context)
    assert_tiles(tree, fault.data)
    noted = [(name, note) for name, note in faults(tree) if name == fault.where and fault.says in note]
    assert noted, faults(tree)
    assert fault.then in {node.name for _, node in walk(tree) if node.note is None}


def contents(kind: int, data: bytes) -> Node:
    tree = decode_content(kind, data, FROM_CLIENT)
    assert_tiles(tree, data)
    return tree


@pytest.mark.parametrize(
    ("kind", "data", "where", "says"),
    [
        (20, b"\x02", "type", "must be 1"),
        (20, b"\x01\x01", "unexpected_bytes", "1 byte"),
        (21, b"\x02", "description", "needs 1 byte"),
        (21, b"\x03\x28", "level", "must be 1"),
        (21, b"\x02\x28\x01\0", "unexpected_bytes", "2 bytes"),
        (24, b"\x01\0\xff" + bytes(20), "payload_length", "Heartbleed"),
        (24, b"\x01\0\x02ab" + bytes(3), "payload", "at least 16"),
    ],
)
def test_contents_of_other_records(kind: int, data: bytes, where: str, says: str) -> None:
    assert any(name == where and says in note for name, note in faults(contents(kind, data)))


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        (b"\x63\x03\x03\0\x01", "content_type", "not a content type"),
        (b"\x16\x03\x03\xff\xff", "length", "longer than any"),
        (b"\x16\x03\x03\0\0", "length", "must not be 0"),
        (b"\x16\x07\x07\0\x01", "legacy_record_version", "no version"),
    ],
)
def test_record_headers(data: bytes, where: str, says: str) -> None:
    tree = decode_record_header(data)
    assert any(name == where and says in note for name, note in faults(tree)), faults(tree)
