"""A capture file becomes a trace; in a process of its own it becomes the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pcap_writer as w
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dialogue import Dialogue, shake
from pcap_writer import SERVER_END, packets

from tlsviz.connection.plain import undecided
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import CancelledError, TargetError
from tlsviz.sources import following
from tlsviz.sources.background import Done, Failed, Listed, Loading, read_capture
from tlsviz.sources.capture import load_capture
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.memory import recalled
from tlsviz.sources.opening import OpenOptions, Progress
from tlsviz.sources.shelf import Shelf

pytestmark = pytest.mark.tshark

OWN = Path(__file__).parents[2] / "captures"


@pytest.fixture(scope="module")
def dialogue() -> Dialogue:
    return shake()


@pytest.fixture
def capture(tmp_path: Path, dialogue: Dialogue) -> Path:
    """Three TLS connections and something else, interleaved, with the first one's secrets inside."""
    plain = Dialogue(chunks=[dialogue.chunks[0]._replace(data=b"\0nothing that anybody knows")])
    other = shake("1.2")
    mixed = [
        *packets(dialogue, 40000),
        *packets(plain, 40001),
        *packets(other, 40002, [("server", b"220 ready\r\n"), ("client", b"STARTTLS\r\n"), ("server", b"220 go\r\n")]),
        *packets(dialogue, 40003),
    ]
    mixed.sort(key=lambda packet: packet.time)
    path = tmp_path / "a.pcapng"
    keys = b"\n".join(dialogue.keylog)
    path.write_bytes(w.section() + w.enhanced(map(w.frame, mixed)) + w.secrets(keys))
    return path


def test_load(capture: Path, dialogue: Dialogue) -> None:
    trace = load_capture(capture, strict=True)
    assert trace.source.kind == "capture"
    assert [connection.id for connection in trace.connections] == [0, 1, 2]
    assert len({connection.tcp_stream for connection in trace.connections}) == 3
    by_port = {connection.client.port: connection for connection in trace.connections}
    assert sorted(by_port) == [40000, 40002, 40003]
    assert {connection.server for connection in trace.connections} == {SERVER_END}
    expected = dialogue.connection()
    for port in (40000, 40003):
        found = by_port[port]
        assert [m.type for m in found.messages] == [m.type for m in expected.messages]
        assert [m.sha256 for m in found.messages] == [m.sha256 for m in expected.messages]
        assert all(m.packets for m in found.messages)
        assert found.trust is not None
        assert {proof.status for proof in found.proofs if proof.what == "server_finished"} == {"verified"}
    assert by_port[40002].starttls is not None
    assert trace.notices == ()


def test_messages_name_their_frames(capture: Path) -> None:
    (first, *_) = load_capture(capture, strict=True).connections
    numbers = [number for message in first.messages for number in message.packets]
    assert numbers == sorted(numbers)
    assert max(numbers) <= (load_capture(capture).source.packets or 0)


def test_key_log_files(tmp_path: Path, dialogue: Dialogue) -> None:
    path, keys = tmp_path / "a.pcap", tmp_path / "keys.log"
    path.write_bytes(w.pcap(map(w.frame, packets(dialogue))))
    (without,) = load_capture(path, strict=True).connections
    assert without.key_source is None
    keys.write_bytes(b"nonsense line\n" + b"\n".join(dialogue.keylog))
    trace = load_capture(path, OpenOptions(keylogs=(keys,)), strict=True)
    assert trace.connections[0].key_source == "keys.log"
    assert len(trace.notices) == 1 and "line 1" in trace.notices[0]
    with pytest.raises(TargetError, match=r"key log none\.log"):
        load_capture(path, OpenOptions(keylogs=(tmp_path / "none.log",)))


def test_key_log_of_another_connection(tmp_path: Path, dialogue: Dialogue) -> None:
    path, keys = tmp_path / "a.pcap", tmp_path / "keys.log"
    path.write_bytes(w.pcap(map(w.frame, packets(dialogue))))
    keys.write_bytes(b"\n".join(shake().keylog))
    (notice,) = load_capture(path, OpenOptions(keylogs=(keys,)), strict=True).notices
    assert "keys.log" in notice and "matches no connection" in notice
    keys.write_text("# nothing yet\n")
    (notice,) = load_capture(path, OpenOptions(keylogs=(keys,)), strict=True).notices
    assert "holds no secrets" in notice


