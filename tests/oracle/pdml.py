"""Compares every field of tshark's with ours: ``python tests/oracle/pdml.py FOLDER [--only PATTERN] [--json]``.

Every record and message of TLS over TCP and of DTLS that both programs have is laid side by side, matched by its bytes:
each span that tshark names must be one of ours, and what tshark reads there must be what we read. A difference must
have a line in pdml_differences.tsv, by field and by kind; exit status 1 if one has none. Messages that only tshark has
are compare.py's matter: they must have a line in differences.tsv.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import NamedTuple

from compare import KEYS, Difference, captures, explain
from pdml_reader import DTLS, Field, Said, tshark_fields
from pdml_values import agrees, named_alike, says_something

from tlsviz.connection.model import Connection, Message, Record
from tlsviz.errors import TlsvizError
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.tls import registry
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import Node, walk

EXCEPTIONS = Path(__file__).with_name("pdml_differences.tsv")
EXAMPLES = 5
APPLICATION_DATA = 23


class Fault(NamedTuple):
    """A field of tshark's that we do not have (``span``) or read differently (``value``).

    ``outside``: one of these two, where tshark read on beyond the end of what the field is a part of. ``name``: of a
    code point that has another name there.
    """

    name: str
    what: str
    where: str
    tshark: str
    ours: str


@dataclass
class Result:
    files: int = 0
    unreadable: list[str] = field(default_factory=list)
    records: int = 0
    bulk: int = 0
    messages: int = 0
    compared: int = 0
    equal: int = 0
    named: int = 0
    """How many of those compared are code points that tshark has a name for; ``equal`` is about places and values."""
    unmatched: list[Difference] = field(default_factory=list)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[Fault]] = field(default_factory=lambda: defaultdict(list))

    def fault(self, fault: Fault) -> None:
        key = fault.name, fault.what
        self.faults[key] += 1
        if len(self.examples[key]) < EXAMPLES:
            self.examples[key].append(fault)

    @property
    def wrong(self) -> list[tuple[str, str]]:
        return [key for key in self.faults if reason(*key) is None]

    @property
    def missing(self) -> list[Difference]:
        return [one for one in self.unmatched if one.reason is None]

    def counts(self) -> dict[str, int]:
        wrong = sum(self.faults[key] for key in self.wrong)
        return {
            "files": self.files,
            "unreadable": len(self.unreadable),
            "records": self.records,
            "records of bulk data, not compared": self.bulk,
            "messages": self.messages,
            "messages of tshark alone, justified": len(self.unmatched) - len(self.missing),
            "messages of tshark alone, wrong": len(self.missing),
            "fields compared": self.compared,
            "equal": self.equal,
            "of them code points named": self.named,
            "justified": self.faults.total() - wrong,
            "wrong": wrong,
        }


@cache
def exceptions() -> tuple[tuple[str, str, str], ...]:
    """The lines of pdml_differences.tsv: pattern of field names, kind of difference (``*`` for both), reason."""
    with EXCEPTIONS.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row and not row[0].startswith("#")]
    return tuple((name, what, why) for name, what, why in rows[1:])


@cache
def reason(name: str, what: str) -> str | None:
    """Why a field may differ; None if nobody justified it."""
    return next((why for field, kind, why in exceptions() if fnmatch(name, field) and kind in (what, "*")), None)


class Places:
    """Every span of a tree: that of a node, and those of neighbours, such as a vector's elements without its length."""

    def __init__(self, root: Node) -> None:
        self.nodes: dict[tuple[int, int], list[tuple[Node, str]]] = defaultdict(list)
        self._starts: dict[int, list[tuple[Node, int]]] = defaultdict(list)
        self.nodes[root.start, root.end].append((root, root.label or ""))
        for _, node in walk(root):
            for index, child in enumerate(node.children):
                # What the contents of DER mean is said on the element.
                self.nodes[child.start, child.end].append((child, child.label or node.label or ""))
                self._starts[child.start].append((node, index))

    def has_run(self, start: int, end: int) -> bool:
        """Whether neighbours below one node tile the span."""
        for node, index in self._starts.get(start, ()):
            at = bisect_left(node.children, end, index, key=lambda child: child.end)
            if at < len(node.children) and node.children[at].end == end:
                return True
        return False


class Side:
    """What one side sent, by what it is told by; each is taken once, in order."""

    def __init__(self) -> None:
        self._messages: dict[int, deque[Message]] = defaultdict(deque)
        self._records: dict[bytes, deque[Record]] = defaultdict(deque)
        self.bulk = 0
        """Records of application data that were counted but not kept."""

    def add(self, connection: Connection, sender: Sender) -> None:
        for message in connection.messages:
            if message.sender == sender and message.buffer is not None:
                self._messages[len(message.buffer.data)].append(message)
        for record in connection.records:
            if record.sender == sender:
                self._records[record.buffer.data[: record.header.end]].append(record)
                self.bulk -= record.content_type == APPLICATION_DATA and record.inner_type in (APPLICATION_DATA, None)
        volume = connection.client_data if sender == CLIENT else connection.server_data
        self.bulk += volume.records

    def message(self, said: Said) -> Message | None:
        """The message of these bytes."""
        candidates = self._messages.get(said.size, deque())
        for index, message in enumerate(candidates):
            assert message.buffer is not None
            if said.fits(message.buffer.data):
                if said.stream != DTLS:  # where it may be sent again
                    del candidates[index]
                return message
        return None

    def record(self, said: Said) -> Record | None:
        """The next record with this header."""
        parts = {field.start: field.value for field in said.fields if field.name != "tls.app_data"}
        candidates = self._records.get(b"".join(part or b"" for _, part in sorted(parts.items())), deque())
        for index, record in enumerate(candidates):
            if not record.kept or said.fits(record.buffer.data):
                if said.stream != DTLS:
                    del candidates[index]
                return record
        return None


