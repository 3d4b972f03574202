"""Each finding of agreement and path: a connection that has it, and one that has it not; and the standards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from dialogue import START, shake
from hypothesis import given
from hypothesis import strategies as st

from tlsviz import arguments
from tlsviz.connection.findings import find
from tlsviz.connection.findings.standards import CODE, held_to, standards
from tlsviz.connection.model import SEVERITIES, CodePoint, Connection, Message, Offered, PlacedMark
from tlsviz.explain.search import search
from tlsviz.tls import registry
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import CLIENT, SERVER, Mark, MarkKind, Sender
from tlsviz.wire.nodes import Node

Change = Callable[[Connection], Connection]


@cache
def talk(version: str = "1.3", ciphers: str | None = None, kind: str = "ec", bye: bool = True) -> Connection:
    return shake(version, ciphers, kind, bye=bye).connection()


def codes(connection: Connection) -> set[str]:
    return {finding.code for finding in find(connection)}


def first(connection: Connection, kind: str) -> Message:
    return connection.messages_of(kind)[0]


def changed(connection: Connection, kind: str, change: Callable[[Message], Message]) -> Connection:
    """The connection with the first message of a kind changed."""
    old = first(connection, kind)
    return replace(connection, messages=tuple(change(m) if m is old else m for m in connection.messages))


def without(kind: str, name: str) -> Change:
    """Takes an extension out of a message."""

    def cut(message: Message) -> Message:
        assert message.tree is not None
        block = message.tree.child("extensions")
        assert block is not None
        rest = block._replace(children=tuple(node for node in block.children if node.name != name))
        children = tuple(rest if node is block else node for node in message.tree.children)
        return replace(message, tree=message.tree._replace(children=children))

    return lambda connection: changed(connection, kind, cut)


def valued(kind: str, name: str, value: int) -> Change:
    """Gives a number of a message another value."""

    def put(message: Message) -> Message:
        assert message.tree is not None
        found = [node._replace(value=value) if node.name == name else node for node in message.tree.children]
        assert any(node.name == name for node in found)
        return replace(message, tree=message.tree._replace(children=tuple(found)))

    return lambda connection: changed(connection, kind, put)


def random_ending(tail: bytes) -> Change:
    """Another end of the server's random."""

    def put(message: Message) -> Message:
        assert message.tree is not None and message.buffer is not None
        node = message.tree.child("random")
        assert node is not None
        data = bytearray(message.buffer.data)
        data[node.end - len(tail) : node.end] = tail
        return replace(message, buffer=Buffer(message.buffer.kind, bytes(data)))

    return lambda connection: changed(connection, "server_hello", put)


def marked(*marks: tuple[MarkKind, Sender, float]) -> Change:
    def put(connection: Connection) -> Connection:
        placed = tuple(PlacedMark(1000 + n, Mark(kind, who, START + at)) for n, (kind, who, at) in enumerate(marks))
        return replace(connection, marks=placed)

    return put


def later(kind: str, seconds: float) -> Change:
    """Everything from a message on comes later."""

    def put(connection: Connection) -> Connection:
        at = first(connection, kind).index
        return replace(
            connection,
            messages=tuple(replace(m, time=m.time + seconds) if m.index >= at else m for m in connection.messages),
        )

    return put


def offering(version: int) -> Change:
    point = CodePoint(version, 2, registry.versions.get(version))
    return lambda connection: replace(connection, offered=connection.offered._replace(versions=(point,)))


def both(*changes: Change) -> Change:
    def put(connection: Connection) -> Connection:
        for change in changes:
            connection = change(connection)
        return connection

    return put


def same(connection: Connection) -> Connection:
    return connection


TLS12 = ("1.2",)
TLS13 = ("1.3",)
QUICK = (("syn", CLIENT, 0.0), ("syn_ack", SERVER, 0.01))
FAR = (("syn", CLIENT, 0.0), ("syn_ack", SERVER, 0.5))

