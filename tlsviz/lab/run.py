"""Running a scenario: its server, and the handshake with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.errors import TlsvizError, UsageError
from tlsviz.lab.authority import SERVER_NAME, Authority, Issued
from tlsviz.lab.scenarios import DEFAULT, SCENARIOS, Scenario
from tlsviz.lab.server import LabServer
from tlsviz.pki.stores import Store, from_ders
from tlsviz.sources.live import Visits, visit
from tlsviz.sources.options import Identity, LiveOptions
from tlsviz.sources.target import Target
from tlsviz.wire.text import shorten


def scenario(name: str | None = None) -> Scenario:
    """The scenario of that name, the first lesson without one. Raises UsageError, naming those there are."""
    wanted = name or DEFAULT
    for one in SCENARIOS:
        if one.name == wanted:
            return one
    known = ", ".join(one.name for one in SCENARIOS)
    raise UsageError(f"No lab scenario {shorten(wanted, 40)}", "", f"There are: {known}.")


@cache
def authority() -> Authority:
    """This process's certificate authority."""
    return Authority()


@cache
def _issued(name: str) -> Issued:
    return scenario(name).certificate(authority())


def store(issuer: Authority | None = None) -> Store:
    """The store that trusts the lab's root and nothing else."""
    return from_ders("lab", [(issuer or authority()).root.der], origin="the lab")


def run_scenario(
    name: str | None = None,
    update: Callable[[Connection], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    save: Path | None = None,
) -> Trace:
    """Starts the scenario's server, shakes hands with it, and stops it. Like `run_live` otherwise."""
    chosen = scenario(name)
    visits = perform(chosen, update=update, cancelled=cancelled)
    if save is not None:
        from tlsviz.sources.record import save as write

        write(save, visits.tapes, f"lab scenario {chosen.name}: {chosen.title}")
    return Trace(Source("lab", chosen.name), visits.connections, visits.notices)


def perform(
    chosen: Scenario,
    issuer: Authority | None = None,
    update: Callable[[Connection], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Visits:
    """The handshakes of the scenario, with certificates of ``issuer`` (default: this process's authority)."""
    whose = issuer or authority()
    identity = chosen.certificate(whose) if issuer else _issued(chosen.name)
    with LabServer(chosen.server, identity, whose) as server:
        options = _options(chosen, whose, f"127.0.0.1:{server.port}")
        return visit(Target(SERVER_NAME, text=chosen.name), options, update, cancelled)


def _options(chosen: Scenario, whose: Authority, place: str) -> LiveOptions:
    """What the scenario's client says, and whom it trusts."""
    identity = None
    if chosen.client_certificate:
        client = whose.client()
        identity = Identity(client.pem, client.key_pem)
    return dataclasses.replace(chosen.options, resolve=place, stores=(store(whose),), identity=identity)


def serve(
    name: str | None,
    say: Callable[[str], None],
    stopped: Callable[[float], bool],
    port: int = 0,
) -> None:
    """Serves a scenario on 127.0.0.1 until ``stopped(seconds)``, which waits that long, is true.

    ``say`` gets lines to print: the address, and how to try it. The root is written to a temporary file meanwhile.
    Raises TlsvizError when the port cannot be had.
    """
    import tempfile

    chosen = scenario(name)
    with tempfile.TemporaryDirectory(prefix="tlsviz-lab-") as folder:
        root = Path(folder, "ca.pem")
        root.write_bytes(authority().root.pem)
        try:
            server = LabServer(chosen.server, _issued(chosen.name), authority(), port=port)
        except OSError as error:
            why = error.strerror or str(error)
            raise TlsvizError(f"Cannot listen on port {port}", why, "Choose another port, or leave it out.") from None
        with server:
            address = f"127.0.0.1:{server.port}"
            say(f"{chosen.title}: serving on {address} until Ctrl-C.")
            say(f"  {chosen.what_to_see}")
            say(f"  tlsviz {address} --servername {SERVER_NAME} --ca {root}")
            say(f"  openssl s_client -connect {address} -servername {SERVER_NAME} -CAfile {root}")
            while not stopped(0.2):
                pass