def sides(connections: Sequence[Connection]) -> dict[tuple[int, str], Side]:
    """Both sides of every connection, by TCP stream (`DTLS` for datagrams) and the sender's ``address:port``."""
    found: dict[tuple[int, str], Side] = defaultdict(Side)
    for connection in connections:
        if connection.transport == "quic":
            continue
        stream = DTLS if connection.tcp_stream is None else connection.tcp_stream
        for sender, end in ((CLIENT, connection.client), (SERVER, connection.server)):
            found[stream, f"{end.address}:{end.port}"].add(connection, sender)
    return found


def record_tree(record: Record) -> Node:
    """A record's header and fragment as one tree; the fragment of bulk data may not be kept."""
    start = record.header.end
    end = start + record.length
    data = record.buffer.data[start:] if record.kept else None
    inner = () if record.inner_type is None else (_inner_type(record.inner_type),)
    return Node("record", 0, end, None, None, (*inner, *record.header.children, Node("fragment", start, end, data)))


def _inner_type(code: int) -> Node:
    """What tshark shows as a second content type in the place of the first."""
    return Node("inner_type", 0, 1, code, registry.record_types.get(code))


def compare_tree(fields: Sequence[Field], root: Node, where: str, result: Result) -> None:
    """Looks up each field of tshark's in our tree."""
    places = Places(root)
    for one in fields:
        result.compared += 1
        nodes = places.nodes.get((one.start, one.end), [])
        same = next((node for node, label in nodes if agrees(one, node, label)), None)
        if same is not None:
            result.equal += 1
            _compare_name(one, same, where, result)
        elif nodes:
            what = "outside" if one.outside else "value"
            result.fault(Fault(one.name, what, where, f"{one.show} ({one.shown})", _words(nodes)))
        elif places.has_run(one.start, one.end) and not says_something(one):
            result.equal += 1
        else:
            what, shown = "outside" if one.outside else "span", f"[{one.start}, {one.end}) {one.shown or one.show}"
            result.fault(Fault(one.name, what, where, shown, _around(places, one)))


def _compare_name(one: Field, node: Node, where: str, result: Result) -> None:
    alike = named_alike(one, node)
    if alike is not None:
        result.named += 1
    if alike is False:
        result.fault(Fault(one.name, "name", where, one.shown, node.label or "no name"))


def _words(nodes: Sequence[tuple[Node, str]]) -> str:
    return " | ".join(f"{node.name} {label or repr(node.value):.80}" for node, label in nodes)


def _around(places: Places, one: Field) -> str:
    """Our nodes that lie across or in the span, for whoever reads the report."""
    found = [
        f"{node.name} [{start}, {end})"
        for (start, end), nodes in places.nodes.items()
        for node, _ in nodes
        if start < one.end and one.start < end
    ]
    return " ".join(found[-4:])


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
    ours = sides(trace.connections)
    unmatched = []
    for said in tshark_fields(path, options):
        side = ours.get((said.stream, said.sender), Side())
        where = f"{name} frame {said.frame}"
        if said.kind == "record":
            if record := side.record(said):
                result.records += 1
                compare_tree(said.fields, record_tree(record), where, result)
                continue
            if side.bulk > 0 and said.fields[0].value == bytes([APPLICATION_DATA]):
                side.bulk -= 1
                result.bulk += 1
                continue
        elif message := side.message(said):
            assert message.tree is not None
            result.messages += 1
            compare_tree(said.fields, message.tree, where, result)
            continue
        what = "messages" if (said.stream, said.sender) in ours else "connection"
        shown = said.fields[0].shown if said.fields else ""
        unmatched.append(Difference(name, said.stream, what, "", f"frame {said.frame} {said.kind} {said.size} {shown}"))
    explain(unmatched)
    result.unmatched += unmatched


def compare(folder: Path, only: Sequence[str] = ()) -> Result:
    """Compares every capture in a folder (or those whose name matches a pattern of ``only``)."""
    result = Result()
    for path in captures(folder):
        name = path.relative_to(folder).as_posix()
        if not only or any(fnmatch(name, pattern) for pattern in only):
            compare_file(path, name, result)
    return result


def lines(result: Result) -> Iterator[str]:
    """The report: each kind of difference with its count, reason and first examples; then the counts."""
    yield from (f"unreadable: {line}" for line in result.unreadable)
    for one in result.unmatched:
        yield f"{one.file} stream {one.stream} {one.what}: {one.tshark}: {one.reason or 'WRONG'}"
    for (name, what), count in result.faults.most_common():
        yield f"{name} {what} {count}: {reason(name, what) or 'WRONG'}"
        for fault in result.examples[name, what]:
            yield f"    {fault.where}\n        tshark {fault.tshark:.300}\n        tlsviz {fault.ours:.300}"
    yield "  ".join(f"{what}: {count}" for what, count in result.counts().items())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print the counts as one JSON object")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="only files of this name")
    arguments = parser.parse_args()
    result = compare(arguments.folder, arguments.only)
    print(json.dumps(result.counts(), indent=1) if arguments.json else "\n".join(lines(result)))
    return 1 if result.wrong or result.missing else 0


if __name__ == "__main__":
    sys.exit(main())
