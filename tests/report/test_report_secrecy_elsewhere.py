"""Secrets where nobody looks for them: in what objects say of themselves, in notices, errors, words and files."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from test_report_secrecy import KINDS, leaks, secret_values

from tlsviz.connection.judge import judged
from tlsviz.connection.ladder import steps
from tlsviz.connection.lens import anatomy
from tlsviz.connection.model import Connection
from tlsviz.connection.schedule import key_schedule
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TlsvizError
from tlsviz.explain.inputs import inputs
from tlsviz.explain.narrate import narrate_step
from tlsviz.explain.overview import overview
from tlsviz.lab.authority import SERVER_NAME, Authority
from tlsviz.lab.run import store
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.keyfiles import load_rsa_keys
from tlsviz.sources.keyfollower import KeyFollower
from tlsviz.sources.options import Identity, LiveOptions
from tlsviz.sources.record import pcapng
from tlsviz.sources.target import Target
from tlsviz.sources.visits import Visits, visit

AUTHORITY = Authority()
REQUEST = b"GET /early HTTP/1.1\r\nHost: www.lab.test\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def visits() -> Visits:
    settings = ServerSettings(early_data=4096)
    with LabServer(settings, AUTHORITY.server(), AUTHORITY) as server:
        place = f"127.0.0.1:{server.port}"
        options = LiveOptions(resolve=place, stores=(store(AUTHORITY),), timeout=5, early_data=REQUEST)
        return visit(Target(SERVER_NAME), options)


def every_secret(visits: Visits) -> set[bytes]:
    return set().union(*map(secret_values, visits.connections))


def test_live_objects_say_nothing(visits: Visits) -> None:
    secrets = every_secret(visits)
    assert len(secrets) > 20
    keylog = KeyLog()
    for tape in visits.tapes:
        for line in tape.keylog:
            keylog.add_text(line, "this handshake")
    assert len(keylog) > 8
    for thing in (*visits.tapes, *visits.connections, *visits.notices, keylog, keylog.sessions, keylog.rsa):
        assert leaks(repr(thing), _long(secrets)) == []
    private = Identity(b"certificate", b"the private key in PEM")
    assert b"the private key".decode() not in repr(LiveOptions(identity=private, early_data=REQUEST))
    assert "GET" not in repr(LiveOptions(early_data=REQUEST))


def _long(secrets: set[bytes]) -> set[bytes]:
    """Without the IVs: the nonce of the first record is one, and lies open in the objects."""
    return {secret for secret in secrets if len(secret) >= 16}


def test_a_saved_file_holds_them_only_if_asked(visits: Visits) -> None:
    logged = {value for each in visits.connections for _, value in each.secrets}
    asked, unasked = pcapng(visits.tapes, "x"), pcapng(visits.tapes, "x", secrets=False)
    assert all(value.hex().encode() in asked for value in logged)
    assert leaks(unasked.decode("latin-1"), logged) == []
    assert not any(value in unasked for value in logged)


@pytest.mark.parametrize("kind", list(KINDS))
def test_words_and_proofs_say_nothing(kind: str) -> None:
    connection = judged(KINDS[kind]())
    secrets = secret_values(connection)
    for text in words(connection):
        assert leaks(text, secrets) == []


def words(connection: Connection) -> list[str]:
    found = [repr(overview(connection))]
    for step in steps(connection):
        told = narrate_step(connection, step)
        found.append(" ".join([told.lead, *told.odd, *(each.text for each in told.sentences if not each.secret)]))
    found += [f"{proof.why}" for proof in connection.proofs if "verify_data" not in proof.why]
    found += [inputs(connection, proof) for proof in connection.proofs]
    found += [f"{finding.title} {finding.evidence}" for finding in connection.findings]
    schedule = key_schedule(connection)
    found += [f"{node.name} {node.purpose} {node.why}" for node in schedule.nodes]
    found += [f"{step.function} {step.label} {step.context.text if step.context else ''}" for step in schedule.steps]
    return found


def test_damaged_lines_are_told_by_number_alone(tmp_path: Path) -> None:
    secret = bytes(range(100, 148))
    lines = [
        f"CLIENT_RANDOM {'11' * 32} {secret.hex()}zz",
        f"CLIENT_RANDOM {'11' * 31} {secret.hex()}",
        f"NO_SUCH_LABEL {'11' * 32} {secret.hex()}",
        f"SERVER_TRAFFIC_SECRET_0 {'11' * 32} {secret.hex()}00",
        f"RSA Session-ID: Master-Key:{secret.hex()}",
        f"CLIENT_RANDOM {secret.hex()}",
    ]
    file = tmp_path / "keys.log"
    file.write_text("\n".join(lines) + "\n")
    follower = KeyFollower([file])
    assert follower.poll() == 0
    assert len(follower.keylog.problems) == len(lines)
    assert leaks(" ".join(follower.keylog.problems), {secret}) == []


def test_errors_about_keys_do_not_quote_them(tmp_path: Path) -> None:
    secret = bytes(range(100, 148))
    file = tmp_path / "server.pem"
    file.write_text(f"-----BEGIN RSA PRIVATE KEY-----\n{secret.hex()}\n-----END RSA PRIVATE KEY-----\n")
    with pytest.raises(TlsvizError) as caught:
        load_rsa_keys([file], b"a password of the user")
    told = "".join(traceback.format_exception(caught.value))
    assert leaks(told, {secret}) == []
    assert "a password of the user" not in str(caught.value)


def test_the_lens_shows_the_nonce_and_no_key(visits: Visits) -> None:
    connection = visits.connections[0]
    keys = {
        node.value
        for node in key_schedule(connection).nodes
        if node.kind in ("key", "traffic_secret", "mac_key") and node.value
    }
    for record in connection.records:
        if record.protection is not None:
            assert leaks(repr(anatomy(connection, record)), keys) == []
