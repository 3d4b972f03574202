"""Proofs and keys off the beaten track: renegotiation, authentication afterwards, 0-RTT, retries, key updates."""

from __future__ import annotations

import flows
import made13
import pytest

from tlsviz.connection.model import Connection
from tlsviz.connection.proofs import prove
from tlsviz.connection.schedule import key_schedule
from tlsviz.wire.chunks import CLIENT, SERVER


def found(connection: Connection, what: str) -> list[str]:
    return [proof.status for proof in prove(connection) if proof.what == what]


def spoken(connection: Connection) -> list[bytes]:
    return [run.plaintext.data if run.plaintext else b"" for run in connection.application]


def nothing_failed(connection: Connection) -> bool:
    return not [proof for proof in prove(connection) if proof.status == "failed"]


@pytest.mark.parametrize("by", [CLIENT, SERVER])
@pytest.mark.parametrize(("ciphers", "kind"), [("ECDHE", "ec"), ("AES128-SHA", "rsa")])
def test_renegotiation_under_encryption(by: str, ciphers: str, kind: str) -> None:
    """Each handshake has keys, transcript and proofs of its own, and is bound to the one before."""
    said = flows.renegotiated(3, by, ciphers, kind)
    connection = said.connection()
    assert spoken(connection)[0] == b"before"
    assert spoken(connection)[-2:] == [b"after 2", b"answer 2"]
    assert len(connection.renegotiated) == 3
    assert found(connection, "server_finished") == found(connection, "client_finished") == ["verified"] * 4
    assert found(connection, "renegotiation_info") == ["verified"] * 6
    assert nothing_failed(connection)
    secrets = [connection.secrets_of(number)["CLIENT_RANDOM"] for number in range(4)]
    schedules = [key_schedule(connection, number) for number in range(4)]
    for secret, schedule in zip(secrets, schedules, strict=True):
        master = schedule.node("master_secret")
        assert master
        assert master.value == secret
        assert all(node.why == "" for node in schedule.nodes if node.kind == "verify_data")
    assert len({schedule.handshake for schedule in schedules}) == 4
    assert connection == said.connection(size=1)


def test_a_renegotiation_bound_to_something_else() -> None:
    """The last bit of a repeated verify_data is changed behind the protection."""
    from test_proofs import damaged

    connection = flows.renegotiated().connection()
    hello = connection.messages_of("client_hello")[1]
    assert hello.buffer
    assert hello.tree
    node = hello.tree.get("extensions.renegotiation_info.renegotiated_connection")
    assert node
    assert found(damaged(connection, "client_hello", CLIENT, node.end - 1), "renegotiation_info")[0] == "failed"


def test_renegotiation_without_its_keys() -> None:
    """With the first handshake's key alone the second's hellos are read, but not what follows."""
    said = flows.renegotiated()
    del said.keylog[1:]
    connection = said.connection()
    assert found(connection, "client_finished") == ["verified", "not_provable"]
    assert found(connection, "renegotiation_info") == ["verified"] * 2
    assert nothing_failed(connection)


def test_authentication_after_the_handshake() -> None:
    connection = flows.authenticated_later(2).connection()
    assert found(connection, "client_certificate_verify") == ["verified"] * 2
    assert found(connection, "client_finished") == ["verified"] * 3
    assert spoken(connection) == [b"before", b"after"]
    schedule = key_schedule(connection)
    assert schedule.node("client_application_traffic_secret_0.finished_key")
    assert not schedule.node("server_application_traffic_secret_0.finished_key")


def test_authentication_after_key_updates() -> None:
    """Its Finished is made with the traffic secret of that moment."""
    made = made13.full()
    made.authenticate_later(b"first")
    for _ in range(3):
        made.update(CLIENT)
    made.update(SERVER)
    made.authenticate_later(b"second")
    made.data(CLIENT, b"thanks")
    connection = made.connection()
    assert found(connection, "client_finished") == ["verified"] * 3
    assert found(connection, "client_certificate_verify") == ["verified"] * 2
    assert spoken(connection)[-1] == b"thanks"
    schedule = key_schedule(connection)
    assert schedule.node("client_application_traffic_secret_3.finished_key")
    assert not schedule.node("client_application_traffic_secret_2.finished_key")
    unread = made.connection("CLIENT_HANDSHAKE_TRAFFIC_SECRET")
    assert found(unread, "client_certificate_verify") == ["not_provable"] * 2


