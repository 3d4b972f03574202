"""`tlsviz watch`: connections on an interface as they happen, on the screen or a line each."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tlsviz.errors import CancelledError, UsageError
from tlsviz.wire.text import plural, safe

if TYPE_CHECKING:
    from types import FrameType

    from tlsviz.sources.background import Found
    from tlsviz.sources.dumpcap import Interface
    from tlsviz.sources.interface import WatchOptions

MOST_ON_SCREEN = 10_000
"""Connections after which a watch with a screen ends unless --count says otherwise: they are all kept."""
FORMATS = ("text", "json")


def run(args: argparse.Namespace, interactive: bool, out: Callable[[str], None]) -> int:
    """Runs the command. ``out`` prints; ``interactive``: somebody sits at a terminal."""
    from tlsviz.sources import dumpcap

    if args.list:
        out(listing(dumpcap.interfaces()))
        return 0
    if args.format not in (None, *FORMATS):
        raise UsageError(f"--format {args.format!r}", "no such format", f"Use {' or '.join(FORMATS)}.")
    chosen = options(args, interactive)
    if interactive and args.format is None:
        from tlsviz.report.formats import picture
        from tlsviz.ui.app import run_watch

        return run_watch(chosen, picture)
    return _print(chosen, args.format or "text", args.secrets, out)


def follow(args: argparse.Namespace, interactive: bool, out: Callable[[str], None]) -> int:
    """`tlsviz open FILE --follow`: the same for a capture that still grows."""
    from pathlib import Path

    from tlsviz import arguments
    from tlsviz.sources.interface import WatchOptions
    from tlsviz.sources.pcapng import require_file

    if len(args.target) != 1 or args.target[0] == "-":
        raise UsageError("--follow takes one file", "", "Name the file that grows.")
    if args.rsa_key:
        raise UsageError("--rsa-key opens captures that are whole", "--follow reads one that grows", "Leave one out.")
    path = Path(args.target[0]).expanduser()
    require_file(path)
    opening = arguments.open_options(args)
    if interactive:
        from tlsviz.report.formats import picture
        from tlsviz.ui.app import run_watch

        return run_watch(WatchOptions(file=path, opening=opening, count=MOST_ON_SCREEN), picture)
    return _print(WatchOptions(file=path, opening=opening), "text", False, out)


def options(args: argparse.Namespace, interactive: bool = False) -> WatchOptions:
    """The options as the source takes them; the usual interface where none is named."""
    from tlsviz.sources import dumpcap
    from tlsviz.sources.interface import FILTER, WatchOptions
    from tlsviz.sources.opening import OpenOptions

    if args.secrets and args.save is None and args.format != "json":
        raise UsageError("--secrets has nothing to go to", "", "It goes with --save FILE or --format json.")
    count = args.count
    if count is None and interactive and args.format is None:
        count = MOST_ON_SCREEN
    return WatchOptions(
        interface=args.interface or dumpcap.usual(dumpcap.interfaces()).name,
        filter=args.filter if args.filter is not None else FILTER,
        duration=args.duration,
        count=count,
        save=args.save,
        secrets=args.secrets,
        ring=args.ring << 20,
        opening=OpenOptions(
            keylogs=tuple(args.keylog), ca=args.ca, at=args.at, crls=tuple(args.crl), ct_logs=args.ct_logs
        ),
    )


def listing(found: list[Interface]) -> str:
    """The interfaces, a line each; a star stands before the usual one."""
    from tlsviz.sources import dumpcap

    usual = dumpcap.usual(found)
    width = max(len(each.name) for each in found)
    lines = [
        f"{'*' if each == usual else ' '} {each.name:<{width}}  {', '.join([each.title, *each.addresses]).strip(', ')}"
        for each in found
    ]
    return "".join(line.rstrip() + "\n" for line in lines)


def _print(chosen: WatchOptions, form: str, secrets: bool, out: Callable[[str], None]) -> int:
    """A line for each connection once it is over. Ctrl-C ends the watch, a second one at once."""
    from tlsviz.connection.model import Source
    from tlsviz.report.watch import json_line, line
    from tlsviz.sources.background import watch_interface

    file = chosen.file
    source = Source("interface", safe(chosen.interface or "")) if file is None else Source("capture", safe(str(file)))
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    plain = (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "utf16", "utf32")
    count = 0

    def found(event: Found) -> None:
        nonlocal count
        if event.over:
            count += 1
            whole = event.connection
            out(json_line(whole, source, plain, secrets) if form == "json" else line(whole, color, plain))

    what = f"Following {source.name}" if file else f"Watching {source.name} ({chosen.filter or 'everything'})"
    _say(f"{what}. Ctrl-C ends it.")
    with _interrupts() as asked:
        trace = watch_interface(chosen, found, None, asked)
    for notice in trace.notices:
        _say(notice)
    packets = plural(trace.source.packets or 0, "packet")
    _say(
        f"{plural(count, 'connection')} in {packets}"
        + (f", saved to {safe(str(chosen.save))}." if chosen.save else ".")
    )
    return 0


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Tells whether somebody asked for the end. Asked twice, it comes at once, as a `CancelledError`."""
    asked = 0

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise CancelledError("Stopped", "what was still to be decoded is lost")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked > 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    print(f"tlsviz: {text}", file=sys.stderr, flush=True)  # noqa: T201
