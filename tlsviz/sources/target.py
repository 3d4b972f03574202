"""What the user means by a target: a capture file, or a host to shake hands with."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import NamedTuple

from tlsviz.errors import TargetError, UsageError
from tlsviz.wire.text import shorten

DEFAULT_PORT = 443
TLS_SCHEMES = ("https", "wss")
CAPTURE_SUFFIXES = {".pcap", ".pcapng", ".cap", ".dmp", ".ntar", ".snoop", ".erf"}
PACKED_SUFFIXES = {".gz", ".zst", ".lz4"}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_FORMS = "Give a capture file, host, host:port, [IPv6 address]:port, or an https:// URL."


class Target(NamedTuple):
    """Whom to shake hands with.

    ``host`` is an IP address (no brackets) or a host name in A-labels without the final dot; ``path`` is what
    the HTTP request asks for; ``text`` is what to call it on a screen.
    """

    host: str
    port: int = DEFAULT_PORT
    path: str = "/"
    text: str = ""

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address: there is no name to look up and none to send."""
        return is_address(self.host)

    def __str__(self) -> str:
        return self.text or authority(self.host, self.port)


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def authority(host: str, port: int, usual: int = DEFAULT_PORT) -> str:
    """``host:port`` as a URL writes it, the port left out where it is the usual one."""
    host = f"[{host}]" if ":" in host else host
    return host if port == usual else f"{host}:{port}"


def parse_target(text: str) -> Target | Path:
    """What ``text`` means: an existing file is a capture, anything else a host.

    Raises UsageError where it can be neither, TargetError where it names a file that is not there.
    """
    text = text.strip()
    if not text:
        raise UsageError("No target", "the text is empty", _FORMS)
    if text == "-":
        raise UsageError("Standard input is no target", "captures are read twice", "Save it to a file first.")
    path = _file(text)
    return path if path is not None else parse_host(text)


def parse_host(text: str) -> Target:
    """A host, host:port, [v6]:port or URL; never a file. Raises UsageError."""
    text = text.strip()
    match = _SCHEME.fullmatch(text)
    path = "/"
    if match:
        rest, path = _url(match[1].lower(), match[2], text)
    else:
        rest, slash, tail = text.partition("/")
        if slash:
            path = _clean_path("/" + tail)
    host, port = _host_and_port(rest, text)
    host = _host(host, text)
    return Target(host, port, path, authority(host, port))


def _file(text: str) -> Path | None:
    """The file that ``text`` names; None if it cannot be meant as one."""
    if "://" in text or "\0" in text:
        return None
    path = Path(text)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    packed = len(suffixes) == 2 and suffixes[1] in PACKED_SUFFIXES and suffixes[0] in CAPTURE_SUFFIXES
    capture = packed or bool(suffixes and suffixes[-1] in CAPTURE_SUFFIXES)
    pathlike = text.startswith((".", "/", "~")) or text.endswith("/")
    shown = shorten(text, 80)
    try:
        path = path.expanduser()
        if path.is_dir():
            if pathlike or capture or "." not in text:
                raise TargetError(f"{shown} is a directory", "a capture is a file", "Name a file inside it.")
            return None
        if path.exists():
            return path
    except (OSError, RuntimeError) as error:
        if pathlike or capture:
            raise TargetError(f"Cannot look at {shown}", shorten(str(error), 120)) from None
        return None
    if pathlike or capture:
        raise TargetError(f"No such file: {shown}", "", "Check the path; a host has no leading slash or dot.")
    return None


def _not_a_target(text: str, why: str, hint: str = _FORMS) -> UsageError:
    return UsageError(f"Not a target: {shorten(text, 80)}", why, hint)


def _url(scheme: str, rest: str, text: str) -> tuple[str, str]:
    """Authority and path of a URL whose scheme speaks TLS from the first byte."""
    if scheme == "http":
        raise UsageError(
            f"{shorten(text, 80)} is plain HTTP",
            "http:// carries no TLS, so there is no handshake to see",
            "Use https://, or host:80 to see what that port answers to a ClientHello.",
        )
    if scheme not in TLS_SCHEMES:
        raise _not_a_target(text, f"{shorten(scheme, 20)}:// is not TLS over TCP")
    rest = rest.partition("#")[0]
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    rest, tail = rest[:cut], rest[cut:]
    if "@" in rest:
        raise UsageError(
            "The URL holds a user name", "tlsviz does not log in anywhere", "Leave out what is before the @."
        )
    return rest, _clean_path(tail if tail.startswith("/") else "/" + tail)


def _clean_path(path: str) -> str:
    """The path and query as an HTTP request may carry them: everything else percent-encoded."""
    return "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in path.encode("utf-8", "replace"))


def _host_and_port(rest: str, text: str) -> tuple[str, int]:
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise _not_a_target(text, "an IPv6 address with a port is [address]:port")
        if not (":" in host and is_address(host)):
            raise _not_a_target(text, "what is in brackets is not an IPv6 address")
        return host, _port(tail[1:], text) if tail else DEFAULT_PORT
    if rest.count(":") > 1:
        if is_address(rest):
            return rest, DEFAULT_PORT
        raise _not_a_target(text, "too many colons", "An IPv6 address with a port is [address]:port.")
    host, colon, port = rest.partition(":")
    return host, _port(port, text) if colon else DEFAULT_PORT


def _port(digits: str, text: str) -> int:
    if digits.isascii() and digits.isdigit() and len(digits) <= 5 and 0 < int(digits) < 65536:
        return int(digits)
    raise _not_a_target(text, "a port is a number from 1 to 65535")


def _host(host: str, text: str) -> str:
    """The host as an address, or in A-labels (RFC 5890), lower case, without the final dot."""
    if is_address(host):
        return host
    name = host.removesuffix(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise _not_a_target(text, f"no such name can exist ({shorten(str(error), 60)})") from None
    labels = name.lower().split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        why = "a host name is made of letters, digits and hyphens, in parts of 1 to 63"
        raise _not_a_target(text, why)
    if labels[-1].isdigit():
        raise _not_a_target(text, "that is neither a host name nor an IP address")
    return ".".join(labels)
