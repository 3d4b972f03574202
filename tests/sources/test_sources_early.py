"""Connections of a capture are given before its end; what the trace says in the end is the same."""

from __future__ import annotations

import errno
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pcap_writer as w
import pytest
from certificate_makers import NOW, ec_key, make
from dialogue import Dialogue, make_client, make_server, shake
from effort import Stopwatch, growth

from tlsviz.connection.judge import Evidence
from tlsviz.connection.model import Connection
from tlsviz.connection.rows import Row, only, row, rows
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import CancelledError, TlsvizError
from tlsviz.pki import stores
from tlsviz.sources import catalog
from tlsviz.sources.background import Listed, Loading, read_capture
from tlsviz.sources.capture import Opened, OpenOptions, load_capture
from tlsviz.sources.catalog import Crews, list_capture
from tlsviz.sources.entries import Entry, keep, taken
from tlsviz.sources.memory import recalled
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.packets import read_packets
from tlsviz.sources.segments import ACK, RST, Packet
from tlsviz.sources.settling import Settling
from tlsviz.sources.shelf import Kept, Shelf
from tlsviz.sources.shelving import PATIENCE, Shelving
from tlsviz.sources.spool import Spool
from tlsviz.sources.spread import Spread

ROOT = Path(__file__).resolve().parents[2]
Packets = list[Packet]


@pytest.fixture(scope="module")
def frames() -> Packets:
    """A handshake with a farewell from both sides, a millisecond a packet."""
    return closed(shake())


def closed(said: Dialogue) -> Packets:
    found = w.packets(said)
    last = found[-1]
    back = last._replace(
        source=last.destination,
        destination=last.source,
        sequence=last.acknowledgement,
        acknowledgement=last.sequence + 1,
    )
    return [each._replace(time=index / 1000) for index, each in enumerate([*found, back])]


def at(packets: Packets, port: int, start: float) -> Packets:
    return [
        each._replace(
            time=each.time + start,
            source=each.source._replace(port=port) if each.source.port == 40000 else each.source,
            destination=each.destination._replace(port=port) if each.destination.port == 40000 else each.destination,
        )
        for each in packets
    ]


def shelving(told: list[Entry]) -> Shelving:
    return Shelving(KeyLog(), Opinions((), None, Evidence()), Spool(), told.append, strict=True)


def numbered(packets: Packets) -> Iterator[Packet]:
    """The packets as frames of one capture."""
    streams: dict[frozenset[object], int] = {}
    for number, packet in enumerate(packets, 1):
        stream = streams.setdefault(frozenset((packet.source, packet.destination)), len(streams))
        yield packet._replace(number=number, stream=stream)


def fed(packets: Packets) -> tuple[Shelving, list[Entry]]:
    """What followed the packets to their end, and what it told."""
    told: list[Entry] = []
    following = shelving(told)
    for packet in numbered(packets):
        following.take(packet)
    following.end()
    return following, told


def given(packets: Packets) -> tuple[list[tuple[int, Row]], list[Row]]:
    """What was given, after how many packets; and what it is in the end."""
    told: list[Entry] = []
    early: list[tuple[int, Row]] = []
    following = shelving(told)
    for packet in numbered(packets):
        following.take(packet)
        early += [(packet.number, entry.row) for entry in told]
        told.clear()
    following.end()
    return early, [entry.row for _, entry in sorted(following.entries.items())]


def test_a_closed_connection_is_given_with_its_last_packet(frames: Packets) -> None:
    one, two = at(frames, 40001, 0), at(frames, 40002, 5)
    early, last = given([*one, *two])
    assert [count for count, _ in early] == [len(one), len(one) + len(two)]
    assert [row for _, row in early] == last


def test_a_reset_closes_too(frames: Packets) -> None:
    end = frames[-1]._replace(flags=RST | ACK)
    early, last = given([*frames[:-2], end])
    assert [row for _, row in early] == last


def test_what_stays_open_is_given_after_a_while_and_again_when_it_closes(frames: Packets) -> None:
    other = at(frames, 40001, PATIENCE + 1)
    end = [frames[-2]._replace(time=PATIENCE + 3), frames[-1]._replace(time=PATIENCE + 4)]
    early, last = given([*frames[:-2], *other, *end])
    assert [row.client.port for _, row in early] == [40000, 40001, 40000]
    assert early[0][0] <= len(frames)
    assert [early[2][1], early[1][1]] == last


def test_waiting_bytes_keep_a_connection_from_being_given(frames: Packets) -> None:
    data = next(index for index, each in enumerate(frames) if each.payload and each.source.port == 443)
    early, last = given([*frames[:data], *frames[data + 1 :]])
    assert early == []
    assert len(last) == 1 and "capture_lost" in " ".join(last[0].findings)


