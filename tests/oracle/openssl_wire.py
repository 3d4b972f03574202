"""Every cipher suite that the system's OpenSSL offers, over a real wire: ``python tests/oracle/openssl_wire.py``.

`openssl s_client` talks to `openssl s_server` on 127.0.0.1, once per suite and version, while tshark records; then
tlsviz opens the capture with the client's key log. Prints a table: tried, connected, decrypted, proven. Exit status 1
if a connection that came about has a failed proof or stays closed without its cipher being named as unsupported.
Needs openssl, tshark and the permission to capture on the loopback interface.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tlsviz.connection.model import Connection
from tlsviz.sources.capture import load_capture
from tlsviz.sources.opening import OpenOptions

VERSIONS = {"TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1", "TLS 1.2": "-tls1_2", "TLS 1.3": "-tls1_3"}
ALL = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
PSK = "00112233445566778899aabbccddeeff"
REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path, name: str, *key: str) -> list[str]:
    """A self-signed certificate; gives its certificate and key file."""
    files = [str(folder / f"{name}.pem"), str(folder / f"{name}.key")]
    make = ["openssl", "req", "-x509", *key, "-nodes", "-days", "2", "-subj", f"/CN={name}.test"]
    subprocess.run([*make, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


def offered(version: str) -> list[str]:
    """The suites that this OpenSSL offers for a version."""
    words = ["openssl", "ciphers", "-s", "-psk", VERSIONS[version], ALL]
    listed = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip().split(":")
    if version == "TLS 1.3":
        return [
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_128_CCM_SHA256",
            "TLS_AES_128_CCM_8_SHA256",
        ]
    return [suite for suite in listed if not suite.startswith(("TLS_", "SRP"))]


def talk(port: int, version: str, suite: str, keys: Path) -> bool:
    """One connection; whether it came about."""
    chosen = ["-ciphersuites", suite] if version == "TLS 1.3" else ["-cipher", f"{suite}:@SECLEVEL=0"]
    psk = ["-psk", PSK] if "PSK" in suite else []
    words = ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", VERSIONS[version], *chosen, *psk]
    done = subprocess.run([*words, "-keylogfile", str(keys)], input=REQUEST, capture_output=True, timeout=10)
    return b"HTTP/1.0 200" in done.stdout


def judge(connection: Connection) -> str:
    """``proven``, or why not."""
    failed = [
        proof.what for proof in connection.proofs if proof.status == "failed" and proof.what != "certificate_chain"
    ]
    if failed:
        return f"FAILED {', '.join(failed)}"
    verified = {proof.what for proof in connection.proofs if proof.status == "verified"}
    if {"client_finished", "server_finished", "record_protection"} <= verified:
        return "proven"
    closed = [r.protection.why for r in connection.records if r.protection and r.protection.status != "verified"]
    return f"not opened: {closed[0]}" if closed else "not proven"


def record(folder: Path) -> tuple[Path, Path, dict[str, list[str]], dict[str, int]]:
    """Talks every suite through while tshark records: the capture, the key log, who connected, how many were tried."""
    port, capture, keys = free_port(), folder / "suites.pcapng", folder / "keys.log"
    rsa = certificate(folder, "rsa", "-newkey", "rsa:2048")
    ec = certificate(folder, "ec", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    serve = ["openssl", "s_server", "-quiet", "-www", "-accept", str(port), "-cert", rsa[0], "-key", rsa[1]]
    serve += ["-dcert", ec[0], "-dkey", ec[1], "-cipher", ALL, "-psk", PSK]
    serve += ["-ciphersuites", ":".join(offered("TLS 1.3"))]
    tap = ["tshark", "-q", "-i", "lo", "-f", f"tcp port {port}", "-w", str(capture)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server, tapping = subprocess.Popen(serve, **quiet), subprocess.Popen(tap, **quiet)  # type: ignore[call-overload]
    connected: dict[str, list[str]] = defaultdict(list)
    tried: dict[str, int] = {}
    try:
        time.sleep(2)
        for version in VERSIONS:
            suites = offered(version)
            tried[version] = len(suites)
            connected[version] = [suite for suite in suites if talk(port, version, suite, keys)]
        time.sleep(1.5)
    finally:
        for process in (tapping, server):
            process.terminate()
            process.wait()
    return capture, keys, connected, tried


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        capture, keys, connected, tried = record(Path(name))
        trace = load_capture(capture, OpenOptions(keylogs=(keys,)), strict=True)
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for connection in trace.connections:
        if connection.version is not None and connection.complete:
            found[str(connection.version)][judge(connection)].append(str(connection.cipher_suite))
    print(f"{'':8} {'tried':>6} {'connected':>10} {'complete':>9} {'proven':>7}")
    wrong = 0
    for version in VERSIONS:
        outcomes = found[version]
        complete = sum(len(suites) for suites in outcomes.values())
        row = (tried[version], len(connected[version]), complete, len(outcomes.get("proven", [])))
        print(f"{version:8} {row[0]:6} {row[1]:10} {row[2]:9} {row[3]:7}")
        for why, suites in outcomes.items():
            if why != "proven":
                print(f"         {why}: {', '.join(sorted(set(suites)))}")
                wrong += not why.startswith("not opened") or "support" not in why
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
