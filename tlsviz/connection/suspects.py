"""What may lie behind a refusal or a silence: the causes that this hello and this server's answers leave, ranked.

Each suspect looks at the connection and says how much speaks for it, why, and which re-probe would tell. The weights
rank; they are no probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tlsviz.connection import upgrades
from tlsviz.connection.hellos import is_cut
from tlsviz.connection.model import Cause, CodePoint, Connection, Message
from tlsviz.connection.telling import listed, real
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import walk
from tlsviz.wire.text import plural

MOST_CAUSES = 6
SILENT = -1
"""In place of an alert: the server, or something on the way, ended the connection without a word."""

SEGMENT = 1400
"""Bytes that surely fit into one TCP segment."""
POST_QUANTUM = frozenset((512, 513, 514, *range(4587, 4591), 25497, 25498, 65072, 65073))
"""Groups with ML-KEM or Kyber in them; their shares make a hello large."""
SIGNALS = frozenset((0x00FF, 0x5600))
"""What stands among the cipher suites and is none: signals (RFC 5746 3.3, RFC 7507)."""
_TLS13 = 0x0304

# Alert descriptions, RFC 8446 6.2.
_UNEXPECTED, _HANDSHAKE_FAILURE, _ILLEGAL, _DECODE = 10, 40, 47, 50
_VERSION, _SECURITY, _INTERNAL, _FALLBACK, _EXTENSION, _NAME, _ALPN = 70, 71, 80, 86, 110, 112, 120
_CLUMSY = frozenset((_UNEXPECTED, _ILLEGAL, _DECODE, _EXTENSION, 20, 51, 109))
"""What servers answer that trip over something in a hello that they need not know."""
_CHOOSING = frozenset((_HANDSHAKE_FAILURE, _ILLEGAL, _SECURITY))


class Suspect(NamedTuple):
    weight: float
    what: str
    why: str
    probe: str = ""


def suspects(connection: Connection, alert: int = SILENT) -> tuple[Cause, ...]:
    """What may be behind the server's alert, or behind its silence, the likeliest first; at most `MOST_CAUSES`.

    () where the hello was not seen whole: what it lacks may be in the bytes that are missing.
    """
    if is_cut(connection.messages):
        return ()
    found = [made for look in _LOOKS if (made := look(connection, alert)) is not None and made.weight > 0]
    found.sort(key=lambda suspect: -suspect.weight)
    return tuple(Cause(one.what, one.why, one.probe) for one in found[:MOST_CAUSES])


def hello_of(connection: Connection) -> Message | None:
    """The first ClientHello, if it can be read."""
    return next((m for m in connection.messages_of("client_hello", CLIENT) if m.tree is not None), None)


def post_quantum_share(connection: Connection) -> int:
    """Bytes of the post-quantum key shares that the hello carries, as on the wire (RFC 8446 4.2.8); 0 without."""
    hello = hello_of(connection)
    if hello is None or hello.tree is None:
        return 0
    size = 0
    for _, node in walk(hello.tree):
        if node.name == "key_share_entry" and node.children:
            group, share = node.children[0], node.child("key_exchange")
            if isinstance(group.value, int) and group.value in POST_QUANTUM and share is not None:
                size += share.length - 2
    return size


def name_sent(connection: Connection) -> bool:
    return any(code.code == 0 for code in connection.offered.extensions)


def versions(connection: Connection) -> set[int]:
    return {code.code for code in real(connection.offered.versions)}


def _answered(connection: Connection) -> bool:
    kinds = ("server_hello", "hello_retry_request")
    return any(m.sender == SERVER and m.type in kinds and m.whole for m in connection.messages)


def _silent(alert: int) -> bool:
    return alert == SILENT


def _whole_tls13(suites: list[CodePoint]) -> bool:
    """TLS 1.3 has few suites in all: two of them fit nearly every server."""
    return sum(0x1301 <= suite.code <= 0x1303 for suite in suites) >= 2


# -- the suspects --------------------------------------------------------------------------------------------


def _suites(connection: Connection, alert: int) -> Suspect | None:
    suites = [code for code in real(connection.offered.cipher_suites) if code.code not in SIGNALS]
    if alert not in _CHOOSING or _answered(connection) or not suites:
        return None
    few = len(suites) <= 4 and not _whole_tls13(suites)
    shown = listed(suites) if few else plural(len(suites), "suite")
    what = "No cipher suite in common"
    return Suspect(5 if few else 2, what, f"offered: {shown}", "wide_ciphers")


def _groups(connection: Connection, alert: int) -> Suspect | None:
    groups = real(connection.offered.groups)
    if alert not in _CHOOSING or _answered(connection) or not groups:
        return None
    weight = {1: 5.5, 2: 3}.get(len(groups), 1)
    shown = listed(groups) if len(groups) <= 4 else plural(len(groups), "group")
    return Suspect(weight, "No key exchange group in common", f"offered: {shown}", "other_groups")


def _schemes(connection: Connection, alert: int) -> Suspect | None:
    schemes = real(connection.offered.signature_schemes)
    if alert not in _CHOOSING or _answered(connection) or not schemes:
        return None
    few = len(schemes) <= 2
    shown = listed(schemes) if few else plural(len(schemes), "scheme")
    what = "No signature scheme that the server's certificate fits"
    return Suspect(5.2 if few else 0.8, what, f"offered: {shown}", "other_sigalgs")


def _version(connection: Connection, alert: int) -> Suspect | None:
    """Too few versions were offered; or one that the server trips over."""
    offered = versions(connection)
    if not offered or _answered(connection):
        return None
    shown = listed(sorted(connection.offered.versions))
    if len(offered) < 4 and alert in (_VERSION, _HANDSHAKE_FAILURE, _FALLBACK, _INTERNAL, *_CLUMSY):
        weight = 9.0 if alert in (_VERSION, _FALLBACK) else 3.0
        return Suspect(weight, "No TLS version in common", f"offered: {shown}", "all_versions")
    if _TLS13 in offered and len(offered) > 1:
        weight = 8 if alert == _VERSION else 3 if alert in _CLUMSY else 1.6 if _silent(alert) else 0.7
        why = "old servers and devices fail at TLS 1.3 instead of choosing TLS 1.2"
        return Suspect(weight, "It cannot take a hello with TLS 1.3", why, "tls12")
    return None


def _share(connection: Connection, alert: int) -> Suspect | None:
    share = post_quantum_share(connection)
    hello = hello_of(connection)
    if not share or hello is None or _answered(connection):
        return None
    size = hello.length + 4
    why = f"the hello has {size:,} bytes, {share:,} of them the post-quantum key share"
    if size > SEGMENT:
        why += ": more than one TCP segment"
    weight = 4 if _silent(alert) else 2.5 if alert in (*_CLUMSY, _INTERNAL) else 0.6
    return Suspect(weight, "The hello is too large, or its post-quantum share unknown", why, "no_post_quantum")


def _name(connection: Connection, alert: int) -> Suspect | None:
    if _answered(connection):
        return None
    if not name_sent(connection):
        if not connection.server_name and alert != _NAME:
            # Nobody knows a name that could have been sent.
            return Suspect(1.1, "The server wants a server name (SNI)", "the target is an address: no name was sent")
        weight = 9 if alert == _NAME else 3.2 if alert in (_HANDSHAKE_FAILURE, _INTERNAL) else 1
        why = "no name was sent, and servers with several sites need one"
        return Suspect(
            weight, "The server wants a server name (SNI)", why, "own_name" if connection.server_name else ""
        )
    weight = {_NAME: 9, _INTERNAL: 3, _HANDSHAKE_FAILURE: 1.5, 49: 3}.get(alert, 2.5 if _silent(alert) else 0.5)
    what = "A filter reads the server name" if _silent(alert) else "The server has no certificate for this name"
    return Suspect(weight, what, f"the name {connection.server_name} was sent in the clear", "no_name")


def _protocol(connection: Connection, alert: int) -> Suspect | None:
    if not connection.offered.alpn or _answered(connection):
        return None
    weight = 9 if alert == _ALPN else 1 if alert in _CLUMSY else 0.4
    shown = ", ".join(connection.offered.alpn[:6])
    return Suspect(weight, "No application protocol in common (ALPN)", f"offered: {shown}", "no_alpn")


def _inspection(connection: Connection, alert: int) -> Suspect | None:
    if not _silent(alert) or _answered(connection) or hello_of(connection) is None:
        return None
    why = "no alert came: a server that refuses says why, a device on the way rarely does"
    return Suspect(2, "Something on the way reads the hello", why, "split_hello")


def _plain(connection: Connection, alert: int) -> Suspect | None:
    if not _silent(alert) or any(record.sender == SERVER for record in connection.records):
        return None
    why = "it has not said one byte of TLS"
    if (name := upgrades.by_port(connection.server.port)) is not None and connection.starttls is None:
        why += f", and {upgrades.UPGRADES[name].title} lives on port {connection.server.port}: try --starttls {name}"
        return Suspect(6, "The port has to be asked for TLS first", why, "plain_text")
    return Suspect(1.8, "The port speaks another protocol, in the clear", why, "plain_text")


def _newest(connection: Connection, alert: int) -> Suspect | None:
    """The server had chosen already: what came then went wrong in that version's flight."""
    offered = versions(connection)
    if not _answered(connection) or len(offered) < 2 or _TLS13 not in offered:
        return None
    version = connection.version.name if connection.version else "the version that was chosen"
    other = "tls12" if connection.version and connection.version.code == _TLS13 else "tls13"
    return Suspect(2, f"Its {version} is broken, or broken on the way", "the server had chosen it already", other)