def spoiled(frames: Packets) -> list[Packets]:
    """The same connection in many ways, side by side."""
    chance = random.Random(5)
    half = len(frames) // 2
    shuffled = sorted(range(len(frames)), key=lambda index: index + (chance.random() * 5 if index > 6 else 0))
    again = frames[half : half + 3]
    return [
        frames,
        frames[:-2],
        [*frames[:-2], frames[-1]._replace(flags=RST | ACK)],
        [*frames, frames[-1]._replace(flags=RST | ACK)],
        [*frames, *again, frames[-2]],
        [*frames[:half], *frames[half + 1 :]],
        [frames[index]._replace(time=index / 1000) for index in shuffled],
        [each for each in frames if each.source.port == 443],
        [frames[0]._replace(flags=ACK, sequence=5), *frames[half:]],
        [each._replace(time=each.time * 400) for each in frames],
        [frames[0], frames[1]],
    ]


@pytest.mark.tshark
def test_the_trace_is_the_same_with_and_without(tmp_path: Path, frames: Packets) -> None:
    old = closed(shake("1.2"))
    every = [
        packet
        for number, packets in enumerate([*spoiled(frames), *spoiled(old)])
        for packet in at(packets, 41000 + number, number * 0.0003)
    ]
    every.sort(key=lambda packet: packet.time)
    path = tmp_path / "a.pcap"
    path.write_bytes(w.pcap(map(w.frame, every)))
    whole = recalled(load_capture(path, strict=True))
    told: dict[int, Row] = {}
    order: list[int] = []

    def found(kept: Kept) -> None:
        told[kept.row.id] = kept.row
        order.append(kept.row.id)

    assert list_capture(path, strict=True, found=found) == whole
    assert [told[number] for number in range(len(whole.connections))] == list(map(row, whole.connections))
    assert len(order) > len(whole.connections) > 10  # some came twice: they were not over yet
    assert read_capture(path) == whole
    with Loading(path) as loading:
        events = [event for event in loading if isinstance(event, Listed)]
    assert [kept.row.id for event in events for kept in event.kept] == order


def test_what_was_over_goes_on_when_more_comes(frames: Packets) -> None:
    """The engine is gone by then: another one is given everything anew."""
    late = frames[-1]._replace(flags=RST | ACK, time=99.0, payload=b"")
    _, told = fed([*frames, late])
    assert [entry.row.duration for entry in told] == [frames[-1].time - frames[0].time, 99.0 - frames[0].time]


def test_what_was_over_is_not_looked_at_again(frames: Packets) -> None:
    _, told = fed(frames)
    assert len(told) == 1


# -- the shelf ---------------------------------------------------------------------------------------------


@pytest.mark.tshark
@pytest.mark.parametrize("name", ["resumption.pcapng", "tls13.pcapng", "quic.pcapng", "dtls12.pcapng"])
def test_a_shelf_gives_what_the_whole_reading_gives(name: str) -> None:
    path = ROOT / "captures" / name
    keys = Path(f"{path}.keylog")
    options = OpenOptions(keylogs=(keys,) if keys.exists() else ())
    whole, shelf = recalled(load_capture(path, options, strict=True)), list_capture(path, options, strict=True)
    assert shelf == whole
    assert list(rows(shelf.connections)) == list(map(row, whole.connections))
    chosen = only(shelf.connections, (0,))
    assert list(chosen) == [whole.connections[0]] and chosen != whole.connections[1:]


@pytest.mark.tshark
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are doubled on Linux alone")
@pytest.mark.parametrize("carve", [True, False])
@pytest.mark.parametrize("name", ["resumption.pcapng", "several.pcapng", "quic.pcapng", "tls12-no-keys.pcapng"])
def test_several_processes_give_the_same(monkeypatch: pytest.MonkeyPatch, name: str, carve: bool) -> None:
    path = ROOT / "captures" / name
    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: 3)
    monkeypatch.setattr(catalog.Opened, "keyed", False)
    started: list[int] = []
    start = Spread.start
    monkeypatch.setattr(Spread, "start", lambda spread, *how: (started.append(1), start(spread, *how))[1])
    seen: list[int] = []
    options = OpenOptions(carve=carve)
    trace = list_capture(path, options, found=lambda kept: seen.append(kept.row.id), strict=True)
    assert trace == recalled(load_capture(path, options, strict=True))
    assert started and set(seen) == set(range(len(trace.connections)))


