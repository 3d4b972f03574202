"""Messages that others published or recorded. All of it is skipped where the vectors are not at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tls_build import FROM_CLIENT, FROM_SERVER, VECTORS, assert_tiles, at, extension_of, faults

from tlsviz.tls import views
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_content, decode_handshake
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

RFC8448 = VECTORS / "rfc8448" / "transcripts.vec"
AIOQUIC = VECTORS / "messages" / "aioquic" / "tests"
GO = VECTORS / "messages" / "go-crypto-tls-testdata" / "src" / "crypto" / "tls" / "testdata"
RECORDED = sorted(path for path in GO.glob("*-TLSv1*") if path.stat().st_size) if GO.is_dir() else []
FUZZ = [path for side in ("client", "server") for path in sorted((VECTORS / "fuzz" / side).glob("*"))]

MESSAGES_13 = {
    "ServerHello": "server_hello",
    "EncryptedExtensions": "encrypted_extensions",
    "CertificateRequest": "certificate_request",
    "Server_Certificate": "certificate",
    "Server_CertificateVerify": "certificate_verify",
    "Server_Finished": "finished",
}


def sections() -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    if RFC8448.is_file():
        for line in RFC8448.read_text().splitlines():
            if line.startswith("["):
                current = found.setdefault(line.strip("[]"), {})
            elif found and (match := re.fullmatch(r"(\w+) = ([0-9a-fA-F]+)", line.strip())) and len(match[2]) % 2 == 0:
                current[match[1]] = bytes.fromhex(match[2])
    return found


SECTIONS = sections()


@pytest.mark.skipif(not SECTIONS, reason="no RFC 8448 vectors")
@pytest.mark.parametrize("section", SECTIONS)
def test_rfc8448(section: str) -> None:
    values = SECTIONS[section]
    suite = views.server_hello(
        decode_handshake(values["Message_ServerHello"], FROM_SERVER), values["Message_ServerHello"]
    )
    context = Context(SERVER, suite.version, suite.cipher_suite)
    assert suite.version == 0x0304
    for name, kind in MESSAGES_13.items():
        if f"Message_{name}" in values:
            data = values[f"Message_{name}"]
            tree = decode_handshake(data, context)
            assert_tiles(tree, data)
            assert tree.name == kind
            assert faults(tree) == []
    for name in ("Record_ClientHello_1", "Record_ClientHello_2", "Record_HelloRetryRequest"):
        if name in values:
            data = values[name][5:]
            tree = decode_handshake(data, FROM_CLIENT)
            assert_tiles(tree, data)
            assert faults(tree) == []


@pytest.mark.skipif(not SECTIONS, reason="no RFC 8448 vectors")
def test_rfc8448_values() -> None:
    data = SECTIONS["Simple_1RTT_Handshake"]["Record_ClientHello_1"][5:]
    hello = views.client_hello(decode_handshake(data, FROM_CLIENT), data)
    assert hello.server_name == "server" and hello.cipher_suites == (0x1301, 0x1303, 0x1302)
    assert hello.random.hex().startswith("cb34ecb1e78163ba") and hello.key_share_groups == (29,)
    data = SECTIONS["HelloRetryRequest_Handshake"]["Record_HelloRetryRequest"][5:]
    tree = decode_handshake(data, FROM_SERVER)
    assert tree.name == "hello_retry_request"
    assert extension_of(tree, "key_share.selected_group").label == "secp256r1"
    data = SECTIONS["Resumed_0RTT_Handshake"]["Record_ClientHello_1"][5:]
    hello = views.client_hello(decode_handshake(data, FROM_CLIENT), data)
    assert hello.has_early_data and len(hello.psk_identities) == 1


@pytest.mark.skipif(not AIOQUIC.is_dir(), reason="no aioquic vectors")
def test_aioquic() -> None:
    checked = 0
    for path in sorted(AIOQUIC.glob("tls_*.bin")):
        data = path.read_bytes()
        suite = 0x1302 if len(data) == 52 else 0x1301
        tree = decode_handshake(data, Context(SERVER, 0x0304, suite))
        assert_tiles(tree, data)
        assert faults(tree) == [], path.name
        assert path.stem.removeprefix("tls_").startswith(tree.name)
        checked += 1
    assert checked
    data = (AIOQUIC / "tls_client_hello_with_alpn.bin").read_bytes()
    hello = views.client_hello(decode_handshake(data, FROM_CLIENT), data)
    assert hello.alpn and hello.versions
    data = (AIOQUIC / "tls_certificate.bin").read_bytes()
    tree = decode_handshake(data, Context(SERVER, 0x0304, 0x1301))
    assert [der[:1] for der, _ in views.certificates(tree, data)] == [b"\x30"]


def flows(path: Path) -> Iterator[tuple[Sender, bytes]]:
    """A Go transcript: hex dumps of what each side sent in turn."""
    sender: Sender = CLIENT
    data = b""
    for line in path.read_text().splitlines():
        if line.startswith(">>>"):
            if data:
                yield sender, data
            sender, data = (CLIENT if "client to server" in line else SERVER), b""
        else:
            data += bytes.fromhex(line[10:58])
    yield sender, data


def records(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 5:
        end = 5 + int.from_bytes(data[3:5], "big")
        yield data[0], data[5:end]
        data = data[end:]


ODD_GO = {("host_name", "must not be an IP address (RFC 6066 3)")}
"""OpenSSL sends the address as a name when it is told to."""


@pytest.mark.skipif(not RECORDED, reason="no Go transcripts")
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_go_transcripts(path: Path) -> None:
    version = suite = None
    closed: set[Sender] = set()
    seen = []
    for sender, data in flows(path):
        pending = b""
        for kind, fragment in records(data):
            if kind == 20 and sender not in closed:
                closed.add(sender)
                assert faults(decode_content(20, fragment, FROM_CLIENT)) == []
            if sender in closed or kind not in (21, 22):
                continue
            if kind == 21:
                assert faults(decode_content(21, fragment, FROM_CLIENT)) == []
                continue
            pending += fragment
            while len(pending) >= 4 and len(pending) >= (size := 4 + int.from_bytes(pending[1:4], "big")):
                message, pending = pending[:size], pending[size:]
                tree = decode_handshake(message, Context(sender, version, suite))
                assert_tiles(tree, message)
                assert [fault for fault in faults(tree) if fault not in ODD_GO] == [], tree.name
                seen.append(tree.name)
                if tree.name == "server_hello":
                    hello = views.server_hello(tree, message)
                    version, suite = hello.version, hello.cipher_suite
                    assert f"TLSv1{version - 0x0301}" in path.name
    assert seen[0] == "client_hello"
    assert {"server_hello", "hello_retry_request"} & set(seen) or len(seen) == 1


@pytest.mark.skipif(not FUZZ, reason="no fuzzing corpus")
@pytest.mark.parametrize("path", FUZZ[::4], ids=lambda path: path.name[:8])
def test_fuzzing_corpus_gives_trees(path: Path) -> None:
    data = path.read_bytes()[:20_000]
    for version in (None, 0x0301, 0x0303, 0x0304):
        for offset in (0, 5, 20):
            tree = decode_handshake(data[offset:], Context(SERVER, version, 0xC02F))
            assert_tiles(tree, data[offset:])
    assert at(decode_content(99, data, FROM_CLIENT), "data").length == len(data)
