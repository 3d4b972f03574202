"""What a connection alone, as a capture gives it, says about why it failed; and what it does not."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from tlsviz.connection.diagnosis import diagnose
from tlsviz.connection.failure import Failure, FailureKind
from tlsviz.connection.model import (
    Alert,
    CodePoint,
    Connection,
    Endpoint,
    Message,
    Offered,
    PlacedMark,
    Prelude,
    SentCertificate,
    Volume,
)
from tlsviz.connection.upgrades import BEFORE_TLS
from tlsviz.wire.chunks import Mark, MarkKind, Sender


def message(index: int, sender: Sender, kind: str, alert: int | None = None, level: int = 2) -> Message:
    carried = None if alert is None else Alert(CodePoint(level, 1, "fatal"), CodePoint(alert, 1, f"alert_{alert}"))
    content = "handshake" if alert is None else "alert"
    return Message(index, 2 * index, float(index), sender, content, kind, 10, "wire", False, alert=carried)


def mark(kind: MarkKind, sender: Sender = "server") -> PlacedMark:
    return PlacedMark(99, Mark(kind, sender, 9.0))


def codes(*values: int) -> tuple[CodePoint, ...]:
    return tuple(CodePoint(value, 2, "GREASE" if value == 0x1A1A else f"n{value}") for value in values)


HELLO = message(0, "client", "client_hello")
SERVER_HELLO = message(1, "server", "server_hello")
WANTED = message(2, "server", "certificate_request")
BASE = Connection(
    server=Endpoint("192.0.2.1", 443),
    server_name="example.com",
    messages=(HELLO,),
    offered=Offered(
        versions=codes(0x0304),
        cipher_suites=codes(*range(0x1301, 0x1310)),
        groups=codes(23, 24, 29),
        signature_schemes=codes(1, 2, 3),
        extensions=codes(0, 10),
    ),
)


def with_alert(description: int, *before: Message, level: int = 2, **changes: object) -> Connection:
    messages = (HELLO, *before, message(5, "server", "alert", description, level))
    return dataclasses.replace(BASE, messages=messages, **changes)  # type: ignore[arg-type]


def code(connection: Connection, failure: Failure | None = None) -> str | None:
    found = diagnose(connection, failure)
    if found is None:
        return None
    assert found.diagnosis
    assert found.severity == "error"
    assert found.title
    assert found.evidence
    assert found.mend
    return found.code


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (dataclasses.replace(BASE, marks=(mark("rst"),)), "reset_after_client_hello"),
        (dataclasses.replace(BASE, marks=(mark("fin"),)), "closed_after_client_hello"),
        (dataclasses.replace(BASE, marks=(mark("fin", "client"),)), None),
        (dataclasses.replace(BASE, marks=(mark("timeout", "client"),)), "handshake_timed_out"),
        (Connection(marks=(mark("refused"),)), "connection_refused"),
        (Connection(marks=(mark("unreachable"),)), "host_unreachable"),
        (Connection(marks=(mark("syn", "client"), mark("timeout"))), "connection_timed_out"),
        (Connection(marks=(mark("syn_ack"), mark("rst"))), "connection_reset"),
        (BASE, None),
        (Connection(), None),
    ],
)
def test_marks_alone(connection: Connection, expected: str | None) -> None:
    assert code(connection) == expected


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (with_alert(70), "version_not_supported"),
        (with_alert(0, level=1), None),
        (with_alert(90, level=1), None),
        (with_alert(112, level=1), None),
        (with_alert(112), "unrecognized_name"),
        (with_alert(40), "no_common_cipher_suite"),
        (with_alert(40, SERVER_HELLO), "handshake_alert"),
        (with_alert(40, SERVER_HELLO, WANTED), "client_certificate_required"),
        (with_alert(116, SERVER_HELLO, WANTED), "client_certificate_required"),
        (with_alert(48, SERVER_HELLO, WANTED, client_auth=True), "client_certificate_refused"),
        (
            with_alert(48, SERVER_HELLO, WANTED, certificates=(SentCertificate("client", 0, b""),)),
            "client_certificate_refused",
        ),
        (with_alert(48, SERVER_HELLO), "handshake_alert"),
        (with_alert(222), "handshake_alert"),
        (with_alert(116, SERVER_HELLO, WANTED, complete=True), "client_certificate_required"),
        (with_alert(116, SERVER_HELLO, WANTED, complete=True, server_data=Volume(1, 9)), None),
        (with_alert(80, SERVER_HELLO, complete=True), None),
    ],
)
def test_alerts(connection: Connection, expected: str | None) -> None:
    assert code(connection) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cipher_suites": codes(0x1A1A, 0xC02B, 0x00FF)}, "no_common_cipher_suite"),
        ({"groups": codes(0x1A1A, 29)}, "no_common_group"),
        ({"signature_schemes": codes(0x0403)}, "no_common_signature_scheme"),
    ],
)
def test_handshake_failure_blames_the_narrowest_list(changes: dict[str, object], expected: str) -> None:
    offered = BASE.offered._replace(**changes)  # type: ignore[arg-type]
    found = diagnose(with_alert(40, offered=offered))
    assert found is not None
    assert found.code == expected
    assert "GREASE" not in found.evidence
    assert "cannot be ruled out" in found.evidence


def test_evidence_names_what_was_sent() -> None:
    named = diagnose(with_alert(112))
    nameless = diagnose(with_alert(112, offered=BASE.offered._replace(extensions=codes(10))))
    assert named is not None
    assert nameless is not None
    assert "example.com" in named.evidence
    assert "example.com" not in nameless.evidence
    assert named.message == 5


def test_what_a_plain_server_says_first() -> None:
    said = Prelude(1, 1.0, "server", b"SSH-2.0-x\r\n\x1b[31m")
    connection = dataclasses.replace(BASE, prelude=(said,), marks=(mark("fin"),))
    found = diagnose(connection)
    assert found is not None
    assert found.code == "not_tls"
    assert "SSH" in found.title
    assert "\x1b" not in found.evidence


@pytest.mark.parametrize(
    ("words", "expected"),
    [("unsupported protocol", "version_not_supported"), ("wrong curve", "no_common_group"), ("odd", "bad_record")],
)
def test_our_own_library_objects(words: str, expected: str) -> None:
    assert code(BASE, Failure("tls", words)) == expected


def test_the_more_telling_failure_wins_between_addresses() -> None:
    assert Failure("refused").telling > Failure("connect_timeout").telling > Failure("unreachable").telling
    assert Failure("unreachable").telling > Failure("error").telling


def test_a_firewall_that_looks_the_same_is_named_once() -> None:
    found = diagnose(Connection(marks=(mark("refused"),)))
    assert found is not None
    said = [found.mend, *(cause.why for cause in found.causes)]
    assert sum("looks the same" in text for text in said) == 1


def test_what_ends_before_tls_is_told_by_its_kind() -> None:
    kinds: tuple[FailureKind, ...] = get_args(FailureKind)
    assert {kind for kind in kinds if Failure(kind).before_tls} == set(BEFORE_TLS)
