"""The command line's words: which commands and options there are, and what their values become."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tlsviz import __version__
from tlsviz.errors import UsageError

if TYPE_CHECKING:
    from tlsviz.sources.opening import OpenOptions
    from tlsviz.sources.options import LiveOptions

COMMANDS = ("live", "open", "lab", "watch", "show", "compare", "check", "explain", "doctor")
FORMATS = ("text", "json", "markdown", "svg", "html", "mermaid")
STANDARDS = ("rfc9325", "nist", "mozilla-modern", "mozilla-intermediate", "mozilla-old")
COMPARE_FORMATS = ("text", "json", "markdown", "svg", "html")

_EPILOG = """\
commands:
  tlsviz                     the home screen: type a host, pick a capture, the lab
  tlsviz TARGET              a capture file, host, host:port, [v6]:port or https:// URL
  tlsviz live HOST[:PORT]    a live handshake, with options
  tlsviz open FILE...        a capture, with options; several are merged, - is standard input
                             (its list is filtered by /, in the words of `show --list --filter`)
  tlsviz watch [INTERFACE]   handshakes on an interface as they happen; `--list` lists them
  tlsviz lab [SCENARIO]      a handshake with a server made on the spot; `lab list`, `lab serve`
  tlsviz show TARGET         print instead: --format text, json, markdown, svg, html or mermaid
  tlsviz compare A [B]       two connections side by side: of two targets, or two of one
  tlsviz check TARGET        one line a finding, for scripts
  tlsviz explain NAME        what a code point, field, alert or finding is
  tlsviz doctor              what is here, and how to mend what is not

`tlsviz COMMAND --help` lists a command's options.
exit status: 0 well, 1 findings (check), 2 wrong usage, 3 something missing here, 4 target not readable
"""


_WHAT = "See a TLS handshake happen."
_TARGET = "a capture file, host, host:port, [v6]:port or https:// URL"


class _Help(argparse.HelpFormatter):
    """Knows its width: argparse asks shutil, for each option, and that imports every compressor that Python has."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


class _Plain(_Help, argparse.RawDescriptionHelpFormatter):
    """Leaves the list of commands as it is."""


