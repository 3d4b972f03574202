"""tshark: where it is, which version, and what its complaints mean."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tlsviz.errors import MissingError, TargetError, TlsvizError
from tlsviz.wire.text import safe, shorten

MINIMUM = (3, 4)
"""The first version with every field and preference that tlsviz asks for."""

MEND = "Install it: apt install tshark, dnf install wireshark-cli, or brew install wireshark."
ELSEWHERE = (
    "/usr/local/bin/tshark",
    "/opt/homebrew/bin/tshark",
    "/Applications/Wireshark.app/Contents/MacOS/tshark",
)

_VERSION = re.compile(r"TShark\D{0,40}(\d+)\.(\d+)(?:\.(\d+))?")
_TIME_OUT = 20.0


def find(wanted: str | None = None) -> str:
    """The path of tshark: ``wanted``, else the TSHARK variable, else PATH, else the usual places.

    Raises `MissingError` when there is none, or when the one that was asked for cannot be run.
    """
    asked = wanted or os.environ.get("TSHARK")
    if asked:
        found = shutil.which(asked)
        if found is None:
            where = "given" if wanted else "set in TSHARK"
            raise MissingError(
                "tshark cannot be run",
                f"there is no program {safe(asked)}, which is {where}",
                "Correct it or leave it out.",
            )
        return found
    found = shutil.which("tshark") or next((path for path in ELSEWHERE if os.access(path, os.X_OK)), None)
    if found is None:
        raise MissingError("tshark is not here", "captures are read through Wireshark's tshark", MEND)
    return found


@cache
def version(path: str) -> str:
    """The version of the tshark at ``path``, such as ``4.0.17``; asked once a process, it takes 0.3 s.

    Raises `MissingError` when the program does not answer as tshark does.
    """
    try:
        answer = subprocess.run(
            [path, "-v"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIME_OUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError("tshark cannot be run", f"{safe(path)}: {safe(str(error))}", MEND) from None
    match = _VERSION.search(answer.stdout.decode("utf-8", "replace"))
    if match is None:
        raise MissingError("tshark cannot be run", f"{safe(path)} does not answer as tshark does", MEND)
    return ".".join(part for part in match.groups() if part is not None)


def too_old(text: str) -> bool:
    """Whether a version such as ``2.6.20`` is below the minimum."""
    return tuple(int(part) for part in text.split(".")[:2]) < MINIMUM


def refusal(path: Path, tshark: str, lines: list[str]) -> TlsvizError:
    """The error to raise when tshark gave up on a capture before its first packet; ``lines`` are its stderr."""
    shown = shorten(path.name, 80)
    said = " ".join(complaints(lines))
    if "isn't a capture file" in said:
        return not_a_capture(path)
    if "aren't valid" in said or "must be a field" in said or "unknown preference" in said:
        found = version(tshark)
        if too_old(found):
            least = ".".join(map(str, MINIMUM))
            return MissingError(f"tshark {found} is too old", f"tlsviz needs {least} or later", MEND)
    why = shorten(said, 300) or "it gave no reason"
    return TargetError(f"tshark cannot read {shown}", why, "Try to open it in Wireshark to see more.")


def cut_short(lines: list[str]) -> bool:
    """Whether tshark says that the capture ends inside a packet: no reason to refuse the others."""
    return any("cut short in the middle of a packet" in line for line in lines)


def not_a_capture(path: Path) -> TargetError:
    """The error for a file in no capture format."""
    return TargetError(
        f"{shorten(path.name, 80)} is not a capture",
        "it is in no capture format that tshark knows",
        "Give a pcap or pcapng file; `tlsviz lab` shows a handshake without one.",
    )


def complaints(lines: list[str]) -> list[str]:
    """What tshark's stderr complains about, without its banners and its own name."""
    return [
        safe(line.removeprefix("tshark: ").strip())
        for line in lines
        if line.strip() and not line.startswith(("Running as user", " (", "Capturing on"))
    ]
