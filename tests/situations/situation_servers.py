"""Servers on 127.0.0.1 for situations: OpenSSL's own, nginx, the lab's, and small ones that misbehave.

Each is a context manager that gives a port. `MissingError` is raised where this machine lacks the program.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

from odd_servers import Play, alert, playing, reset, wait_for_end
from small_proxies import relay

from tlsviz.lab.authority import Authority, Issued
from tlsviz.lab.server import LabServer, ServerSettings

Serve = Callable[[], AbstractContextManager[int]]
START = 5.0
"""Seconds that a program gets to listen."""


class MissingError(Exception):
    """This machine cannot play the situation: why."""


@cache
def authority() -> Authority:
    return Authority()


def issued(kind: str) -> Issued:
    made = authority()
    return {
        "good": lambda: made.server(),
        "rsa": lambda: made.server(kind="rsa"),
        "client": lambda: made.client(),
        "foreign client": lambda: made.stranger.client(),
    }[kind]()


# -- programs ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tlsviz-situation-") as name:
        yield Path(name)


def _write_identity(folder: Path, kind: str) -> tuple[Path, Path]:
    one = issued(kind)
    certificate, key = folder / "server.pem", folder / "server.key"
    certificate.write_bytes(one.pem)
    key.write_bytes(one.key_pem)
    (folder / "ca.pem").write_bytes(authority().root.pem)
    return certificate, key


def s_server(*words: str, identity: str = "good") -> Serve:
    """``openssl s_server`` with these options; ``{folder}`` in them is where ca.pem lies."""

    @contextlib.contextmanager
    def serve() -> Iterator[int]:
        if shutil.which("openssl") is None:
            raise MissingError("openssl is not here")
        with _folder() as folder:
            certificate, key = _write_identity(folder, identity)
            command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", str(certificate)]
            command += ["-cert_chain", str(certificate), "-key", str(key)]
            command += [word.format(folder=folder) for word in words]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
                try:
                    yield _announced(process)
                finally:
                    process.kill()

    return serve


def _announced(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(r"ACCEPT \S+:(\d+)", line):
            return int(match[1])
    raise MissingError("openssl s_server does not start with these options")


def nginx(*lines: str, tls: bool = True, location: str = "return 200 'hello';") -> Serve:
    """nginx with these lines in its only server."""

    @contextlib.contextmanager
    def serve() -> Iterator[int]:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if program is None:
            raise MissingError("nginx is not here")
        with _folder() as folder:
            folder.chmod(0o755)
            certificate, key = _write_identity(folder, "good")
            port = free_port()
            ssl = f"ssl_certificate {certificate}; ssl_certificate_key {key};" if tls else ""
            inside = "\n".join(line.format(folder=folder) for line in lines)
            (folder / "nginx.conf").write_text(
                f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n"
                "events { worker_connections 64; }\n"
                f"http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;\n"
                f"fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n"
                f"server {{ listen 127.0.0.1:{port}{' ssl' if tls else ''}; {ssl}\n{inside}\n"
                f"location / {{ {location} }} }} }}\n"
            )
            command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "log")]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                try:
                    _wait_for(port, process)
                    yield port
                finally:
                    process.kill()

    return serve


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        time.sleep(0.02)
    raise MissingError("the program does not start")


def lab(make: Callable[[Authority], Issued] | None = None, **settings: object) -> Serve:
    """The lab's server, which is the other OpenSSL: the one inside of Python."""

    @contextlib.contextmanager
    def serve() -> Iterator[int]:
        identity = make(authority()) if make else authority().server()
        with LabServer(ServerSettings(**settings), identity, authority()) as server:  # type: ignore[arg-type]
            yield server.port

    return serve


# -- small ones --------------------------------------------------------------------------------------------------


def odd(play: Play) -> Serve:
    return lambda: playing(play)


def greets(text: bytes) -> Serve:
    """Speaks first, as mail servers do."""
    return odd(lambda sock: (sock.sendall(text), wait_for_end(sock))[1])


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    yield free_port()


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port that drops every SYN, as a firewall does: its queue of connections is full, and nobody empties it."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            sock = held.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        probe = held.enter_context(socket.socket())
        probe.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            probe.connect(listener.getsockname())
            raise MissingError("this system's queue of connections is never full")
        yield int(listener.getsockname()[1])


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    """No server: what is to go wrong goes wrong before."""
    yield 443


def port_80() -> AbstractContextManager[int]:
    """The lab's server on port 80."""

    @contextlib.contextmanager
    def serve() -> Iterator[int]:
        try:
            server = LabServer(ServerSettings(), authority().server(), authority(), port=80)
        except OSError as error:
            raise MissingError(f"port 80 cannot be had: {error.strerror}") from None
        with server:
            yield server.port

    return serve()


def _hello(sock: socket.socket) -> bytes:
    """The whole first record, however it comes."""
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        more = sock.recv(65536)
        if not more:
            break
        data += more
    return data


def behind(condition: Callable[[bytes], bool]) -> Serve:
    """A device that resets where ``condition`` holds of the first record, and else lets the lab's server answer."""

    @contextlib.contextmanager
    def serve() -> Iterator[int]:
        with LabServer(ServerSettings(), authority().server(), authority()) as server:

            def play(sock: socket.socket) -> None:
                first = _hello(sock)
                if condition(first):
                    reset(sock)
                    return
                with socket.create_connection(("127.0.0.1", server.port), 3) as far:
                    far.sendall(first)
                    relay(sock, far)

            with playing(play) as port:
                yield port

    return serve


def first_time_only() -> AbstractContextManager[int]:
    """Resets its first client, and serves all others."""
    seen: list[bytes] = []

    def condition(data: bytes) -> bool:
        seen.append(data)
        return len(seen) == 1

    return behind(condition)()


def alerts(description: int) -> Serve:
    """Answers every hello with this alert."""

    def play(sock: socket.socket) -> None:
        _hello(sock)
        sock.sendall(alert(description))
        wait_for_end(sock)

    return odd(play)
