"""The tape of a live connection: what the engine was given, to be written as a capture."""

from __future__ import annotations

from dataclasses import dataclass, field

from tlsviz.connection.model import Endpoint
from tlsviz.wire.chunks import Input


@dataclass
class Tape:
    """Everything that happened on one live connection, as the engine got it; what `record` can save.

    ``transport``: as `Connection.transport`; of all but "tcp" each chunk is a datagram.
    """

    client: Endpoint = Endpoint("", 0)
    server: Endpoint = Endpoint("", 0)
    inputs: list[Input] = field(default_factory=list)
    keylog: list[bytes] = field(default_factory=list, repr=False)
    transport: str = "tcp"
