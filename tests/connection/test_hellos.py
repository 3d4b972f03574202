"""Of a hello that breaks off, nothing is concluded from what is not in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue import shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.hellos import is_cut, offer_is_known
from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection
from tlsviz.connection.negotiation import negotiation
from tlsviz.connection.observations import observe
from tlsviz.explain.narrate import tell
from tlsviz.wire.chunks import CLIENT, Gap


def cut_at(size: int, version: str = "1.2", gap: int | None = None) -> Connection:
    """A handshake of which the ClientHello's record was seen for so many bytes, and everything behind it.

    ``gap``: so many bytes are missing in the middle, and the rest of the hello is there.
    """
    said = shake(version)
    hello = said.chunks[0]
    engine = Engine()
    engine.receive(hello._replace(data=hello.data[:size]))
    engine.receive(Gap(CLIENT, hello.time, gap if gap is not None else len(hello.data) - size))
    if gap is not None:
        engine.receive(hello._replace(data=hello.data[size + gap :]))
    for chunk in said.chunks[1:]:
        engine.receive(chunk)
    engine.finish()
    return judged(engine.connection())


def told(connection: Connection) -> str:
    found = [tell(connection, m) for m in connection.messages if m.type in ("client_hello", "server_hello")]
    texts = [text for one in found for text in (one.lead, *(s.text for s in one.sentences), *one.odd)]
    return " ".join([*texts, *(f"{f.title} {f.evidence}" for f in connection.findings)])


@pytest.mark.parametrize("size", [30, 60, 90, 120, 150])
@pytest.mark.parametrize("gap", [None, 12])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_nothing_is_said_of_what_may_be_missing(size: int, gap: int | None, version: str) -> None:
    connection = cut_at(size, version, gap)
    assert is_cut(connection.messages) and not offer_is_known(connection)
    assert (connection.ja3, connection.ja4) == (None, None)
    assert negotiation(connection) == () and observe(connection) is None
    text = told(connection)
    for claim in (
        "names no server",
        "never offered",
        "was offered",
        "did not ask",
        "It speaks TLS",
        "no cipher suite",
    ):
        assert claim not in text, claim
    assert "nobody can tell" in text


def test_a_whole_hello_says_what_it_lacks() -> None:
    connection = judged(shake("1.2").connection(keys=False))
    assert offer_is_known(connection) and not is_cut(connection.messages)
    assert connection.ja3 and connection.ja4 and connection.ja3s and connection.ja4s
    assert negotiation(connection)
    assert "nobody can tell from what is here" not in told(connection)


def test_a_name_that_breaks_off_is_no_name() -> None:
    said = shake("1.3")
    whole = said.connection(keys=False)
    assert whole.server_name
    place = said.chunks[0].data.index(whole.server_name.encode())
    for size in (place + 1, place + len(whole.server_name) - 1):
        connection = cut_at(size, "1.3")
        assert connection.server_name is None
        assert whole.server_name[:-1] not in told(connection).replace(whole.server_name, "")


def test_the_server_s_answer_has_to_be_whole_too() -> None:
    connection = judged(shake("1.2").connection(keys=False))
    answer = connection.messages_of("server_hello")[0]
    assert answer.tree is not None
    bare = answer.tree._replace(children=tuple(n for n in answer.tree.children if n.name != "extensions"))

    def codes(whole: bool) -> set[str]:
        changed = replace(answer, tree=bare, whole=whole)
        messages = tuple(changed if m is answer else m for m in connection.messages)
        return {finding.code for finding in judged(replace(connection, messages=messages)).findings}

    assert codes(True) >= {"no_extended_master_secret", "insecure_renegotiation"}
    assert not codes(False) & {"no_extended_master_secret", "insecure_renegotiation"}
