"""Compares DTLS with tshark: ``python tests/oracle/dtls.py FOLDER``.

For every capture of DTLS (FOLDER/README.tsv; columns file, dtls_streams, key): the types of the messages that each end
sent, and the plaintext of each record that tshark decrypts, must be ours too. What tshark shows again, because it was
sent again, counts once in both. Exit status 1 for a difference without a reason.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from decrypted import options, our_plaintexts, plaintexts_of
from second_opinion import HANDSHAKE_TYPES, RETRY_RANDOM

from tlsviz.connection.model import Connection
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions
from tlsviz.wire.chunks import CLIENT

REASONS = {
    "hotplace/dtls12_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256.pcapng": "tshark 4.0 does not open ChaCha20 in DTLS",
    "nDPI/dtls.pcap": "tshark 4.0 does not open DTLS 1.3; tlsviz does",
    "illustrated-dtls/capture.pcap": "tshark 4.0 does not open DTLS 1.3; tlsviz does",
    "RecordFlux/dtls13-1.pcap": "tshark 4.0 does not see DTLS where a DTLS 1.3 record follows the ServerHello",
}
Said = dict[str, list[str]]


class Compared(NamedTuple):
    """One capture: messages of both, records opened by both, and what is missing in ours."""

    file: str
    messages: int
    theirs: int
    opened: int
    their_opened: int
    differences: tuple[str, ...]
    reason: str | None


def tshark_says(path: Path, extra: list[str]) -> Said:
    """The types of the messages by the sender's ``address:port``, each once."""
    command = ["tshark", "-n", "-r", str(path), "-Y", "dtls", "-T", "pdml", "-J", "frame ip ipv6 udp dtls", *extra]
    found: Said = {}
    seen: set[tuple[str, ...]] = set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for _, packet in ET.iterparse(process.stdout, ("end",)):
            if packet.tag == "packet":
                _packet(packet, found, seen)
                packet.clear()
    return found


def _packet(packet: ET.Element, found: Said, seen: set[tuple[str, ...]]) -> None:
    address = sender = stream = ""
    for proto in packet.iter("proto"):
        name = proto.get("name")
        if name in ("ip", "ipv6"):
            address = _show(proto, f"{name}.src") or address
        elif name == "udp":
            sender, stream = f"{address}:{_show(proto, 'udp.srcport')}", _show(proto, "udp.stream") or ""
        elif name == "dtls":
            for record in proto:
                for inner in record:
                    kind = _kind(inner)
                    number = _show(inner, "dtls.handshake.message_seq")
                    if kind == "change_cipher_spec":
                        number = "0"
                    if kind is None or (number is not None and (stream, sender, kind, number) in seen):
                        continue
                    if number is not None:
                        seen.add((stream, sender, kind, number))
                    found.setdefault(sender, []).append(kind)


def _kind(inner: ET.Element) -> str | None:
    name = inner.get("name")
    if name == "dtls.change_cipher_spec":
        return "change_cipher_spec"
    if name == "dtls.alert_message":
        return "alert"
    if name != "dtls.handshake":
        return None
    kind = _show(inner, "dtls.handshake.type")
    if kind is None:
        return "encrypted_handshake"
    if "(Fragment)" in (inner.get("showname") or ""):
        return None
    if kind == "2" and _value(inner, "dtls.handshake.random") == RETRY_RANDOM:
        return "hello_retry_request"
    return HANDSHAKE_TYPES.get(int(kind), f"handshake_0x{int(kind):02x}")


def we_say(connections: tuple[Connection, ...]) -> Said:
    """Our messages in the same form, without what tshark cannot see whole."""
    found: Said = {}
    for connection in connections:
        for message in connection.messages:
            if message.provenance != "inferred" and message.whole:
                end = connection.client if message.sender == CLIENT else connection.server
                found.setdefault(f"{end.address}:{end.port}", []).append(message.type)
    return found


def compare(path: Path, key: Path | None, name: str) -> Compared:
    """Both programs on one capture."""
    ours_options, extra = options(path, key) if key is not None else (OpenOptions(), [])
    trace = load_capture(path, ours_options, strict=True)
    connections = tuple(one for one in trace.connections if one.transport == "dtls")
    ours, theirs = we_say(connections), tshark_says(path, extra)
    plain, (their_plain, _) = our_plaintexts(connections), plaintexts_of(path, extra, "dtls")
    differences = [
        f"{sender}: tlsviz {ours.get(sender, [])} tshark {theirs.get(sender, [])}"
        for sender in sorted(ours.keys() | theirs.keys())
        if sorted(ours.get(sender, [])) != sorted(theirs.get(sender, []))
    ]
    missing = their_plain - plain
    differences += [f"{missing.total()} records that tshark opens are not opened"] if missing else []
    counts = sum(map(len, ours.values())), sum(map(len, theirs.values())), plain.total(), their_plain.total()
    return Compared(name, *counts, tuple(differences), REASONS.get(name))


def captures(folder: Path) -> list[tuple[Path, Path | None, str]]:
    """The captures of DTLS, with their keys."""
    with (folder / "README.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        (folder / row["file"], folder / row["key"] if row["key"] else None, row["file"])
        for row in rows
        if int(row["dtls_streams"] or 0) and (folder / row["file"]).is_file()
    ]


def _show(element: ET.Element, name: str) -> str | None:
    return next((field.get("show") for field in element.iter("field") if field.get("name") == name), None)


def _value(element: ET.Element, name: str) -> str | None:
    return next((field.get("value") for field in element.iter("field") if field.get("name") == name), None)


def main(folder: Path) -> int:
    total: Counter[str] = Counter()
    for path, key, name in captures(folder):
        result = compare(path, key, name)
        wrong = bool(result.differences) and result.reason is None
        total.update(captures=1, messages=result.messages, theirs=result.theirs, opened=result.opened)
        total.update({"tshark opened": result.their_opened, "wrong": wrong, "justified": bool(result.differences)})
        for difference in result.differences:
            print(name, difference, result.reason or "WRONG", sep="\n    ", flush=True)
    print(dict(total))
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
