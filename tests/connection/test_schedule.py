"""The key schedule as data: RFC 8448's values, own handshakes of every version, and what is said without keys."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import rfc8448_trace as rfc8448
from dialogue import shake

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import KeyNode, Schedule, key_schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk

PUBLISHED = {
    "early_secret": rfc8448.EARLY_SECRET,
    "handshake_secret": rfc8448.HANDSHAKE_SECRET,
    "main_secret": rfc8448.MAIN_SECRET,
    "client_handshake_traffic_secret": rfc8448.CLIENT_HANDSHAKE_TRAFFIC_SECRET,
    "server_handshake_traffic_secret": rfc8448.SERVER_HANDSHAKE_TRAFFIC_SECRET,
    "client_application_traffic_secret_0": rfc8448.CLIENT_TRAFFIC_SECRET_0,
    "server_application_traffic_secret_0": rfc8448.SERVER_TRAFFIC_SECRET_0,
    "exporter_secret": rfc8448.EXPORTER_SECRET,
    "resumption_secret": rfc8448.RESUMPTION_SECRET,
    "resumption_psk_0": rfc8448.RESUMPTION_PSK,
    "server_handshake_traffic_secret.key": rfc8448.SERVER_HANDSHAKE_KEY,
    "server_handshake_traffic_secret.iv": rfc8448.SERVER_HANDSHAKE_IV,
    "client_handshake_traffic_secret.key": rfc8448.CLIENT_HANDSHAKE_KEY,
    "client_handshake_traffic_secret.iv": rfc8448.CLIENT_HANDSHAKE_IV,
    "server_handshake_traffic_secret.finished_key": rfc8448.SERVER_FINISHED_KEY,
    "client_handshake_traffic_secret.finished_key": rfc8448.CLIENT_FINISHED_KEY,
    "server_handshake_traffic_secret.verify_data": rfc8448.SERVER_VERIFY_DATA,
    "client_handshake_traffic_secret.verify_data": rfc8448.CLIENT_VERIFY_DATA,
    "server_application_traffic_secret_0.key": rfc8448.SERVER_APPLICATION_KEY,
    "server_application_traffic_secret_0.iv": rfc8448.SERVER_APPLICATION_IV,
    "client_application_traffic_secret_0.key": rfc8448.CLIENT_APPLICATION_KEY,
    "client_application_traffic_secret_0.iv": rfc8448.CLIENT_APPLICATION_IV,
}


def simple_handshake() -> Connection:
    """RFC 8448 section 3, with the traffic secrets that a key log would hold."""
    log = KeyLog()
    random = rfc8448.CLIENT_HELLO_RECORD[11:43].hex()
    for label in ("CLIENT_HANDSHAKE", "SERVER_HANDSHAKE"):
        log.add_line(f"{label}_TRAFFIC_SECRET {random} {getattr(rfc8448, f'{label}_TRAFFIC_SECRET').hex()}")
    for side in ("CLIENT", "SERVER"):
        log.add_line(f"{side}_TRAFFIC_SECRET_0 {random} {getattr(rfc8448, f'{side}_TRAFFIC_SECRET_0').hex()}")
    engine = Engine(keylog=log)
    for sender, record in (
        (CLIENT, rfc8448.CLIENT_HELLO_RECORD),
        (SERVER, rfc8448.SERVER_HELLO_RECORD),
        (SERVER, rfc8448.SERVER_FLIGHT_RECORD),
        (CLIENT, rfc8448.CLIENT_FINISHED_RECORD),
        (SERVER, rfc8448.NEW_SESSION_TICKET_RECORD),
    ):
        engine.receive(Chunk(sender, 0.0, record))
    return engine.connection()


def nodes(schedule: Schedule) -> dict[str, KeyNode]:
    return {node.id: node for node in schedule.nodes}


def check_shape(schedule: Schedule) -> None:
    """What holds for every schedule: unique ids, inputs before outputs, a value or a reason, nothing secret public."""
    seen: set[str] = set()
    made = {step.output: step for step in schedule.steps}
    assert len(made) == len(schedule.steps)
    for node in schedule.nodes:
        assert node.id not in seen
        if node.id in made:
            assert set(made[node.id].inputs) <= seen
        seen.add(node.id)
        assert node.value is not None or node.why, node.id
        assert (node.origin == "unknown") == (node.value is None), node.id
        assert node.value is None or node.length == len(node.value), node.id
        assert node.name
        assert node.purpose
    assert set(made) <= seen
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_every_value_of_rfc_8448() -> None:
    """Given the (EC)DHE secret alone, all published values follow."""
    connection = replace(simple_handshake(), secrets=())
    schedule = key_schedule(connection, given={"ecdhe": rfc8448.ECDHE})
    check_shape(schedule)
    found = nodes(schedule)
    assert {id: found[id].value for id in PUBLISHED} == PUBLISHED
    assert not any(node.why for node in schedule.nodes)
    step = schedule.step("client_handshake_traffic_secret")
    assert step
    assert step.context
    assert (step.function, step.label, step.inputs) == ("Derive-Secret", "c hs traffic", ("handshake_secret",))
    assert (step.context.messages, step.context.value) == ((0, 1), rfc8448.HELLOS_HASH)
    assert found["server_share"].value == rfc8448.SERVER_X25519_PUBLIC
    assert found["server_share"].message == 1


def test_what_a_key_log_gives() -> None:
    """With traffic secrets only, their keys follow; what they come from does not."""
    schedule = key_schedule(simple_handshake())
    check_shape(schedule)
    found = nodes(schedule)
    above = {"handshake_secret", "main_secret", "exporter_secret", "resumption_secret", "resumption_psk_0", "ecdhe"}
    assert {id for id in PUBLISHED if found[id].value is None} == above - {"ecdhe"}
    assert {id: found[id].value for id in PUBLISHED if id not in above} == {
        id: value for id, value in PUBLISHED.items() if id not in above
    }
    assert found["handshake_secret"].why.startswith("the key log holds traffic secrets")
    assert found["ecdhe"].secret
    assert not found["early_secret"].secret
    assert found["client_application_traffic_secret_0"].origin == "key log"
    assert found["client_application_traffic_secret_0.key"].origin == "computed"


def test_a_wrong_secret_is_said() -> None:
    connection = replace(simple_handshake())
    changed = tuple(
        (label, bytes(32) if label == "CLIENT_HANDSHAKE_TRAFFIC_SECRET" else secret)
        for label, secret in connection.secrets
    )
    schedule = key_schedule(replace(connection, secrets=changed), given={"ecdhe": rfc8448.ECDHE})
    odd = {node.id for node in schedule.nodes if node.why}
    assert odd == {"client_handshake_traffic_secret", "client_handshake_traffic_secret.verify_data"}


@pytest.mark.parametrize(
    ("version", "kind", "ciphers", "family"),
    [
        ("1.3", "ec", None, "tls13"),
        ("1.2", "ec", "ECDHE", "tls12"),
        ("1.2", "rsa", "DHE-RSA-AES128-SHA", "tls12"),
        ("1.2", "rsa", "AES256-GCM-SHA384", "tls12"),
        ("1.1", "rsa", "AES128-SHA", "tls12"),
        ("1.0", "rsa", "ECDHE-RSA-AES256-SHA", "tls12"),
    ],
)
def test_own_handshakes(version: str, kind: str, ciphers: str | None, family: str) -> None:
    """Everything below what the key log holds is known, and both Finished come out as they were sent."""
    said = shake(version, ciphers, kind)
    connection = said.connection()
    schedule = key_schedule(connection)
    check_shape(schedule)
    assert schedule.family == family
    unknown = {node.id for node in schedule.nodes if node.value is None}
    above = {"ecdhe", "handshake_secret", "derived_handshake", "main_secret", "resumption_secret", "premaster_secret"}
    assert unknown <= above | {"resumption_psk_0", "resumption_psk_1"}
    found = [node for node in schedule.nodes if node.kind == "verify_data"]
    assert [node.sender for node in found] == [CLIENT, SERVER]
    for node in found:
        finished = connection.messages[node.message or 0]
        assert finished.type == "finished"
        assert finished.buffer is not None
        assert node.value == finished.buffer.data[4:]
        assert (node.origin, node.why) == ("computed", "")
    blind = key_schedule(said.connection(keys=False))
    check_shape(blind)
    assert blind.family == family
    assert not [node.id for node in blind.nodes if node.secret and node.value is not None]


def test_a_premaster_gives_everything() -> None:
    """The master secret follows from the premaster secret, extended or not."""
    connection = shake("1.2", "ECDHE").connection()
    known = dict(connection.secrets)["CLIENT_RANDOM"]
    schedule = key_schedule(replace(connection, secrets=()), given={"premaster_secret": bytes(range(32))})
    master = schedule.node("master_secret")
    assert master
    assert master.origin == "computed"
    assert master.value != known
    step = schedule.step("master_secret")
    assert step
    assert step.label == "extended master secret"
    assert schedule.uses("master_secret") == ("key_block", "client_verify_data", "server_verify_data")


def test_resumption_has_no_premaster() -> None:
    first = shake("1.2")
    schedule = key_schedule(shake("1.2", resume=first).connection())
    check_shape(schedule)
    assert schedule.node("premaster_secret") is None
    first = shake("1.3")
    schedule = key_schedule(shake("1.3", resume=first).connection())
    check_shape(schedule)
    found = nodes(schedule)
    assert found["psk"].value is None
    assert found["early_secret"].secret
    assert found["binder"].origin == "sent"
    step = schedule.step("binder")
    assert step
    assert step.context
    assert step.context.value


def test_a_retried_hello_is_in_the_hash() -> None:
    schedule = key_schedule(shake(server_groups=b"P-384").connection())
    step = schedule.step("client_handshake_traffic_secret")
    assert step
    assert step.context
    assert len(step.context.messages) == 4
    assert all(node.why == "" for node in schedule.nodes if node.kind == "verify_data")


def test_there_may_be_none() -> None:
    schedule = key_schedule(Connection())
    assert (schedule.nodes, schedule.notes) == ((), ("there is no handshake here",))
    hello = replace(shake().connection(), messages=shake().connection().messages[:1], version=None, cipher_suite=None)
    assert key_schedule(hello).nodes == ()
    assert key_schedule(hello).notes
    assert key_schedule(shake().connection(), 1).nodes == ()
