"""A connection as it waits in a list: its row, and what it is made of, to be made anew when somebody opens it."""

from __future__ import annotations

import marshal
import pickle
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tlsviz.connection.engine import Engine
from tlsviz.connection.inspection import inspection
from tlsviz.connection.model import Connection, Endpoint
from tlsviz.connection.observations import mozilla, observe
from tlsviz.connection.observed import Observation
from tlsviz.connection.redirects import Step, step
from tlsviz.connection.rows import Row, row
from tlsviz.connection.tickets import Mentions, mentions
from tlsviz.crypto.keylog import KeyLog, OtherKeys
from tlsviz.sources.keyfollower import randoms_of
from tlsviz.sources.opinions import Opinion, authorities, certain, chain
from tlsviz.sources.segment_log import Log, facts
from tlsviz.sources.spool import Place, Spool
from tlsviz.wire.chunks import Bulk, Chunk, Gap, Input, Mark

LONGEST = 1 << 20
"""Bytes of a connection's inputs beyond which the connection itself is kept, which is never much longer."""


class Inputs(NamedTuple):
    """What an engine was given, until ``last``; and what is remembered of TCP's segments below it.

    ``keys``: whether there was a key log beside, and private keys, which did not open it.
    """

    client: Endpoint
    server: Endpoint
    items: Sequence[Input]
    last: float | None
    log: Log
    keys: tuple[bool, bool] = (False, False)


class Entry(NamedTuple):
    """A connection in a list, before its final number is known.

    ``first`` is the frame number of its first packet, with a fraction where one may begin several (SCTP);
    ``stream`` tshark's number of the TCP stream (UDP's are -1, -2,
    ...). ``over``: nothing more can happen on it. ``chain``: the certificates of both sides, ``authorities`` those that
    the server sent above its own; ``above``: those of other connections that may have had a part in the verdict;
    ``certain``: none had. ``randoms`` of its hellos, None
    where they do not tell whose secrets open it. ``opened``: whether any secret of it is known; ``refused``: why an RSA
    key does not open it. ``step``: what redirects look at. ``suspicion``: the weight of what says that somebody reads
    along, without looking at other connections; None where they cannot add to it.
    """

    first: float
    stream: int
    row: Row
    place: Place
    over: bool
    chain: tuple[bytes, ...]
    authorities: tuple[bytes, ...]
    above: tuple[bytes, ...]
    certain: bool
    mentions: Mentions
    observation: Observation | None
    randoms: frozenset[bytes] | None
    opened: bool
    refused: tuple[str, ...]
    step: Step
    suspicion: int | None


def hints(opinion: Opinion) -> tuple[Observation | None, int | None]:
    """The observation and the suspicion of a judged connection: both are of use to findings alone."""
    if not opinion.whole:
        return None, None
    return observe(opinion.connection), suspicion(opinion.connection)


def entry(first: float, stream: int, opinion: Opinion, inputs: Inputs | None, spool: Spool, over: bool) -> Entry:
    """The entry of a judged connection; ``inputs`` are None where it cannot be made anew from them."""
    connection = opinion.connection
    observation, suspected = hints(opinion)
    return Entry(
        first,
        stream,
        row(connection),
        keep(connection, inputs, spool),
        over,
        chain(connection),
        authorities(connection),
        opinion.above,
        certain(connection),
        mentions(connection),
        observation,
        randoms_of(connection),
        bool(connection.every_secret),
        tuple(found.why for found in connection.premasters),
        step(connection),
        suspected,
    )


def suspicion(connection: Connection) -> int | None:
    """How much the certificates of a connection point at an inspecting box; None where nothing can make it likely."""
    if mozilla(connection) is not False or any(each.code == "inspection_likely" for each in connection.findings):
        return None
    return sum(clue.weight for clue in inspection(connection).clues if clue.points == "for")


def keep(connection: Connection, inputs: Inputs | None, spool: Spool) -> Place:
    """Puts a connection away. What holds secrets stays in memory."""
    if secret(connection):
        return Place(held=zlib.compress(pickle.dumps(connection), 1), whole=True)
    data = pickle.dumps(connection, pickle.HIGHEST_PROTOCOL) if inputs is None else _packed(inputs)
    return Place(spool.add(data), len(data), whole=inputs is None)


def secret(connection: Connection) -> bool:
    """Whether a connection holds secrets, which its inputs alone do not bring back."""
    return bool(connection.every_secret or connection.premasters or connection.inner_hellos)


_KINDS: tuple[type[Input], ...] = (Chunk, Gap, Mark, Bulk)


def _packed(inputs: Inputs) -> bytes:
    """Inputs as bytes: by marshal, which is many times quicker than pickle with what has no type of its own."""
    items = [(_KINDS.index(type(item)), *item) for item in inputs.items]
    log: tuple[Any, ...] = tuple(inputs.log)
    return marshal.dumps((tuple(inputs.client), tuple(inputs.server), items, inputs.last, log, inputs.keys))


def _unpacked(data: bytes) -> Inputs:
    client, server, items, last, log, keys = marshal.loads(data)  # noqa: S302  # our own bytes, from a file without a name
    return Inputs(
        Endpoint(*client),
        Endpoint(*server),
        [_KINDS[kind](*values) for kind, *values in items],
        last,
        Log(*log),
        keys,
    )


def taken(place: Place, spool: Spool, number: int, stream: int) -> tuple[Connection, bool]:
    """A connection as it was put away, and whether it is judged already."""
    data = zlib.decompress(place.held) if place.held else spool.read(place.at, place.size)
    if place.whole:
        connection: Connection = pickle.loads(data)  # noqa: S301  # our own bytes, from a file without a name
    else:
        inputs = _unpacked(data)
        engine = revived(inputs, OtherKeys(*inputs.keys))
        engine.finish(inputs.last)
        connection = replace(engine.connection(), tcp=facts(inputs.log))
    return replace(connection, id=number, tcp_stream=stream if stream >= 0 else None), place.whole


def inputs_of(made: Entry, spool: Spool) -> Inputs:
    """What an entry was made of, if it was kept so."""
    return _unpacked(spool.read(made.place.at, made.place.size))


def revived(inputs: Inputs, keylog: KeyLog) -> Engine:
    """An engine that has been given all that again."""
    engine = Engine(client=inputs.client, server=inputs.server, keylog=keylog)
    for item in inputs.items:
        engine.receive(item)
    return engine
