"""How captured handshakes that came to nothing are told: the side that gave up is the one that is named."""

from __future__ import annotations

from dialogue import Dialogue, shake

from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Mark, Sender


def cut(said: Dialogue, chunks: int, *after: Chunk | Mark, size: int | None = None) -> Connection:
    """The dialogue's first chunks (the last of them cut to ``size``), then what happened instead of the rest."""
    engine = said.engine(keys=False)
    for place, chunk in enumerate(said.chunks[:chunks]):
        engine.receive(chunk._replace(data=chunk.data[:size]) if place == chunks - 1 else chunk)
    for item in after:
        engine.receive(item)
    engine.finish()
    return judged(engine.connection())


def ends(sender: Sender, kind: str = "rst") -> Mark:
    return Mark(kind, sender, 1_768_000_001.0)  # type: ignore[arg-type]


def codes(connection: Connection) -> set[str]:
    return {finding.code for finding in connection.findings}


def test_a_reset_by_the_client_is_not_the_servers() -> None:
    connection = cut(shake(), 2, ends(CLIENT))
    assert connection.findings[0].code == "client_left"
    assert "reset_after_client_hello" not in codes(connection)


def test_a_reset_by_the_server_is() -> None:
    assert cut(shake(), 1, ends(SERVER)).findings[0].code == "reset_after_client_hello"
    assert cut(shake(), 1, ends(SERVER, "fin")).findings[0].code == "closed_after_client_hello"


def test_the_clients_alert_names_the_client() -> None:
    alert = Chunk(CLIENT, 1_768_000_001.0, b"\x15\x03\x03\x00\x02\x02\x30")
    connection = cut(shake("1.2"), 2, alert, ends(CLIENT, "fin"), ends(SERVER, "fin"))
    assert connection.findings[0].code == "handshake_alert"
    assert connection.findings[0].title == "The client refused the server's certificate: unknown_ca"
    assert connection.failure == connection.findings[0]
    assert not connection.findings[0].diagnosis


def test_a_cut_server_hello_chooses_nothing() -> None:
    connection = cut(shake(), 2, ends(SERVER, "fin"), size=9)
    assert connection.version is None
    assert connection.cipher_suite is None
    assert not connection.proofs
    assert not codes(connection) & {"old_version", "weak_cipher_suite"}


def test_a_good_handshake_ends_well() -> None:
    assert judged(shake().connection()).failure is None
