"""The keys of the filter language: what each looks at in a row, and the words that explain it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from fnmatch import translate
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from tlsviz.connection.model import CodePoint, Endpoint
from tlsviz.connection.rows import CLOSE_NOTIFY, Row

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

Kind = Literal["text", "version", "point", "end", "port", "number"]
"""text: part of it, or with * and ? (or after =) the whole. version, point: by name or number. end: an address, network
or name. number: compared, with a unit."""
Test = Callable[[Row, float], bool]
"""Whether a row matches, given when the first connection began (Unix seconds)."""

LONGEST_PATTERN = 200


class Key(NamedTuple):
    """``texts``: what a row holds under the key, () for nothing; for numbers ``number`` instead, in ``unit``.

    ``wholes``: values that mean themselves alone, and not every text that they are a part of, as `plain` has them.
    """

    name: str
    kind: Kind
    words: str
    example: str
    texts: Callable[[Row], Iterable[str]] = lambda row: ()
    number: Callable[[Row, float], float | None] = lambda row, zero: None
    unit: Literal["s", "B", ""] = ""
    points: Callable[[Row], tuple[CodePoint, ...]] = lambda row: ()
    wholes: Callable[[], Collection[str]] = lambda: ()


class Flag(NamedTuple):
    """A word that is true or not of a row."""

    name: str
    words: str
    test: Callable[[Row], bool]


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _version_of(row: Row) -> tuple[str, ...]:
    return _one(row.spoken) if row.plain else _named(row.version)


def _named(point: CodePoint | None) -> tuple[str, ...]:
    return (str(point),) if point is not None else ()


def _alerts(row: Row) -> tuple[CodePoint, ...]:
    return row.alerts


def _some(point: CodePoint | None) -> tuple[CodePoint, ...]:
    return (point,) if point is not None else ()


def _trust(row: Row) -> tuple[str, ...]:
    return (row.verdict, *row.reasons) if row.verdict else ()


_VERDICTS = frozenset(("trusted", "untrusted", "unknown"))
OUTCOMES = frozenset(("trusted", "complete", "incomplete", "resumed", "pre-shared key"))


def names_of(registry: str) -> tuple[str, ...]:
    """The names of a registry of code points."""
    from tlsviz.tls import registry as registries

    known = getattr(registries, registry)
    return tuple(known.get(code) or "" for code in known)


@cache
def _whole_names(registry: str) -> frozenset[str]:
    return frozenset(map(plain, names_of(registry)))


def _servers(row: Row) -> tuple[Endpoint, ...]:
    """The server; where that is a proxy, what it leads to as well."""
    return (row.server,) if row.target is None else (row.server, row.target)


# fmt: off
KEYS: dict[str, Key] = {key.name: key for key in (
    Key("sni", "text", "the server name that the client asked for", "sni:*.example.com", lambda r: _one(r.name)),
    Key("version", "version", "the negotiated version, or plain (HTTP)", "version:1.2   version:<1.2   version:plain",
        _version_of, points=lambda r: _some(r.version)),
    Key("cipher", "point", "the cipher suite, or a part of its name", "cipher:cbc", lambda r: _named(r.suite),
        points=lambda r: _some(r.suite), wholes=lambda: _whole_names("cipher_suites")),
    Key("group", "point", "the group of the key exchange", "group:x25519", lambda r: _named(r.group),
        points=lambda r: _some(r.group), wholes=lambda: _whole_names("groups")),
    Key("alpn", "text", "the application protocol that was agreed on", "alpn:h2", lambda r: _one(r.alpn)),
    Key("alert", "point", "an alert, by name or number; without a value any but close_notify", "alert:40",
        lambda r: tuple(map(str, r.alerts)), points=_alerts),
    Key("finding", "text", "the code of something worth saying", "finding:expired", lambda r: r.findings),
    Key("trust", "text", "what the trust stores say, or why they do not trust", "trust:untrusted", _trust,
        wholes=lambda: _VERDICTS),
    Key("outcome", "text", "how it ended, as the last column says", "outcome:trusted", lambda r: _one(r.outcome),
        wholes=lambda: OUTCOMES),
    Key("client", "end", "the client's address, network, or address and port", "client:10.0.0.0/8",
        lambda r: (str(r.client),)),
    Key("server", "end", "the server's address, network, or address and port", "server:192.0.2.1",
        lambda r: map(str, _servers(r))),
    Key("port", "number", "the port of either side", "port:8443   port:>1024"),
    Key("transport", "text", "what carries it: tcp, sctp, dtls, quic or eap", "transport:quic",
        lambda r: _one(r.transport)),
    Key("http", "text", "what plain HTTP says: a method, or the status of an answer", "http:301   http:post",
        lambda r: r.http),
    Key("starttls", "text", "the protocol that went over to TLS", "starttls:smtp", lambda r: _one(r.starttls)),
    Key("history", "text", "a letter for each message, as in Zeek's ssl.log", "history:CsxknGI*",
        lambda r: _one(r.history)),
    Key("ja3", "text", "fingerprint of the client's hello", "ja3:e7d7", lambda r: _one(r.ja3)),
    Key("ja3s", "text", "fingerprint of the server's hello", "ja3s:f4fe", lambda r: _one(r.ja3s)),
    Key("ja4", "text", "fingerprint of the client's hello, in readable parts", "ja4:t13d*", lambda r: _one(r.ja4)),
    Key("ja4s", "text", "fingerprint of the server's hello", "ja4s:t1302*", lambda r: _one(r.ja4s)),
    Key("handshake", "number", "how long the handshake took; of one without an end, the connection", "handshake:>200ms",
        number=lambda r, zero: r.handshake, unit="s"),
    Key("took", "number", "how long the whole connection took, data and all", "took:>1s",
        number=lambda r, zero: r.duration, unit="s"),
    Key("size", "number", "application data, both ways", "size:>1MB", number=lambda r, zero: r.size, unit="B"),
    Key("time", "number", "when it began, after the first one", "time:10s..1min",
        number=lambda r, zero: r.start - zero, unit="s"),
    Key("id", "number", "its number in the capture", "id:17", number=lambda r, zero: r.id),
)}
ALIASES = {"name": "sni", "suite": "cipher", "verdict": "outcome", "proto": "transport", "slow": "handshake"}

FLAGS: dict[str, Flag] = {flag.name: flag for flag in (
    Flag("resumed", "the handshake resumed a session", lambda r: r.resumed),
    Flag("complete", "the handshake was seen to its end", lambda r: r.complete),
    Flag("failed", "the handshake failed, or its certificates are not trusted", lambda r: r.failed),
    Flag("pq", "the key exchange is post-quantum", lambda r: bool(r.post_quantum)),
    Flag("retried", "the server asked for another hello", lambda r: r.hello_retry),
    Flag("plain", "it speaks plain HTTP, without TLS", lambda r: r.plain),
    Flag("early", "the client sent 0-RTT data", lambda r: r.early_data),
)}
# fmt: on


def called(name: str) -> Key | None:
    """The key of that name, in any case; None if there is none."""
    name = name.lower()
    return KEYS.get(ALIASES.get(name, name))


# -- tests of one value; each raises ValueError with words for a value that cannot be meant -------------------


def make(key: Key, value: str) -> Test:
    """The test that a key and its value mean; an empty value asks whether there is anything at all."""
    if not value:
        return _anything(key)
    if key.name == "port":
        fits = _compare(value, "")
        return lambda row, zero: any(fits(end.port) for end in (row.client, *_servers(row)))
    if key.kind == "number":
        return _number(key, value)
    if key.kind == "version":
        return _version(value)
    if plain(value) in key.wholes():
        value = f"={value}"
    if key.kind == "point":
        return _point(key, value)
    if key.kind == "end":
        return _ends(key, value)
    matches, texts = text_test(value), key.texts
    return lambda row, zero: any(map(matches, texts(row)))


def text_test(value: str) -> Callable[[str], bool]:
    """Part of a text; with ``*`` or ``?``, or after ``=``, the whole; in any case, and `_` is a blank."""
    wanted = plain(value.removeprefix("="))
    if value.startswith("="):
        return lambda text: wanted == plain(text)
    if not ("*" in wanted or "?" in wanted):
        return lambda text: wanted in plain(text)
    if len(wanted) > LONGEST_PATTERN:
        raise ValueError("the pattern is too long")
    fits = re.compile(translate(re.sub(r"\*+", "*", wanted))).match
    return lambda text: fits(plain(text)) is not None


@lru_cache(16384)
def plain(text: str) -> str:
    """As texts are compared: in any case, and `_` is a blank."""
    return text.casefold().replace("_", " ")


def _anything(key: Key) -> Test:
    if key.name == "alert":
        return lambda row, zero: any(alert.code != CLOSE_NOTIFY for alert in row.alerts)
    if key.kind == "number":
        raise ValueError(f"{key.name}: needs a value, as in {key.example.split('   ')[0]}")
    texts = key.texts
    return lambda row, zero: bool(tuple(texts(row)))


def name_test(value: str) -> Callable[[str], bool]:
    """`text_test` for the names of code points: lists write AES-128-GCM, the registry AES_128_GCM."""
    return text_test(value.replace("-", "_"))


def _point(key: Key, value: str) -> Test:
    code = code_of(value)
    points, matches = key.points, name_test(value)
    if code is not None:
        return lambda row, zero: any(point.code == code for point in points(row))
    return lambda row, zero: any(matches(str(point)) for point in points(row))


def code_of(value: str) -> int | None:
    """The number that a value is; None where it is a name."""
    if re.fullmatch(r"0x[0-9a-fA-F]{1,4}", value):
        return int(value, 16)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else None


_VERSION = re.compile(r"(dtls|tls|ssl)?\s*v?(\d(?:\.\d)?)", re.IGNORECASE)


def version_rank(point: CodePoint | None) -> float:
    """A version's place in the order of their making; DTLS beside the TLS that it is made from."""
    return _rank(str(point)) or 0.0 if point is not None else 0.0


