"""Re-probes over real sockets: few, bounded, cancelled at once, and printed."""

from __future__ import annotations

import json
import socket

import jsonschema
import pytest
from effort import Stopwatch
from odd_servers import alert, playing, reset, saying, silent

from tlsviz.cli import main
from tlsviz.connection.model import Connection, Probe
from tlsviz.connection.reprobes import MOST_PROBES
from tlsviz.errors import CancelledError
from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.report.json import schema
from tlsviz.sources import probe as probing
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.probe import probed
from tlsviz.sources.tapped import halves
from tlsviz.sources.target import Target


def probe(port: int, told: list[Probe] | None = None, **options: object) -> Connection:
    wanted = LiveOptions(timeout=1.0, stores=(), **options)  # type: ignore[arg-type]
    target = Target("127.0.0.1", port)
    (connection,) = run_live(target, wanted).connections
    return probed(target, wanted, connection, told.append if told is not None else None)


def outcomes(connection: Connection) -> dict[str, str]:
    return {one.name: one.outcome for one in connection.probes}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PAUSE", 0.01)
    monkeypatch.setattr(probing, "GREETING_WAIT", 0.05)


def test_each_hello_is_what_its_probe_says() -> None:
    sizes: list[int] = []

    def play(sock: socket.socket) -> None:
        sizes.append(len(sock.recv(65536)))
        reset(sock)

    told: list[Probe] = []
    with playing(play) as port:
        connection = probe(port, told)
    assert tuple(told) == connection.probes
    assert len(connection.probes) <= MOST_PROBES
    by_name = {one.name: one for one in connection.probes}
    again, small, old = by_name["again"], by_name["no_post_quantum"], by_name["tls12"]
    assert again.hello is not None
    assert small.hello is not None
    assert old.hello is not None
    assert again.hello > small.hello + 1100 > old.hello
    assert set(outcomes(connection).values()) == {"same"}
    assert again.hello + 5 in sizes


def test_a_hello_in_two_records_is_understood() -> None:
    authority = Authority()
    with LabServer(ServerSettings(), authority.server(), authority) as server:
        options = LiveOptions(timeout=3.0, stores=(), split_hello=True, request=False)
        (connection,) = run_live(Target("127.0.0.1", server.port), options).connections
    assert connection.complete
    assert len(connection.messages[0].records) == 2
    assert not connection.client_data.records


def test_halves_hold_every_byte_once() -> None:
    first, second = halves(b"\x16\x03\x01\x00\x05hello")
    assert first == b"\x16\x03\x01\x00\x02he"
    assert second == b"\x16\x03\x01\x00\x03llo"


def test_a_certificate_that_nobody_trusts_is_no_failure_of_a_probe() -> None:
    authority = Authority()
    settings = ServerSettings(max_version="1.2", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
    with LabServer(settings, authority.server(), authority) as server:
        connection = probe(server.port, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256", max_version="1.2")
    assert outcomes(connection)["wide_ciphers"] == "worked"
    assert connection.diagnosis is not None
    assert connection.diagnosis.code == "no_common_cipher_suite"


@pytest.mark.parametrize("suite", ["TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_SHA256"])
def test_every_suite_of_tls13_is_offered(suite: str) -> None:
    authority = Authority()
    with LabServer(ServerSettings(suites=suite, min_version="1.3"), authority.server(), authority) as server:
        connection = probe(server.port)
    (wide,) = [one for one in connection.probes if one.name == "wide_ciphers"]
    assert wide.outcome == "worked"
    assert suite in wide.said
    assert "of TLS 1.3)" in wide.changed
    assert connection.diagnosis is not None
    standings = {cause.probe: cause.standing for cause in connection.diagnosis.causes}
    assert standings["wide_ciphers"] == "supported"
    assert standings["tls12"] == "ruled_out"


def test_the_time_for_all_of_them_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "ALL_THE_TIME", 0.5)
    monkeypatch.setattr(probing, "PROBE_TIME", 0.3)
    watch = Stopwatch()
    with playing(silent) as port:
        target, options = Target("127.0.0.1", port), LiveOptions(timeout=0.2, stores=())
        (connection,) = run_live(target, options).connections
        told = probed(target, options, connection)
    assert watch.seconds() < 2
    assert "skipped" in outcomes(told).values()
    assert [one.said for one in told.probes if one.outcome == "skipped"][-1] == "the time for re-probes is up"


def test_cancelling_stops_in_the_middle() -> None:
    done: list[Probe] = []
    with playing(saying(b"", reset)) as port:
        target, options = Target("127.0.0.1", port), LiveOptions(timeout=1.0, stores=())
        (connection,) = run_live(target, options).connections
        with pytest.raises(CancelledError):
            probed(target, options, connection, done.append, lambda: len(done) == 2)
    assert len(done) == 2


def test_a_closed_port_is_compared_with_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    assert "other_port" in outcomes(probe(port))


def test_the_options_of_the_user_stay() -> None:
    """Only one thing changes each time: the range of versions that was asked for is kept."""
    versions: list[bytes] = []

    def play(sock: socket.socket) -> None:
        data = sock.recv(65536)
        versions.append(data[data.index(b"\x00\x2b") :][4:5] if b"\x00\x2b" in data else b"")
        sock.sendall(alert(40))

    with playing(play) as port:
        connection = probe(port, min_version="1.3")
    assert "tls12" not in outcomes(connection)
    assert connection.diagnosis is not None


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    with playing(saying(alert(40))) as port:
        words = ["show", f"https://127.0.0.1:{port}", "--timeout", "1", "--probe"]
        assert main([*words, "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert main(words) == 0
        printed = capsys.readouterr().out
    jsonschema.Draft202012Validator(schema()).validate(found)
    (connection,) = found["connections"]
    assert {one["outcome"] for one in connection["probes"]} == {"same"}
    (diagnosis,) = [one for one in connection["findings"] if one["diagnosis"]]
    assert any(cause["standing"] == "ruled_out" for cause in diagnosis["causes"])
    assert "Re-probes" in printed
    assert "✗ fails the same" in printed
    assert "✗ ruled out" in printed


def test_without_the_option_nothing_is_tried_again() -> None:
    with playing(saying(alert(40))) as port:
        (connection,) = run_live(Target("127.0.0.1", port), LiveOptions(timeout=1.0, stores=())).connections
    assert connection.probes == ()
