"""How long decoding takes, as ratios against scapy, dpkt and tlslite-ng in the same run.

    pip install '.[bench]'
    python tests/benchmarks/decoding.py [CONNECTIONS]

Three loads, all from the sample captures: one ClientHello, one server flight with certificates (TLS 1.2), and whole
connections (default 1,000), followed record by record without keys. The kinds take turns, so that a busy machine slows
all alike; the best round of each counts. "opened" also takes every certificate apart to the last element, as scapy
does; dpkt and tlslite-ng leave most of what they read as bytes. Exit status 1 if scapy is not at least 4 times slower
somewhere. Peers that are not installed are left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.sources.capture import load_capture
from tlsviz.tls import views
from tlsviz.tls.context import Context
from tlsviz.tls.der import node as der_nodes
from tlsviz.tls.handshake import decode_handshake
from tlsviz.tls.records import decode_record_header
from tlsviz.wire.chunks import SERVER, Chunk, Sender
from tlsviz.wire.nodes import Node, leaves

GOAL = 4.0
ROUNDS = 5
CAPTURES = Path(__file__).resolve().parents[2] / "captures"
HANDSHAKE, SERVER_HELLO_DONE = 22, 14

Said = list[tuple[Sender, bytes]]
"""Records, in order, with who sent them."""
Decode = Callable[[Said], list[Any]]


class Load(NamedTuple):
    """``ours``: what decodes it here. ``times``: how often in one round."""

    name: str
    said: list[Said]
    ours: Decode
    times: int


def loads(count: int) -> list[Load]:
    """What is decoded, out of the sample captures."""
    hello = _said(_connection("tls13.pcapng"))[:1]
    flight = [(sender, data) for sender, data in _said(_connection("tls12.pcapng")) if sender == SERVER]
    size = next(place for place, (_, data) in enumerate(flight, 1) if _ends(data))
    samples = [
        said
        for path in sorted(CAPTURES.glob("*.pcapng"))
        for connection in load_capture(path).connections
        if (said := _said(connection))
    ]
    many = [_renamed(said, number) for number, said in enumerate(islice(cycle(samples), count))]
    return [
        Load("one ClientHello", [hello], trees, 200),
        Load("one certificate flight", [flight[:size]], trees, 100),
        Load(f"{count:,} connections", many, connection, 1),
    ]


def _connection(name: str) -> Connection:
    return load_capture(CAPTURES / name).connections[0]


def _said(connection: Connection) -> Said:
    return [(record.sender, record.buffer.data) for record in connection.records if record.kept]


def _ends(data: bytes) -> bool:
    """Whether a record of TLS 1.2 ends with ServerHelloDone."""
    return data[0] == HANDSHAKE and data.endswith(bytes((SERVER_HELLO_DONE, 0, 0, 0)))


def _renamed(said: Said, number: int) -> Said:
    """The same with another client random: no two connections are alike."""
    sender, data = said[0]
    return [(sender, data[:11] + number.to_bytes(4, "big") + data[15:]), *said[1:]]


# -- those who decode --------------------------------------------------------------------------------------


def trees(said: Said) -> list[Node]:
    """Each record by itself, as the decoders see it: its header and the messages in it."""
    found: list[Node] = []
    version = suite = None
    for sender, data in said:
        found.append(decode_record_header(data[:5]))
        at = 5
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
            message = data[at:end]
            tree = decode_handshake(message, Context(sender, version, suite))
            if tree.name == "server_hello":
                _, version, _, _, suite, *_ = views.server_hello(tree, message)
            found.append(tree)
            at = end
    return found


def connection(said: Said) -> list[Node]:
    """A connection followed from its first record to its last: what is in it, who agreed on what."""
    engine = Engine()
    for sender, data in said:
        engine.receive(Chunk(sender, 0.0, data))
    engine.finish()
    return [message.tree for message in engine.connection().messages if message.tree is not None]


def opened(decode: Decode) -> Decode:
    """The same with everything that opens opened, every time anew."""

    def decode_all(said: Said) -> list[Node]:
        der_nodes._decode.cache_clear()
        found = decode(said)
        for tree in found:
            for _ in leaves(tree):
                pass
        return found

    return decode_all


def scapy_decoder() -> Decode:
    from scapy.config import conf
    from scapy.layers.tls.record import TLS
    from scapy.layers.tls.session import tlsSession

    conf.verb = 0

    def decode(said: Said) -> list[Any]:
        session = tlsSession()
        found = []
        for number, (sender, data) in enumerate(said):
            if number and sender != said[number - 1][0]:
                session = session.mirror()
            with suppress(Exception):  # it raises on some records of TLS 1.3
                packet = TLS(data, tls_session=session)
                session = packet.tls_session
                found.append(packet)
        return found

    return decode


def dpkt_decoder() -> Decode:
    from dpkt import ssl

    def decode(said: Said) -> list[Any]:
        found: list[object] = []
        encrypted: set[Sender] = set()
        for sender, data in said:
            with suppress(ssl.SSL3Exception):
                for record in ssl.tls_multi_factory(data)[0]:
                    found.append(record)
                    if record.type == HANDSHAKE and sender not in encrypted:
                        found.append(_dpkt_messages(ssl, record.data))
                    elif record.type == 20:
                        encrypted.add(sender)
        return found

    return decode


def _dpkt_messages(ssl: object, data: bytes) -> list[object]:
    found: list[object] = []
    while len(data) >= 4:
        size = 4 + int.from_bytes(data[1:4], "big")
        with suppress(Exception):  # dpkt raises on messages that it does not know
            found.append(ssl.TLSHandshake(data[:size]))  # type: ignore[attr-defined]
        data = data[size:]
    return found


def tlslite_decoder() -> Decode:
    from tlslite import messages
    from tlslite.constants import CertificateType
    from tlslite.utils.codec import Parser

    version, suite = (3, 3), 0xC02B
    makers = {
        1: lambda: messages.ClientHello(),
        2: lambda: messages.ServerHello(),
        11: lambda: messages.Certificate(CertificateType.x509, version),
        12: lambda: messages.ServerKeyExchange(suite, version),
        14: lambda: messages.ServerHelloDone(),
        16: lambda: messages.ClientKeyExchange(suite, version),
        20: lambda: messages.Finished(version),
    }

    def decode(said: Said) -> list[Any]:
        found: list[object] = []
        encrypted: set[Sender] = set()
        for sender, data in said:
            header = messages.RecordHeader3().parse(Parser(bytearray(data[:5])))
            found.append(header)
            if header.type == 20:
                encrypted.add(sender)
            if header.type != HANDSHAKE or sender in encrypted:
                continue
            rest = data[5:]
            while len(rest) >= 4:
                size = 4 + int.from_bytes(rest[1:4], "big")
                maker = makers.get(rest[0])
                with suppress(Exception):  # it raises on what it does not take
                    if maker is not None:
                        found.append(maker().parse(Parser(bytearray(rest[1:size]))))
                rest = rest[size:]
        return found

    return decode


PEERS = {"scapy": scapy_decoder, "dpkt": dpkt_decoder, "tlslite-ng": tlslite_decoder}


def peers() -> Iterator[tuple[str, Decode]]:
    """Those that are installed."""
    for name, make in PEERS.items():
        try:
            yield name, make()
        except ImportError:
            print(f"{name} is not installed")


# -- measuring ---------------------------------------------------------------------------------------------


def seconds(decode: Decode, load: Load) -> float:
    start = time.process_time()
    for _ in range(load.times):
        for said in load.said:
            decode(said)
    return (time.process_time() - start) / load.times


def count_nodes(tree: Node) -> int:
    return 1 + sum(map(count_nodes, tree.children))


def compare(load: Load, others: dict[str, Decode]) -> float:
    """Prints how long each takes for a load; returns scapy's ratio to ours, the lesser one. 0 without scapy."""
    kinds = {"tlsviz": load.ours, "tlsviz, opened": opened(load.ours), **others}
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS if load.times > 1 else 2):
        for name, decode in kinds.items():
            times[name].append(seconds(decode, load))
    best = {name: min(taken) for name, taken in times.items()}
    found = [tree for said in load.said for tree in load.ours(said)]
    size, nodes = sum(tree.length for tree in found), sum(map(count_nodes, found))
    print(f"{load.name}: {size:,} bytes, all of them named, in {nodes:,} nodes (with what opens)")
    for name, taken in best.items():
        print(f"  {name:16} {taken * 1000:10.3f} ms   {taken / best['tlsviz']:6.2f} times tlsviz")
    return min(best["scapy"] / best[name] for name in ("tlsviz", "tlsviz, opened")) if "scapy" in best else 0


def main() -> int:
    """Prints times and ratios; the exit status says whether the goal is met."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    others = dict(peers())
    worst = min([compare(load, others) for load in loads(count)])
    if "scapy" not in others:
        return 0
    print(f"scapy takes at least {worst:.2f} times as long as tlsviz, with what opens opened or not (goal: {GOAL:g})")
    return 0 if worst >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
