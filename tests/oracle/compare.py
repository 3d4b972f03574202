"""Compares tlsviz with tshark on every capture of a folder: ``python tests/oracle/compare.py FOLDER [--json]``.

Per TCP stream: is it a TLS connection, version, cipher suite, server name, certificates, message types per direction.
Each difference must stand in differences.tsv, with its reason; exit status 1 if one does not.

A capture's keys stand beside it: ``NAME.keylog`` its key log, ``NAME.rsakey.pem`` the server's RSA key.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from second_opinion import View, tshark_views

from tlsviz.connection.model import Connection, Message
from tlsviz.errors import TlsvizError
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.wire.chunks import CLIENT

SUFFIXES = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz", ".pcapng.zst", ".pcap.zst")
DIFFERENCES = Path(__file__).with_name("differences.tsv")
KEYS = (".keylog", ".rsakey.pem")
FACTS = ("version", "cipher_suite", "server_name", "certificates")


@dataclass
class Difference:
    """One fact on which the two do not agree; ``reason`` is None as long as nobody justified it."""

    file: str
    stream: int
    what: str
    ours: str
    tshark: str
    reason: str | None = None


@dataclass
class Result:
    files: int = 0
    connections: int = 0
    compared: int = 0
    equal: int = 0
    differences: list[Difference] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[Difference]:
        return [difference for difference in self.differences if difference.reason is None]

    def counts(self) -> dict[str, int]:
        return {
            "files": self.files,
            "unreadable": len(self.unreadable),
            "connections": self.connections,
            "facts compared": self.compared,
            "equal": self.equal,
            "justified": len(self.differences) - len(self.wrong),
            "wrong": len(self.wrong),
        }


@dataclass(frozen=True)
class Justified:
    """A line of differences.tsv; file, stream and what are patterns (``*`` for any)."""

    file: str
    stream: str
    what: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        stream = str(difference.stream)
        return all(
            any(fnmatch(value, part) for part in pattern.split(","))
            for value, pattern in ((difference.file, self.file), (stream, self.stream), (difference.what, self.what))
        )


def justified(path: Path = DIFFERENCES) -> list[Justified]:
    with path.open(newline="") as file:
        return [Justified(*row) for row in csv.reader(file, delimiter="\t") if row and not row[0].startswith("#")][1:]


def captures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name.endswith(SUFFIXES) and path.is_file())


def our_views(connections: Sequence[Connection]) -> dict[int, View]:
    views = {}
    for connection in connections:
        if connection.plain is not None or connection.tcp_stream is None:
            continue  # of plain HTTP, DTLS, QUIC or EAP
        view = View(
            version=connection.version.hex if connection.version else None,
            cipher_suite=connection.cipher_suite.hex if connection.cipher_suite else None,
            server_name=connection.server_name,
        )

        for message in connection.messages:
            if message.provenance != "inferred" and _whole(message):
                end = connection.client if message.sender == CLIENT else connection.server
                view.messages.setdefault(f"{end.address}:{end.port}", []).append(message.type)
        # A renegotiation sends the chain again; tlsviz keeps each certificate once.
        whole = {message.index for message in connection.messages if _whole(message)}
        sent = [certificate.der for certificate in connection.certificates if certificate.message in whole]
        view.certificates = list(dict.fromkeys(map(_sha256, sent)))
        views[connection.tcp_stream] = view

    return views


def _whole(message: Message) -> bool:
    """Whether a message is all there: tshark does not list the beginnings of cut ones."""
    if message.content_type != "handshake" or message.type == "encrypted_handshake" or message.buffer is None:
        return True
    data = message.buffer.data
    return message.type.startswith("ssl2") or len(data) == 4 + int.from_bytes(data[1:4], "big")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def compare_file(path: Path, name: str, result: Result) -> None:
    """Adds what the two say of one capture to ``result``."""
    keylogs, rsa_keys = (tuple(key for key in (path.with_name(path.name + suffix),) if key.exists()) for suffix in KEYS)
    options = [f"tls.keylog_file:{key}" for key in keylogs] + [f'uat:rsa_keys:"{key}",""' for key in rsa_keys]
    result.files += 1
    try:
        trace = load_capture(path, OpenOptions(keylogs=keylogs, rsa_keys=rsa_keys), strict=True)
    except TlsvizError as error:
        result.unreadable.append(f"{name}: {error}")
        return
    ours = our_views(trace.connections)
    theirs = tshark_views(path, options)
    for stream in sorted(ours.keys() | theirs.keys()):
        result.connections += 1
        for what, mine, other in _facts(ours.get(stream), theirs.get(stream)):
            result.compared += 1
            if mine == other:
                result.equal += 1
            else:
                result.differences.append(Difference(name, stream, what, str(mine), str(other)))


def _facts(ours: View | None, theirs: View | None) -> Iterator[tuple[str, object, object]]:
    yield "connection", ours is not None, theirs is not None
    if ours is None or theirs is None:
        return
    for what in FACTS:
        yield what, getattr(ours, what), getattr(theirs, what)
    for sender in sorted(ours.messages.keys() | theirs.messages.keys()):
        yield "messages", ours.messages.get(sender, []), theirs.messages.get(sender, [])


def compare(folder: Path, only: Sequence[str] = (), tell: bool = False) -> Result:
    """Compares every capture in a folder (or those whose name matches a pattern of ``only``)."""
    result = Result()
    for path in captures(folder):
        name = path.relative_to(folder).as_posix()
        if only and not any(fnmatch(name, pattern) for pattern in only):
            continue
        before = len(result.differences)
        compare_file(path, name, result)
        explain(result.differences[before:])
        for difference in result.differences[before:] if tell else ():
            print(_line(difference), flush=True)
    return result


def explain(differences: Sequence[Difference]) -> None:
    """Gives every difference that is justified its reason."""
    reasons = justified()
    for difference in differences:
        match = next((line for line in reasons if line.covers(difference)), None)
        difference.reason = match.reason if match else None


def _line(difference: Difference) -> str:
    where = f"{difference.file} stream {difference.stream} {difference.what}"
    verdict = f"justified: {difference.reason}" if difference.reason else "WRONG"
    return f"{where}\n    tlsviz {difference.ours}\n    tshark {difference.tshark}\n    {verdict}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="only files of this name")
    arguments = parser.parse_args()
    result = compare(arguments.folder, arguments.only, tell=not arguments.json)
    if arguments.json:
        print(json.dumps({"counts": result.counts(), **asdict(result)}, indent=1))
    else:
        for line in result.unreadable:
            print("unreadable:", line)
        print(Counter(difference.what for difference in result.differences))
        print("  ".join(f"{what}: {count}" for what, count in result.counts().items()))
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
