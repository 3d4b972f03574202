"""`tlsviz show HOST --format json` against `openssl s_client -trace`, whole processes, in turn, in the same run.

    python tests/benchmarks/live_show.py [RUNS]

Both shake hands with one `openssl s_server` on 127.0.0.1. Prints the median wall time and processor time of each, and
the medians of the ratios run by run; the goal is at most 6 (a bare pyOpenSSL handshake in Python takes about 3).
Where other programs keep the machine busy, the processor times say more.
"""

from __future__ import annotations

import compileall
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import tlsviz

BARE = """
import socket, sys
from OpenSSL import SSL
peer = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
peer.set_connect_state()
peer.do_handshake()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(folder: Path, port: int) -> subprocess.Popen[bytes]:
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*make, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    serve = ["openssl", "s_server", "-quiet", "-www", "-accept", str(port), "-key", key, "-cert", certificate]
    server = subprocess.Popen(serve, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server
        except OSError:
            time.sleep(0.05)
    raise SystemExit("openssl s_server did not start")


class Spent(NamedTuple):
    """Seconds of one process: by the clock, and of processor time."""

    wall: float
    processor: float


def spent(command: list[str]) -> Spent:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def ratio(rounds: list[tuple[Spent, ...]], place: int) -> str:
    wall = statistics.median(each[place].wall / each[-1].wall for each in rounds)
    processor = statistics.median(each[place].processor / each[-1].processor for each in rounds)
    return f"{wall:.2f} (processor time {processor:.2f})"


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    # An installed package has its bytecode; one run from a checkout may have been told not to write it.
    compileall.compile_dir(str(Path(tlsviz.__file__).parent), quiet=2)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder), port)
        ours = [sys.executable, "-m", "tlsviz", "show", f"127.0.0.1:{port}", "--format", "json"]
        bare = [sys.executable, "-c", BARE, str(port)]
        peer = ["openssl", "s_client", "-trace", "-connect", f"127.0.0.1:{port}"]
        try:
            for command in (ours, bare, peer):
                spent(command)
            rounds = [(spent(ours), spent(bare), spent(peer)) for _ in range(runs)]
        finally:
            server.terminate()
            server.wait()
    for name, place in (("tlsviz show", 0), ("bare Python handshake", 1), ("openssl s_client -trace", 2)):
        wall, processor = (statistics.median(each[place][kind] for each in rounds) * 1000 for kind in (0, 1))
        print(f"{name:24} {wall:7.1f} ms, processor {processor:7.1f} ms")
    print(f"show / s_client {ratio(rounds, 0)}, goal: at most 6")
    print(f"bare / s_client {ratio(rounds, 1)}")


if __name__ == "__main__":
    main()
