"""From the words of the command line to what is to be shown: the target understood, opened and read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from tlsviz import arguments
from tlsviz.errors import UsageError

if TYPE_CHECKING:
    from tlsviz.connection.model import Trace
    from tlsviz.sources.begun import Begun
    from tlsviz.sources.opening import OpenOptions
    from tlsviz.sources.target import Target

LAB = "lab:"


def gather(args: argparse.Namespace) -> None:
    """Standard input and several files become one file, which is the target then."""
    words = [args.target] if isinstance(args.target, str) else args.target
    if len(words) == 1 and words[0] != "-":
        args.target = words[0]
        return
    from tlsviz.sources.gathered import gather

    found = gather(words, lambda: sys.stdin.buffer)
    args.target, args.name, args.notices = str(found.path), found.name, found.notices


def trace(target: str, args: argparse.Namespace) -> Trace:
    """Reads the whole target."""
    return read(parsed(target, args), args)


def read(parsed: Target | Path | str, args: argparse.Namespace) -> Trace:
    """Reads what the target means, with what earlier handshakes with the same server showed."""
    if isinstance(parsed, Path):
        return capture(parsed, args)
    from tlsviz.sources.memory import recalled

    return recalled(_fresh(parsed, args))


def _fresh(parsed: Target | str, args: argparse.Namespace) -> Trace:
    if isinstance(parsed, str):
        from tlsviz.lab.run import run_scenario

        return run_scenario(parsed)
    from tlsviz.sources.live import run_live

    if args.step:
        why = "nobody is there to let the flights go"
        raise UsageError("--step needs a screen", why, "Use `tlsviz live HOST --step` on a terminal.")
    return run_live(parsed, arguments.live_options(args))


def parsed(target: str, args: argparse.Namespace) -> Target | Path | str:
    """What `understood` says; the options must fit it."""
    parsed = understood(target)
    arguments.check_fit(kind(parsed), args)
    return parsed


def understood(target: str) -> Target | Path | str:
    """Whom, which file or (a string) which scenario the target means."""
    if target.startswith(LAB):
        return target.removeprefix(LAB)
    from tlsviz.sources.target import parse_target

    return parse_target(target)


def near_command(target: str, trace: Trace) -> str:
    """The command that a name without a dot, which does not exist, may have been meant for; "" for none."""
    from difflib import get_close_matches

    codes = {finding.code for connection in trace.connections if (finding := connection.failure)}
    if "name_not_found" not in codes or "." in target or ":" in target:
        return ""
    return next(iter(get_close_matches(target.lower(), arguments.COMMANDS, 1)), "")


def kind(parsed: Target | Path | str) -> arguments.TargetKind:
    """Which options fit it."""
    return "lab" if isinstance(parsed, str) else "capture" if isinstance(parsed, Path) else "live"


def capture(path: Path, args: argparse.Namespace) -> Trace:
    """Reads a capture file with the options given."""
    from tlsviz.sources.scout import Early

    with Early(path, not args.no_carve) as early:
        early.begin()
        from tlsviz.sources.catalog import list_capture

        return list_capture(path, arguments.open_options(args, password()), early=early)


def begun(target: Target | Path | str | None, options: OpenOptions | None) -> AbstractContextManager[Begun | None]:
    """What reads the target, if that is a capture: a screen takes as long to get ready.

    Not with a key log: what follows it has to look before anybody reads it, so that no line comes between.
    """
    if not isinstance(target, Path) or options is None or options.keylogs:
        return nullcontext()
    from tlsviz.sources.begun import Begun

    begun = Begun()
    begun.tell(target, options)
    return begun


def password() -> Callable[[str], str] | None:
    """What asks for a password on the terminal; None if nobody sits there."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    from getpass import getpass

    return getpass


def one(trace: Trace, connection: int) -> Trace:
    """The trace with one connection of it; raises `UsageError` if there is no such."""
    from tlsviz.connection.rows import only, rows

    if connection not in [row.id for row in rows(trace.connections)]:
        last = len(trace.connections) - 1
        known = "there are none" if last < 0 else "there is only 0" if last == 0 else f"there are 0 to {last}"
        raise UsageError(f"No connection {connection}", known)
    return trace._replace(connections=only(trace.connections, (connection,)))
