"""One handshake with a server, as it is remembered; `observations` makes and reads them."""

from __future__ import annotations

from typing import NamedTuple

Values = tuple[int | str, ...]


class Observation(NamedTuple):
    """One handshake. ``offered`` and ``chosen`` in the order of `observations.SUBJECTS`: codes, ALPN names.

    ``time`` in Unix seconds. ``alert``: the number of the fatal alert by which the server refused, if it did.
    ``issuer`` and ``top``: who signed the server's certificate, and the last one sent; ``scts``: whether any receipt
    came with it; ``public``: whether it ends in Mozilla's store, None where nobody looked. ``complete``: both Finished.
    """

    server: str
    port: int
    time: float
    complete: bool
    offered: tuple[Values, ...]
    chosen: tuple[int | str | None, ...]
    alert: int | None = None
    ja4: str | None = None
    ja4s: str | None = None
    issuer: str | None = None
    top: str | None = None
    scts: bool | None = None
    public: bool | None = None
