"""The gate of step mode: the wire is held before each flight, until somebody lets it go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from tlsviz.connection import titles
from tlsviz.tls.handshake import message_type
from tlsviz.wire.chunks import CLIENT, Sender
from tlsviz.wire.text import shorten

HANDSHAKE, ALERT, CHANGE_CIPHER_SPEC, APPLICATION_DATA = 22, 21, 20, 23


class Held(NamedTuple):
    """A flight that waits: whose, and what it is, safe to print."""

    sender: Sender
    what: str


class Gate:
    """One thread holds flights before it, another lets them go. ``tell`` is called when what waits has changed."""

    def __init__(self, tell: Callable[[], None] | None = None) -> None:
        self.held: Held | None = None
        self._tell = tell or (lambda: None)
        self._go = threading.Event()

    def let_go(self) -> None:
        """Lets pass what waits now, and nothing else."""
        if self.held is not None:
            self._go.set()

    def hold(self, held: Held, look: Callable[[float], bool]) -> None:
        """Returns once ``held`` may pass, or ``look`` says that this is in vain.

        ``look`` is called every few hundredths of a second with the seconds that it may take; it may raise.
        """
        self._go.clear()
        self.held = held
        self._tell()
        try:
            while not self._go.wait(0.01):
                if look(0.04):
                    return
        finally:
            self.held = None
            self._tell()


class Hold:
    """The gate as one connection uses it: whose turn it is, and how long its flights were held in all."""

    def __init__(self, gate: Gate) -> None:
        self.seconds = 0.0
        self._gate = gate
        self._turn: Sender | None = None

    def before(self, sender: Sender, data: bytes, look: Callable[[float], bool]) -> float:
        """Holds these bytes if they begin a flight; the seconds that it took."""
        if sender == self._turn:
            return 0.0
        self._turn = sender
        begun = time.monotonic()
        self._gate.hold(Held(sender, described(data, sender)), look)
        took = time.monotonic() - begun
        self.seconds += took
        return took


def described(data: bytes, sender: Sender) -> str:
    """What a flight is, from its first bytes: ``ClientHello 1,550 B``, ``encrypted records 74 B``."""
    names: list[str] = []
    at = 0
    sealed = False
    while len(data) - at >= 5 and 20 <= data[at] <= 24 and data[at + 1] == 3:
        fragment = data[at + 5 : at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")]
        names.append(_record(data[at], fragment, sealed))
        sealed = sealed or data[at] in (CHANGE_CIPHER_SPEC, APPLICATION_DATA)
        at += 5 + len(fragment)
    if not names:
        first = data.split(b"\n", 1)[0].strip().decode("utf-8", "backslashreplace")
        names = [shorten(first, 40) if first.isprintable() and first else "plaintext"]
    listed = list(dict.fromkeys(names))
    most = listed[:3] + (["…"] if len(listed) > 3 else [])
    whose = "" if sender == CLIENT else "the server's "
    return f"{whose}{', '.join(most)} {titles.size(len(data))}"


def _record(content_type: int, fragment: bytes, sealed: bool) -> str:
    if content_type == CHANGE_CIPHER_SPEC:
        return "ChangeCipherSpec"
    if sealed or content_type == APPLICATION_DATA:
        return "encrypted records"
    if content_type == ALERT:
        return "alert"
    return titles.type_title(message_type(fragment)) if fragment else "empty record"
