"""How a capture is to be opened, and how far its reading is: all that a screen needs to know of it beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tlsviz.sources.opinions import Opinions


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """How to open a capture. ``keylogs``: key log files; ``ca``: trust exactly the certificates in this file;
    ``at``: the (aware) time to judge certificates at, None for the time of each connection. ``rsa_keys``: files with
    private keys of servers, opened with ``rsa_password`` where they are protected. ``carve``: leave out the frames of
    long transfers, and count their records (`sources.carve`). ``findings``: rows of a list tell of findings; without,
    only of those that decide how a connection ended. ``crls``: files with revocation lists; ``ct_logs``: a
    list of transparency logs in place of the one that ships. ``name``: what to call the capture where that is not its
    path; ``notices``: what is to be said of it besides.
    """

    keylogs: tuple[Path, ...] = ()
    rsa_keys: tuple[Path, ...] = ()
    rsa_password: bytes | None = field(default=None, repr=False)
    ca: Path | None = None
    at: datetime | None = None
    crls: tuple[Path, ...] = ()
    ct_logs: Path | None = None
    carve: bool = True
    findings: bool = True
    name: str | None = None
    notices: tuple[str, ...] = ()

    @property
    def keyed(self) -> bool:
        """Whether there are files with keys."""
        return bool(self.keylogs or self.rsa_keys)

    def opinions(self) -> Opinions:
        """Who judges the connections."""
        from tlsviz.pki import stores
        from tlsviz.sources.evidence import from_files
        from tlsviz.sources.opinions import Opinions

        trusted = (stores.from_file(self.ca),) if self.ca else (stores.mozilla(), stores.system())
        return Opinions(trusted, self.at, from_files(self.crls, self.ct_logs), self.findings)


class Progress(NamedTuple):
    """How far the loading is: frames seen, bytes of the (uncompressed) file, its size, TLS connections found.

    ``size`` is the file's own size: in a compressed file ``bytes`` may go beyond it.
    """

    packets: int
    bytes: int
    size: int
    connections: int

    @property
    def fraction(self) -> float:
        """Between 0 and 1."""
        return min(self.bytes / self.size, 1.0) if self.size else 0.0


Report = Callable[[Progress], None]
Cancelled = Callable[[], bool]