@lru_cache(256)
def _rank(name: str) -> float | None:
    found = _VERSION.match(name)
    if found is None:
        return None
    number = float(found[2])
    return number / 10 if (found[1] or "").lower() == "ssl" or number >= 2 else number


def _version(value: str) -> Test:
    sign = re.match(r"[<>]=?", value)
    if sign is not None:
        wanted = _rank(value[sign.end() :])
        if wanted is None:
            raise ValueError("a version is written like 1.2")
        fits = _SIGNS[sign[0]]
        return lambda row, zero: row.version is not None and fits(version_rank(row.version), wanted)
    found = _VERSION.fullmatch(value.removeprefix("="))
    if found is not None:
        family, number = (found[1] or "").lower(), found[2]
        return lambda row, zero: _is_version(str(row.version or ""), family, number)
    matches = text_test(value)
    return lambda row, zero: any(map(matches, _version_of(row)))


def _is_version(name: str, family: str, number: str) -> bool:
    found = _VERSION.match(name)
    return found is not None and found[2] == number and family in ("", (found[1] or "").lower())


def _ends(key: Key, value: str) -> Test:
    client = key.name == "client"
    if "/" in value or re.fullmatch(r"[0-9.]{7,}|[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*", value):
        from ipaddress import ip_network

        try:
            network = ip_network(value, strict=False)
        except ValueError:
            raise ValueError("not an address or network like 10.0.0.0/8") from None
        ends = (lambda row: (row.client,)) if client else _servers
        return lambda row, zero: any(_within(end.address, network) for end in ends(row))
    matches, texts = text_test(value), key.texts
    if client:
        return lambda row, zero: any(map(matches, texts(row)))
    return lambda row, zero: matches(row.name) or any(map(matches, texts(row)))


