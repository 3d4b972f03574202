"""The `tlsviz` command: reads its words, opens the target, and shows or prints it."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import io
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlsviz import arguments, printing, targets
from tlsviz.errors import TargetError, TlsvizError, UsageError

if TYPE_CHECKING:
    from tlsviz.connection.compare import Comparison
    from tlsviz.connection.model import Connection, Source, Trace

PATIENT_COLLECTOR = 50_000
"""Objects between two collections of cyclic garbage: by default imports alone set off dozens of them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status of the command line contract."""
    words = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(PATIENT_COLLECTOR, 20, 20)
    # Nor are cycles looked for when Python ends, which takes longer than a handshake: the memory goes all at once.
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that knows fewer characters gets the others escaped, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:
        # Libraries warn of what a peer's certificate holds; we say such things in our own words.
        warnings.simplefilter("ignore")
    try:
        return _run(words)
    except TlsvizError as error:
        print(f"tlsviz: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_status
    except OSError as error:
        # Every expected one was said better before: what is left is our own output.
        if error.errno in (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT):
            _silence()
            print(f"tlsviz: Cannot write the output: {error.strerror}.", file=sys.stderr)  # noqa: T201
            return TargetError.exit_status
        if error.errno != errno.EPIPE:
            raise
        # The reader of our output is gone (`| head`): nothing to say, and nowhere to say it.
        _silence()
        return 0
    except KeyboardInterrupt:
        return 130


def _silence() -> None:
    """What Python would flush at its end goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(words: list[str]) -> int:
    first = words[0] if words else ""
    command = first if first in arguments.COMMANDS else ""
    args = arguments.build(command).parse_args(words[1:] if command else words)
    return _COMMANDS[command](args)


# -- commands --------------------------------------------------------------------------------------------------


def _default(args: argparse.Namespace) -> int:
    if args.target == "-":
        targets.gather(args)
    if args.target is None:
        if not printing.interactive():
            raise UsageError("No target", "standard output is no terminal", "Give a host or a capture file.")
        return _screen(None, args)
    if printing.interactive():
        return _screen(args.target, args)
    trace = targets.trace(args.target, args)
    status = _print_text(trace)
    if near := targets.near_command(args.target, trace):
        print(f"tlsviz: There is no command {args.target!r}; did you mean `tlsviz {near}`?", file=sys.stderr)  # noqa: T201
    return status


def _live(args: argparse.Namespace) -> int:
    from tlsviz.sources.target import parse_host

    parse_host(args.target)
    # A host even where a file has the same name.
    args.target = args.target if "://" in args.target else f"https://{args.target}"
    args.keylog, args.rsa_key, args.no_carve = [], [], False
    return _default(args)


def _open(args: argparse.Namespace) -> int:
    if args.follow:
        from tlsviz import watch

        return watch.follow(args, printing.interactive(), printing.out)
    targets.gather(args)
    path = Path(args.target).expanduser()
    if not path.exists():
        raise TargetError(f"No such file: {args.target!r}", "", "Check the path.")
    return _screen(args.target, args) if printing.interactive() else _print_text(targets.capture(path, args))


def _lab(args: argparse.Namespace) -> int:
    if args.what != "serve" and (args.scenario is not None or args.port is not None):
        raise UsageError(
            "Too many words after `tlsviz lab`", "", "`lab [SCENARIO]`, `lab list` or `lab serve [SCENARIO]`."
        )
    if args.what == "list":
        printing.out(_scenarios())
        return 0
    from tlsviz.lab import run

    if args.what == "serve":
        import signal

        # Ended from outside, the server goes and its files with it, as after Ctrl-C.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        run.serve(args.scenario, lambda line: printing.out(line + "\n"), _wait, args.port or 0)
        return 0
    name = run.scenario(args.what).name
    return _screen(targets.LAB + name, args) if printing.interactive() else _print_text(run.run_scenario(name))


def _watch(args: argparse.Namespace) -> int:
    from tlsviz import watch

    return watch.run(args, printing.interactive(), printing.out)


