"""What is here and what is not: tshark, OpenSSL, trust stores, the terminal. And how to mend it."""

from __future__ import annotations

import locale
import os
import platform
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tlsviz.errors import MissingError, TlsvizError
from tlsviz.wire.text import plural, safe, shorten

OLDEST_PYTHON = (3, 11)
SMALLEST_TERMINAL = (80, 24)
HYBRID_GROUP = "X25519MLKEM768"
_WIDTH = 100
_DUMPCAP_TIME_OUT = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    ``ok``: True, it is well; False, something needed is missing; None, worth knowing but nothing is missing.
    ``mend`` says what to do, "" when there is nothing to do.
    """

    name: str
    ok: bool | None
    detail: str
    mend: str = ""


def checks() -> list[Check]:
    """Everything that tlsviz stands on, in the order people ask for it. Takes about half a second."""
    looks: tuple[Callable[[], Check], ...] = (
        _python,
        _tshark,
        _capturing,
        _openssl,
        _versions,
        _hybrid,
        _mozilla,
        _system,
        _terminal,
        _keylog,
    )
    return [look() for look in looks]


def render(found: Iterable[Check]) -> str:
    """The checks as text: a sign, the name, what was found; below it what to do."""
    signs = ("✓", "✗", "·") if _unicode() else ("+", "x", "-")
    lines: list[str] = []
    for check in found:
        sign = signs[2] if check.ok is None else signs[0] if check.ok else signs[1]
        lines += _wrapped(f"{sign} {check.name:<12} ", check.detail)
        if check.mend:
            lines += _wrapped(" " * 15, check.mend)
    return "\n".join(lines)


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * 15) or [start.rstrip()]


def _python() -> Check:
    text = f"{platform.python_implementation()} {platform.python_version()} ({safe(sys.executable)})"
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Check("Python", True, text)
    least = ".".join(map(str, OLDEST_PYTHON))
    return Check("Python", False, text, f"tlsviz needs Python {least} or later.")


def _tshark() -> Check:
    from tlsviz.sources import tshark

    try:
        path = tshark.find()
        version = tshark.version(path)
    except MissingError as error:
        return Check("tshark", False, f"{error.title}: {error.message}", error.hint)
    least = ".".join(map(str, tshark.MINIMUM))
    text = f"{version} ({safe(path)}; {least} or later is needed), opens captures"
    if tshark.too_old(version):
        return Check("tshark", False, text, tshark.MEND)
    return Check("tshark", True, text)


def _capturing() -> Check:
    """Only watching an interface needs this, so its absence is no fault."""
    from tlsviz.sources.dumpcap import PERMIT

    path = shutil.which("dumpcap")
    if path is None:
        return Check("capturing", None, "dumpcap is not here: captures open, but interfaces cannot be watched")
    try:
        answer = subprocess.run(
            [path, "-D"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_DUMPCAP_TIME_OUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("capturing", None, f"dumpcap cannot be run: {safe(str(error))}", PERMIT)
    names = [line.split(". ", 1)[-1].split(" ")[0] for line in answer.stdout.decode("utf-8", "replace").splitlines()]
    if answer.returncode or not names:
        return Check("capturing", None, "no interface may be captured on by this user", PERMIT)
    shown = ", ".join(safe(name) for name in names[:4]) + (", …" if len(names) > 4 else "")
    return Check("capturing", True, f"{plural(len(names), 'interface')} ({shown})")


def _openssl() -> Check:
    try:
        from OpenSSL import SSL
    except ImportError as error:
        return Check("OpenSSL", False, f"pyOpenSSL cannot be loaded: {safe(str(error))}", "pip install pyOpenSSL")
    text = SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode("ascii", "replace")
    return Check("OpenSSL", True, f"{safe(text)}, shakes hands live (from the cryptography package, not the system's)")


def _versions() -> Check:
    """Which versions a hello can be made for; a policy of the system may forbid some."""
    try:
        can = [name for name in ("1.0", "1.1", "1.2", "1.3") if _can_offer(name)]
    except ImportError:
        return Check("TLS", False, "nothing, without OpenSSL")
    cannot = [name for name in ("1.0", "1.1", "1.2", "1.3") if name not in can]
    text = f"{', '.join(can) or 'no version'} live; older ones are read from captures"
    if not cannot:
        return Check("TLS", True, text)
    enough = "1.2" in can and "1.3" in can
    why = f"This OpenSSL cannot do {', '.join(cannot)}: look at its configuration (OPENSSL_CONF)."
    return Check("TLS", None if enough else False, text, why)


def _can_offer(version: str) -> bool:
    """Whether OpenSSL makes a ClientHello for exactly this version."""
    from OpenSSL import SSL

    from tlsviz.sources.openssl import client_context
    from tlsviz.sources.options import LiveOptions

    try:
        connection = SSL.Connection(
            client_context(LiveOptions(min_version=version, max_version=version), lambda line: None), None
        )
        connection.set_connect_state()
        connection.do_handshake()
    except SSL.WantReadError:
        return True
    except (SSL.Error, TlsvizError):
        return False
    return False


def _hybrid() -> Check:
    try:
        from tlsviz.sources.openssl import client_context
        from tlsviz.sources.options import LiveOptions

        client_context(LiveOptions(groups=HYBRID_GROUP), lambda line: None)
    except (ImportError, TlsvizError):
        return Check("post-quantum", None, f"no {HYBRID_GROUP} live", "pip install --upgrade cryptography")
    return Check("post-quantum", True, f"{HYBRID_GROUP} live")


def _mozilla() -> Check:
    from tlsviz.pki import stores

    try:
        count = len(stores.mozilla().ders)
    except (OSError, ImportError) as error:
        return Check("Mozilla", False, f"its roots cannot be read: {safe(str(error))}", "pip install certifi")
    return Check("Mozilla", count > 0, f"{count} trusted roots", "" if count else "pip install --upgrade certifi")


def _system() -> Check:
    from tlsviz.pki import stores

    count = len(stores.system().ders)
    if count:
        return Check("system", True, f"{count} trusted roots of this machine")
    mend = "Install them: apt install ca-certificates. Or set SSL_CERT_FILE."
    return Check("system", None, "this machine has no trusted roots; Mozilla's are used alone", mend)


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check("terminal", None, "standard output is not a terminal: text is printed instead of screens")
    columns, rows = shutil.get_terminal_size()
    colours = _colours()
    text = f"{shorten(os.environ.get('TERM', 'unknown'), 40)}, {columns}×{rows}, {colours}"
    text += ", Unicode" if _unicode() else ", no Unicode (ASCII signs are used)"
    if columns < SMALLEST_TERMINAL[0] or rows < SMALLEST_TERMINAL[1]:
        wide, high = SMALLEST_TERMINAL
        return Check("terminal", None, text, f"Make it {wide}×{high} or larger to see whole panes.")
    return Check("terminal", True, text)


def _colours() -> str:
    """How many colours the terminal says it has."""
    if "NO_COLOR" in os.environ:
        return "no colours (NO_COLOR)"
    if os.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return "16 million colours"
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        return "no colours"
    return "256 colours" if "256" in term else "16 colours"


def _unicode() -> bool:
    encoding = sys.stdout.encoding or locale.getpreferredencoding(False)
    return encoding.lower().replace("-", "").startswith("utf")


def _keylog() -> Check:
    """Browsers and curl write their keys there; tlsviz reads it when told to."""
    name = os.environ.get("SSLKEYLOGFILE")
    if not name:
        return Check(
            "key log",
            None,
            "SSLKEYLOGFILE is not set",
            "To decrypt your own traffic: start a browser or curl with SSLKEYLOGFILE=keys.log, capture, "
            "tlsviz open FILE --keylog keys.log.",
        )
    path = Path(name)
    try:
        size = path.stat().st_size
    except OSError:
        return Check("key log", None, f"SSLKEYLOGFILE is {shorten(name, 80)}; no program has written it yet")
    text = f"SSLKEYLOGFILE is {shorten(name, 80)} ({plural(size, 'byte')})"
    return Check("key log", True, text, f"Use it: tlsviz open FILE --keylog {shorten(name, 80)}")
