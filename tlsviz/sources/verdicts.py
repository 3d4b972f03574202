"""The judge of a source's connections, one after the other: what each of them showed helps to judge the next."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from tlsviz.connection.judge import judged
from tlsviz.connection.tickets import Tickets
from tlsviz.pki import stores
from tlsviz.sources.evidence import from_files
from tlsviz.wire.chunks import SERVER

if TYPE_CHECKING:
    from tlsviz.connection.model import Connection
    from tlsviz.sources.capture import OpenOptions

MOST_KNOWN = 500
"""Certificates of authorities that are remembered from one connection to the next."""


class Verdicts:
    """Judges by what the options name. Raises as `stores.from_file` and `evidence.from_files` do."""

    def __init__(self, options: OpenOptions) -> None:
        self._at = options.at
        self._stores = (stores.from_file(options.ca),) if options.ca else (stores.mozilla(), stores.system())
        self._evidence = from_files(options.crls, options.ct_logs)
        # What connections before have shown tells a missing intermediate from an unknown root.
        self._shown: dict[bytes, None] = {}
        self._tickets = Tickets()

    def judge(self, connection: Connection) -> Connection:
        """The connection with its trust, proofs and findings, as far as it is known."""
        return judged(connection, self._stores, self._at, evidence=replace(self._evidence, known=tuple(self._shown)))

    def remember(self, connection: Connection) -> Connection:
        """To be called with each connection that is over: tells it where what it resumes with comes from."""
        connection = self._tickets.follow(connection)
        issuers = (sent.der for sent in connection.certificates if sent.sender == SERVER and sent.index)
        self._shown.update(dict.fromkeys(islice(issuers, MOST_KNOWN - len(self._shown))))
        return connection