def test_cut_capture(tmp_path: Path, dialogue: Dialogue) -> None:
    path = tmp_path / "a.pcap"
    frames = [w.frame(packet) for packet in packets(dialogue)]
    path.write_bytes(w.pcap(frames)[:-10])
    trace = load_capture(path, strict=True)
    assert len(trace.connections) == 1
    assert trace.notices == (
        f"The capture is cut short in the middle of a packet (frame {len(frames)}): what came before it is shown.",
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"plain text\n", "not a capture"), (b"\x89PNG\r\n\x1a\n" + bytes(200), "not a capture")],
)
def test_no_captures(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(content)
    start = time.monotonic()
    with pytest.raises(TargetError, match=words):
        load_capture(path)
    assert time.monotonic() - start < 10


def test_captures_without_tls(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap([]))
    assert load_capture(path).notices == ("The capture holds no packets.",)
    talk = Dialogue(chunks=[shake().chunks[0]._replace(data=b"nothing that anybody knows\r\n" * 20_000)])
    path.write_bytes(w.pcap(map(w.frame, packets(talk))))
    trace = load_capture(path, strict=True)
    assert trace.connections == ()
    assert len(trace.notices) == 1 and "no TLS, DTLS or QUIC" in trace.notices[0]


def test_progress_and_found(capture: Path) -> None:
    reports: list[Progress] = []
    seen: list[int] = []
    trace = list_capture(capture, progress=reports.append, found=lambda kept: seen.append(kept.row.id))
    assert sorted({*seen}) == [connection.id for connection in trace.connections]
    assert reports[-1].fraction == 1.0
    assert reports[-1].connections == 3
    assert [report.bytes for report in reports] == sorted(report.bytes for report in reports)


def test_cancel(capture: Path) -> None:
    with pytest.raises(CancelledError):
        load_capture(capture, cancelled=lambda: True)


def test_a_bug_on_one_stream_costs_only_that_stream(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(undecided.Engine):
        def finish(self, time: float | None = None) -> None:
            if self.client.port == 40002:
                raise ZeroDivisionError("a bug")
            super().finish(time)

    monkeypatch.setattr(undecided, "Engine", Broken)
    trace = load_capture(capture)
    assert sorted(connection.client.port for connection in trace.connections) == [40000, 40003]
    assert [connection.id for connection in trace.connections] == [0, 1]
    (notice,) = trace.notices
    assert "ZeroDivisionError" in notice
    with pytest.raises(ZeroDivisionError):
        load_capture(capture, strict=True)


def test_undecided_streams_are_not_kept(dialogue: Dialogue) -> None:
    feed = following.Following(KeyLog(), strict=True)
    talk = Dialogue(chunks=[dialogue.chunks[0]._replace(data=bytes(400_000))])
    for packet in packets(talk):
        feed.take(packet)
    assert feed._streams == {0: None}


# -- in a process of its own -------------------------------------------------------------------------------


def test_background_gives_the_same(capture: Path) -> None:
    reports: list[Progress] = []
    seen: list[int] = []

    def found(shelf: Shelf, event: Listed) -> None:
        seen.extend(kept.row.id for kept in event.kept)

    trace = read_capture(capture, OpenOptions(), reports.append, found)
    assert trace == load_capture(capture)
    assert {*seen} == set(range(len(trace.connections)))
    assert reports


def test_background_keeps_relative_names(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(capture.parent)
    assert read_capture(Path(capture.name)) == load_capture(Path(capture.name))


def test_background_events(capture: Path) -> None:
    with Loading(capture) as loading:
        events = list(loading)
    kinds = [type(event) for event in events]
    assert kinds[-1] is Done
    assert {kept.row.id for event in events if isinstance(event, Listed) for kept in event.kept} == {0, 1, 2}
    assert loading.poll() is None


def test_background_errors(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="is not there"):
        read_capture(tmp_path / "none.pcap")


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory, dialogue: Dialogue) -> Path:
    """A capture that takes a while: a ClientHello, then much of nothing."""
    path = tmp_path_factory.mktemp("big") / "big.pcap"
    hello = dialogue.chunks[0]
    talk = Dialogue(chunks=[hello, *[hello._replace(data=bytes(1000))] * 6_000])
    path.write_bytes(w.pcap(map(w.frame, packets(talk))))
    return path


def test_background_cancel(big: Path) -> None:
    with pytest.raises(CancelledError):
        read_capture(big, cancelled=lambda: True)
    with Loading(big) as loading:
        assert isinstance(loading.poll(10), Progress)
        loading.cancel()
        start = time.monotonic()
        last = list(loading)[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, CancelledError)
    assert time.monotonic() - start < 10


def test_background_child_that_dies_is_an_error(capture: Path) -> None:
    with Loading(capture) as loading:
        loading._begun.process.kill()
        last = list(loading)[-1]
    assert isinstance(last, Failed)
    assert "broke off" in str(last.error)


def test_background_child_ends_with_its_parent(big: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tlsviz.sources.background import Loading\n"
        f"loading = Loading(Path({str(big)!r})); loading.poll(20); print(loading._begun.process.pid, flush=True)\n"
        "import os; os._exit(0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    child = int(parent.stdout)
    deadline = time.monotonic() + 6
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not OWN.is_dir(), reason="the sample captures are not here")
def test_sample_captures_open_without_notices() -> None:
    for path in sorted(OWN.glob("*.pcapng"))[::4]:
        trace = load_capture(path, strict=True)
        assert trace.connections, path.name
        assert not [notice for notice in trace.notices if "--ca" not in notice], path.name


def test_a_list_says_of_keys_what_the_whole_reading_says(capture: Path, tmp_path: Path) -> None:
    """What they do not open is made anew without them, and does not say that there were none."""
    key = tmp_path / "server.pem"
    key.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    log = tmp_path / "keys"
    log.write_text(f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n")
    for options in (OpenOptions(), OpenOptions(rsa_keys=(key,)), OpenOptions(keylogs=(log,), rsa_keys=(key,))):
        assert recalled(load_capture(capture, options)) == list_capture(capture, options)
    bare = tmp_path / "bare.pcap"
    bare.write_bytes(w.pcap(map(w.frame, [*packets(shake(), 40000), *packets(shake("1.2"), 40001)])))
    for options in (OpenOptions(), OpenOptions(rsa_keys=(key,)), OpenOptions(keylogs=(log,))):
        assert recalled(load_capture(bare, options)) == list_capture(bare, options)
