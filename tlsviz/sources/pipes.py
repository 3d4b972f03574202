"""Pipes with room: who writes may go on while who reads is busy."""

from __future__ import annotations

import fcntl

_ROOM = 1 << 20


def widen(pipe: int) -> None:
    """Gives a pipe more room. Raises AttributeError, OSError or ValueError where that cannot be."""
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _ROOM)
