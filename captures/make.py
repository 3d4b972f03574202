"""Makes the sample captures in this folder from the lab: ``python captures/make.py [NAME ...]``, all without names.

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
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import over_dtls  # noqa: E402
import over_quic  # noqa: E402

from tlsviz.connection.model import Endpoint  # noqa: E402
from tlsviz.errors import UsageError  # noqa: E402
from tlsviz.lab.authority import Authority  # noqa: E402
from tlsviz.lab.run import perform, scenario  # noqa: E402
from tlsviz.sources.record import save  # noqa: E402
from tlsviz.sources.tape import Tape  # noqa: E402
from tlsviz.wire.chunks import Input, Sender  # noqa: E402

DAY_OF_CAPTURE = dt.datetime(2026, 1, 15, 12, 0, tzinfo=dt.UTC)
ROUND_TRIP = 0.022
PAUSE = 0.05
"""Seconds between two connections of a scenario."""
CLIENT = "192.0.2.10"
SERVER = "198.51.100.1"
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


class Sample(NamedTuple):
    """One capture: the connections of some scenarios, with their keys or without."""

    name: str
    scenarios: tuple[str, ...]
    keys: bool = True

    @property
    def file(self) -> str:
        return f"{self.name}.pcapng"


ALONE = (
    "tls13",
    "tls12",
    "tls12-rsa",
    "hello-retry",
    "client-auth",
    "client-auth-missing",
    "expired",
    "wrong-name",
    "self-signed",
    "unknown-issuer",
    "missing-intermediate",
    "tls10",
    "tls12-cbc",
    "chacha20",
    "old-server",
    "no-cipher",
    "client-auth-refused",
    "expired-intermediate",
    "wrong-order",
    "cross-signed",
    "revoked-staple",
    "hostile-text",
    "resumption",
    "early-data",
    "key-update",
)
"""Scenarios that are a sample each. The place here gives addresses and times: put new ones at the end."""

SAMPLES = (
    *(Sample(name, (name,)) for name in ALONE),
    Sample("tls13-no-keys", ("tls13",), keys=False),
    Sample("tls12-no-keys", ("tls12",), keys=False),
    Sample("several", ("tls10", "tls12", "tls13", "no-cipher")),
)


OVER_UDP = (over_dtls, over_quic)
"""Samples that are no scenarios of the lab, each made by a module of its own."""


def row(sample: Sample) -> tuple[str, ...]:
    """What to expect of a sample, as the manifest has it."""
    shown = [scenario(name) for name in sample.scenarios]
    keys, connections = "yes" if sample.keys else "no", str(sum(one.options.visits for one in shown))
    if len(shown) > 1:
        return (sample.file, "", "Several connections in one file.", "", "", "", "", keys, connections)
    one = shown[0]
    seen = sample.keys or one.version != "TLS 1.3"
    verdict, reasons = (one.verdict, one.reasons) if seen else ("unknown", ())
    found = (one.version or "", one.suite or "", verdict, ",".join(reasons))
    return (sample.file, one.name, one.what_to_see, *found, keys, connections)


def title(sample: Sample) -> str:
    """The comment at the beginning of the file."""
    if len(sample.scenarios) > 1:
        return f"Several connections: {', '.join(sample.scenarios)}"
    one = scenario(sample.scenarios[0])
    return f"{one.title}. {one.what_to_see}" if sample.keys else f"{one.title}, without keys"


def make(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Writes the samples of these names, all without any; the lab's root and the manifest always. The files written.

    Raises UsageError for a name that is no sample's.
    """
    unknown = set(names) - {sample.name for sample in SAMPLES} - {one.NAME for one in OVER_UDP}
    if unknown:
        raise UsageError("No such sample", ", ".join(sorted(unknown)), f"There are: {_all_names()}.")
    issuer = Authority(DAY_OF_CAPTURE, seed="captures", url="http://pki.lab.test")
    made: dict[str, list[Tape]] = {}
    wanted = [sample for sample in SAMPLES if not names or sample.name in names]
    for sample in wanted:
        for name in sample.scenarios:
            if name not in made:
                number = ALONE.index(name) + 1
                start = DAY_OF_CAPTURE.timestamp() + 60 * number
                made[name] = all_moved(perform(scenario(name), issuer).tapes, number, start)
        tapes = [tape for name in sample.scenarios for tape in made[name]]
        save(folder / sample.file, tapes, title(sample), secrets=sample.keys)
    written = [folder / sample.file for sample in wanted]
    for one in OVER_UDP:
        if not names or one.NAME in names:
            written.append(folder / f"{one.NAME}.pcapng")
            start = DAY_OF_CAPTURE.timestamp() + 60 * one.NUMBER
            save(written[-1], [moved(one.perform(issuer.server()), one.NUMBER, start)], f"{one.TITLE}. {one.WHAT}")
    (folder / "ca.pem").write_bytes(issuer.root.pem)
    with (folder / "manifest.tsv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(row, SAMPLES))
        for one in OVER_UDP:
            writer.writerow(
                (f"{one.NAME}.pcapng", one.NAME, one.WHAT, one.VERSION, one.SUITE, "trusted", "", "yes", "1")
            )
    return written


def _all_names() -> str:
    return ", ".join([*(sample.name for sample in SAMPLES), *(one.NAME for one in OVER_UDP)])


if __name__ == "__main__":
    try:
        print(f"{len(make(HERE, sys.argv[1:]))} captures written in {HERE}")
    except UsageError as error:
        sys.exit(str(error))