AFAR = marked(*FAR)
SIGNED = ("1.2", "ECDHE-RSA-AES128-GCM-SHA256", "rsa")
SENTINEL = random_ending(b"DOWNGRD\x01")
FIN = marked(("fin", SERVER, 1.0))

TABLE = [
    ("old_version", ("1.0",), same, TLS12, same),
    (
        "no_forward_secrecy",
        ("1.2", "AES128-GCM-SHA256", "rsa"),
        same,
        ("1.2", "ECDHE-RSA-AES128-GCM-SHA256", "rsa"),
        same,
    ),
    ("weak_cipher_suite", ("1.2", "ECDHE-ECDSA-NULL-SHA"), same, TLS12, same),
    ("no_post_quantum_group", TLS12, same, TLS13, same),
    ("no_extended_master_secret", TLS12, without("server_hello", "extended_master_secret"), TLS12, same),
    ("insecure_renegotiation", TLS12, without("server_hello", "renegotiation_info"), TLS12, same),
    ("compression", TLS12, valued("server_hello", "legacy_compression_method", 1), TLS12, same),
    ("long_ticket_lifetime", TLS13, valued("new_session_ticket", "ticket_lifetime", 604_801), TLS13, same),
    ("alpn_mismatch", TLS13, lambda c: replace(c, alpn="h3"), TLS13, same),
    ("name_in_clear", TLS13, same, TLS13, without("client_hello", "server_name")),
    (
        "truncated_stream",
        (*TLS13, None, "ec", False),
        marked(("fin", SERVER, 1.0)),
        TLS13,
        marked(("fin", SERVER, 1.0)),
    ),
    ("slow_network", TLS13, marked(*FAR), TLS13, marked(*QUICK)),
    ("slow_server", TLS13, both(marked(*QUICK), later("server_hello", 0.6)), TLS13, marked(*QUICK)),
    (
        "slow_server",
        TLS13,
        both(marked(*FAR), later("server_hello", 1.4)),
        TLS13,
        both(marked(*FAR), later("server_hello", 0.5)),
    ),
    (
        "middlebox_marks",
        TLS12,
        both(random_ending(b"DOWNGRD\x01"), offering(0x0304)),
        TLS12,
        random_ending(b"DOWNGRD\x01"),
    ),
    ("middlebox_marks", TLS13, without("client_hello", "supported_versions"), TLS13, same),
]


@pytest.mark.parametrize(
    ("code", "bad", "spoil", "good", "keep"), TABLE, ids=[f"{n}-{row[0]}" for n, row in enumerate(TABLE)]
)
def test_one_has_it_and_one_has_it_not(
    code: str, bad: tuple[str, ...], spoil: Change, good: tuple[str, ...], keep: Change
) -> None:
    ill, well = spoil(talk(*bad)), keep(talk(*good))
    assert code not in codes(well)
    found = next(finding for finding in find(ill) if finding.code == code)
    assert found.severity in SEVERITIES and found.evidence and found.mend and found.reference
    assert search(code), "its words are in explain"
    if found.field:
        tree = ill.messages[found.message or 0].tree
        assert tree is not None and tree.get(found.field) is not None, "the evidence can be selected"


def test_early_data_and_what_was_offered_of_post_quantum() -> None:
    run = talk().application[0]
    early = replace(talk(), early_data=True, application=(run._replace(early=True),))
    assert "early_data_replayable" in codes(early)
    assert "early_data_replayable" not in codes(talk())
    hybrid = CodePoint(0x11EC, 2, "X25519MLKEM768")
    old = talk("1.2")
    alone, wanted = (replace(old, offered=Offered(groups=groups)) for groups in ((), (hybrid,)))
    said = [next(f for f in find(each) if f.code == "no_post_quantum_group").evidence for each in (alone, wanted)]
    assert "no post-quantum group was offered" in said[0] and "the server chose another" in said[1]


