"""Narration: true sentences with the connection's own values, whatever they are."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from tlsviz.connection.ladder import steps
from tlsviz.connection.model import (
    Alert,
    ApplicationRun,
    CodePoint,
    Connection,
    Endpoint,
    Finding,
    Hole,
    Message,
    Offered,
    PlacedMark,
    Prelude,
    Proof,
    Volume,
)
from tlsviz.explain.narrate import TELLERS, narrate, narrate_step, tell
from tlsviz.explain.overview import overview
from tlsviz.explain.scene import Narration
from tlsviz.explain.words import words
from tlsviz.tls.context import Context
from tlsviz.tls.handshake import decode_content, decode_handshake
from tlsviz.tls.messages.table import BODIES
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import Mark, Sender

TLS13 = CodePoint(0x0304, 2, "TLS 1.3")
TLS12 = CodePoint(0x0303, 2, "TLS 1.2")
AES = CodePoint(0x1301, 2, "TLS_AES_128_GCM_SHA256")
RSA = CodePoint(0x002F, 2, "TLS_RSA_WITH_AES_128_CBC_SHA")
HYBRID = CodePoint(0x11EC, 2, "X25519MLKEM768")


def extension(code: int, body: bytes) -> bytes:
    return code.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def vector(body: bytes, size: int) -> bytes:
    return len(body).to_bytes(size, "big") + body


def hello(host: bytes = b"example.com", suites: bytes = b"\x13\x01\x13\x02\xc0\x2f") -> bytes:
    """A ClientHello of TLS 1.3 with a key share for X25519MLKEM768."""
    name = extension(0, vector(b"\0" + vector(host, 2), 2))
    versions = extension(43, b"\x04\x03\x04\x03\x03")
    groups = extension(10, b"\x00\x04\x11\xec\x00\x1d")
    shares = extension(51, vector(b"\x11\xec" + vector(b"\1" * 1216, 2), 2))
    alpn = extension(16, vector(b"\x02h2\x08http/1.1", 2))
    body = b"\x03\x03" + b"\xaa" * 32 + b"\0" + vector(suites, 2) + b"\x01\0"
    return handshake(1, body + vector(name + versions + groups + shares + alpn, 2))


def handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(body, 3)


def message(data: bytes, sender: Sender = "client", order: int = 0, version: int | None = None) -> Message:
    tree = decode_handshake(data, Context(sender, version, None))
    buffer = Buffer("wire", data)
    return Message(
        order, order, 1.0, sender, "handshake", tree.name, len(data) - 4, "wire", False, buffer=buffer, tree=tree
    )


def inferred(kind: str, order: int = 0) -> Message:
    return Message(order, order, 1.0, "server", "handshake", kind, 0, "inferred", True)


def alert(code: int, name: str, level: int = 2, order: int = 0) -> Message:
    data = bytes([level, code])
    return Message(
        order,
        order,
        1.0,
        "server",
        "alert",
        "alert",
        2,
        "wire",
        False,
        buffer=Buffer("wire", data),
        tree=decode_content(21, data, Context("server")),
        alert=Alert(CodePoint(level, 1, "fatal"), CodePoint(code, 1, name)),
    )


def text(told: Narration) -> str:
    return " ".join([told.lead, *(sentence.text for sentence in told.sentences), *told.odd])


def test_client_hello_says_what_it_wants() -> None:
    told = tell(Connection(), message(hello()))
    assert told.lead == (
        "Hello, I would like to talk to example.com. I speak TLS 1.3 and TLS 1.2, offer 3 cipher suites, and guess "
        "that you like X25519MLKEM768, so I send a key share for it already."
    )
    assert "2 of them are for TLS 1.3" in text(told)
    assert "h2 or http/1.1" in text(told)
    assert told.key == "message.client_hello"


def test_every_sentence_points_at_a_node_that_is_there() -> None:
    first = message(hello())
    told = tell(Connection(), first)
    fields = {sentence.field for sentence in told.sentences if sentence.field}
    assert {"extensions.server_name", "cipher_suites", "extensions.key_share"} <= fields
    assert first.tree is not None
    assert [field for field in fields if first.tree.get(field) is None] == []


def test_weak_suites_and_signals_are_odd_in_a_hello() -> None:
    told = tell(Connection(), message(hello(suites=b"\x00\x05\x56\x00")))
    assert "TLS_RSA_WITH_RC4_128_SHA" in " ".join(told.odd)
    assert "second attempt" in " ".join(told.odd)
    assert "single cipher suite" in text(told)


def test_values_that_only_signal_are_counted_apart_from_suites() -> None:
    told = tell(Connection(), message(hello(suites=b"\x13\x01\xc0\x2f\x00\xff")))
    assert "offer 2 cipher suites and a signalling value, and guess" in told.lead
    assert "It offers 2 cipher suites and a signalling value, best first" in text(told)
    both = text(tell(Connection(), message(hello(suites=b"\x13\x01\x00\xff\x56\x00"))))
    assert "a single cipher suite and 2 signalling values" in both


def test_a_hello_after_a_retry_says_so() -> None:
    retry = message(handshake(2, b"\x03\x03" + _retry_random() + b"\0\x13\x01\0" + vector(b"", 2)), "server", 1)
    second = message(hello(), order=2)
    connection = Connection(messages=(message(hello()), retry, second))
    assert retry.type == "hello_retry_request"
    assert tell(connection, second).lead.startswith("Hello again, now with the key share that you wanted")


def _retry_random() -> bytes:
    from tlsviz.tls.messages.hello import HELLO_RETRY_REQUEST_RANDOM

    return HELLO_RETRY_REQUEST_RANDOM


def _server_hello(suite: bytes = b"\x13\x01", extensions: bytes | None = None, random: bytes = b"\xbb" * 32) -> bytes:
    if extensions is None:
        extensions = extension(43, b"\x03\x04") + extension(51, b"\x11\xec" + vector(b"\2" * 1120, 2))
    return handshake(2, b"\x03\x03" + random + b"\0" + suite + b"\0" + vector(extensions, 2))


def test_server_hello_says_what_was_chosen_of_what() -> None:
    offered = Offered((TLS13, TLS12), (CodePoint(0x1302, 2, "TLS_AES_256_GCM_SHA384"), AES), (HYBRID,))
    connection = Connection(offered=offered, version=TLS13, cipher_suite=AES)
    told = tell(connection, message(_server_hello(), "server"))
    assert told.lead.startswith("Good: let us speak TLS 1.3 with TLS_AES_128_GCM_SHA256.")
    assert "number 2 of 2 on the client's list" in text(told)
    assert "X25519MLKEM768" in told.lead
    assert told.odd == ()


def test_server_hello_beyond_the_offer_is_odd() -> None:
    asked, offered = message(hello(suites=b"\x00\x2f"), "client"), Offered((TLS12,), (RSA,))
    answered = message(_server_hello(), "server")
    told = tell(Connection(messages=(asked, answered), offered=offered, version=TLS13), answered)
    assert "The client never offered TLS 1.3; it must break off." in told.odd
    assert "The client never offered TLS_AES_128_GCM_SHA256; it must break off." in told.odd


def test_downgrade_sentinel_is_odd_only_when_more_was_offered() -> None:
    data = _server_hello(b"\x00\x2f", b"", b"\xbb" * 24 + b"DOWNGRD\x01")
    for versions, odd in (((TLS13, TLS12), True), ((TLS12,), False)):
        connection = Connection(offered=Offered(versions, (RSA,)), version=TLS12, cipher_suite=RSA)
        told = tell(connection, message(data, "server"))
        assert any("somebody may have changed its hello" in each for each in told.odd) is odd
        assert "No forward secrecy" in " ".join(told.odd)


@pytest.mark.parametrize(
    ("status", "words_"),
    [("verified", "and it fits"), ("failed", "does not fit"), ("not_provable", "cannot be checked")],
)
def test_finished_says_what_became_of_the_proof(status: str, words_: str) -> None:
    finished = message(handshake(20, b"\1" * 12), "server")
    proof = Proof("server_finished", status, "the reason", 0)  # type: ignore[arg-type]
    told = tell(Connection(messages=(finished,), proofs=(proof,)), finished)
    assert words_ in text(told)
    assert any("the reason" in each for each in told.odd) is (status == "failed")


def test_change_cipher_spec_is_a_costume_in_tls13_only() -> None:
    tree = decode_content(20, b"\1", Context("client"))
    ccs = Message(0, 0, 1.0, "client", "change_cipher_spec", "change_cipher_spec", 1, "wire", False, tree=tree)
    assert "middleboxes" in tell(Connection(version=TLS13), ccs).lead
    assert "encrypted" in tell(Connection(version=TLS12), ccs).lead


def test_rsa_key_exchange_warns_of_the_stolen_key() -> None:
    data = handshake(16, vector(b"\1" * 64, 2))
    tree = decode_handshake(data, Context("client", 0x0303, 0x002F))
    cke = Message(0, 0, 1.0, "client", "handshake", tree.name, 66, "wire", False, tree=tree)
    told = tell(Connection(version=TLS12, cipher_suite=RSA), cke)
    assert "read everything" in " ".join(told.odd)


def test_alert_names_the_complaint_and_its_words() -> None:
    told = tell(Connection(messages=(message(hello()),)), alert(40, "handshake_failure", order=1))
    assert told.key == "alert.handshake_failure"
    assert told.lead.startswith("Stop: handshake_failure.")
    assert "after the client's ClientHello" in text(told)
    assert "The handshake did not succeed." in told.odd


def test_close_notify_is_a_goodbye() -> None:
    told = tell(Connection(complete=True), alert(0, "close_notify", 1))
    assert told.lead.startswith("Goodbye")
    assert told.odd == ()


def test_inferred_messages_say_why_we_know() -> None:
    told = tell(Connection(version=TLS13), inferred("certificate"))
    assert any(sentence.provenance == "inferred" for sentence in told.sentences)
    assert "No pre-shared key was accepted" in text(told)


def test_http_is_quoted_as_a_secret_and_only_in_its_sentence() -> None:
    plaintext = Buffer("decrypted", b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n")
    run = ApplicationRun(0, 1.0, 1.5, "client", 1, 33, plaintext=plaintext)
    told = narrate(Connection(application=(run,), version=TLS13, cipher_suite=AES), "data", 0)
    quoted = [sentence for sentence in told.sentences if "GET /secret" in sentence.text]
    assert [sentence.secret for sentence in quoted] == [True]
    assert "/secret" not in told.lead + told.title + "".join(told.odd)
    assert "AES-128-GCM" in text(told)


def test_early_data_and_opaque_records_are_told_apart() -> None:
    early = ApplicationRun(0, 1.0, 1.0, "client", 1, 33, early=True)
    opaque = ApplicationRun(1, 1.0, 1.0, "server", 2, 99, opaque=True)
    connection = Connection(application=(early, opaque), version=TLS13)
    assert "replay" in text(narrate(connection, "data", 0))
    assert "handshake messages and alerts may be among them" in text(narrate(connection, "data", 1))


def test_marks_holes_and_preludes_are_told() -> None:
    marks = (
        PlacedMark(0, Mark("syn", "client", 1.0)),
        PlacedMark(1, Mark("syn_ack", "server", 1.02)),
        PlacedMark(2, Mark("rst", "server", 1.5, (), "detail")),
    )
    connection = Connection(
        server=Endpoint("192.0.2.1", 443),
        marks=marks,
        holes=(Hole(3, 1.0, "server", 100), Hole(4, 1.0, "server", 5, Buffer("wire", b"HTTP/"))),
        prelude=(Prelude(5, 1.0, "server", b"220 ready\r\n"),),
        starttls="smtp",
    )
    assert "192.0.2.1, port 443 (https)" in text(narrate(connection, "mark", 0))
    assert "20 ms" in text(narrate(connection, "mark", 1))
    assert "The handshake was not complete." in narrate(connection, "mark", 2).odd
    assert "100 bytes" in narrate(connection, "hole", 0).lead
    assert "HTTP/" in text(narrate(connection, "hole", 1))
    proxied = text(
        narrate(replace(connection, starttls="http-connect", messages=(inferred("finished"),)), "prelude", 0)
    )
    assert "The HTTP proxy (CONNECT) then carries TLS" in proxied and "STARTTLS" not in proxied.upper()
    assert "220 ready" in text(narrate(connection, "prelude", 0))


def test_an_index_that_is_not_there_raises() -> None:
    with pytest.raises(IndexError):
        narrate(Connection(), "message", 0)


def test_overview_tells_success_failure_and_nothing() -> None:
    done = Connection(
        server=Endpoint("192.0.2.1", 443),
        server_name="example.com",
        version=TLS13,
        cipher_suite=AES,
        group=HYBRID,
        complete=True,
        client_data=Volume(1, 51),
        server_data=Volume(9, 14001),
        proofs=(Proof("server_finished", "verified", ""),),
    )
    told = overview(done)
    assert told.lead.startswith("The client shook hands with example.com, port 443 (https).")
    assert "TLS_AES_128_GCM_SHA256" in text(told)
    assert "quantum computer should not either" in text(told)
    assert "14,001 bytes" in text(told)
    finding = Finding("connection_refused", "error", "Nothing listens on that port", "", diagnosis=True)
    failed = dataclasses.replace(done, complete=False, findings=(finding,))
    assert "It failed: Nothing listens on that port." in overview(failed).lead
    assert "no TLS was seen" in overview(Connection()).lead


HOSTILE = b"\x1b[31m[red]evil[/]\xe2\x80\xae" + b"x" * 300


def _checked(told: Narration) -> None:
    parts = [told.title, told.lead, *(sentence.text for sentence in told.sentences), *told.odd]
    for part in parts:
        assert part, told
        assert part.isprintable(), part
        assert len(part) <= 500, part
    for sentence in told.sentences:
        assert words(f"provenance.{sentence.provenance}") is not None
    assert words(told.key) is not None, told.key


def test_what_a_peer_wrote_cannot_style_or_flood() -> None:
    told = tell(Connection(server_name=None), message(hello(HOSTILE)))
    _checked(told)
    assert "\x1b" not in text(told)


@pytest.mark.parametrize("version", [None, 0x0303, 0x0304])
@pytest.mark.parametrize("kind", sorted(BODIES))
def test_empty_and_damaged_messages_are_told(kind: int, version: int | None) -> None:
    bodies = (b"", b"\xff", b"\xff" * 40, bytes(range(200)))
    for body in bodies:
        for connection in (Connection(), Connection(version=TLS13, cipher_suite=AES), Connection(version=TLS12)):
            damaged = message(handshake(kind, body), "server", 0, version)
            _checked(tell(dataclasses.replace(connection, messages=(damaged,)), damaged))


def test_a_hello_cut_at_any_length_is_told() -> None:
    data = hello()
    for length in [*range(1, 200), *range(200, len(data), 37)]:
        _checked(tell(Connection(), message(data[:length])))


@pytest.mark.parametrize("kind", [*TELLERS, "handshake_0x99", "ssl2_error", "supplemental_data"])
def test_messages_without_a_tree_are_told(kind: str) -> None:
    bare = Message(0, 0, 1.0, "client", "handshake", kind, 5, "wire", False)
    _checked(tell(Connection(), bare))


def test_every_step_of_the_sample_captures_is_told(samples: dict[str, tuple[Connection, ...]]) -> None:
    if not samples:
        pytest.skip("no sample captures here")
    for connection in (connection for connections in samples.values() for connection in connections):
        _check_steps(connection)


def test_every_step_of_captures_from_elsewhere_is_told(foreign: dict[str, tuple[Connection, ...]]) -> None:
    if not foreign:
        pytest.skip("no shared captures here")
    for connection in (connection for connections in foreign.values() for connection in connections):
        _check_steps(connection)


def _check_steps(connection: Connection) -> None:
    _checked(overview(connection))
    for step in steps(connection):
        told = narrate_step(connection, step)
        _checked(told)
        tree = connection.messages[step.index].tree if step.kind == "message" else None
        for sentence in told.sentences:
            assert not sentence.field or (tree is not None and tree.get(sentence.field) is not None), sentence


def test_samples_are_told_as_they_are(samples: dict[str, tuple[Connection, ...]]) -> None:
    if not samples:
        pytest.skip("no sample captures here")
    told = {name: overview(connections[0]) for name, connections in samples.items() if connections}
    assert "shook hands with" in told["tls13"].lead
    assert "No cipher suite in common" in told["no-cipher"].lead
    assert "expired" in text(told["expired"])
    assert "first guess" in text(told["hello-retry"])
    assert "can read a recording" in text(told["tls12-rsa"])
