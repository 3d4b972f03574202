"""Playing a handshake: step after step in its own rhythm, slowed down for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.timer import Timer

    from tlsviz.ui.selection import Scene

SHORTEST, LONGEST, SCALE = 0.7, 2.5, 20.0
"""A step waits its real gap times the scale, but neither less nor more than so many seconds."""


class Player:
    """Steps on by itself while `playing`; ``scene`` gives the present picture, ``step`` goes on to the next."""

    def __init__(self, screen: Screen[None], scene: Callable[[], Scene], step: Callable[[], object]) -> None:
        self._screen, self._scene, self._step = screen, scene, step
        self._timer: Timer | None = None

    def start(self) -> bool:
        """Waits for the next step; False when there is none."""
        self.stop()
        scene = self._scene()
        following = scene.selection.step + 1
        if following >= len(scene.steps):
            return False
        wait = min(max(scene.steps[following].gap * SCALE, SHORTEST), LONGEST)
        self._timer = self._screen.set_timer(wait, self._step)
        return True

    def stop(self) -> None:
        """Waits no longer."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