def _columns() -> int:
    """How wide the terminal is, by its own word or the user's (COLUMNS); 80 where nobody says."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one paragraph, as every other error."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(f"{message[:1].upper()}{message[1:]}", "", f"See `{self.prog} --help`.")


def build(command: str) -> Parser:
    """The parser of one command; "" is `tlsviz [TARGET]`."""
    prog = f"tlsviz {command}".strip()
    if not command:
        parser = Parser(prog=prog, description=_WHAT, epilog=_EPILOG, formatter_class=_Plain, allow_abbrev=False)
        parser.add_argument("target", nargs="?", metavar="TARGET", help=_TARGET)
        parser.add_argument("--version", action="version", version=f"tlsviz {__version__}")
    else:
        parser = Parser(prog=prog, formatter_class=_Help, allow_abbrev=False)
        _POSITIONALS[command](parser)
    if command in ("", "live", "show", "compare", "check"):
        _live(parser)
    if command in ("", "open", "show", "compare", "check"):
        _open(parser)
    if command in ("", "live", "open", "watch", "show", "compare", "check"):
        parser.add_argument("--ca", type=Path, metavar="FILE", help="trust exactly these authorities (PEM)")
        parser.add_argument("--at", type=_time, metavar="TIME", help="judge certificates at this time (ISO 8601)")
        text = "ask this revocation list, PEM or DER (repeatable)"
        parser.add_argument("--crl", type=Path, action="append", default=[], metavar="FILE", help=text)
        text = "know these transparency logs: Chrome's log_list.json, or lines of operator, name, key"
        parser.add_argument("--ct-logs", type=Path, metavar="FILE", help=text)
    return parser


def _live(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("live targets")
    group.add_argument("--servername", metavar="NAME", help="server name to send (SNI); '' sends none")
    group.add_argument("--resolve", metavar="ADDRESS", help="connect to this address")
    group.add_argument("--alpn", metavar="A,B", type=_names, help="protocols to offer (default http/1.1)")
    group.add_argument("--min", metavar="VERSION", help="lowest TLS version: 1.0 … 1.3")
    group.add_argument("--max", metavar="VERSION", help="highest TLS version: 1.0 … 1.3")
    group.add_argument("--ciphers", metavar="LIST", help="cipher suites to offer")
    group.add_argument("--groups", metavar="LIST", help="key exchange groups to offer")
    group.add_argument("--sigalgs", metavar="LIST", help="signature algorithms to offer")
    group.add_argument("--cert", type=Path, metavar="PEM", help="client certificate")
    group.add_argument("--key", type=Path, metavar="PEM", help="its private key")
    text = "fetch intermediate certificates that the server does not send, over plain HTTP"
    group.add_argument("--aia", action="store_true", help=text)
    text = "if it fails, try again in other ways (at most 8), and say what each rules out"
    group.add_argument("--probe", action="store_true", help=text)
    text = "look at port 80, too: redirects, HSTS, and what an eavesdropper reads"
    group.add_argument("--ports", action="store_true", help=text)
    text = "offer what this client offers: chrome, firefox, safari, openssl-3.5, java, ie-11, …"
    group.add_argument("--profile", metavar="CLIENT", help=text)
    text = "ask for TLS in this protocol first: smtp, imap, pop3, ftp, ldap, postgres, xmpp, …"
    group.add_argument("--starttls", metavar="PROTO", help=text)
    text = "go through a proxy: [http://][USER:PASSWORD@]HOST:PORT (CONNECT), or socks5://…"
    group.add_argument("--proxy", metavar="PROXY", help=text)
    group.add_argument("--resume", type=int, default=0, metavar="N", help="resume the session in N more connections")
    group.add_argument("--early-data", type=Path, metavar="FILE", help="send FILE as 0-RTT data when resuming")
    text = "hold the wire before each flight, until a key lets it go (needs a screen)"
    group.add_argument("--step", action="store_true", help=text)
    group.add_argument("--timeout", type=float, metavar="S", help="seconds for everything (default 10)")
    group.add_argument("--save", type=Path, metavar="FILE", help="keep it as a pcapng with its secrets inside")


def _open(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("captures")
    group.add_argument("--keylog", type=Path, action="append", default=[], metavar="FILE", help="key log (repeatable)")
    text = "the server's RSA private key: PEM, DER or PKCS #12 (repeatable)"
    group.add_argument("--rsa-key", type=Path, action="append", default=[], metavar="FILE", help=text)
    text = "give every packet to tshark, also those of long transfers (slower, equal)"
    group.add_argument("--no-carve", action="store_true", help=text)


def _show(parser: argparse.ArgumentParser) -> None:
    _targets(parser)
    parser.add_argument("--format", default="text", metavar="FORMAT", help=", ".join(FORMATS))
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there instead of standard output")
    parser.add_argument("--connection", type=int, metavar="ID", help="only this connection of a capture")
    _filter(parser)
    text = "how many connections there are of each kind; as text, in place of the connections"
    parser.add_argument("--summary", action="store_true", help=text)
    text = "a row for each connection, and nothing of what is inside; as text or json"
    parser.add_argument("--list", action="store_true", help=text)
    parser.add_argument("--fields", action="store_true", help="with every field of every message")
    text = "with TCP's segments below a captured connection, as text or json"
    parser.add_argument("--segments", action="store_true", help=text)
    parser.add_argument("--secrets", action="store_true", help="with session keys and decrypted application data")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="A", help=f"{_TARGET}, or lab:SCENARIO")
    parser.add_argument("other", nargs="?", metavar="B", help="another; default: another connection of A")
    text = f"print instead of showing: {', '.join(COMPARE_FORMATS)}"
    parser.add_argument("--format", metavar="FORMAT", help=text)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there instead of standard output")
    parser.add_argument("--connection", type=int, metavar="ID", help="which connection of A (default: the first)")
    parser.add_argument("--with", type=int, dest="with_", metavar="ID", help="which connection of B")
    parser.add_argument("--fields", action="store_true", help="with the fields of messages that differ")
    parser.add_argument("--secrets", action="store_true", help="with decrypted application data")


def _filter(parser: argparse.ArgumentParser) -> None:
    text = (
        "only these connections: words, and keys like version:1.2, sni:*.example.com, alert:, finding:expired and "
        "handshake:>200ms, with not, or and parentheses; an unknown key names the nearest, or lists all"
    )
    parser.add_argument("--filter", metavar="EXPRESSION", help=text)


def _check(parser: argparse.ArgumentParser) -> None:
    from tlsviz.connection.model import SEVERITIES

    _targets(parser)
    _filter(parser)
    listed = ", ".join(SEVERITIES)
    text = f"exit with 1 where a finding is at or above it (default error): {listed}"
    parser.add_argument("--fail-on", choices=SEVERITIES, default="error", metavar="SEVERITY", help=text)
    text = f"hold it to a public standard, with its severities: {', '.join(STANDARDS)}"
    parser.add_argument("--standard", choices=STANDARDS, metavar="NAME", help=text)


def _lab(parser: argparse.ArgumentParser) -> None:
    parser.usage = "tlsviz lab [SCENARIO] | list | serve [SCENARIO] [--port PORT]"
    parser.add_argument("what", nargs="?", metavar="SCENARIO", help="which to run (default tls13), `list` or `serve`")
    parser.add_argument("scenario", nargs="?", metavar="SCENARIO", help="with `serve`: which to serve")
    parser.add_argument("--port", type=_port, metavar="PORT", help="with `serve`: listen there, not on any free port")


def _watch(parser: argparse.ArgumentParser) -> None:
    text = "which to watch (default: one that leads out)"
    parser.add_argument("interface", nargs="?", metavar="INTERFACE", help=text)
    parser.add_argument("--list", action="store_true", help="list the interfaces that can be watched")
    text = "a key log that is followed as it grows (repeatable)"
    parser.add_argument("--keylog", type=Path, action="append", default=[], metavar="FILE", help=text)
    text = "capture only this, in tcpdump's language (default: tcp, udp and 802.1X)"
    parser.add_argument("--filter", metavar="BPF", help=text)
    parser.add_argument("--duration", type=_positive, metavar="S", help="end after as many seconds")
    parser.add_argument("--count", type=_whole, metavar="N", help="end when as many connections are over")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write what is captured to a pcapng")
    parser.add_argument("--secrets", action="store_true", help="with the session keys, in --save and --format json")
    text = "disk for packets that wait to be decoded (default 256)"
    parser.add_argument("--ring", type=_whole, default=256, metavar="MB", help=text)
    text = "print a line for each connection that is over: text, or json (lines of JSON)"
    parser.add_argument("--format", metavar="FORMAT", help=text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _whole(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 1 << 31:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")


def _targets(parser: argparse.ArgumentParser) -> None:
    text = f"{_TARGET}, or lab:SCENARIO; - is a capture from standard input; several captures are merged by time"
    parser.add_argument("target", nargs="+", metavar="TARGET", help=text)


def _files(parser: argparse.ArgumentParser) -> None:
    text = "go on reading a file that still grows, as `watch` does; Ctrl-C (on a screen: Ctrl-Q) ends it"
    parser.add_argument("--follow", action="store_true", help=text)
    text = "a capture file; - is standard input; several are merged by time"
    parser.add_argument("target", nargs="+", metavar="FILE", help=text)


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help=_TARGET)


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="+", metavar="NAME", help="a code point, field, alert, message or finding")


def _nothing(parser: argparse.ArgumentParser) -> None:
    """`doctor` takes no words."""


_POSITIONALS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "live": _target,
    "open": _files,
    "lab": _lab,
    "watch": _watch,
    "show": _show,
    "compare": _compare,
    "check": _check,
    "explain": _name,
    "doctor": _nothing,
}


_LIVE_ONLY = (
    *("servername", "resolve", "alpn", "min", "max", "ciphers", "groups", "sigalgs", "cert", "key"),
    *("profile", "starttls", "proxy", "resume", "early_data", "step", "timeout", "save", "aia", "probe", "ports"),
)
_JUDGING = ("ca", "at", "crl", "ct_logs")
_CAPTURE_ONLY = ("keylog", "rsa_key", "no_carve")


TargetKind = Literal["capture", "live", "lab"]


def check_fit(kind: TargetKind, args: argparse.Namespace, other: TargetKind | None = None) -> None:
    """Raises UsageError for an option that means nothing for this kind of target, nor for the ``other``'s."""
    misfits = {"capture": _LIVE_ONLY, "live": _CAPTURE_ONLY, "lab": (*_LIVE_ONLY, *_CAPTURE_ONLY, *_JUDGING)}
    for name in misfits[kind]:
        if getattr(args, name, None) and name in misfits[other or kind]:
            option = "--" + name.replace("_", "-")
            meant = "live targets" if name in _LIVE_ONLY else "captures" if name in _CAPTURE_ONLY else "other targets"
            raise UsageError(f"{option} is for {meant}", f"this is a {kind} target", "Leave it out.")


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")


