"""Captures that are not one file: standard input, and several files at once. Both become one file of our own.

It lies in a private folder that is gone with the process. Several files are merged by time, as mergecap does: where two
packets have the same time, that of the file named first comes first; within a file the order stays. So connections that
go on from one file of a ring buffer to the next are one, and packets have the numbers of the merged order.
"""

from __future__ import annotations

import atexit
import errno
import heapq
import mmap
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

from tlsviz.errors import TargetError, UsageError
from tlsviz.sources import tshark
from tlsviz.sources.frames import UNKNOWN_LINK, Data, Frame, framing
from tlsviz.sources.pcapng import require_file, survey
from tlsviz.sources.record import interface_block, packet_block, secrets_block, section_block
from tlsviz.wire.text import plural, safe, shorten

STANDARD_INPUT = "-"
MOST_NAMED, FIRST_NAMED = 4, 3
"""Of more files than that only the first are named."""
_PIECE = 1 << 20


class Gathered(NamedTuple):
    """A capture file; ``name``: what to call it, None where its path says it; ``notices``: what to say of it."""

    path: Path
    name: str | None = None
    notices: tuple[str, ...] = ()


def gather(words: Sequence[str], stdin: Callable[[], BinaryIO]) -> Gathered:
    """The file that the words mean: a path each, or - for standard input.

    Raises `TargetError` for what cannot be read or kept, `UsageError` where standard input is named twice.
    """
    if list(words).count(STANDARD_INPUT) > 1:
        raise UsageError("Standard input is named twice", "", "It can be read once.")
    files = [spooled(stdin()) if word == STANDARD_INPUT else Gathered(Path(word).expanduser()) for word in words]
    return files[0] if len(files) == 1 else merged(files)


@cache
def _folder() -> Path:
    """A folder that only this user can look into; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tlsviz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def spooled(stream: BinaryIO) -> Gathered:
    """What a pipe brings, to its end, in a file: captures are read twice."""
    path = _folder() / "standard-input"
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, _PIECE)
    except OSError as error:
        raise _full(error) from None
    if not path.stat().st_size:
        raise TargetError("Standard input is empty", "no capture came through the pipe", "Does what writes it run?")
    return Gathered(path, "standard input")


def merged(files: Sequence[Gathered]) -> Gathered:
    """Several captures as one, by time."""
    target = _folder() / "merged.pcapng"
    names = [file.name or shorten(file.path.name, 60) for file in files]
    notices = [notice for file in files for notice in file.notices]
    with ExitStack() as stack:
        inputs = []
        for at, file in enumerate(files):
            require_file(file.path)
            found = survey(file.path)
            if found.cut or found.damaged:
                what = "is cut short" if found.cut else "is damaged"
                notices.append(f"{names[at]} {what}: what came before that is shown.")
            inputs.append(_Input(_plain(file.path, at), found.secrets, stack))
        try:
            with target.open("wb") as out:
                _merge(inputs, out)
        except OSError as error:
            raise _full(error) from None
    counted = [f"{name} ({plural(each.count, 'packet')})" for name, each in zip(names, inputs, strict=True)]
    if len(counted) > MOST_NAMED:
        rest = sum(each.count for each in inputs[FIRST_NAMED:])
        more = f" and {len(counted) - FIRST_NAMED:,} more ({plural(rest, 'packet')})"
    else:
        more = ""
    counts = ", ".join(counted[: FIRST_NAMED if more else MOST_NAMED]) + more
    notices.insert(0, f"Merged by time: {counts}. Packets are numbered in the merged order.")
    return Gathered(
        target, " + ".join(names) if len(names) <= MOST_NAMED else f"{names[0]} + {len(names) - 1} more", (*notices,)
    )


class _Input:
    """One of the files. ``links``: the link types that occur in it, each an interface of the merged file."""

    def __init__(self, path: Path, secrets: list[bytes], stack: ExitStack) -> None:
        self.count = 0
        self.secrets = secrets
        file = stack.enter_context(path.open("rb"))
        self.data: Data = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.links: dict[int, None] = dict.fromkeys(frame[4] for frame in framing(self.data))

    def frames(self, number: int) -> Iterator[tuple[tuple[int, int], int, int, bytes, int]]:
        """Time, this file's number, link type, captured bytes and true length of each packet."""
        made = framing(self.data)
        for frame in made:
            self.count += 1
            length = _length(self.data, frame, made.found.kind == "pcap", made.order)
            yield made.clock(frame), number, frame[4], bytes(self.data[frame[1] : frame[2]]), length


def _length(data: Data, frame: Frame, pcap: bool, order: str) -> int:
    """How long a packet was on the wire."""
    found: int = struct.unpack_from(order + "I", data, frame[0] + (12 if pcap else 24))[0]
    return max(found, frame[2] - frame[1])


def _merge(inputs: Sequence[_Input], out: IO[bytes]) -> None:
    out.write(section_block("merged by time"))
    places: dict[tuple[int, int], int] = {}
    for number, each in enumerate(inputs):
        for link in each.links:
            places[number, link] = len(places)
            out.write(interface_block(f"file {number + 1}", link))
        for secrets in each.secrets:
            out.write(secrets_block(secrets))
    streams = [each.frames(number) for number, each in enumerate(inputs)]
    for (seconds, nanoseconds), number, link, data, length in heapq.merge(*streams, key=lambda frame: frame[0]):
        out.write(packet_block(seconds * 1_000_000_000 + nanoseconds, data, length, places[number, link]))


def _plain(path: Path, number: int) -> Path:
    """The file itself if its framing is known here, else a copy of it by tshark, which knows every format."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        made = framing(data)
        if made.found.kind != "other" and all(frame[4] != UNKNOWN_LINK for frame in made):
            return path
    copy = _folder() / f"{number}.pcapng"
    program = tshark.find()
    words = [program, "-n", "-r", str(path.absolute()), "-F", "pcapng", "-w", str(copy)]
    answer = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if not copy.exists() or not copy.stat().st_size:
        raise tshark.refusal(path, program, answer.stderr.decode("utf-8", "replace").splitlines())
    return copy


def _full(error: OSError) -> TargetError:
    why = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = f"Make room in {safe(str(_folder().parent))}, or set TMPDIR to a folder on a larger disk."
        return TargetError("The capture does not fit on the disk", why, hint)
    return TargetError("The capture cannot be read", why, "Save it to one file first.")