def _itself(connection: Connection, alert: int) -> Suspect | None:
    weight = {_INTERNAL: 3.5}.get(alert, 1.2 if _silent(alert) else 0.3)
    why = "internal_error blames nothing in the hello" if alert == _INTERNAL else "it may be overloaded, or restarting"
    return Suspect(weight, "The server itself is in trouble", why, "again")


_LOOKS: tuple[Callable[[Connection, int], Suspect | None], ...] = (
    _suites,
    _groups,
    _schemes,
    _version,
    _share,
    _name,
    _protocol,
    _inspection,
    _plain,
    _newest,
    _itself,
)


def on_the_way(code: str) -> tuple[Cause, ...]:
    """What may keep a TCP connection from coming about."""
    return tuple(Cause(*known) for known in _WAY.get(code, ()))


_FAMILY = ("This address alone does not work", "a name may have addresses of both families", "other_family")
_WAY: dict[str, tuple[tuple[str, str, str], ...]] = {
    "connection_refused": (
        ("The server program is not running, or listens elsewhere", "the host itself answered", "other_port"),
        _FAMILY,
        ("A firewall rejects", "a refusal by a firewall looks the same", ""),
    ),
    "connection_timed_out": (
        ("A firewall drops packets to this port", "silence is how filters answer", "other_port"),
        ("The host is down, or the address is wrong", "then no port of it answers", "other_port"),
        _FAMILY,
    ),
    "host_unreachable": (_FAMILY, ("This machine has no route there", "the network said so", "")),
    "connection_reset": (
        ("The server, or something on the way, limits connections", "TCP was accepted, then reset", "again"),
        _FAMILY,
    ),
}