def _time(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time like 2026-01-31 or 2026-01-31T12:00:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def live_options(args: argparse.Namespace) -> LiveOptions:
    """The live options as the source takes them."""
    from tlsviz.sources.options import DEFAULT_TIMEOUT, LiveOptions

    defaults = LiveOptions()
    return LiveOptions(
        servername=args.servername,
        resolve=args.resolve,
        alpn=args.alpn if args.alpn is not None else () if args.starttls else defaults.alpn,
        min_version=args.min,
        max_version=args.max,
        ciphers=args.ciphers,
        groups=args.groups,
        sigalgs=args.sigalgs,
        cert=args.cert,
        key=args.key,
        ca=args.ca,
        at=args.at,
        starttls=args.starttls,
        proxy=args.proxy,
        profile=args.profile,
        resume=args.resume,
        early_data=args.early_data,
        step=args.step,
        timeout=DEFAULT_TIMEOUT if args.timeout is None else args.timeout,
        save=args.save,
        aia=args.aia,
        probe=args.probe,
        ports=args.ports,
        crls=tuple(args.crl),
        ct_logs=args.ct_logs,
    ).checked()


def open_options(args: argparse.Namespace, ask: Callable[[str], str] | None = None) -> OpenOptions:
    """The capture options as the source takes them. ``ask`` asks for a key's password; None: nobody is there."""
    from tlsviz.sources.opening import OpenOptions

    password = None
    if args.rsa_key:
        from tlsviz.sources.keyfiles import unlock

        password = unlock(args.rsa_key, ask)
    return OpenOptions(
        keylogs=tuple(args.keylog),
        rsa_keys=tuple(args.rsa_key),
        rsa_password=password,
        ca=args.ca,
        at=args.at,
        crls=tuple(args.crl),
        ct_logs=args.ct_logs,
        carve=not args.no_carve,
        findings=getattr(args, "findings", True),
        name=getattr(args, "name", None),
        notices=getattr(args, "notices", ()),
    )
