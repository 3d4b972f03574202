"""The filter language, on hand-made rows."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsviz.connection.filter_keys import FLAGS, KEYS
from tlsviz.connection.filters import FilterError, parse, term
from tlsviz.connection.model import (
    Alert,
    CodePoint,
    Connection,
    Endpoint,
    Finding,
    Message,
    Volume,
)
from tlsviz.connection.rows import Row, row
from tlsviz.pki.trust import Trust
from tlsviz.wire.chunks import Sender
from tlsviz.wire.text import safe

ZERO = 1_700_000_000.0
TLS = {"1.0": 0x0301, "1.2": 0x0303, "1.3": 0x0304}


def message(kind: str, at: float, alert: int | None = None, sender: Sender = "client") -> Message:
    names = {0: "close_notify", 40: "handshake_failure"}
    said = None if alert is None else Alert(CodePoint(2, 1, "fatal"), CodePoint(alert, 1, names[alert]))
    return Message(0, 0, at, sender, "handshake", kind, 1, "wire", False, alert=said)


def made(number: int, tls: str = "1.3", **changes: object) -> Row:
    start = ZERO + number * 10
    fields: dict[str, object] = {
        "id": number,
        "start": start,
        "duration": 1.0,
        "client": Endpoint("10.0.0.2", 40000 + number),
        "server": Endpoint("192.0.2.7", 443),
        "version": CodePoint(TLS[tls], 2, f"TLS {tls}"),
        "complete": True,
        "messages": (
            message("client_hello", start),
            message("finished", start + 0.01),
            message("finished", start + 0.02, sender="server"),
            message("alert", start, 0),
        ),
    }
    return row(Connection(**{**fields, **changes}))  # type: ignore[arg-type]


def untrusted() -> Trust:
    from datetime import UTC, datetime

    return Trust("untrusted", ("expired",), datetime(2026, 1, 1, tzinfo=UTC), "Mozilla")


ROWS = (
    made(0, server_name="www.example.com", cipher_suite=CodePoint(0x1301, 2, "TLS_AES_128_GCM_SHA256"), alpn="h2",
         group=CodePoint(4588, 2, "X25519MLKEM768"), ja4="t13d1516h2_8daaf6152771_e5627efa2ab1", history="CsxknGI"),
    made(1, "1.2", server_name="mail.example.org", group=CodePoint(29, 2, "x25519"), client=Endpoint("10.1.2.3", 1),
         cipher_suite=CodePoint(0xC013, 2, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"), starttls="smtp", resumed=True),
    made(2, server_name="or.example.com", trust=untrusted(), server_data=Volume(9, 2_000_000),
         findings=(Finding("certificate_expired", "error", "Expired", ""),)),
    made(3, "1.0", server=Endpoint("2001:db8::7", 8443), client=Endpoint("2001:db8::1", 5), duration=0.25,
         complete=False, messages=(message("client_hello", ZERO + 30), message("alert", ZERO + 30, 40))),
    made(4, transport="dtls", version=CodePoint(0xFEFD, 2, "DTLS 1.2"), server_name="a b\u202e:c", hello_retry=True),
)  # fmt: skip


def ids(text: str) -> list[int]:
    found = parse(text)
    return [each.id for each in ROWS if found.matches(each, ZERO)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("   ", [0, 1, 2, 3, 4]),
        ("version:1.2", [1, 4]),
        ("version:tls1.2", [1]),
        ('version:"DTLS 1.2"', [4]),
        ("version:<1.2", [3]),
        ("version:>=1.2", [0, 1, 2, 4]),
        ("version:1.0,1.2", [1, 3, 4]),
        ("sni:*.example.com", [0, 2]),
        ("sni:EXAMPLE", [0, 1, 2]),
        ("name:mail", [1]),
        ("sni:", [0, 1, 2, 4]),
        ("not sni:", [3]),
        ("alert:", [3]),
        ("alert:40", [3]),
        ("alert:handshake_failure", [3]),
        ("alert:close_notify", [0, 1, 2, 4]),
        ("finding:expired", [2]),
        ("finding:", [2]),
        ("ja4:t13d", [0]),
        ("ja4:t13d*_e5627efa2ab1", [0]),
        ("ja4:t12*", []),
        ("cipher:cbc", [1]),
        ("cipher:0x1301", [0]),
        ("cipher:aes_128", [0, 1]),
        ("group:x25519", [1]),
        ("group:X25519*", [0, 1]),
        ("group:25519mlkem", [0]),
        ("group:=x25519", [1]),
        ("version:=1.2", [1, 4]),
        ("version:<1.2,=1.3", [0, 2, 3]),
        ("group:29", [1]),
        ("alpn:h2", [0]),
        ("client:10.0.0.0/8", [0, 1, 2, 4]),
        ("client:10.0.0.2", [0, 2, 4]),
        ("client:10.1.2.3:1", [1]),
        ("client:2001:db8::/32", [3]),
        ("server:2001:db8::7", [3]),
        ("server:example.com", [0, 2]),
        ("port:8443", [3]),
        ("port:443", [0, 1, 2, 4]),
        ("port:<10", [1, 3]),
        ("transport:dtls", [4]),
        ("starttls:", [1]),
        ("trust:untrusted", [2]),
        ("trust:trusted", []),
        ("trust:trust", [2]),
        ("trust:expired", [2]),
        ("outcome:complete", [0, 1, 4]),
        ("history:Csx*", [0]),
        ("resumed", [1]),
        ("complete", [0, 1, 2, 4]),
        ("not complete", [3]),
        ("failed", [2, 3]),
        ("pq", [0]),
        ("retried", [4]),
        ("handshake:>200ms", [3]),
        ("slow:>200ms", [3]),
        ("slow:0.2s", [3]),
        ("slow:<=20.1ms", [0, 1, 2, 4]),
        ("took:0.5s..2s", [0, 1, 2, 4]),
        ("size:>1MB", [2]),
        ("size:..1MB", [0, 1, 3, 4]),
        ("time:10s..20s", [1, 2]),
        ("time:>29", [3, 4]),
        ("id:3", [3]),
        ("example.com resumed", []),
        ("example resumed", [1]),
        ("www or mail", [0, 1]),
        ("www or mail resumed", [0, 1]),
        ("(www or mail) resumed", [1]),
        ("example and not (www or mail)", [2]),
        ("not not www", [0]),
        ('"or"', [1, 2]),
        ("OR.example", [2]),
        ('"a b"', [4]),
        ("192.0.2.7:443", [0, 1, 2, 4]),
        ("2001:db8::7", [3]),
        ("https://nothing", []),
        ("\\u202e", [4]),
        ("nothing", []),
    ],
)
def test_what_a_filter_picks(text: str, expected: list[int]) -> None:
    assert ids(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("versoin:1.2", 0, "is version: meant"),
        ("www (mail", 4, "not closed"),
        ("www) mail", 3, "never opened"),
        ("www or", 6, "missing"),
        ("or www", 0, "missing"),
        ("not", 3, "missing"),
        ("()", 1, "missing"),
        ('sni:www "abc', 8, "quotation mark"),
        ('sni:"abc', 4, "quotation mark"),
        ("www slow:>2parsecs", 9, "a time like"),
        ("size:many", 5, "a size like"),
        ("slow:", 5, "needs a value"),
        ("port:http", 5, "a whole number"),
        ("client:10.0.0.0/99", 7, "network"),
        ("version:<x", 8, "like 1.2"),
        ("(" * 60, 51, "inside of each other"),
        ("not " * 60, 204, "inside of each other"),
        ("x" * 3000, 2000, "longer than"),
    ],
)
def test_errors_say_where_and_why(text: str, position: int, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.position == position
    assert words in caught.value.why
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.why, again.position) == (caught.value.why, position)


PIECES = (
    "a",
    "b:",
    "or ",
    "not ",
    "version:",
    "sni:",
    "slow:",
    "client:",
    "1.2",
    "<",
    ">",
    "..",
    "*",
    "?",
    '"',
    "(",
    ")",
    " ",
    ",",
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    try:
        found = parse(text)
    except FilterError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert all(found.matches(each, ZERO) in (True, False) for each in ROWS)


@given(st.text(min_size=1, max_size=30))
def test_a_term_made_of_a_value_finds_it(value: str) -> None:
    name = safe(value)
    found = made(0, server_name=value)
    assert parse(term("sni", name)).matches(found, ZERO)


def test_examples_in_the_help_can_be_read() -> None:
    for key in KEYS.values():
        for example in key.example.split("   "):
            assert parse(example).matches(ROWS[0], ZERO) in (True, False)
    assert all(parse(flag).text == flag for flag in FLAGS)


def test_a_hostile_pattern_is_quick() -> None:
    long = made(0, server_name="a" * 250)
    assert parse("sni:" + "*a" * 90 + "*b").matches(long, ZERO) is False
