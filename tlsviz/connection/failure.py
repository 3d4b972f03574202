"""How our own side met the end of a live handshake, before anybody asks why."""

from __future__ import annotations

from typing import Literal, NamedTuple

FailureKind = Literal[
    "name_not_found",
    "name_lookup_failed",
    "unreachable",
    "refused",
    "connect_timeout",
    "reset",
    "closed",
    "timeout",
    "tls",
    "too_much",
    "error",
    "starttls_refused",
    "starttls_garbled",
    "starttls_stalled",
    "starttls_broken",
    "proxy_refused",
    "proxy_garbled",
    "proxy_stalled",
    "proxy_broken",
]

_TELLING: dict[str, int] = {"refused": 3, "reset": 3, "connect_timeout": 2, "unreachable": 1}


class Failure(NamedTuple):
    """What ended a live handshake, as our own side met it.

    ``detail`` says it in words (safe to print); for "tls" they are our TLS library's. ``received`` holds the first
    bytes that the server sent, ``taken`` counts all of them; ``quiet``: seconds since the last,
    None without any; ``limit``: the seconds that the handshake was given.
    """

    kind: FailureKind
    detail: str = ""
    received: bytes = b""
    taken: int = 0
    quiet: float | None = None
    limit: float = 10.0

    @property
    def before_tls(self) -> bool:
        """Whether it is of a dialogue before TLS: a key of `upgrades.BEFORE_TLS`."""
        return self.kind.startswith(("starttls_", "proxy_"))

    @property
    def telling(self) -> int:
        """How much this says about the target, to choose between several addresses' failures."""
        return _TELLING.get(self.kind, 0)
