"""Key log files that grow while they are used: a browser, or curl, goes on writing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.tls import views
from tlsviz.wire.text import shorten

READ_LIMIT = 256 << 20
"""How much of a key log is read at all, in bytes."""
LONGEST_TAIL = 1 << 18
"""A line without an end is not waited for beyond this, in bytes."""
ENCRYPTED_HELLO = 65037
_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(slots=True)
class _File:
    """One file: how far it was read, what of a line was read without its end, and what it looked like then."""

    path: Path
    offset: int = 0
    tail: bytes = b""
    seen: tuple[int, int, int] | None = None


class KeyFollower:
    """Reads what is new in key log files. Not thread-safe; reading blocks, so call `poll` outside an event loop.

    ``keylog`` takes the secrets; ``fresh`` holds the client randoms that the last poll brought secrets for, and
    ``unnamed`` is true if it brought some that are kept by something else. A file that is not there (yet) is waited
    for; one that was replaced or cut is read anew; a line is taken once it is whole, or when nothing follows it.
    """

    def __init__(self, paths: Sequence[Path], keylog: KeyLog | None = None) -> None:
        self.keylog = keylog if keylog is not None else KeyLog()
        self.fresh: frozenset[bytes] = frozenset()
        self.unnamed = False
        self._files = [_File(path) for path in paths]

    def poll(self) -> int:
        """Reads on; how many secrets are new. A file that cannot be read just now gives none."""
        self.fresh, self.unnamed = frozenset(), False
        texts = [(shorten(file.path.name, 80), text) for file in self._files if (text := _news(file))]
        if not texts:
            return 0
        before, counts = len(self.keylog), self._counts()
        for name, text in texts:
            self.keylog.add_text(text, name)
        now, new = self._counts(), len(self.keylog) - before
        self.fresh = frozenset(random for random, count in now.items() if count != counts.get(random, 0))
        self.unnamed = sum(now.values()) - sum(counts.values()) < new
        return new

    def _counts(self) -> dict[bytes, int]:
        return {random: len(self.keylog.labels(random)) for random in self.keylog.client_randoms()}

    def concerns(self, randoms: Iterable[frozenset[bytes] | None]) -> bool:
        """Whether what the last poll brought may open one of these connections, by the client randoms of each.

        None for one whose randoms do not tell (`randoms_of`).
        """
        if self.unnamed:
            return True
        return bool(self.fresh) and any(known is None or not known.isdisjoint(self.fresh) for known in randoms)


def randoms_of(connection: Connection) -> frozenset[bytes] | None:
    """The client randoms by which a connection's secrets are named; None where its hellos do not tell.

    A server that took an encrypted hello uses the random of the one inside, which nobody else knows.
    """
    if any(point.code == ENCRYPTED_HELLO for point in connection.offered.extensions):
        return None
    return frozenset(
        views.hello_random(message.tree, message.buffer.data)
        for message in connection.messages
        if message.type == "client_hello" and message.tree is not None and message.buffer is not None
    )


def _news(file: _File) -> bytes:
    """What a file holds that was not read before, as far as its lines are whole."""
    try:
        stat = file.path.stat()
        looks = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if looks == file.seen:
            tail, file.tail = file.tail, b""
            return tail
        if file.seen is not None and (stat.st_ino != file.seen[0] or stat.st_size < file.offset):
            file.offset, file.tail = 0, b""
        with file.path.open("rb") as opened:
            if opened.read(2) in _MARKS:
                # UTF-16: rare, and its lines cannot be cut by bytes.
                opened.seek(0)
                text = opened.read(READ_LIMIT)
                file.offset = len(text)
            else:
                opened.seek(file.offset)
                text = _lines(file, opened.read(max(READ_LIMIT - file.offset, 0)))
    except OSError:
        return b""
    file.seen = looks
    return text


def _lines(file: _File, data: bytes) -> bytes:
    """The whole lines; what follows the last of them is kept for later."""
    file.offset += len(data)
    whole, _, tail = (file.tail + data).rpartition(b"\n")
    file.tail = tail[:LONGEST_TAIL]
    return whole
