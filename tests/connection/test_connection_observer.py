"""Other eyes: what an eavesdropper sees is what the engine makes of the same bytes without keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import Dialogue, shake

from tlsviz.connection.judge import judged
from tlsviz.connection.model import ApplicationRun, Connection, Hole, Message, PlacedMark, Prelude, Record
from tlsviz.connection.observer import as_seen_by, can_read
from tlsviz.wire.chunks import Mark

KINDS: list[dict[str, object]] = [
    {"version": "1.3"},
    {"version": "1.3", "client_certificate": True},
    {"version": "1.3", "client_groups": b"X25519:P-384", "server_groups": b"P-384"},
    {"version": "1.2"},
    {"version": "1.2", "client_certificate": True, "kind": "rsa"},
    {"version": "1.2", "ciphers": "AES128-GCM-SHA256", "kind": "rsa"},
    {"version": "1.0", "kind": "rsa"},
]


def ranked(connection: Connection) -> Connection:
    """The same with its places counted from 0, and without the reason why a record is closed."""
    groups = (connection.messages, connection.application, connection.marks, connection.holes, connection.prelude)
    rank = {order: place for place, order in enumerate(sorted(item.order for group in groups for item in group))}

    def message(each: Message) -> Message:
        return replace(each, order=rank[each.order])

    def other(each: ApplicationRun | PlacedMark | Hole | Prelude) -> ApplicationRun | PlacedMark | Hole | Prelude:
        return each._replace(order=rank[each.order])

    def record(each: Record) -> Record:
        closed = each.protection._replace(why="", sequence=None) if each.protection else None
        return replace(each, protection=closed)

    return replace(
        connection,
        messages=tuple(map(message, connection.messages)),
        application=tuple(map(other, connection.application)),
        marks=tuple(map(other, connection.marks)),
        holes=tuple(map(other, connection.holes)),
        prelude=tuple(map(other, connection.prelude)),
        records=tuple(map(record, connection.records)),
        proofs=tuple(proof._replace(why="") for proof in connection.proofs),
        key_source=None,
    )


def of(options: dict[str, object]) -> Dialogue:
    return shake(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_an_eavesdropper_sees_what_the_engine_sees_without_keys(options: dict[str, object]) -> None:
    said = of(options)
    seen = as_seen_by(judged(said.connection()), "eavesdropper")
    assert ranked(seen) == ranked(judged(said.connection(keys=False)))


def test_a_resumed_connection_and_a_large_answer_too() -> None:
    first = shake("1.3")
    for said in (shake("1.3", resume=first), shake("1.2", answer=b"x" * 400_000)):
        seen = as_seen_by(judged(said.connection()), "eavesdropper")
        closed = judged(said.connection(keys=False))
        assert ranked(seen).messages == ranked(closed).messages
        assert seen.server_data.records == closed.server_data.records
        assert seen.server_data.bytes == pytest.approx(closed.server_data.bytes, rel=0.001)


def test_what_has_no_key_to_lose_stays_as_it_is() -> None:
    closed = judged(shake("1.3").connection(keys=False))
    assert ranked(as_seen_by(closed, "eavesdropper")) == ranked(closed)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nothing_secret_is_left(version: str) -> None:
    said = shake(version, request=b"GET /secret-page HTTP/1.1\r\n\r\n", answer=b"HTTP/1.1 200 OK\r\n\r\nsecret-answer")
    connection = said.connection()
    assert "secret-page" in str(connection)
    seen = as_seen_by(connection, "eavesdropper")
    assert "secret" not in str([run.plaintext for run in seen.application])
    assert all(record.plaintext is None for record in seen.records)
    assert seen.secrets == ()
    assert not seen.key_source
    assert {proof.status for proof in seen.proofs if "finished" in proof.what} == {"not_provable"}


def test_tls13_hides_the_certificate_and_tls12_shows_it() -> None:
    old, new = (as_seen_by(shake(version).connection(), "eavesdropper") for version in ("1.2", "1.3"))
    assert len(old.certificates) == 1
    assert old.alpn == "http/1.1"
    assert new.certificates == ()
    assert new.alpn is None
    assert new.signature_scheme is None
    assert {message.provenance for message in new.messages if message.type == "certificate"} == {"inferred"}


@pytest.mark.parametrize(
    ("options", "reads"),
    [
        ({"version": "1.2", "ciphers": "AES128-GCM-SHA256", "kind": "rsa"}, True),
        ({"version": "1.2", "ciphers": "ECDHE-RSA-AES128-GCM-SHA256", "kind": "rsa"}, False),
        ({"version": "1.0", "ciphers": "AES128-SHA", "kind": "rsa"}, True),
        ({"version": "1.3", "kind": "rsa"}, False),
    ],
)
def test_the_servers_rsa_key_opens_rsa_key_exchange_and_nothing_else(options: dict[str, object], reads: bool) -> None:
    connection = of(options).connection()
    assert can_read(connection, "key_holder") is reads
    seen = as_seen_by(connection, "key_holder")
    assert (seen is connection) is reads
    assert any(run.plaintext for run in seen.application) is reads


def test_a_resumed_session_needs_the_recording_of_the_first_one() -> None:
    first = shake("1.2", "AES128-GCM-SHA256", "rsa")
    again = shake("1.2", "AES128-GCM-SHA256", "rsa", resume=first).connection()
    assert again.resumed
    assert not can_read(again, "key_holder")


def test_ends_and_proxies_see_everything_and_without_encryption_everybody_does() -> None:
    connection = shake("1.3").connection()
    assert as_seen_by(connection, "endpoints") is connection
    assert as_seen_by(connection, "proxy") is connection
    naked = judged(shake("1.2", "NULL-SHA256", "rsa").connection())
    seen = as_seen_by(naked, "eavesdropper")
    assert seen.application == naked.application
    assert seen.secrets == ()
    assert "failed" not in {proof.status for proof in seen.proofs}


def test_marks_and_holes_keep_their_places() -> None:
    connection = shake("1.3").connection()
    messages = tuple(replace(message, order=10 * message.order) for message in connection.messages)
    runs = tuple(run._replace(order=10 * run.order) for run in connection.application)
    marks = (PlacedMark(0, Mark("syn", "client", 0.0)), PlacedMark(9999, Mark("fin", "server", 9.0)))
    holes = (Hole(messages[1].order - 1, 1.0, "server", 10),)
    moved = replace(connection, messages=messages, application=runs, marks=marks, holes=holes)
    seen = as_seen_by(moved, "eavesdropper")
    assert seen.marks[0].order < seen.messages[0].order < seen.holes[0].order < seen.messages[1].order
    assert seen.marks[1].order > max(run.order for run in seen.application)
