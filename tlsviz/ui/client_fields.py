"""The fields of the client's form: what each is called, what stands in it for given options, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.errors import TlsvizError, UsageError
from tlsviz.ui.workers import Live
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from tlsviz.sources.options import LiveOptions


class Field(NamedTuple):
    """``name``: the command line's option without its dashes; ``empty``: what an empty field means."""

    name: str
    label: str
    empty: str
    hint: str


class Group(NamedTuple):
    """Fields under a common heading."""

    title: str
    fields: tuple[Field, ...]


_SUITES = "OpenSSL's or IANA's names, by commas, best first: TLS_AES_128_GCM_SHA256,ECDHE-RSA-AES128-GCM-SHA256"
_STARTTLS = "Ask for TLS in this protocol first: "

GROUPS: tuple[Group, ...] = (
    Group(
        "WHOM",
        (
            Field("target", "target", "", "A host, host:port, [IPv6]:port or https:// URL."),
            Field("servername", "server name", "the target's", "Which name to send (SNI); a single - sends none."),
            Field("resolve", "address", "looked up", "Connect to this IP address, or address:port."),
        ),
    ),
    Group(
        "WHAT IT OFFERS",
        (
            Field("profile", "profile", "OpenSSL's own", "Offer what this client offers: {profiles}."),
            Field("min", "lowest version", "1.0, or the profile's", "1.0, 1.1, 1.2 or 1.3."),
            Field("max", "highest version", "1.3, or the profile's", "1.0, 1.1, 1.2 or 1.3."),
            Field("ciphers", "cipher suites", "OpenSSL's, or the profile's", _SUITES),
            Field("groups", "groups", "OpenSSL's, or the profile's", "By commas, best first: X25519MLKEM768,x25519"),
            Field("sigalgs", "signatures", "OpenSSL's, or the profile's", "By commas: ecdsa_secp256r1_sha256,…"),
            Field("alpn", "ALPN", "none", "Protocols, by commas: h2,http/1.1. Empty offers none."),
        ),
    ),
    Group(
        "WHO ASKS, WHOM IT TRUSTS",
        (
            Field("cert", "certificate", "none", "A client certificate, as a PEM file, for servers that ask for one."),
            Field("key", "its key", "in the same file", "The certificate's private key, as a PEM file."),
            Field("ca", "trust only", "Mozilla's and this system's", "A PEM file with just the authorities to trust."),
        ),
    ),
    Group(
        "THE WAY",
        (
            Field("starttls", "STARTTLS", "TLS from the first byte", _STARTTLS + "{upgrades}."),
            Field("proxy", "proxy", "none", "[http://][user:password@]HOST:PORT for CONNECT, or socks5://…"),
        ),
    ),
    Group(
        "THE RUN",
        (
            Field("timeout", "time-out", "10", "Seconds for everything of one connection."),
            Field("resume", "resume", "0", "How many further connections resume the session."),
            Field("step", "step by step", "no", "yes or no; yes holds every flight until the space key lets it go."),
        ),
    ),
)
FIELDS: tuple[Field, ...] = tuple(field for group in GROUPS for field in group.fields)
_NO_NAME = "-"
_STRUCK = "***"


@dataclass
class FieldError(Exception):
    """What is wrong, and in which field."""

    field: str
    error: TlsvizError


def choices(name: str) -> tuple[str, ...]:
    """What can stand in a field, where that is a short list; () elsewhere."""
    if name == "profile":
        from tlsviz.sources.profiles import profiles

        return tuple(profiles())
    if name == "starttls":
        from tlsviz.connection.upgrades import UPGRADES

        return tuple(UPGRADES)
    if name in ("min", "max"):
        from tlsviz.sources.options import VERSIONS

        return tuple(VERSIONS)
    return ("yes", "no") if name == "step" else ()


def hint(field: Field) -> str:
    """The field's hint, with what can be chosen."""
    listed = ", ".join(choices(field.name))
    return field.hint.replace("{profiles}", listed).replace("{upgrades}", listed)


