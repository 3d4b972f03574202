"""TLS on a stream of an SCTP association (RFC 3436), and DTLS on all of them (RFC 6083)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tlsviz.connection.dtls.engine import DtlsEngine
from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, changed


@dataclass(slots=True, eq=False, repr=False)
class SctpEngine(Engine):
    """Follows TLS on the two streams, one each way, that are called ``stream``. Each `Chunk` is of one message."""

    transport: ClassVar[str] = "sctp"

    stream: int = 0

    def connection(self) -> Connection:
        """The model of what is known now."""
        return changed(Engine.connection(self), carrier=f"SCTP stream {self.stream}")


@dataclass(slots=True, eq=False, repr=False)
class SctpDtlsEngine(DtlsEngine):
    """Follows DTLS of an association. Each `Chunk` is a message."""

    def connection(self) -> Connection:
        """The model of what is known now."""
        return changed(DtlsEngine.connection(self), carrier="SCTP")