def _scenarios() -> str:
    """The lab's scenarios by subject, each with what it shows."""
    import textwrap

    from tlsviz.lab.scenarios import GROUPS, SCENARIOS

    column = max(len(scenario.name) for scenario in SCENARIOS) + 4
    blocks = []
    for group in GROUPS:
        lines = [group.title]
        for scenario in group.scenarios:
            first = f"  {scenario.name}".ljust(column)
            lines += textwrap.wrap(
                scenario.what_to_see, printing.width(), initial_indent=first, subsequent_indent=" " * column
            )
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _wait(seconds: float) -> bool:
    """Lets a server serve; Ctrl-C ends it."""
    import time

    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        return True
    return False


def _show(args: argparse.Namespace) -> int:
    targets.gather(args)
    _known_format(args.format, arguments.FORMATS)
    for word, given in (("--summary", args.summary), ("--list", args.list)):
        if given and args.format not in ("text", "json"):
            raise UsageError(f"{word} has no --format {args.format}", "", "Use text or json.")
    if args.summary and args.list:
        raise UsageError("--summary and --list exclude each other", "", "Leave one out.")
    args.findings = not args.list or args.format != "text" or bool(args.filter)
    whole, trace = _picked(args)
    printing.notices(trace)
    if args.connection is not None:
        trace = targets.one(trace, args.connection)
    if args.list:
        printing.write(_listed(trace, whole, args), args.output, False)
        return _status(whole)
    if args.format == "json":
        from tlsviz.report.json import json_text

        plain = args.output is None and not printing.unicode()
        parts = json_text(trace, args.fields, args.secrets, args.summary, args.segments, plain)
        printing.write(parts, args.output, args.secrets)
        return _status(whole)
    if args.summary:
        from tlsviz.report.summary import render_summary

        text = render_summary(trace, printing.width(), printing.color(args.output is None), not printing.unicode())
    elif args.format != "text":
        from tlsviz.report.formats import document

        text = document(trace, args.format, args.secrets)
    else:
        terminal = args.output is None
        text = printing.text(trace, terminal, args.connection, args.fields, args.secrets, args.segments)
    printing.write(text, args.output, args.secrets)
    return _status(whole)


def _listed(trace: Trace, whole: Trace, args: argparse.Namespace) -> str:
    """The connections' rows."""
    from tlsviz.report.listing import list_json, render_list

    if args.format == "text":
        color = printing.color(args.output is None)
        width = printing.known_width() if args.output is None else None
        return render_list(trace, width, color, not printing.unicode(), whole)
    import json

    plain = args.output is None and not printing.unicode()
    return json.dumps(list_json(trace), indent=2, ensure_ascii=plain) + "\n"


def _picked(args: argparse.Namespace) -> tuple[Trace, Trace]:
    """The target's trace, and what the filter leaves of it; the filter is read first."""
    if not args.filter:
        trace = targets.trace(args.target, args)
        return trace, trace
    from tlsviz.connection.filters import parse, picked

    wanted = parse(args.filter)
    trace = targets.trace(args.target, args)
    found = trace._replace(connections=picked(wanted, trace.connections))
    printing.filter_hints(args.filter, trace, bool(found.connections))
    return trace, found