@pytest.mark.parametrize("generations", [1, 7, 300])
def test_key_updates(generations: int) -> None:
    """Every generation opens; the schedule draws the first ones and says how many are not."""
    made = made13.full()
    for number in range(generations):
        made.update(CLIENT if number % 3 else SERVER)
        made.data(CLIENT, b"%d " % number)
        made.data(SERVER, b"%d " % number)
    connection = made.connection()
    everything = b" ".join(spoken(connection)).split()
    assert len(everything) == 2 * generations + 4
    assert found(connection, "record_protection") == ["verified"]
    assert {record.protection.status for record in connection.records if record.protection} == {"verified"}
    schedule = key_schedule(connection)
    sides = {side: sum(m.sender == side for m in connection.messages_of("key_update")) for side in (CLIENT, SERVER)}
    for side, count in sides.items():
        last = schedule.node(f"{side}_application_traffic_secret_{min(count, 32)}")
        assert last
        if count <= 32 and count:
            assert last.value == made.secrets[f"{side.upper()}_TRAFFIC_SECRET"]
        assert not schedule.node(f"{side}_application_traffic_secret_{min(count, 32) + 1}")
    assert bool(schedule.notes) == (max(sides.values()) > 32)


def test_early_data_accepted() -> None:
    made = made13.resumed(early="accepted")
    connection = made.connection()
    assert spoken(connection)[0] == b"early oneearly two"
    assert connection.application[0].early
    assert connection.early_data
    assert found(connection, "client_finished") == ["verified"]
    assert key_schedule(connection).node("client_early_traffic_secret.key")


def test_early_data_without_its_key() -> None:
    """EndOfEarlyData is under the early key, but its bytes are always the same: Finished is proven all the same."""
    connection = made13.resumed(early="accepted").connection("CLIENT_EARLY_TRAFFIC_SECRET")
    assert not connection.messages_of("end_of_early_data", CLIENT)
    assert found(connection, "client_finished") == ["verified"]
    assert spoken(connection)[0] == b""


@pytest.mark.parametrize("retry", [False, True])
def test_early_data_refused(retry: bool) -> None:
    """The server passes over it; the handshake goes on, with a retried hello too."""
    connection = made13.resumed(early="refused", retry=retry).connection()
    assert spoken(connection) == [b"early oneearly two", b"late", b"an answer"]
    assert connection.hello_retry == retry
    assert not connection.early_data
    assert found(connection, "server_finished") == found(connection, "client_finished") == ["verified"]
    assert nothing_failed(connection)


def test_what_one_sides_keys_prove() -> None:
    """With the client's secrets alone the server's flight is closed: nothing is said to be wrong."""
    connection = made13.full().connection("SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0")
    assert connection.messages_of("finished", CLIENT)[0].provenance == "decrypted"
    assert found(connection, "client_finished") == ["not_provable"]
    assert nothing_failed(connection)


def test_a_hole_in_the_handshake_accuses_nobody() -> None:
    """A message that was never captured is missing from the transcript; that is no failed proof."""
    from tlsviz.connection.engine import Engine
    from tlsviz.wire.chunks import Gap

    made = made13.full()
    engine = Engine(keylog=made.keylog())
    for number, chunk in enumerate(made.chunks):
        if number == 3:  # the certificate
            engine.receive(Gap(SERVER, chunk.time, len(chunk.data)))
        else:
            engine.receive(chunk)
    engine.finish()
    connection = engine.connection()
    assert found(connection, "server_finished") == ["not_provable"]
    assert nothing_failed(connection)