@lru_cache(16384)
def _within(address: str, network: IPv4Network | IPv6Network) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(address) in network
    except ValueError:
        return False


# -- numbers -------------------------------------------------------------------------------------------------

_UNITS = {
    "s": {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0},
    "B": {"b": 1.0, "": 1.0, "kb": 1e3, "k": 1e3, "mb": 1e6, "m": 1e6, "gb": 1e9, "g": 1e9, "kib": 1024.0,
          "mib": 1048576.0, "gib": 1073741824.0},
    "": {"": 1.0},
}  # fmt: skip
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda found, wanted: found < wanted,
    ">": lambda found, wanted: found > wanted,
    "<=": lambda found, wanted: found <= wanted,
    ">=": lambda found, wanted: found >= wanted,
    "=": lambda found, wanted: found == wanted,
}
_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-zµ]*)", re.IGNORECASE)


def _number(key: Key, value: str) -> Test:
    fits, number = _compare(value, key.unit), key.number

    def test(row: Row, zero: float) -> bool:
        found = number(row, zero)
        return found is not None and fits(found)

    return test


def _compare(value: str, unit: str) -> Callable[[float], bool]:
    low, dots, high = value.partition("..")
    if dots:
        least = _amount(low, unit) if low else float("-inf")
        most = _amount(high, unit) if high else float("inf")
        return lambda found: least <= found <= most
    sign = re.match(r"[<>]=?|=", value)
    wanted = _amount(value[sign.end() :] if sign else value, unit)
    # Who writes handshake:200ms means what takes at least that; a number without a unit, like a port, is met exactly.
    compare = _SIGNS[sign[0] if sign else ">=" if unit else "="]
    return lambda found: compare(found, wanted)


def _amount(text: str, unit: str) -> float:
    found = _NUMBER.fullmatch(text.strip())
    factor = _UNITS[unit].get(found[2].lower()) if found else None
    if found is None or factor is None:
        like = {"s": "a time like 200ms, 1.5s or 2min", "B": "a size like 500kB or 1MB"}.get(unit, "a whole number")
        raise ValueError(f"not {like}")
    return float(found[1]) * factor
