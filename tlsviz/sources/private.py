"""Files that hold secrets: for their owner alone, also where a file of that name was there before."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

OWNER_ALONE = 0o600


def private_file(path: Path) -> BinaryIO:
    """Opens a file for writing, emptied, which nobody but its owner may read. Raises OSError where that cannot be.

    A file that is there already loses the rights of others before anything is written. What is no regular file (a
    pipe, a terminal, /dev/stdout) keeps its mode.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, OWNER_ALONE)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, OWNER_ALONE)
            os.ftruncate(descriptor, 0)
        return os.fdopen(descriptor, "wb")
    except BaseException:
        os.close(descriptor)
        raise
