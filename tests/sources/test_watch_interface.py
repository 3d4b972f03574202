"""Watching the loopback interface: every handshake is seen and decrypted, none is lost, nothing is left behind.

`TLSVIZ_WATCH_HANDSHAKES=200 pytest tests/sources/test_watch_interface.py` watches 200 of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dialogue import shake as handshake
from eap_writer import conversation, in_eapol

from tlsviz.connection.model import Connection
from tlsviz.errors import MissingError, TlsvizError, UsageError
from tlsviz.sources import dumpcap
from tlsviz.sources.capture import load_capture
from tlsviz.sources.interface import WatchOptions, watch
from tlsviz.sources.opening import OpenOptions, Progress

HANDSHAKES = int(os.environ.get("TLSVIZ_WATCH_HANDSHAKES", "12"))
AT_ONCE = 4
PATIENCE = 30.0 + HANDSHAKES
NOBODY = 9
"""A port where nobody listens: what is sent there shows that capturing has begun."""
SUBJECT = "/CN=watched.test"


def _loop() -> str | None:
    try:
        return next((each.name for each in dumpcap.interfaces() if each.loopback), None)
    except TlsvizError:
        return None


LOOP = _loop() or ""
pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(not LOOP, reason="this user may not capture here: `tlsviz doctor` says what to do"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here"),
]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An `openssl s_server` that answers until the tests are over."""
    folder = tmp_path_factory.mktemp("server")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    subprocess.run(
        [*made, "-subj", SUBJECT, "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    words = ["openssl", "s_server", "-accept", f"127.0.0.1:{number}", "-cert", "cert.pem", "-key", "key.pem", "-quiet"]
    server = subprocess.Popen(
        [*words, "-www"], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert until(lambda: knock(number))
        yield number
    finally:
        server.kill()
        server.wait()


def until(done: Callable[[], bool]) -> bool:
    """Waits for something that takes a moment; False if it does not come."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if done():
            return True
        pause.wait(0.05)
    return False


def knock(port: int) -> bool:
    """A TCP connection without a word."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def shake(port: int, keylog: Path, count: int) -> None:
    """As many `openssl s_client` handshakes, some at once, of TLS 1.3 and 1.2."""

    def one(number: int) -> int:
        words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-keylogfile", str(keylog)]
        words.append("-tls1_2" if number % 3 == 0 else "-tls1_3")
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert set(pool.map(one, range(count))) == {0}


class Watcher:
    """A watch in a thread, begun once it sees packets. ``told``: by id, every snapshot and whether it was the last."""

    def __init__(self, options: WatchOptions) -> None:
        self.told: dict[int, list[tuple[Connection, bool]]] = {}
        self.error: BaseException | None = None
        self.notices: tuple[str, ...] = ()
        self.on_over: Callable[[Connection], None] = lambda connection: None
        self._options = options
        self._packets = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert until(self._seen)

    def _seen(self) -> bool:
        knock(NOBODY)
        return self._packets > 0 or self.error is not None

    def _run(self) -> None:
        try:
            self.notices = watch(self._options, self._found, self._progress, self._stop.is_set).notices
        except BaseException as error:
            self.error = error

    def _found(self, connection: Connection, over: bool) -> None:
        self.told.setdefault(connection.id, []).append((connection, over))
        if over:
            self.on_over(connection)

    def _progress(self, progress: Progress) -> None:
        self._packets = progress.packets

    def end(self, stop: bool = False) -> None:
        if stop:
            self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        assert self.error is None


def options(port: int, **more: object) -> WatchOptions:
    return WatchOptions(LOOP, f"tcp port {port} or tcp port {NOBODY}", **more)  # type: ignore[arg-type]


def test_every_handshake_is_seen_and_decrypted(port: int, tmp_path: Path) -> None:
    keylog, saved = tmp_path / "keys.log", tmp_path / "saved.pcapng"
    opening = OpenOptions(keylogs=(keylog,))
    watcher = Watcher(options(port, opening=opening, count=HANDSHAKES, save=saved, secrets=True))
    shake(port, keylog, HANDSHAKES)
    watcher.end()
    last = [snapshots[-1][0] for snapshots in watcher.told.values()]
    assert watcher.notices == ()
    assert len(last) == HANDSHAKES
    assert all(snapshots[-1][1] for snapshots in watcher.told.values())
    for connection in last:
        finished = [message for message in connection.messages if message.type == "finished"]
        assert [message.provenance for message in finished] == ["decrypted", "decrypted"]
        assert {proof.status for proof in connection.proofs if proof.what.endswith("_finished")} == {"verified"}
        assert connection.trust is not None
        assert connection.trust.reasons

    # What was saved, its secrets inside, opens as what was seen.
    assert saved.stat().st_mode & 0o077 == 0
    opened = load_capture(saved).connections
    assert [plain(connection) for connection in opened] == sorted(map(plain, last))


def plain(connection: Connection) -> tuple[float, int, str, list[tuple[str, str]]]:
    """What must be the same in a file as it was live."""
    messages = [(message.type, message.provenance) for message in connection.messages]
    return connection.start, connection.client.port, str(connection.cipher_suite), messages


def test_keys_that_come_later_open_what_is_over(port: int, tmp_path: Path) -> None:
    """The browser's file is followed; here it is only written when the connection has ended unread."""
    aside, keylog = tmp_path / "aside.log", tmp_path / "keys.log"
    watcher = Watcher(options(port, opening=OpenOptions(keylogs=(keylog,))))
    watcher.on_over = lambda connection: None if keylog.exists() else keylog.write_bytes(aside.read_bytes())  # type: ignore[assignment,func-returns-value]
    shake(port, aside, 2)
    assert until(lambda: sum(snapshots[-1][0].secrets != () for snapshots in watcher.told.values()) == 2)
    watcher.end(stop=True)
    first = watcher.told[0]
    over = [connection for connection, ended in first if ended]
    assert over[0].secrets == ()
    assert over[-1].complete
    assert any(message.provenance == "decrypted" for message in over[-1].messages)


def test_eap_on_the_link_is_seen_by_the_usual_filter() -> None:
    try:
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    except (AttributeError, PermissionError):
        pytest.skip("this user may not send frames")
    with link:
        link.bind((LOOP, 0))
        watcher = Watcher(WatchOptions(LOOP))
        for _, frame, _ in in_eapol(conversation(handshake("1.2").chunks)):
            link.send(frame)
        assert until(lambda: bool(ended(watcher, "eap")))
        watcher.end(stop=True)
    assert [(one.carrier, one.complete, one.client.address) for one in ended(watcher, "eap")] == [
        ("EAP-TLS in 802.1X", True, "02:00:00:00:00:11")
    ]


def ended(watcher: Watcher, transport: str) -> list[Connection]:
    """The connections of a transport that are over."""
    last = [snapshots[-1] for snapshots in list(watcher.told.values())]
    return [connection for connection, over in last if over and connection.transport == transport]


def test_the_command_prints_json_lines_and_leaves_nothing(port: int, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tlsviz", "watch", LOOP, "--filter", f"tcp port {port}", "--format", "json"]
    command = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        # Nothing is printed before the first one is seen: shake hands until dumpcap runs.
        assert command.stdout is not None
        os.set_blocking(command.stdout.fileno(), False)
        seen = b""

        def one() -> bool:
            nonlocal seen
            assert command.poll() is None
            shake(port, tmp_path / "keys.log", 1)
            assert command.stdout is not None
            seen += command.stdout.read() or b""
            return b"\n" in seen

        assert until(one)
        command.send_signal(signal.SIGINT)
        os.set_blocking(command.stdout.fileno(), True)
        seen += command.stdout.read()
        assert command.wait(PATIENCE) == 0
    finally:
        command.kill()
        command.wait()
    found = [json.loads(line) for line in seen.splitlines()]
    assert sorted(connection["id"] for connection in found) == [*range(len(found))]
    assert {connection["server"]["port"] for connection in found} == {port}
    assert not remaining(f"tcp port {port}")


def test_nothing_remains_when_the_command_is_killed(port: int, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tlsviz", "watch", LOOP, "--filter", f"tcp port {port}", "--format", "json"]
    command = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert until(lambda: bool(remaining(f"tcp port {port}")))
    command.kill()
    command.wait()
    assert until(lambda: not remaining(f"tcp port {port}"))


def remaining(text: str) -> list[str]:
    """The command lines of dumpcaps that have this word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            parts = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if text.encode() in parts and b"dumpcap" in parts[0]:
            found.append(b" ".join(parts).decode())
    return found


def test_an_interface_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(MissingError, match="There is no interface nowhere0") as caught:
        watch(WatchOptions("nowhere0"), lambda connection, over: None)
    assert LOOP in caught.value.hint
    assert caught.value.exit_status == 3


def test_a_bad_filter_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="is not valid"):
        watch(WatchOptions(LOOP, "tcp prt 443"), lambda connection, over: None)


def test_a_filter_of_the_list_is_told_from_one_of_the_capture() -> None:
    with pytest.raises(UsageError, match="is not valid") as caught:
        watch(WatchOptions(LOOP, "version:1.2"), lambda connection, over: None)
    assert "tcp port 443" in caught.value.hint and "type / in it" in caught.value.hint
