"""What may lie behind an alert or a silence: what the hello and the answers leave, ranked."""

from __future__ import annotations

import dataclasses

from dialogue import shake
from test_diagnosis import BASE, codes, message, with_alert

from tlsviz.connection.diagnosis import diagnose, in_the_clear
from tlsviz.connection.failure import Failure
from tlsviz.connection.model import Cause, Connection
from tlsviz.connection.suspects import MOST_CAUSES, hello_of, post_quantum_share, suspects


def probes(connection: Connection, alert: int) -> list[str]:
    return [cause.probe for cause in suspects(connection, alert)]


def test_the_narrowest_list_comes_first() -> None:
    one_group = dataclasses.replace(BASE, offered=BASE.offered._replace(groups=codes(29)))
    one_suite = dataclasses.replace(BASE, offered=BASE.offered._replace(cipher_suites=codes(0xC02B)))
    assert probes(one_group, 40)[0] == "other_groups"
    assert probes(one_suite, 40)[0] == "wide_ciphers"


def test_two_suites_of_tls13_are_no_narrow_list() -> None:
    offered = BASE.offered._replace(cipher_suites=codes(0x1301, 0x1302), groups=codes(29))
    assert probes(dataclasses.replace(BASE, offered=offered), 40)[0] == "other_groups"


def test_each_alert_has_its_first_suspect() -> None:
    expected = {112: "no_name", 120: "no_alpn", 80: "again", 70: "all_versions"}
    base = dataclasses.replace(BASE, offered=BASE.offered._replace(alpn=("h2",)))
    for alert, probe in expected.items():
        assert probes(base, alert)[0] == probe


def test_every_alert_has_a_suspect_and_none_too_many() -> None:
    for alert in range(256):
        found = suspects(BASE, alert)
        assert 0 < len(found) <= MOST_CAUSES
        assert all(cause.what and cause.why for cause in found)


def test_after_the_server_has_chosen_the_hello_is_acquitted() -> None:
    answered = dataclasses.replace(BASE, messages=(*BASE.messages, message(1, "server", "server_hello")))
    assert not {"wide_ciphers", "other_groups", "no_name", "no_alpn"} & set(probes(answered, 40))


def test_a_silent_server_is_not_asked_for_suites() -> None:
    found = {cause.probe for cause in suspects(BASE)}
    assert {"no_name", "plain_text", "again"} <= found
    assert "wide_ciphers" not in found


def test_the_causes_are_the_diagnosis() -> None:
    found = diagnose(with_alert(40))
    assert found is not None
    assert found.causes == suspects(with_alert(40), 40)
    refused = diagnose(Connection(), Failure("refused", "x"))
    assert refused is not None
    assert isinstance(refused.causes[0], Cause)


def test_the_share_of_a_hello_is_measured() -> None:
    connection = shake().connection()
    assert hello_of(connection) is not None
    assert post_quantum_share(connection) in (0, 1216)


def test_what_answers_in_the_clear() -> None:
    said = {
        b"\x15\x03\x01\x00\x02\x02\x46": "tls_on_plain_port",
        b"HTTP/1.1 400 Bad Request\r\n\r\nThe plain HTTP request was sent to HTTPS port": "tls_on_plain_port",
        b"HTTP/1.1 200 OK\r\n": "plain_http_on_tls_port",
        b"220 mail ESMTP\r\n": "not_tls",
    }
    for answer, code in said.items():
        found = in_the_clear(answer)
        assert found is not None
        assert found.code == code
    assert in_the_clear(b"") is None
