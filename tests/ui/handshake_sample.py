"""A fixed TLS 1.3 handshake for the tests of the handshake screen: recorded once from the lab, replayed by the engine.

``python tests/ui/handshake_sample.py`` records it anew (and the snapshots must then be looked at and renewed).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tlsviz.connection.engine import Engine
from tlsviz.connection.judge import judged
from tlsviz.connection.model import Connection, Endpoint, Finding, Source
from tlsviz.crypto.keylog import KeyLog
from tlsviz.pki.stores import from_ders
from tlsviz.wire.chunks import Chunk, Input, Mark

FILE = Path(__file__).with_name("handshake_sample.json")
SOURCE = Source("lab", "tls13")
SLOWER = 12.0
"""The lab is on this machine; the sample pretends to be a little further away."""


def _inputs(data: dict[str, Any], upto: int | None = None) -> Iterator[Input]:
    for kind, sender, time, body in data["inputs"][:upto]:
        if kind == "chunk":
            yield Chunk(sender, data["start"] + time, bytes.fromhex(body))
        else:
            yield Mark(kind, sender, data["start"] + time)


@cache
def handshake(upto: int | None = None, keys: bool = True) -> Connection:
    """The whole handshake, or only its first inputs; without ``keys`` the encrypted part stays closed."""
    data = json.loads(FILE.read_text())
    keylog = KeyLog()
    if keys:
        keylog.add_text(data["keylog"])
    engine = Engine(client=Endpoint("10.0.0.5", 50312), server=Endpoint("192.0.2.7", 443), keylog=keylog)
    for item in _inputs(data, upto):
        engine.receive(item)
    store = from_ders("lab", [bytes.fromhex(data["root"])])
    return judged(engine.connection(), [store])


@cache
def failed() -> Connection:
    """The same, stopped after the ClientHello, with a diagnosis."""
    finding = Finding(
        "handshake_timed_out",
        "error",
        "The server did not answer",
        "10 s after the ClientHello nothing had come.",
        "Try another port.",
        diagnosis=True,
        message=0,
    )
    begun = handshake(3)
    return replace(begun, findings=(finding,))


def record() -> None:
    """Records the lab's first scenario into the file."""
    from tlsviz.lab.run import authority, perform, scenario

    tape = perform(scenario("tls13")).tapes[0]
    first = tape.inputs[0].time
    inputs = []
    for item in tape.inputs:
        time = round((item.time - first) * SLOWER, 4)
        if isinstance(item, Chunk):
            inputs.append(["chunk", item.sender, time, item.data.hex()])
        elif isinstance(item, Mark):
            inputs.append([item.kind, item.sender, time, ""])
    keylog = b"\n".join(tape.keylog).decode()
    data = {"start": round(first), "root": authority().root.der.hex(), "keylog": keylog, "inputs": inputs}
    FILE.write_text(json.dumps(data, indent=0) + "\n")


if __name__ == "__main__":
    record()
