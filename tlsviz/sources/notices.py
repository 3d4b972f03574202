"""What is to be said of a capture itself: its keys, its frames, what is not in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TargetError
from tlsviz.sources import tshark
from tlsviz.sources.pcapng import Survey
from tlsviz.wire.text import plural, safe, shorten

if TYPE_CHECKING:
    from tlsviz.sources.ek import Reading

KEYLOG_LIMIT = 256 << 20
MOST_FAULTS = 3
"""So many mistakes are told one by one."""


class Gist(NamedTuple):
    """What notices ask of a connection.

    ``opened``: whether any secret of it is known; ``refused``: why an RSA key did not open it; ``unknown``: whether its
    issuer is; ``plain``: whether it speaks no TLS.
    """

    opened: bool
    refused: tuple[str, ...]
    unknown: bool
    plain: bool


def gist(connection: Connection) -> Gist:
    """The gist of a connection."""
    return Gist(
        bool(connection.every_secret),
        tuple(found.why for found in connection.premasters),
        connection.trust is not None and "unknown_issuer" in connection.trust.reasons,
        connection.plain is not None,
    )


def read_keys(paths: tuple[Path, ...], frame: Survey) -> tuple[KeyLog, list[str]]:
    """The key log of the capture's own secrets and of the given files, and what is wrong with them."""
    keylog = KeyLog()
    notices: list[str] = []
    for secrets in frame.secrets:
        keylog.add_text(secrets, "secrets inside the capture")
    for path in paths:
        shown = shorten(path.name, 80)
        try:
            with path.open("rb") as file:
                text = file.read(KEYLOG_LIMIT)
        except OSError as error:
            why = error.strerror or str(error)
            raise TargetError(f"Cannot read the key log {shown}", why, "Check its name and permissions.") from None
        if not keylog.add_text(text, shown):
            notices.append(f"The key log {shown} holds no secrets.")
    if keylog.damaged:
        lines = plural(keylog.damaged, "line")
        notices.append(f"{lines} of the key log could not be used; the first: {keylog.problems[0]}.")
    return keylog, notices


def of_keys(keylog: KeyLog, paths: tuple[Path, ...], found: list[Gist]) -> list[str]:
    """Keys that opened nothing."""
    if not found or any(each.opened for each in found):
        return []
    if len(keylog.rsa) and not keylog:
        return [_no_use(found)]
    if not keylog:
        return []
    names = keylog.source or ", ".join(shorten(path.name, 80) for path in paths)
    return [f"The key log ({names}) matches no connection here: its secrets are of other connections."]


def _no_use(found: list[Gist]) -> str:
    """Why an RSA key opened nothing: what stands in the way of most connections."""
    tried = [why for each in found for why in each.refused]
    if tried:
        return f"The RSA key opens no connection here: {tried[0]}."
    return "The RSA key opens no connection here: none of them uses RSA key exchange, the only one that it can open."


def of_trust(path: Path, ca: Path | None, found: list[Gist]) -> list[str]:
    """Where an authority lies beside a capture (as beside the samples), how to judge by it."""
    beside = path.parent / "ca.pem"
    if ca is not None or not any(each.unknown for each in found) or not beside.is_file():
        return []
    return [f"An authority lies beside this capture: --ca {safe(str(beside))} judges by it."]


def of_frames(frame: Survey, frames: int, reading: Reading) -> list[str]:
    """A file that is damaged or cut."""
    if frame.cut or tshark.cut_short(reading.complaints):
        where = f" (frame {frames + 1})" if frame.packets is not None else ""
        return [f"The capture is cut short in the middle of a packet{where}: what came before it is shown."]
    if reading.failed or frame.damaged:
        why = " ".join(reading.complaints) or "what follows is no packet"
        return [f"The capture cannot be read beyond frame {frames}: {shorten(why, 240)}"]
    return []


def of_faults(faults: list[str]) -> list[str]:
    """What was left out by a mistake: the first few of it."""
    rest = len(faults) - MOST_FAULTS
    return faults if rest <= 1 else [*faults[:MOST_FAULTS], f"{rest:,} more are left out in the same way."]


def of_content(frames: int, found: list[Gist]) -> list[str]:
    """What the capture does not hold."""
    if not frames:
        return ["The capture holds no packets."]
    if not found:
        return [f"There is no TLS, DTLS or QUIC in the {plural(frames, 'packet')} of this capture."]
    if all(each.plain for each in found):
        return [f"There is no TLS in the {plural(frames, 'packet')} of this capture, only plain HTTP."]
    return []
