"""Every scenario comes out as it says it does."""

from __future__ import annotations

import threading
import urllib.request
from functools import cache
from pathlib import Path

import pytest

from tlsviz.connection.model import Connection
from tlsviz.errors import TlsvizError, UsageError
from tlsviz.lab.run import authority, run_scenario, scenario, serve
from tlsviz.lab.scenarios import DEFAULT, SCENARIOS, Scenario

IDS = [one.name for one in SCENARIOS]


@cache
def first(name: str) -> Connection:
    """The first connection of a scenario; made once."""
    return run_scenario(name).connections[0]


@pytest.mark.parametrize("one", SCENARIOS, ids=IDS)
def test_judgement_is_as_promised(one: Scenario) -> None:
    connection = first(one.name)
    assert connection.trust is not None
    assert (connection.trust.verdict, connection.trust.reasons) == (one.verdict, one.reasons)
    assert (connection.diagnosis and connection.diagnosis.code) == one.diagnosis
    codes = {finding.code for finding in connection.findings}
    assert codes >= {*one.findings, *(f"certificate_{reason}" for reason in one.reasons)}
    assert (connection.trust.faults[0].certificate if connection.trust.faults else None) == one.at_fault
    client = connection.client_trust
    assert (client is not None) == (one.client is not None)
    assert client is None or client.reasons == one.client_reasons


@pytest.mark.parametrize("one", SCENARIOS, ids=IDS)
def test_handshake_is_as_promised(one: Scenario) -> None:
    connection = first(one.name)
    assert (connection.version and connection.version.name) == one.version
    assert (connection.cipher_suite and connection.cipher_suite.name) == one.suite
    assert connection.complete == (one.version is not None and one.script is None)
    chain = {"certificate_chain"} if one.verdict == "untrusted" else set()
    assert {proof.what for proof in connection.proofs if proof.status == "failed"} - chain == set(one.failing)
    unproven = {proof.what for proof in connection.proofs if proof.status == "not_provable"}
    # The premaster secret that the extended master secret is made from is in no key log.
    assert unproven <= {"extended_master_secret", *chain}


def test_source_is_the_lab() -> None:
    trace = run_scenario("tls12")
    assert (trace.source.kind, trace.source.name, trace.source.packets) == ("lab", "tls12", None)


def test_what_each_lesson_is_about_is_there() -> None:
    def kinds(name: str) -> list[str]:
        return [message.type for message in first(name).messages]

    assert "server_key_exchange" in kinds("tls12")
    assert "server_key_exchange" not in kinds("tls12-rsa")
    assert kinds("hello-retry")[:4] == [
        "client_hello",
        "hello_retry_request",
        "change_cipher_spec",
        "change_cipher_spec",
    ]
    assert kinds("client-auth").count("certificate_verify") == 2
    retry = first("hello-retry")
    assert retry.hello_retry
    assert str(retry.group) == "secp384r1"
    assert first("client-auth").client_auth
    assert str(first("tls13").group) == "X25519MLKEM768"


def test_names_are_unique_and_the_default_is_one_of_them() -> None:
    assert len(set(IDS)) == len(IDS)
    assert scenario().name == DEFAULT
    assert all(one.title and one.what_to_see.endswith(".") for one in SCENARIOS)
    assert len({one.title for one in SCENARIOS}) == len(SCENARIOS)
    assert all(one.verdict != "untrusted" or one.reasons for one in SCENARIOS)


def test_unknown_scenario_names_the_likeliest() -> None:
    with pytest.raises(UsageError, match="Did you mean hello-retry") as caught:
        run_scenario("hello_retyr")
    assert "lab list" in caught.value.hint
    with pytest.raises(UsageError, match="No lab scenario"):
        run_scenario("\x1b[2J" * 100)


def test_serve_says_how_to_try_it_and_serves() -> None:
    said: list[str] = []
    answers: list[bytes] = []

    def stopped(_seconds: float) -> bool:
        import ssl

        context = ssl.create_default_context(cadata=authority().root.pem.decode())
        address = said[0].split(" on ")[1].split(" ")[0]
        with urllib.request.urlopen(f"https://{address}/", timeout=5, context=context) as response:
            answers.append(response.read())
        return True

    serve("tls12", said.append, stopped)
    assert b"Hello from the tlsviz lab." in answers[0]
    root = Path(said[2].split("--ca ")[1])
    assert "--servername www.lab.test" in said[2]
    assert not root.exists()


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("revoked-list", ("--servername www.lab.test", "--crl "), ("-crl_check -CRL ",)),
        ("client-auth", ("--cert ",), ("-cert ",)),
        ("ip-address", ("--ca ",), ("-CAfile ",)),
        ("idn", ("--servername xn--bcher-kva.lab.test",), ("-servername xn--bcher-kva.lab.test",)),
        ("missing-intermediate-aia", ("--aia",), ("-CAfile ",)),
        ("empty-certificate", ("--ca ",), ("-CAfile ",)),
    ],
)
def test_serve_gives_everything_that_a_client_needs(name: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    said: list[str] = []

    def stopped(_seconds: float) -> bool:
        for word in (*said[2].split(), *said[3].split()):
            assert not word.startswith("/") or Path(word).stat().st_size > 100, word
        return True

    serve(name, said.append, stopped)
    assert all(part in said[2] for part in ours), said[2]
    assert all(part in said[3] for part in theirs), said[3]
    assert ("servername" in said[2]) == (name != "ip-address")


def test_taken_port_is_one_clear_error() -> None:
    stop = threading.Event()
    said: list[str] = []

    def stopped(_seconds: float) -> bool:
        port = int(said[0].split("127.0.0.1:")[1].split(" ")[0])
        with pytest.raises(TlsvizError, match="Cannot listen"):
            serve("tls13", said.append, lambda _: True, port=port)
        stop.set()
        return True

    serve("tls13", said.append, stopped)
    assert stop.is_set()