def _known_format(name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise UsageError(f"--format {name!r}", "no such format", f"Use {', '.join(known[:-1])} or {known[-1]}.")


def _compare(args: argparse.Namespace) -> int:
    _known_format(args.format or "text", arguments.COMPARE_FORMATS)
    wanted = [targets.understood(target) for target in (args.target, args.other) if target is not None]
    kinds = [targets.kind(target) for target in wanted]
    for mine, its in zip(kinds, reversed(kinds), strict=True):
        arguments.check_fit(mine, args, its)
    if kinds == ["live", "live"] and args.save:
        raise UsageError("--save takes one live target", "here are two", "Save each by `tlsviz show`, then compare.")
    if args.format is None and args.output is None and printing.interactive():
        from tlsviz.report.formats import picture
        from tlsviz.ui.app import run_compare

        live, capture = arguments.live_options(args), arguments.open_options(args, targets.password())
        wanted_ids = args.connection, args.with_
        return run_compare(args.target, args.other, *wanted_ids, live=live, capture=capture, draw=picture)
    from tlsviz.connection.compare import compare, pick

    traces = [targets.read(target, args) for target in wanted]
    left, right = traces[0], traces[-1]
    one, other = pick(left, right if len(traces) > 1 else None, args.connection, args.with_)
    for trace in traces:
        printing.notices(trace)
    printing.write(_compared(compare(one, other), (left.source, right.source), args), args.output, args.secrets)
    return max(map(_status, traces))


def _compared(comparison: Comparison, sources: tuple[Source, Source], args: argparse.Namespace) -> str:
    if args.format in (None, "text"):
        from tlsviz.report.compare import render_compare

        return render_compare(
            comparison,
            sources,
            width=printing.width(),
            color=printing.color(args.output is None),
            ascii=args.output is None and not printing.unicode(),
            fields=args.fields,
            secrets=args.secrets,
        )
    from tlsviz.report.formats import compared

    plain = args.output is None and not printing.unicode()
    return compared(comparison, sources, args.format, args.fields, args.secrets, plain)


def _check(args: argparse.Namespace) -> int:
    targets.gather(args)
    from tlsviz.connection.model import SEVERITIES

    whole, trace = _picked(args)
    printing.notices(trace)
    worst = -1
    threshold = SEVERITIES.index(args.fail_on)
    for connection in _graded(trace, args.standard):
        for finding in connection.findings:
            worst = max(worst, SEVERITIES.index(finding.severity))
            place = f"{connection.server_name or connection.server}#{connection.id}"
            printing.out(f"{finding.severity}\t{finding.code}\t{place}\t{finding.title}: {finding.evidence}\n")
    if trace.ports is not None:
        from tlsviz.connection.ports import judge

        for finding in judge(trace.ports):
            worst = max(worst, SEVERITIES.index(finding.severity))
            printing.out(
                f"{finding.severity}\t{finding.code}\t{trace.ports.host}\t{finding.title}: {finding.evidence}\n"
            )
    status = _status(whole)
    return 1 if status == 0 and worst >= threshold else status


def _graded(trace: Trace, standard: str | None) -> Iterable[Connection]:
    """The connections, held to a standard where one was asked for."""
    if standard is None:
        return trace.connections
    from tlsviz.connection.findings.standards import held_to

    return [held_to(connection, standard) for connection in trace.connections]


def _explain(args: argparse.Namespace) -> int:
    from tlsviz.explain.render import render_all
    from tlsviz.explain.search import search

    name = " ".join(args.name)
    found = search(name)
    if not found:
        raise UsageError(
            f"Nothing is known as {name!r}", "", "Try a message, field, extension, alert, finding or code like 0x1301."
        )
    width = min(printing.width(), 100)
    printing.out(render_all(found, width) + "\n")
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from tlsviz import doctor

    checks = doctor.checks()
    printing.out(doctor.render(checks) + "\n")
    return 3 if any(check.ok is False for check in checks) else 0


_COMMANDS = {
    "": _default,
    "live": _live,
    "open": _open,
    "lab": _lab,
    "watch": _watch,
    "show": _show,
    "compare": _compare,
    "check": _check,
    "explain": _explain,
    "doctor": _doctor,
}


def _screen(target: str | None, args: argparse.Namespace) -> int:
    found = targets.parsed(target, args) if target is not None else None
    opening = arguments.open_options(args, targets.password()) if "keylog" in args else None
    with targets.begun(found, opening) as begun:
        from tlsviz.report.formats import picture
        from tlsviz.ui.app import run

        live = arguments.live_options(args) if "servername" in args else None
        return run(target, live=live, capture=opening, draw=picture, begun=begun)


def _status(trace: Trace) -> int:
    """4 if a live target could not be reached by TCP, else 0."""
    from tlsviz.connection.ladder import connected

    live = trace.source.kind == "live"
    return TargetError.exit_status if live and not any(map(connected, trace.connections)) else 0


def _print_text(trace: Trace) -> int:
    printing.notices(trace)
    printing.out(printing.text(trace, True, None, False, False))
    return _status(trace)