@pytest.mark.tshark
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are doubled on Linux alone")
def test_a_process_that_meets_a_bug_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: 2)
    monkeypatch.setattr(Shelving, "take", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        list_capture(ROOT / "captures" / "tls12-no-keys.pcapng")
    monkeypatch.setattr(Shelving, "take", lambda *_: os._exit(9))
    with pytest.raises(TlsvizError, match="a process is gone"):
        list_capture(ROOT / "captures" / "tls12-no-keys.pcapng")


def test_a_shelf_gives_no_connection_that_does_not_know_what_came_before(frames: Packets) -> None:
    one, two = at(frames, 40001, 1e6), at(frames, 40002, 1e6 + 5)
    following, told = fed([*two, *one])
    settling = Settling(Opinions((), None, Evidence()), following.spool)
    shelf = Shelf(following.spool, lambda connection, _: connection)
    later, sooner = map(settling.provisional, told)
    shelf.put(later)
    assert shelf[0].earlier == ()
    shelf.put(sooner)
    assert shelf[0].earlier == (sooner.observation,)


def test_a_new_row_costs_nothing_where_the_rest_stays(frames: Packets) -> None:
    following, told = fed(frames)
    kept = Settling(Opinions((), None, Evidence()), following.spool).provisional(told[0])

    def work(size: int) -> Callable[[], object]:
        shelf = Shelf(following.spool, lambda connection, _: connection)
        for number in range(size):
            shelf.put(kept._replace(row=kept.row._replace(id=number)))

        def renew() -> None:
            for number in range(size):
                shelf.before(("server.test", 443), 1e9)
                shelf.put(shelf.kept[number]._replace(row=kept.row._replace(id=number, findings=("other",))))

        return renew

    assert growth(work, 50, 8) < 2


def test_secrets_do_not_go_to_the_disk() -> None:
    spool = Spool()
    place = keep(Connection(secrets=(("EXPORTER_SECRET", b"secret" * 8),)), None, spool)
    assert place.held and not place.size
    assert taken(place, spool, 7, -1)[0] == Connection(id=7, secrets=(("EXPORTER_SECRET", b"secret" * 8),))
    plain = keep(Connection(), None, spool)
    assert plain.size and not plain.held


def test_processes_that_share_a_spool_do_not_meet() -> None:
    with Spool() as mine:
        other = Spool(mine.descriptor, 1)
        places = [(spool, spool.add(data), data) for spool, data in ((mine, b"one"), (other, b"two"), (mine, b"three"))]
        other.flush()
        assert [mine.read(place, len(data)) for _, place, data in places] == [b"one", b"two", b"three"]


def test_a_disk_that_was_full_for_a_moment_shifts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite
    with Spool() as spool:
        first = spool.add(b"0123456789")

        def full(descriptor: int, data: bytearray, at: int) -> int:
            if at > first:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, data[:5], at)

        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(TlsvizError, match="No space left"):
            spool.flush()
        second = spool.add(b"abcdef")
        with pytest.raises(TlsvizError, match="No space left"):
            spool.read(second, 6)
        monkeypatch.undo()
        assert (spool.read(first, 10), spool.read(second, 6)) == (b"0123456789", b"abcdef")


def test_where_nothing_can_be_kept_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", nowhere)
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with pytest.raises(TlsvizError, match="No usable temporary directory"):
        Spool()


def test_a_full_disk_is_no_mistake_of_ours(frames: Packets, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it passed over where a connection is told of before its end."""

    def full(*_: object) -> int:
        raise TlsvizError("Cannot keep what was read", "No space left on device")

    monkeypatch.setattr(Spool, "add", full)
    following = Shelving(KeyLog(), Opinions((), None, Evidence()), Spool(), lambda _: None)
    for packet in numbered(frames[:-2]):
        following.take(packet)
    with pytest.raises(TlsvizError, match="No space left"):
        following.passing(frames[-1]._replace(time=frames[0].time + 2 * PATIENCE))


@pytest.mark.tshark
def test_a_verdict_that_comes_later_is_what_others_know_of_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first connection shows the intermediate that the second lacks, but is over only after it."""
    root = make("root", ec_key(1), ca=True)
    between = make("between", ec_key(2), root, ca=True)
    leaf = make("server.test", ec_key(3), between, names=("server.test",))
    said = []
    for above in ([between], [], []):
        server = make_server()
        server.use_certificate(leaf.cert)
        server.use_privatekey(leaf.key)
        for each in above:
            server.add_extra_chain_cert(each.cert)
        said.append(closed(shake("1.2", resume=Dialogue(context=make_client("1.2"), server_context=server))))
    first, second, third = said
    first = [*first[:-2], *(each._replace(time=each.time + 2) for each in first[-2:])]
    path = tmp_path / "a.pcap"
    every = [*at(first, 40001, 1e6), *at(second, 40002, 1e6 + 1), *at(third, 40003, 1e6 + 5)]
    path.write_bytes(w.pcap(map(w.frame, sorted(every, key=lambda packet: packet.time))))
    monkeypatch.setattr(stores, "mozilla", lambda: stores.from_ders("Mozilla", [root.der]))
    monkeypatch.setattr(stores, "system", lambda: stores.from_ders("system", []))
    options = OpenOptions(at=NOW)
    whole = recalled(load_capture(path, options, strict=True))
    assert [one.public for one in whole.connections[2].earlier] == [True, True]
    assert list_capture(path, options, strict=True) == whole


@pytest.mark.tshark
def test_what_stops_the_reading_stops_it_at_once(tmp_path: Path, frames: Packets) -> None:
    """Even where tshark has more to say than pipes hold."""
    path = tmp_path / "a.pcap"
    data = frames[2]._replace(payload=bytes(1400))
    path.write_bytes(w.pcap(map(w.frame, [data._replace(sequence=number * 1400) for number in range(3000)])))

    def take(*_: object) -> None:
        raise ZeroDivisionError

    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError):
        read_packets(path, take)
    assert watch.seconds() < 5


