"""The process that `background` starts: it reads a capture or watches an interface, and tells what it finds."""

from __future__ import annotations

import gc
import os
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection as Channel
from pathlib import Path
from typing import TYPE_CHECKING

from tlsviz.errors import TlsvizError
from tlsviz.sources.background import CANCEL, Bug, Failed, Found, Listed, Rest
from tlsviz.sources.begun import GRACE
from tlsviz.sources.catalog import list_capture
from tlsviz.sources.spool import Spool

if TYPE_CHECKING:
    from tlsviz.connection.model import Connection
    from tlsviz.sources.interface import WatchOptions
    from tlsviz.sources.opening import OpenOptions, Progress
    from tlsviz.sources.shelf import Kept

PATIENT_COLLECTOR = 50_000
"""Objects between two collections of cyclic garbage, of which what is decoded holds next to nothing."""
_MOST, _SOON = 200, 0.1
"""So many connections are sent together, or as many as come within so many seconds; the first ones sooner."""
_FIRST = 0.01


def child(descriptor: int, spool: int) -> None:
    """The child's main function: ``descriptor`` is its end of the socket pair, ``spool`` the file of the shelf."""
    gc.set_threshold(PATIENT_COLLECTOR, 20, 20)
    channel = Channel(descriptor)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # nobody listens any more
        what, options = channel.recv()
        stop = threading.Event()
        threading.Thread(target=_listen, args=(channel, stop), daemon=True).start()
        channel.send(_load(what, options, channel, stop, Spool(spool)))
    os._exit(0)  # the listening thread cannot be woken, and there is nothing to clean up


def _load(
    what: Path | WatchOptions,
    options: OpenOptions,
    channel: Channel,
    stop: threading.Event,
    spool: Spool,
) -> Rest | Failed | Bug:
    def found(connection: Connection, over: bool = True) -> None:
        channel.send(Found(connection, over))

    try:
        if isinstance(what, Path):
            batch = _Batch(channel, spool)
            trace = list_capture(what, options, batch.progress, stop.is_set, found=batch.add, spool=spool)
            batch.send()
        else:
            from tlsviz.sources.interface import watch

            trace = watch(what, found, channel.send, stop.is_set)
    except TlsvizError as error:
        return Failed(error)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except MemoryError:
        return Failed(TlsvizError("Reading the capture needs more memory", "there is none left", "Open a part of it."))
    except Exception:
        return Bug(traceback.format_exc())
    return Rest(trace.source, len(trace.connections), trace.notices)


class _Batch:
    """Sends connections some at a time: what they share travels once."""

    def __init__(self, channel: Channel, spool: Spool) -> None:
        self._channel = channel
        self._spool = spool
        self._kept: list[Kept] = []
        self._next, self._wait = 0.0, _FIRST

    def add(self, kept: Kept) -> None:
        self._kept.append(kept)
        if len(self._kept) >= _MOST or time.monotonic() >= self._next:
            self.send()

    def progress(self, progress: Progress) -> None:
        self.send()
        self._channel.send(progress)

    def send(self) -> None:
        if self._kept:
            self._spool.flush()
            self._channel.send(Listed(tuple(self._kept)))
            self._kept.clear()
            self._wait = min(self._wait * 2, _SOON)
        self._next = time.monotonic() + self._wait


def _listen(channel: Channel, stop: threading.Event) -> None:
    """Waits for the parent's word or end. After its end, what does not stop by itself is ended."""
    with suppress(EOFError, OSError):
        while channel.recv() == CANCEL:
            stop.set()
    stop.set()
    time.sleep(GRACE / 2)
    os._exit(1)
