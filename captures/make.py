"""Makes the sample captures in this folder from the lab: ``python captures/make.py``.

Addresses, dates, certificates and their keys (but for RSA) are the same every time; the handshakes are real ones, so
randoms, ephemeral keys, tickets and ECDSA signatures differ from run to run. Times are those of the handshakes on this
machine, with a round trip of 22 ms put in wherever the client waits for the server, as between two cities.
"""

from __future__ import annotations

import csv
import datetime as dt
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tlsviz.connection.model import Endpoint  # noqa: E402
from tlsviz.lab.authority import Authority  # noqa: E402
from tlsviz.lab.run import perform  # noqa: E402
from tlsviz.lab.scenarios import SCENARIOS, Scenario  # noqa: E402
from tlsviz.sources.record import save  # noqa: E402
from tlsviz.sources.tape import Tape  # noqa: E402
from tlsviz.wire.chunks import Input, Sender  # noqa: E402

DAY_OF_CAPTURE = dt.datetime(2026, 1, 15, 12, 0, tzinfo=dt.UTC)
ROUND_TRIP = 0.022
PAUSE = 0.05
"""Seconds between two connections of a scenario."""
CLIENT = "192.0.2.10"
SERVER = "198.51.100.1"
SEVERAL = ("tls10", "tls12", "tls13", "no-cipher")
COLUMNS = ("file", "scenario", "what_to_see", "version", "suite", "verdict", "reasons", "keys", "connections")


def moved(tape: Tape, number: int, start: float, later: int = 0) -> Tape:
    """The tape with documentation addresses (RFC 5737) and a longer way, as if it had begun at ``start``.

    ``later``: how many connections of the same scenario came before it.
    """
    shift = start - tape.inputs[0].time
    inputs: list[Input] = []
    sender: Sender = "client"
    for item in tape.inputs:
        if item.sender == "server" and sender == "client":
            shift += ROUND_TRIP
        sender = item.sender
        inputs.append(item._replace(time=item.time + shift))
    server = Endpoint(f"{SERVER}{number:02d}", 443)
    return replace(tape, client=Endpoint(CLIENT, 50000 + 100 * later + number), server=server, inputs=inputs)


def all_moved(tapes: Sequence[Tape], number: int, start: float) -> list[Tape]:
    """The tapes of one scenario, one after the other."""
    done: list[Tape] = []
    for later, tape in enumerate(tapes):
        done.append(moved(tape, number, start, later))
        start = done[-1].inputs[-1].time + PAUSE
    return done


def row(file: str, one: Scenario, keys: bool = True, connections: int = 1) -> tuple[str, ...]:
    """What to expect of a capture of one scenario."""
    verdict, reasons = (one.verdict, one.reasons) if keys or one.version != "TLS 1.3" else ("unknown", ())
    yes = "yes" if keys else "no"
    found = (one.version or "", one.suite or "", verdict, ",".join(reasons))
    return (file, one.name, one.what_to_see, *found, yes, str(connections))


def make(folder: Path) -> None:
    """Writes every capture, the lab's root and the manifest."""
    issuer = Authority(DAY_OF_CAPTURE, seed="captures")
    tapes: dict[str, list[Tape]] = {}
    rows: list[tuple[str, ...]] = []
    for number, one in enumerate(SCENARIOS, 1):
        done = all_moved(perform(one, issuer).tapes, number, DAY_OF_CAPTURE.timestamp() + 60 * number)
        tapes[one.name] = done
        save(folder / f"{one.name}.pcapng", done, f"{one.title}. {one.what_to_see}")
        rows.append(row(f"{one.name}.pcapng", one, connections=len(done)))
    for name in ("tls13", "tls12"):
        one = next(one for one in SCENARIOS if one.name == name)
        save(folder / f"{name}-no-keys.pcapng", tapes[name], f"{one.title}, without keys", secrets=False)
        rows.append(row(f"{name}-no-keys.pcapng", one, keys=False))
    several = [tape for name in SEVERAL for tape in tapes[name]]
    save(folder / "several.pcapng", several, f"Several connections: {', '.join(SEVERAL)}")
    rows.append(("several.pcapng", "", "Several connections in one file.", "", "", "", "", "yes", str(len(SEVERAL))))
    (folder / "ca.pem").write_bytes(issuer.root.pem)
    with (folder / "manifest.tsv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    make(HERE)
    print(f"{len(list(HERE.glob('*.pcapng')))} captures in {HERE}")