def texts(target: str, options: LiveOptions) -> dict[str, str]:
    """What stands in each field for these options."""
    server = _NO_NAME if options.servername == "" else options.servername or ""
    return {
        "target": target,
        "servername": server,
        "resolve": options.resolve or "",
        "profile": options.profile or "",
        "min": options.min_version or "",
        "max": options.max_version or "",
        "ciphers": options.ciphers or "",
        "groups": options.groups or "",
        "sigalgs": options.sigalgs or "",
        "alpn": ",".join(options.alpn),
        "cert": str(options.cert or ""),
        "key": str(options.key or ""),
        "ca": str(options.ca or ""),
        "starttls": options.starttls or "",
        "proxy": _struck(options.proxy or ""),
        "timeout": f"{options.timeout:g}",
        "resume": str(options.resume or ""),
        "step": "yes" if options.step else "",
    }


def _struck(proxy: str) -> str:
    """A proxy without its log-in: who looks over a shoulder, or at the projector, must not read it."""
    scheme, separator, rest = proxy.rpartition("://")
    login, at, place = rest.rpartition("@")
    return f"{scheme}{separator}{_STRUCK if login else ''}{at}{place}"


def request(filled: dict[str, str], before: LiveOptions) -> Live:
    """What the filled form asks for; what it does not name stays as it was ``before``. Raises FieldError."""
    from tlsviz.sources.openssl import rehearse
    from tlsviz.sources.target import parse_host

    text = {name: value.strip() for name, value in filled.items()}
    if not text["target"]:
        raise FieldError("target", UsageError("No target", "", "Give a host, host:port or an https:// URL."))
    try:
        target = parse_host(text["target"])
    except TlsvizError as error:
        raise FieldError("target", error) from None
    options = _options(text, before)
    try:
        options.checked()
        options.name_for(target)
        options.place(target)
        rehearse(options)
    except TlsvizError as error:
        raise FieldError(_guilty(error), error) from None
    return Live(target, options)


def _options(text: dict[str, str], before: LiveOptions) -> LiveOptions:
    from tlsviz.sources.options import LiveOptions

    default = LiveOptions()
    alpn = tuple(part.strip() for part in text["alpn"].split(",") if part.strip())
    return replace(
        before,
        servername=None if not text["servername"] else text["servername"].removeprefix(_NO_NAME),
        resolve=text["resolve"] or None,
        profile=text["profile"] or None,
        min_version=text["min"] or None,
        max_version=text["max"] or None,
        ciphers=text["ciphers"] or None,
        groups=text["groups"] or None,
        sigalgs=text["sigalgs"] or None,
        alpn=() if text["starttls"] and alpn == default.alpn else alpn,
        cert=_path(text, "cert"),
        key=_path(text, "key"),
        ca=_path(text, "ca"),
        starttls=text["starttls"] or None,
        proxy=before.proxy if before.proxy and text["proxy"] == _struck(before.proxy) else text["proxy"] or None,
        timeout=_number(text, "timeout", default.timeout),
        resume=_count(text, "resume"),
        step=_yes(text["step"]),
    )


def _path(text: dict[str, str], name: str) -> Path | None:
    if not text[name]:
        return None
    path = Path(text[name]).expanduser()
    if not path.is_file():
        shown = shorten(text[name], 60)
        raise FieldError(name, UsageError(f"No such file: {shown}", "", "Give the path of a PEM file."))
    return path


def _number(text: dict[str, str], name: str, default: float) -> float:
    try:
        return float(text[name]) if text[name] else default
    except ValueError:
        shown = shorten(text[name], 20)
        raise FieldError(name, UsageError(f"{shown} is no number", "", "Give a number such as 5.")) from None


def _count(text: dict[str, str], name: str) -> int:
    digits = text[name]
    if digits and not (digits.isascii() and digits.isdigit() and len(digits) < 4):
        raise FieldError(name, UsageError(f"{shorten(digits, 20)} is no such number", "", "Give 0, 1 or a few more."))
    return int(digits or 0)


def _yes(text: str) -> bool:
    if text.lower() not in ("", "no", "yes"):
        raise FieldError("step", UsageError(f"{shorten(text, 20)} is neither yes nor no"))
    return text.lower() == "yes"


def _guilty(error: TlsvizError) -> str:
    """The field that an error speaks of: its title begins with the option."""
    option = error.title.removeprefix("--").split(" ", 1)[0]
    if any(option == field.name for field in FIELDS) and error.title.startswith("--"):
        return option
    return "cert" if "certificate" in error.title else "servername" if "Not a target" in error.title else "ciphers"
