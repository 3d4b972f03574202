"""Compares what tlsviz and tshark decrypt: ``python tests/oracle/decrypted.py FOLDER``.

For every capture with a key of its own (FOLDER/README.tsv; columns file, tls_streams, key): the plaintext of each
record that tshark decrypts must be among ours, byte for byte. What only one of the two opens is listed; exit status 1
if tshark opens what we do not.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tlsviz.connection.model import Connection
from tlsviz.errors import TlsvizError
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions

_SECTION = re.compile(r"^(.*) \((\d+) bytes\):$")
_LINE = re.compile(r"^[0-9a-f]{4,}  ((?:[0-9a-f]{2} ){1,16})")


class Result(NamedTuple):
    """Records of one capture: those that tshark opens, those that we open, and what only one of the two does.

    ``proofs``: how many are verified, failed, not provable.
    """

    file: str
    connections: int
    theirs: int
    ours: int
    missing: int
    more: int
    proofs: tuple[int, int, int]
    failures: tuple[str, ...] = ()


def options(path: Path, key: Path) -> tuple[OpenOptions, list[str]]:
    """The key for both programs."""
    if key.suffix == ".keylog":
        return OpenOptions(keylogs=(key,)), ["-o", f"tls.keylog_file:{key}"]
    return OpenOptions(rsa_keys=(key,)), ["-o", f'uat:rsa_keys:"{key}",""']


def plaintexts_of(path: Path, extra: list[str], protocol: str = "tls") -> tuple[Counter[bytes], Counter[bytes]]:
    """Every decrypted record, as tshark prints it, and those that it prints again in the same frame.

    The second may be records of the same content, or one record shown twice, as tshark 4.0 does at times.
    """
    command = ["tshark", "-r", str(path), "-o", "tcp.reassemble_out_of_order:TRUE", *extra, "-x", "-Y", protocol]
    found: Counter[bytes] = Counter()
    again: Counter[bytes] = Counter()
    frame: set[bytes] = set()
    wanted, data, size = False, bytearray(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if section := _SECTION.match(line.rstrip()):
                wanted, data, size = section[1] == f"Decrypted {protocol.upper()}", bytearray(), int(section[2])
                if section[1] == "Frame":
                    frame.clear()
            elif wanted and (dump := _LINE.match(line)):
                data += bytes.fromhex(dump[1])
                if len(data) == size:
                    one = bytes(data)
                    (again if one in frame else found)[one] += 1
                    frame.add(one)
                    wanted = False
    return found, again


def our_plaintexts(connections: tuple[Connection, ...]) -> Counter[bytes]:
    """Every record that we opened; tshark shows none for an empty one."""
    return Counter(
        record.plaintext.data
        for connection in connections
        for record in connection.records
        if record.plaintext is not None and record.plaintext.data
    )


def not_kept(connections: tuple[Connection, ...]) -> int:
    """Records of application data that were opened but, being many, not kept one by one."""
    count = 0
    for connection in connections:
        readable = {record.sender for record in connection.records if record.plaintext is not None}
        opened = sum(run.records for run in connection.application if run.sender in readable and not run.opaque)
        kept = sum(record.inner_type == 23 and record.plaintext is not None for record in connection.records)
        count += max(opened - kept, 0)
    return count


def compare(path: Path, key: Path) -> Result:
    """Both programs on one capture."""
    ours_options, theirs_options = options(path, key)
    connections = load_capture(path, ours_options, strict=True).connections
    (theirs, again), ours = plaintexts_of(path, theirs_options), our_plaintexts(connections)
    bulk = not_kept(connections)
    proofs = [proof for connection in connections for proof in connection.proofs]
    counts = tuple(sum(proof.status == status for proof in proofs) for status in ("verified", "failed", "not_provable"))
    failures = tuple(f"{proof.what}: {proof.why}" for proof in proofs if proof.status == "failed")
    missing, more = theirs - ours, ours - theirs - again
    return Result(
        path.name,
        len(connections),
        theirs.total(),
        ours.total() + bulk,
        max(missing.total() - bulk, 0),
        more.total(),
        counts,  # type: ignore[arg-type]
        failures,
    )


def keyed(folder: Path) -> list[tuple[Path, Path]]:
    """The captures of TLS over TCP that have a key."""
    with (folder / "README.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        (folder / row["file"], folder / row["key"])
        for row in rows
        if row["key"] and int(row["tls_streams"] or 0) and (folder / row["key"]).is_file()
    ]


def main(folder: Path) -> int:
    total: Counter[str] = Counter()
    for path, key in keyed(folder):
        try:
            result = compare(path, key)
        except TlsvizError as error:
            print(f"{path.name}: {error}", flush=True)
            continue
        total.update(
            captures=1,
            connections=result.connections,
            theirs=result.theirs,
            ours=result.ours,
            missing=result.missing,
            more=result.more,
        )
        total.update(dict(zip(("verified", "failed", "not provable"), result.proofs, strict=True)))
        if result.missing or result.more or result.failures:
            print(*result[:6], result.proofs, *result.failures, sep="\t", flush=True)
    print(dict(total))
    return 1 if total["missing"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
