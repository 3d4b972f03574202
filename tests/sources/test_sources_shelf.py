"""What is kept of connections: on a shelf, in a spool on the disk, and secrets in memory alone."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable

import pytest
from dialogue import shake
from effort import growth
from shelved import Packets, at, closed, fed, numbered

from tlsviz.connection.judge import Evidence
from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TlsvizError
from tlsviz.sources.entries import keep, taken
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.settling import Settling
from tlsviz.sources.shelf import Shelf
from tlsviz.sources.shelving import PATIENCE, Shelving
from tlsviz.sources.spool import Spool


@pytest.fixture(scope="module")
def frames() -> Packets:
    return closed(shake())


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
