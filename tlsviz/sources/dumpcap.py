"""dumpcap, Wireshark's capturing program: on which interfaces it can capture, and what stands in its way."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tlsviz.errors import MissingError, TargetError, TlsvizError, UsageError
from tlsviz.sources import tshark
from tlsviz.wire.text import safe, shorten

PERMIT = (
    "On Debian and Ubuntu: sudo dpkg-reconfigure wireshark-common, answer yes, sudo usermod -aG wireshark $USER, log "
    "in again. Elsewhere: sudo setcap cap_net_raw,cap_net_admin=eip on dumpcap; on macOS install Wireshark's ChmodBPF. "
    "Or, once: sudo tlsviz watch."
)
_TIME_OUT = 20.0
_NO_RIGHT = ("permission", "not permitted", "privilege", "must be root")
_NO_DEVICE = ("no such device", "no device named", "no interface", "not up", "does not exist", "no such interface")


class Interface(NamedTuple):
    """An interface: its name, what the system calls it, its addresses, whether it is the machine's own loop."""

    name: str
    title: str = ""
    addresses: tuple[str, ...] = ()
    loopback: bool = False


def find() -> str:
    """The path of dumpcap: beside tshark, or on PATH. Raises `MissingError`."""
    import shutil

    beside = Path(tshark.find()).with_name("dumpcap")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("dumpcap")
    if found is None:
        raise MissingError(
            "dumpcap is not here",
            "interfaces are captured by Wireshark's dumpcap",
            "It comes with tshark: reinstall it.",
        )
    return found


def interfaces() -> list[Interface]:
    """What this user may capture on, in dumpcap's order. Raises `MissingError` where that is nothing."""
    program = find()
    try:
        answer = subprocess.run(
            [program, "-D", "-M"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIME_OUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError("dumpcap cannot be run", safe(str(error)), PERMIT) from None
    found = [_interface(line) for line in answer.stdout.decode("utf-8", "replace").splitlines()]
    if answer.returncode or not found:
        why = " ".join(answer.stderr.decode("utf-8", "replace").split())
        raise MissingError("No interface may be captured on", shorten(why, 200) or "dumpcap names none", PERMIT)
    return found


def _interface(line: str) -> Interface:
    """A line of ``dumpcap -D -M``: number and name, hardware, title, kind, addresses, loopback or network."""
    parts = [*line.split("\t"), *[""] * 6]
    addresses = tuple(safe(address) for address in parts[4].split(",") if address)
    return Interface(safe(parts[0].split(". ", 1)[-1]), safe(parts[1] or parts[2]), addresses, parts[5] == "loopback")


def usual(found: Sequence[Interface]) -> Interface:
    """The one to watch where none is named: the first that leads out and has an address."""
    out = [each for each in found if not each.loopback]
    return next((each for each in out if each.addresses), (out or [*found])[0])


def refusal(interface: str, capture_filter: str, lines: Sequence[str]) -> TlsvizError:
    """What to say when dumpcap gave up before its first packet; ``lines`` are its stderr."""
    said = " ".join(line.removeprefix("dumpcap: ") for line in tshark.complaints([*lines]))
    small = said.casefold()
    name = safe(interface)
    if "capture filter" in small:
        return UsageError(
            f"The capture filter {safe(capture_filter)!r} is not valid",
            shorten(said.partition(" See the User")[0].removesuffix("."), 200),
            "A capture filter is in the language of tcpdump: `tcp port 443`, `host 192.0.2.1`; see man pcap-filter. "
            "Words like version:1.2 filter the list of connections: type / in it.",
        )
    if any(word in small for word in _NO_RIGHT):
        return MissingError(f"Capturing on {name} is not permitted", shorten(said, 200), PERMIT)
    if any(word in small for word in _NO_DEVICE):
        return MissingError(f"There is no interface {name} to watch", shorten(said, 200), _known())
    return TargetError(f"Cannot watch {name}", shorten(said, 300) or "dumpcap gave no reason", _known())


def _known() -> str:
    try:
        names = [each.name for each in interfaces()]
    except TlsvizError:
        return "See `tlsviz doctor`."
    return f"There are: {', '.join(names[:12])}."
