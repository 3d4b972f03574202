"""Live resumption and 0-RTT: the session of the first connection in the ones after it, proven to the binder."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tlsviz.connection.model import Connection, Trace
from tlsviz.errors import UsageError
from tlsviz.explain.narrate import narrate
from tlsviz.lab.authority import SERVER_NAME, Authority
from tlsviz.lab.run import store
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.live import run_live
from tlsviz.sources.options import MOST_RESUMPTIONS, LiveOptions
from tlsviz.sources.target import Target

AUTHORITY = Authority()
REQUEST = b"GET /early HTTP/1.1\r\nHost: www.lab.test\r\nConnection: close\r\n\r\n"

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")


@contextlib.contextmanager
def lab(**settings: object) -> Iterator[int]:
    with LabServer(ServerSettings(**settings), AUTHORITY.server(), AUTHORITY) as server:  # type: ignore[arg-type]
        yield server.port


def shake(port: int, **options: object) -> Trace:
    defaults = LiveOptions(resolve=f"127.0.0.1:{port}", stores=(store(AUTHORITY),), timeout=5)
    return run_live(Target(SERVER_NAME), dataclasses.replace(defaults, **options))  # type: ignore[arg-type]


def status(connection: Connection, what: str) -> list[str]:
    return [proof.status for proof in connection.proofs if proof.what == what]


def unproven(connection: Connection) -> set[str]:
    return {proof.what for proof in connection.proofs if proof.status != "verified"}


def said(connection: Connection) -> list[tuple[str, bool, bytes]]:
    return [(run.sender, run.early, run.plaintext.data if run.plaintext else b"") for run in connection.application]


def test_resumed_connections_are_proven_to_the_binder() -> None:
    with lab() as port:
        trace = shake(port, resume=2)
    assert [connection.id for connection in trace.connections] == [0, 1, 2]
    assert [connection.resumed for connection in trace.connections] == [False, True, True]
    assert [status(connection, "psk_binder") for connection in trace.connections] == [[], ["verified"], ["verified"]]
    assert not any(unproven(connection) for connection in trace.connections)
    assert [len(connection.certificates) > 0 for connection in trace.connections] == [True, False, False]
    assert trace.notices == ()


def test_the_ticket_is_traced_from_its_message_to_the_identity() -> None:
    with lab() as port:
        first, second = shake(port, resume=1).connections
    (found,) = second.resumptions
    issued, hello = first.messages[found.issued], second.messages[found.message]
    assert (found.kind, found.connection, issued.type, hello.type) == ("psk", 0, "new_session_ticket", "client_hello")
    assert issued.tree is not None
    assert issued.buffer is not None
    assert hello.tree is not None
    assert hello.buffer is not None
    node = hello.tree
    for index in found.path:
        node = node.children[index]
    ticket = issued.tree.child("ticket")
    assert ticket is not None
    assert node.name == "identity"
    assert hello.buffer.data[node.start + 2 : node.end] == issued.buffer.data[ticket.start + 2 : ticket.end]
    assert found.since == pytest.approx(hello.time - issued.time, abs=1e-6)
    assert found.obfuscated is not None
    assert found.age_add is not None
    assert found.age == (found.obfuscated - found.age_add) % 2**32
    assert found.age < 2000
    told = " ".join(sentence.text for sentence in narrate(second, "message", hello.index).sentences)
    assert f"connection 0 was given in its NewSessionTicket (message {issued.index})" in told
    assert f"minus the ticket's ticket_age_add {found.age_add}, modulo 2^32, is {found.age} ms" in told


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_older_versions_resume_by_ticket(version: str) -> None:
    with lab(max_version=version) as port:
        first, second = shake(port, resume=1).connections
    assert (first.resumed, second.resumed) == (False, True)
    assert unproven(second) == set()
    assert [found.kind for found in second.resumptions] == ["ticket"]
    assert second.version == first.version
    kinds = [message.type for message in second.messages if message.sender == "server"]
    assert kinds[:3] == ["server_hello", "change_cipher_spec", "finished"]


def test_accepted_early_data_is_answered_before_the_handshake_is_over(tmp_path: Path) -> None:
    file = tmp_path / "request"
    file.write_bytes(REQUEST)
    with lab(early_data=4096) as port:
        trace = shake(port, early_data=file)
    first, second = trace.connections
    assert (first.early_data, second.early_data) == (False, True)
    assert said(second)[0] == ("client", True, REQUEST)
    assert said(second)[1][2].startswith(b"HTTP/1.1 200 OK")
    assert len(said(second)) == 2
    assert [m.type for m in second.messages].count("end_of_early_data") == 1
    assert unproven(second) == set()
    assert dict(second.secrets)["CLIENT_EARLY_TRAFFIC_SECRET"]
    assert trace.notices == ()
    assert "The server took it" in " ".join(each.text for each in narrate(second, "data", 0).sentences)


def test_refused_early_data_is_sent_again_and_said() -> None:
    with lab(early_data=4096, refuse_early_data=True) as port:
        trace = shake(port, early_data=REQUEST)
    second = trace.connections[1]
    assert second.resumed
    assert not second.early_data
    assert [(sender, early) for sender, early, _ in said(second)] == [
        ("client", True),
        ("client", False),
        ("server", False),
    ]
    assert said(second)[0][2] == said(second)[1][2] == REQUEST
    assert unproven(second) == set()
    assert trace.notices == ("The server refused the 0-RTT data of connection 1: it was sent again.",)
    assert "The server refused it" in " ".join(each.text for each in narrate(second, "data", 0).sentences)


def test_tickets_without_early_data_and_with_too_little() -> None:
    with lab() as port:
        none = shake(port, early_data=REQUEST)
    assert none.notices == (
        "Connection 1 carries no 0-RTT data, the ticket allows none: it was sent after the handshake.",
    )
    assert said(none.connections[1])[0] == ("client", False, REQUEST)
    with lab(max_version="1.2") as port:
        old = shake(port, early_data=REQUEST)
    assert "only TLS 1.3 has it" in old.notices[0]
    with lab(early_data=20) as port:
        little = shake(port, early_data=REQUEST)
    assert little.notices == ("The ticket allows 20 bytes of 0-RTT data: the rest was sent after the handshake.",)
    assert [data for sender, _, data in said(little.connections[1]) if sender == "client"] == [
        REQUEST[:20],
        REQUEST[20:],
    ]
    assert said(little.connections[1])[-1][2].startswith(b"HTTP/1.1 200 OK")


def test_a_failed_handshake_is_the_last_one() -> None:
    with lab(client_certificate=True, max_version="1.2") as port:
        trace = shake(port, resume=3)
    assert len(trace.connections) == 1
    assert trace.notices == ("There is no session to resume: the handshake failed.",)
    refused = run_live(Target("127.0.0.1", 1), LiveOptions(resume=2))
    assert len(refused.connections) == 1


def test_wrong_values_are_wrong_usage(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for options in (
        LiveOptions(resume=-1),
        LiveOptions(resume=MOST_RESUMPTIONS + 1),
        LiveOptions(early_data=tmp_path / "nowhere"),
        LiveOptions(early_data=empty),
        LiveOptions(early_data=empty, max_version="1.2"),
    ):
        with pytest.raises(UsageError):
            run_live(Target("127.0.0.1", 1), options)


def test_snapshots_carry_the_number_of_their_connection() -> None:
    seen: list[tuple[int, bool]] = []
    with lab() as port:
        shake_options = LiveOptions(resolve=f"127.0.0.1:{port}", stores=(store(AUTHORITY),), timeout=5, resume=1)
        run_live(Target(SERVER_NAME), shake_options, lambda found: seen.append((found.id, found.complete)))
    assert (0, True) in seen
    assert seen[-1] == (1, True)


def test_key_update_is_followed() -> None:
    with lab(key_update=True) as port:
        (connection,) = shake(port).connections
    kinds = [message.type for message in connection.messages if message.sender == "server"]
    assert "key_update" in kinds
    answer = b"".join(data for sender, _, data in said(connection) if sender == "server")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"tlsviz lab" in answer
    assert unproven(connection) == set()
    assert {record.protection.status for record in connection.records if record.protection} == {"verified"}


@needs_openssl
def test_openssl_server_updates_its_keys(tmp_path: Path) -> None:
    """`K` on s_server's standard input: KeyUpdate, with the client's asked for."""
    issued = AUTHORITY.server()
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(issued.pem)
    key.write_bytes(issued.key_pem)
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(chain), "-key", str(key)]
    command += ["-alpn", "http/1.1"]  # or the client would not wait long for an answer
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            while b"ACCEPT" not in line:
                line = server.stdout.readline()
            port = int(line.rsplit(b":", 1)[1])
            typed = [b"K\n", b"HTTP/1.0 200 OK\nContent-Length: 3\n\nabc\n"]

            def update(connection: Connection) -> None:
                # The request has come, and s_server waits for what its user types: one command a read.
                if connection.client_data.records and typed:
                    server.stdin.write(typed.pop(0))  # type: ignore[union-attr]
                    server.stdin.flush()  # type: ignore[union-attr]

            options = LiveOptions(resolve=f"127.0.0.1:{port}", stores=(store(AUTHORITY),), timeout=5)
            (connection,) = run_live(Target(SERVER_NAME), options, update).connections
        finally:
            server.kill()
    senders = [message.sender for message in connection.messages if message.type == "key_update"]
    assert "server" in senders
    answer = b"".join(data for sender, _, data in said(connection) if sender == "server")
    assert answer.startswith(b"HTTP/1.0 200 OK")
    assert {record.protection.status for record in connection.records if record.protection} == {"verified"}
