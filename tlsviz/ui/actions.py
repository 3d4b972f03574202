"""What keys and the palette do app-wide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlsviz.errors import TlsvizError
from tlsviz.ui.svg import save, self_contained
from tlsviz.ui.theme import THEMES
from tlsviz.wire.text import safe

if TYPE_CHECKING:
    from textual.app import App


def save_screenshot(app: App[Any]) -> Path | None:
    """Saves the screen as SVG in the present folder, else the home folder, and says where."""
    return save_picture(app, "tlsviz", "Screenshot saved", lambda: self_contained(app.export_screenshot()))


def save_picture(app: App[Any], stem: str, title: str, draw: Callable[[], str]) -> Path | None:
    """Saves an SVG as a new file in the present folder, else the home folder, and says where."""
    try:
        path = save(draw(), [Path.cwd(), Path.home()], f"{stem}-{datetime.now():%Y%m%d-%H%M%S}")
    except (TlsvizError, OSError) as error:
        app.notify(safe(str(error)), severity="error", markup=False, timeout=8)
        return None
    app.notify(safe(str(path)), title=title, markup=False, timeout=6)
    return path


def save_text(app: App[Any], path: Path, text: str, title: str) -> bool:
    """Writes a new file and says where, or why not; never over another one. Whether it was written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        app.notify(f"{safe(str(path))} is there already.", title="Not saved", severity="error", markup=False, timeout=6)
        return False
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        app.notify(safe(f"{path}: {why}"), title="Not saved", severity="error", markup=False, timeout=8)
        return False
    app.notify(safe(str(path.absolute())), title=title, markup=False, timeout=5)
    return True


def next_theme(app: App[Any]) -> None:
    """Changes to the next palette: dark, light, projector."""
    names = [theme.name for theme in THEMES]
    at = names.index(app.theme) if app.theme in names else -1
    app.theme = names[(at + 1) % len(names)]
    app.clear_notifications()
    app.notify(app.theme.removeprefix("tlsviz-"), title="Theme", markup=False, timeout=2)
