"""Saving what was captured as it comes, and at the end the secrets that belong to it."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TargetError
from tlsviz.sources.private import private_file
from tlsviz.sources.record import secrets_block
from tlsviz.tls import views
from tlsviz.wire.text import shorten


class Saving:
    """A pcapng file that grows, for its owner alone. Raises `TargetError` where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._randoms: dict[bytes, None] = {}
        try:
            self._file: IO[bytes] = private_file(path)
        except OSError as error:
            raise _refused(path, error) from None

    def write(self, data: bytes) -> None:
        """Appends blocks of pcapng as they are. Raises OSError where there is no room."""
        self._file.write(data)

    def note(self, connection: Connection) -> None:
        """The secrets of this connection are to be saved with it."""
        for message in connection.messages:
            if message.type == "client_hello" and message.tree is not None and message.buffer is not None:
                self._randoms[views.client_hello(message.tree, message.buffer.data).random] = None

    def finish(self, keylog: KeyLog) -> None:
        """Everything is written; the noted connections' secrets go in front of the packets, where readers look."""
        try:
            self._file.close()
            lines = b"".join(
                b"%s %s %s\n" % (label.encode(), random.hex().encode(), secret.hex().encode())
                for random in self._randoms
                for label, secret in keylog.labels(random).items()
            )
            if lines:
                self._insert(secrets_block(lines))
        except OSError as error:
            raise _refused(self._path, error) from None

    def _insert(self, block: bytes) -> None:
        """Puts a block behind the section header, by way of a second file."""
        with self._path.open("rb") as source:
            head = source.read(8)
            if len(head) < 8:
                return
            head += source.read(struct.unpack("=4xI", head)[0] - 8)
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}-")
            try:
                with os.fdopen(descriptor, "wb") as target:
                    target.write(head + block)
                    shutil.copyfileobj(source, target, 1 << 20)
                Path(name).replace(self._path)
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise


def _refused(path: Path, error: OSError) -> TargetError:
    why = error.strerror or str(error)
    return TargetError(f"Cannot write {shorten(str(path), 80)}", why, "Give another file to --save.")
