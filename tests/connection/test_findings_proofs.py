"""A proof that fails is a finding, once; what other findings tell is not told again."""

from __future__ import annotations

from dialogue import Dialogue, followed, shake

from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection, Finding
from tlsviz.connection.rows import outcome
from tlsviz.wire.chunks import Chunk


def of_proofs(connection: Connection) -> list[Finding]:
    return [finding for finding in connection.findings if finding.code == "proof_failed"]


def with_another_signature(said: Dialogue) -> list[Chunk]:
    """The bytes with the last one of the ServerKeyExchange changed: its signature ends there."""
    message = followed(said.chunks).messages_of("server_key_exchange")[0]
    assert message.buffer is not None
    sent, found = message.buffer.data, []
    for chunk in said.chunks:
        place = chunk.data.find(sent) + len(sent) - 1
        changed = sent in chunk.data
        data = chunk.data[:place] + bytes([chunk.data[place] ^ 1]) + chunk.data[place + 1 :] if changed else chunk.data
        found.append(chunk._replace(data=data))
    assert found != list(said.chunks)
    return found


def test_a_signature_that_does_not_fit_is_said_where_it_stands() -> None:
    said = shake("1.2")
    honest, odd = judged(followed(said.chunks)), judged(followed(with_another_signature(said)))
    assert of_proofs(honest) == []
    (found,) = of_proofs(odd)
    assert found.severity == "error" and not found.diagnosis
    assert found.message is not None and odd.messages[found.message].type == "server_key_exchange"
    assert "server key exchange" in found.title and "altered" in found.mend
    assert outcome(odd) == outcome(honest), "how it ended is not for proofs to say"


def test_all_that_fails_is_one_finding() -> None:
    said = shake("1.2")
    (found,) = of_proofs(judged(followed(with_another_signature(said), said.keys())))
    assert found.title.startswith("3 proofs") and "client finished" in found.title
