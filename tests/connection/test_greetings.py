"""Plaintext before TLS in readable words: binary protocols by name, text by its first line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsviz.connection import titles
from tlsviz.connection.greetings import greeting
from tlsviz.connection.ladder import steps
from tlsviz.connection.model import Prelude
from tlsviz.connection.prelude import protocol
from tlsviz.explain.narrate import narrate_step
from tlsviz.sources.capture import load_capture
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

CAPTURES = Path(__file__).parents[3] / "shared" / "captures"
LDAP = b"0\x1d\x02\x01\x01w\x18\x80\x161.3.6.1.4.1.1466.20037"


@pytest.mark.parametrize(
    ("name", "sender", "data", "title"),
    [
        ("ldap", CLIENT, LDAP, "LDAP StartTLS request"),
        ("ldap", SERVER, b"0\x0c\x02\x01\x01x\x07\n\x01\x00\x04\x00\x04\x00", "LDAP StartTLS response: agreed"),
        ("ldap", SERVER, b"0\x0c\x02\x01\x01x\x07\n\x01\x55\x04\x00\x04\x00", "LDAP StartTLS response: result 85"),
        ("postgres", CLIENT, b"\0\0\0\x08\x04\xd2\x16\x2f", "PostgreSQL SSLRequest"),
        ("postgres", SERVER, b"S", "PostgreSQL: S (SSL accepted)"),
        ("postgres", SERVER, b"N", "PostgreSQL: N (no SSL)"),
        ("mysql", SERVER, b"J\0\0\0\n8.0.31\0\x08\0\0\0abc", "MySQL greeting, version 8.0.31"),
        ("mysql", CLIENT, b" \0\0\x01\x85\xae\xff\x19", "MySQL SSLRequest"),
        ("rdp", CLIENT, b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", "RDP connection request"),
        ("rdp", SERVER, b"\x03\0\0\x13\x0e\xd0\0\0\x124\0\x02\x1f\x08\0\x02\0\0\0", "RDP connection confirm"),
        ("mssql", CLIENT, b"\x12\x01\0\x2f\0\0\x01\0", "SQL Server (TDS) pre-login"),
        ("mssql", SERVER, b"\x04\x01\0\x2b\0\0\x01\0", "SQL Server (TDS) pre-login response"),
        ("socks", CLIENT, b"\x05\x01\0", "SOCKS 5 greeting"),
        ("socks", SERVER, b"\x05\0", "SOCKS 5: no authentication needed"),
        ("socks", SERVER, b"\x05\x09", "SOCKS 5: method 9 chosen"),
        ("socks", CLIENT, b"\x05\x01\0\x03\x0ewww.google.com\x01\xbb", "SOCKS 5 CONNECT www.google.com:443"),
        ("socks", CLIENT, b"\x05\x01\0\x01\xc0\0\2\x01\x01\xbb", "SOCKS 5 CONNECT 192.0.2.1:443"),
        ("socks", CLIENT, b"\x05\x01\0\x04" + b"\0" * 15 + b"\x01\x01\xbb", "SOCKS 5 CONNECT [::1]:443"),
        ("socks", SERVER, b"\x05\0\0\x01\0\0\0\0\x01\xbb", "SOCKS 5: connected"),
        ("socks", SERVER, b"\x05\x63\0\x01\0\0\0\0\x01\xbb", "SOCKS 5: refused with code 99"),
        ("unknown", CLIENT, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "PROXY protocol header, version 2"),
    ],
)
def test_binary_greetings_by_name(name: str, sender: Sender, data: bytes, title: str) -> None:
    part = Prelude(0, 0.0, sender, data, ())
    assert titles.prelude(part, name) == (title, f"{len(data)} B")
    if sender == CLIENT and name in ("ldap", "rdp", "mssql", "socks"):
        assert protocol((part,)) == name


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"220 mail.example.test ESMTP\r\n", "220 mail.example.test ESMTP"),
        ("220 grüß dich, 世界\r\n".encode(), "220 grüß dich, 世界"),
        (b"GET /\x1b[31m HTTP/1.1", "GET /\\x1b[31m HTTP/1.1"),
        (b"\x81\x82\x83\x84\x01\x02\x03\x04", "binary data 81 82 83 84 01 02 03 04 …"),
        (b"", "plaintext"),
        (b"\r\n\0", "plaintext"),
    ],
)
def test_text_by_its_first_line(data: bytes, title: str) -> None:
    assert titles.prelude(Prelude(0, 0.0, SERVER, data, ()), "unknown")[0] == title


def test_hostile_greetings_stay_harmless() -> None:
    for data in (b"\x05\x01\0\x03\x40" + b"\x1b[2J" * 100, b"J\0\0\0\n\x1b[31m\0", b"\x05\x01\0\x03", b"0" * 4000):
        for name in ("socks", "mysql", "ldap", "rdp", "mssql", "postgres"):
            for sender in (CLIENT, SERVER):
                assert (greeting(data, sender, name) or "").isprintable()


def test_ssl2_messages_have_their_titles() -> None:
    assert titles.type_title("ssl2_client_hello") == "SSL 2 ClientHello"
    assert titles.type_title("ssl2_client_master_key") == "SSL 2 ClientMasterKey"
    assert titles.type_title("ssl2_0x63") == "SSL 2 message 0x63"


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not here")
def test_the_ladder_and_the_narration_of_starttls_in_ldap() -> None:
    (connection,) = load_capture(CAPTURES / "zeek" / "ldap-starttls.pcap").connections
    said = [step for step in steps(connection) if step.kind == "prelude"]
    assert [step.title for step in said] == ["LDAP StartTLS request", "LDAP StartTLS response: agreed"]
    told = narrate_step(connection, said[0])
    assert told.sentences[0].text == "The client says: LDAP StartTLS request"