def test_a_fatal_alert_needs_no_farewell() -> None:
    """RFC 8446 6.2: after a fatal alert both sides close at once."""
    cut = FIN(talk("1.3", None, "ec", False))
    assert "truncated_stream" in codes(cut)
    last = next(message for message in talk("1.3").messages if message.alert is not None)
    assert last.alert is not None
    fatal = replace(last, sender=CLIENT, alert=last.alert._replace(description=CodePoint(48, 1, "unknown_ca")))
    assert "truncated_stream" not in codes(replace(cut, messages=(*cut.messages, fatal)))


def test_the_name_under_initial_keys_is_no_secret() -> None:
    found = next(f for f in find(replace(talk(), transport="quic")) if f.code == "name_in_clear")
    assert "Initial keys" in found.evidence


def test_a_small_prime_is_named() -> None:
    chosen = shake("1.2", "DHE-RSA-AES128-GCM-SHA256", "rsa").connection()
    exchange = first(chosen, "server_key_exchange")
    assert exchange.tree is not None and exchange.buffer is not None
    held = exchange.tree.get("params.dh_p")
    assert held is not None
    prime = held.children[-1]
    data = bytearray(exchange.buffer.data)
    data[prime.start : prime.start + 129] = bytes(129)
    small = replace(exchange, buffer=Buffer("reassembled", bytes(data)))
    bad = replace(chosen, messages=tuple(small if m is exchange else m for m in chosen.messages))
    assert "small_key" in codes(bad) and "small_key" not in codes(chosen)
    found = next(finding for finding in find(bad) if finding.code == "small_key")
    assert exchange.tree.get(found.field) is not None


@pytest.mark.parametrize(
    ("standard", "version", "ciphers", "allowed"),
    [
        ("rfc9325", "1.3", None, True),
        ("rfc9325", "1.0", None, False),
        ("nist", "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", True),
        ("nist", "1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", False),
        ("mozilla-modern", "1.3", None, True),
        ("mozilla-modern", "1.2", None, False),
        ("mozilla-intermediate", "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", True),
        ("mozilla-intermediate", "1.2", "ECDHE-ECDSA-AES128-SHA", False),
        ("mozilla-old", "1.0", None, True),
        ("mozilla-old", "1.2", "ECDHE-ECDSA-NULL-SHA", False),
    ],
)
def test_standards(standard: str, version: str, ciphers: str | None, allowed: bool) -> None:
    connection = talk(version, ciphers)
    connection = replace(connection, findings=find(connection))
    held = held_to(connection, standard)
    assert (CODE not in {finding.code for finding in held.findings}) is allowed
    ranks = [SEVERITIES.index(finding.severity) for finding in held.findings]
    assert ranks == sorted(ranks, reverse=True)


def test_standards_say_how_grave_a_finding_is() -> None:
    connection = talk("1.0")
    connection = replace(connection, findings=find(connection))
    grades = {
        name: next(f.severity for f in held_to(connection, name).findings if f.code == "old_version")
        for name in ("nist", "mozilla-old")
    }
    assert grades == {"nist": "error", "mozilla-old": "notice"}


def test_the_data_of_the_standards_is_whole() -> None:
    assert tuple(standards()) == arguments.STANDARDS
    names = [registry.cipher_suites.get(code) or "" for code in registry.cipher_suites]
    from fnmatch import fnmatchcase

    for standard in standards().values():
        assert standard["source"].startswith("https://") and standard["title"]
        for pattern in standard["suites"]:
            assert any(fnmatchcase(name, pattern) for name in names), pattern
        assert set(standard["severities"].values()) <= set(SEVERITIES)
        assert all(search(code) for code in standard["severities"])


@given(st.binary(max_size=60), st.sampled_from(["client_hello", "server_hello", "new_session_ticket"]))
def test_finders_take_whatever_a_message_is(data: bytes, kind: str) -> None:
    message = Message(0, 0, START, "server", "handshake", kind, len(data), "wire", False)
    tree = Node(kind, 0, len(data), None, None, (Node("extensions", 0, len(data)),))
    odd = replace(message, buffer=Buffer("wire", data), tree=tree)
    find(Connection(messages=(odd,), version=CodePoint(0x0303, 2, "TLS 1.2")))