@pytest.mark.tshark
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are doubled on Linux alone")
@pytest.mark.parametrize("count", [1, 2])
def test_it_can_be_given_up_when_all_is_read(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    over: list[int] = []
    crew = Spread if count > 1 else Shelving
    end = crew.end
    monkeypatch.setattr(crew, "end", lambda crew: (over.append(1), end(crew))[1])
    monkeypatch.setattr(Spread, "_ended", lambda *_: pytest.fail("it waited for the processes"))
    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: count)
    with pytest.raises(CancelledError):
        list_capture(ROOT / "captures" / "tls12-no-keys.pcapng", cancelled=lambda: bool(over))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are doubled on Linux alone")
def test_processes_of_an_attempt_that_was_given_up_are_gone_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: 2)
    options = OpenOptions(carve=False)
    with (
        Opened(ROOT / "captures" / "tls12-no-keys.pcapng", options, None, None) as opened,
        Crews(opened, options.opinions(), Spool(), lambda _: None, strict=True) as crews,
    ):
        first = crews.begin(None)
        first.start(None, opened.look)
        assert isinstance(first, Spread)
        processes = list(first._processes)
        crews.begin(None)
        for process in processes:
            with pytest.raises(ProcessLookupError):
                os.kill(process, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are doubled on Linux alone")
def test_where_no_process_can_be_started_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(catalog, "WORTH", 0)
    monkeypatch.setattr(catalog, "processes", lambda: 2)
    monkeypatch.setattr(os, "fork", none_left)
    with pytest.raises(TlsvizError, match="no process can be started"):
        list_capture(ROOT / "captures" / "tls12-no-keys.pcapng")


@pytest.mark.tshark
def test_what_is_told_of_an_open_connection_holds_what_tshark_was_not_shown(tmp_path: Path, frames: Packets) -> None:
    path = tmp_path / "open.pcap"
    path.write_bytes(w.pcap(map(w.frame, [*at(frames[:-2], 40001, 0), *at(frames, 40002, 2 * PATIENCE)])))
    given: list[Row] = []
    trace = list_capture(path, found=lambda kept: given.append(kept.row), strict=True)
    final = row(trace.connections[0])
    assert (given[0].client, given[0].suite, given[0].complete) == (final.client, final.suite, True)


@pytest.mark.tshark
@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "captures").glob("*.pcap*")))
def test_without_findings_all_else_of_a_list_is_the_same(name: str) -> None:
    """And a connection that is opened has them."""
    path = ROOT / "captures" / name
    whole, brief = list_capture(path), list_capture(path, OpenOptions(findings=False))
    assert [each._replace(findings=()) for each in rows(brief.connections)] == [
        each._replace(findings=()) for each in rows(whole.connections)
    ]
    assert brief.notices == whole.notices
    for connection, other in zip(whole.connections, brief.connections, strict=True):
        assert connection.earlier or connection == other


@pytest.mark.tshark
def test_a_printed_list_looks_for_no_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless they are asked for: by the filter, or in JSON."""
    from tlsviz.cli import main
    from tlsviz.connection import judge

    looked: list[int] = []
    find = judge.find

    def counted(*args: object) -> object:
        looked.append(1)
        return find(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(judge, "find", counted)
    for words, expected in (([], False), (["--filter", "not finding:nothing"], True), (["--format", "json"], True)):
        looked.clear()
        assert main(["show", str(ROOT / "captures" / "tls13-no-keys.pcapng"), "--list", *words]) == 0
        assert bool(looked) is expected
    assert capsys.readouterr().out.count("www.lab.test")
