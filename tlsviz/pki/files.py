"""Files with certificates, revocation lists and logs: read whole, and never more than is sensible."""

from __future__ import annotations

from pathlib import Path

from tlsviz.errors import TargetError


def whole(path: Path, most: int, title: str, hint: str) -> bytes:
    """The file's bytes, at most ``most``. Raises `TargetError` with these words when it cannot be read or is larger."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise TargetError(title, error.strerror or str(error), hint) from None
    if len(data) > most:
        raise TargetError(title, f"larger than {most >> 20} MB", hint)
    return data
