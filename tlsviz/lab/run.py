"""Running a scenario: its server, and the handshake with it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tlsviz.connection.model import Connection, Source, Trace
from tlsviz.connection.ports import Ports
from tlsviz.errors import TlsvizError, UsageError
from tlsviz.lab.authority import Authority, Issued
from tlsviz.lab.scenarios import DEFAULT, SCENARIOS, Scenario
from tlsviz.lab.stage import Stage, authority, staged
from tlsviz.pki.stores import Store, from_ders
from tlsviz.sources.options import Identity, LiveOptions
from tlsviz.sources.target import is_address, parse_host
from tlsviz.sources.visits import Visits, visit
from tlsviz.wire.text import shorten


def scenario(name: str | None = None) -> Scenario:
    """The scenario of that name, the first lesson without one. Raises UsageError, naming the likeliest."""
    wanted = name or DEFAULT
    for one in SCENARIOS:
        if one.name == wanted:
            return one
    close = difflib.get_close_matches(wanted[:40], [one.name for one in SCENARIOS])
    meant = f"Did you mean {' or '.join(close)}? " if close else ""
    raise UsageError(f"No lab scenario {shorten(wanted, 40)}", "", f"{meant}`tlsviz lab list` lists them.")


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
    return Trace(Source("lab", chosen.name), visits.connections, visits.notices, look_at(chosen, cancelled))


def look_at(chosen: Scenario, cancelled: Callable[[], bool] | None = None) -> Ports | None:
    """What a look at both ports of the scenario's host finds; None if it has no plain port."""
    if chosen.plain is None:
        return None
    from tlsviz.sources.http import PLAIN_PORT
    from tlsviz.sources.ports import look

    with staged(chosen) as stage:
        host = parse_host(chosen.host)
        options = dataclasses.replace(_options(chosen, stage, ()), resolve=None)
        places = {
            (host.host, host.port): f"127.0.0.1:{stage.port}",
            (host.host, PLAIN_PORT): f"127.0.0.1:{stage.plain_port}",
        }
        return look(host, options, places=places, cancelled=cancelled)


def perform(
    chosen: Scenario,
    issuer: Authority | None = None,
    update: Callable[[Connection], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Visits:
    """The handshakes of the scenario, with certificates of ``issuer`` (default: this process's authority)."""
    with ExitStack() as running:
        stage = running.enter_context(staged(chosen, issuer))
        lists = _written_lists(stage, Path(running.enter_context(_folder()))) if stage.files else ()
        target = parse_host(chosen.host)._replace(text=chosen.name)
        return visit(target, _options(chosen, stage, lists), update, cancelled)


def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="tlsviz-lab-")


def _written_lists(stage: Stage, folder: Path) -> tuple[Path, ...]:
    """The published lists of revoked certificates as files, as a client that has fetched them has."""
    found = {folder / path.lstrip("/"): content for path, content in stage.files.items() if path.endswith(".crl")}
    for file, content in found.items():
        file.write_bytes(content)
    return tuple(found)


def _options(chosen: Scenario, stage: Stage, lists: tuple[Path, ...]) -> LiveOptions:
    """What the scenario's client says, and whom it trusts."""
    identity = Identity(stage.client.pem, stage.client.key_pem) if stage.client else None
    return dataclasses.replace(
        chosen.options,
        resolve=f"127.0.0.1:{stage.port}",
        stores=(_trusting(stage.anchors),),
        identity=identity,
        crls=lists,
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
    chosen = scenario(name)
    with ExitStack() as running:
        folder = running.enter_context(_folder())
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
    host, address = parse_host(chosen.host).host, f"127.0.0.1:{stage.port}"
    root, identity = folder / "ca.pem", folder / "client.pem"
    root.write_bytes(stage.anchors_pem)
    ours, theirs = f"--ca {root}", f"-CAfile {root}"
    if not is_address(host):
        ours, theirs = f"--servername {host} {ours}", f"-servername {host} {theirs}"
    if stage.client is not None:
        identity.write_bytes(stage.client.pem + stage.client.key_pem)
        ours, theirs = f"{ours} --cert {identity}", f"{theirs} -cert {identity}"
    for file in _written_lists(stage, folder):
        ours, theirs = f"{ours} --crl {file}", f"{theirs} -crl_check -CRL {file}"
    if chosen.options.aia:
        ours += " --aia"
    yield f"{chosen.title}: serving on {address} until Ctrl-C."
    yield f"  {chosen.what_to_see}"
    yield f"  tlsviz {address} {ours}"
    yield f"  openssl s_client -connect {address} {theirs}"
