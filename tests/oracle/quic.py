"""tlsviz against tshark on QUIC: CRYPTO frames by place and length, message types, and what the hellos say.

    python tests/oracle/quic.py ../shared/captures

compares every capture of a folder that holds QUIC and prints the counts. What tshark has and ours lacks is wrong unless
`JUSTIFIED` names the file with the reason; what ours has besides (tshark 4.0 loses its place at reordered frames) is
counted.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tlsviz.connection.model import Connection
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.tls.quic.frames import crypto, decode_frames
from tlsviz.wire.chunks import Sender

ENDINGS = (".pcap", ".pcapng", ".pcapng.gz", ".pcap.gz")
_GOOGLE = "Google's T051, whose frames are not those of RFC 9000, is named but not taken apart"
JUSTIFIED = {
    "nfstream/quic_t51.pcap": _GOOGLE,
    "mercury/quic-crypto-packets.pcap": _GOOGLE,
    "nDPI/quic_interop_V.pcapng": "reserved versions mean nothing (RFC 9000 15); tshark reads them as draft 29",
}
"""File patterns to the reason why tshark shows what tlsviz does not."""

HELLOS = ("client_hello", "server_hello", "hello_retry_request")

End = tuple[str, int]
Flow = frozenset[End]


@dataclass
class Seen:
    """What is compared of one flow. ``frames``: CRYPTO frames by sender, offset and length; ``facts``: hellos."""

    frames: set[tuple[End, int, int]] = field(default_factory=set)
    messages: set[tuple[End, int]] = field(default_factory=set)
    facts: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Counts:
    """The outcome: facts that both have, that ours alone has, and that tshark alone has (by file, with words)."""

    flows: int = 0
    equal: Counter[str] = field(default_factory=Counter)
    ours: Counter[str] = field(default_factory=Counter)
    justified: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def tshark_sees(path: Path) -> dict[Flow, Seen]:
    """Per flow what tshark opens."""
    keys = Path(f"{path}.keylog")
    options = ["-o", f"tls.keylog_file:{keys}"] if keys.exists() else []
    command = ["tshark", "-n", "-r", str(path), "-Y", "quic", "-T", "pdml", "-J", "ip ipv6 udp quic tls", *options]
    done = subprocess.run(command, capture_output=True, check=False)
    found: dict[Flow, Seen] = {}
    if b"</packet>" not in done.stdout:
        return found
    root = ET.fromstring(done.stdout.rpartition(b"</packet>")[0] + b"</packet></pdml>")
    for packet in root.iter("packet"):
        ends = _ends(packet)
        if ends is not None:
            _packet(packet, ends[0], found.setdefault(frozenset(ends), Seen()))
    return found


def _ends(packet: ET.Element) -> tuple[End, End] | None:
    """Source and destination, of the innermost addresses."""
    shown: dict[str, str] = {}
    for element in packet.iter("field"):
        name = element.get("name", "")
        if name in ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport"):
            shown[name.partition(".")[2]] = element.get("show", "")
    if len(shown) < 4:
        return None
    return (shown["src"], int(shown["srcport"])), (shown["dst"], int(shown["dstport"]))


def _packet(packet: ET.Element, sender: End, seen: Seen) -> None:
    offset = 0
    for element in packet.iter("field"):
        name, show = element.get("name", ""), element.get("show", "")
        if name == "quic.crypto.offset":
            offset = int(show)
        elif name == "quic.crypto.length":
            seen.frames.add((sender, offset, int(show)))
        elif name == "tls.handshake.type":
            seen.messages.add((sender, int(show)))
        elif name == "tls.handshake.random":
            seen.facts.add(("random", element.get("value", "")))
        elif name == "tls.handshake.extensions_server_name":
            seen.facts.add(("server_name", show))
        elif name == "tls.handshake.ciphersuite" and not _listed(packet, element):
            seen.facts.add(("cipher_suite", show.lower()))


def _listed(packet: ET.Element, wanted: ET.Element) -> bool:
    """Whether a cipher suite is one of a ClientHello's list."""
    lists = (e for e in packet.iter("field") if e.get("name") == "tls.handshake.ciphersuites")
    return any(inner is wanted for one in lists for inner in one.iter("field"))


def tlsviz_sees(path: Path) -> dict[Flow, Seen]:
    """Per flow what tlsviz opens."""
    keys = Path(f"{path}.keylog")
    trace = load_capture(path, OpenOptions(keylogs=(keys,) if keys.exists() else ()))
    found: dict[Flow, Seen] = {}
    for connection in trace.connections:
        if connection.transport == "quic":
            client, server = _end(connection, "client"), _end(connection, "server")
            _connection(connection, found.setdefault(frozenset((client, server)), Seen()))
    return found


def _end(connection: Connection, sender: Sender) -> End:
    end = connection.client if sender == "client" else connection.server
    return end.address, end.port


def _connection(connection: Connection, seen: Seen) -> None:
    for record in connection.records:
        if record.plaintext is not None:
            for piece in crypto(decode_frames(record.plaintext.data)):
                seen.frames.add((_end(connection, record.sender), piece.offset, piece.end - piece.start))
    for message in connection.messages:
        if message.content_type == "handshake" and message.buffer is not None:
            seen.messages.add((_end(connection, message.sender), message.buffer.data[0]))
            if message.type in HELLOS:
                seen.facts.add(("random", message.buffer.data[6:38].hex()))
    if connection.server_name:
        seen.facts.add(("server_name", connection.server_name))
    if connection.cipher_suite:
        seen.facts.add(("cipher_suite", connection.cipher_suite.hex))
    for hello in connection.messages_of("hello_retry_request"):
        suite = hello.tree.child("cipher_suite") if hello.tree is not None else None
        if suite is not None and isinstance(suite.value, int):
            seen.facts.add(("cipher_suite", f"0x{suite.value:04x}"))


def compare(path: Path, name: str, counts: Counts) -> None:
    """Adds what one capture shows."""
    theirs = tshark_sees(path)
    ours = tlsviz_sees(path) if theirs else {}
    for flow, seen in theirs.items():
        mine = ours.get(flow, Seen())
        counts.flows += 1
        for what, wanted, had in _pairs(seen, mine):
            counts.equal[what] += len(wanted & had)
            counts.ours[what] += len(had - wanted)
            for fact in sorted(wanted - had, key=str):
                text = f"{name} {sorted(flow)} {what} {str(fact)[:120]}"
                known = next((why for pattern, why in JUSTIFIED.items() if fnmatch(name, pattern)), None)
                (counts.justified if known else counts.wrong).append(text)


def _pairs(seen: Seen, mine: Seen) -> Iterator[tuple[str, set[object], set[object]]]:
    yield "CRYPTO frames", set(seen.frames), set(mine.frames)
    yield "message types", set(seen.messages), set(mine.messages)
    yield "hellos", set(seen.facts), set(mine.facts)


def main(folder: Path) -> int:
    """Compares every capture of a folder; 1 if anything is wrong."""
    counts = Counts()
    files = sorted(path for path in folder.rglob("*") if path.name.endswith(ENDINGS))
    for path in files:
        compare(path, str(path.relative_to(folder)), counts)
    print(f"{len(files)} files, {counts.flows} flows with QUIC")
    for what in counts.equal:
        print(f"{what}: {counts.equal[what]} equal, {counts.ours[what]} that only tlsviz has")
    print(f"{len(counts.justified)} justified, {len(counts.wrong)} wrong")
    for text in counts.wrong:
        print(f"  {text}")
    return bool(counts.wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
