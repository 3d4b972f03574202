"""Running a scenario: its server, and the handshake with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.errors import TlsvizError, UsageError
from tlsviz.lab.authority import Authority, Issued
from tlsviz.lab.scenarios import DEFAULT, SCENARIOS, Scenario
from tlsviz.lab.stage import Stage, authority, staged
from tlsviz.pki.stores import Store, from_ders
from tlsviz.sources.live import Visits, visit
from tlsviz.sources.options import Identity, LiveOptions
from tlsviz.sources.target import is_address, parse_host
from tlsviz.wire.text import shorten


def scenario(name: str | None = None) -> Scenario:
    """The scenario of that name, the first lesson without one. Raises UsageError, naming those there are."""
    wanted = name or DEFAULT
    for one in SCENARIOS:
        if one.name == wanted:
            return one
    known = ", ".join(one.name for one in SCENARIOS)
    raise UsageError(f"No lab scenario {shorten(wanted, 40)}", "", f"There are: {known}.")


def store(issuer: Authority | None = None) -> Store:
    """The store that trusts the lab's root and nothing else."""
    return _trusting(((issuer or authority()).root,))


def _trusting(anchors: Sequence[Issued]) -> Store:
    return from_ders("lab", [anchor.der for anchor in anchors], origin="the lab")


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
    with staged(chosen, issuer) as stage:
        target = dataclasses.replace(parse_host(chosen.host), text=chosen.name)
        return visit(target, _options(chosen, stage), update, cancelled)


def _options(chosen: Scenario, stage: Stage) -> LiveOptions:
    """What the scenario's client says, and whom it trusts."""
    identity = Identity(stage.client.pem, stage.client.key_pem) if stage.client else None
    return dataclasses.replace(
        chosen.options,
        resolve=f"127.0.0.1:{stage.port}",
        stores=(_trusting(stage.anchors),),
        identity=identity,
    )


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
    with ExitStack() as running:
        folder = running.enter_context(tempfile.TemporaryDirectory(prefix="tlsviz-lab-"))
        try:
            stage = running.enter_context(staged(chosen, port=port))
        except OSError as error:
            why = error.strerror or str(error)
            raise TlsvizError(f"Cannot listen on port {port}", why, "Choose another port, or leave it out.") from None
        for line in _how_to_try(chosen, stage, Path(folder)):
            say(line)
        while not stopped(0.2):
            pass


def _how_to_try(chosen: Scenario, stage: Stage, folder: Path) -> Iterator[str]:
    """What to say of a server that is up; what the commands need lies in the folder."""
    root = folder / "ca.pem"
    root.write_bytes(stage.anchors_pem)
    host, address = parse_host(chosen.host).host, f"127.0.0.1:{stage.port}"
    servername = "" if is_address(host) else f" --servername {host}"
    client = ""
    if stage.client is not None:
        identity = folder / "client.pem"
        identity.write_bytes(stage.client.pem + stage.client.key_pem)
        client = f" --cert {identity}"
    yield f"{chosen.title}: serving on {address} until Ctrl-C."
    yield f"  {chosen.what_to_see}"
    yield f"  tlsviz {address}{servername} --ca {root}{client}"
    names = servername.replace(" --", " -")
    yield f"  openssl s_client -connect {address}{names} -CAfile {root}{client.replace(' --', ' -')}"
    for path, content in stage.files.items():
        file = folder / path.lstrip("/")
        file.write_bytes(content)
        yield f"  published: {file}"
