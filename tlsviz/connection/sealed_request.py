"""Where the client's request begins in TLS 1.3 when nobody has the keys, and what may stand before its answer.

The records all look alike (RFC 8446 5.2): the client's first ones hold its Finished, and the server may send session
tickets as soon as it has that (RFC 8446 4.6.1), before or behind the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tlsviz.connection.inferred import ALERT_LENGTH, finished_length
from tlsviz.connection.ladder import Step
from tlsviz.connection.model import ApplicationRun, Connection, Record
from tlsviz.connection.titles import packet_types
from tlsviz.wire.chunks import CLIENT, SERVER


class Request(NamedTuple):
    """The step that begins the request, with its time; its ``bytes``. ``note``: what cannot be told, "" for nothing.

    ``tickets``: session tickets may be what first follows it.
    """

    step: Step | None
    bytes: int = 0
    tickets: bool = False
    note: str = ""


def request(connection: Connection, said: Sequence[Step]) -> Request:
    """The first application data of the client's in what the two ``said``; never what holds its Finished alone."""
    data = [step for step in said if step.sender == CLIENT and is_data(connection, step)]
    runs = [connection.application[step.index] for step in data]
    if not runs:
        sealed = any(step.kind == "data" and step.sender == CLIENT for step in said)
        return Request(None, note="No request was seen: only packets of the handshake were." if sealed else "")
    if not (runs[0].opaque and connection.transport == "tcp"):
        return Request(data[0], runs[0].bytes)
    if runs[0].early:
        return Request(None, note="Which records answer the 0-RTT data cannot be told without keys.")
    finished = [each for each in connection.messages_of("finished", CLIENT) if each.provenance == "inferred"]
    for number, (step, run) in enumerate(zip(data, runs, strict=True)):
        begun = _begun(connection, run, bool(finished) and number == 0)
        if begun is None:
            continue
        time, size = begun
        answered = any(each.kind == "data" and each.sender == SERVER for each in _between(said, data[0], step))
        found = step._replace(time=max(time - connection.start, step.time))
        return Request(found, size, run.opaque and not answered)
    return Request(None, note="No request was seen: without keys, what follows the handshake may be session tickets.")


def is_data(connection: Connection, step: Step) -> bool:
    """Whether a step is application data, as far as anybody can see: QUIC's Handshake packets hold none.

    RFC 9000 section 12.4; what is in them cannot be read without keys, but they finish and acknowledge.
    """
    if step.kind != "data":
        return False
    run = connection.application[step.index]
    return not run.opaque or packet_types(connection, run.record_indices[:1]) != ["Handshake"]


def _between(said: Sequence[Step], first: Step, last: Step) -> Sequence[Step]:
    return said[said.index(first) : said.index(last)]


def _begun(connection: Connection, run: ApplicationRun, finishes: bool) -> tuple[float, int] | None:
    """When (Unix seconds) a run's first record of application data came, and the bytes from there; None without one.

    ``finishes``: the run begins with the client's Finished.
    """
    if not run.opaque:
        return run.time, run.bytes
    records = [connection.records[index] for index in run.record_indices if index < len(connection.records)]
    skipped = _handshake(connection, records) if finishes else 0
    if skipped >= run.records:
        return None
    rest = [record for record in records[skipped:] if record.length != ALERT_LENGTH]
    if not rest:
        return None
    return rest[0].time, run.bytes - sum(record.length for record in records[:skipped])


def _handshake(connection: Connection, records: Sequence[Record]) -> int:
    """How many records the client's last flight takes: to the first that is as long as a Finished, else one."""
    size = finished_length(connection.cipher_suite.code if connection.cipher_suite else None)
    return next((place for place, record in enumerate(records, 1) if record.length == size), 1)
