"""What somebody learns of a connection: name by name, with the values that they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tlsviz.connection import titles
from tlsviz.connection.model import ApplicationRun, Connection
from tlsviz.connection.observer import Observer, can_read, rsa_exchange
from tlsviz.connection.plain.words import head
from tlsviz.explain.scene import span
from tlsviz.explain.words import Words, words
from tlsviz.pki.certificate import read
from tlsviz.tls import views
from tlsviz.tls.context import TLS_1_3, layout
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import plural, shorten

Seen = Literal["yes", "partly", "no", "theirs", "absent"]
"""theirs: they can read it, but the keys are not here, so that it cannot be shown. absent: there is nothing to see."""

_KEYS: dict[Observer, str] = {
    "endpoints": "endpoints",
    "eavesdropper": "eavesdropper",
    "key_holder": "key_holder",
    "proxy": "inspecting_proxy",
}
WIDTH = 80
"""No value that a peer wrote takes more characters than this."""


class Learned(NamedTuple):
    """One thing that may be learned. ``value`` is safe to print and short."""

    title: str
    seen: Seen
    value: str = ""


def who(observer: Observer) -> Words:
    """The words about an observer."""
    found = words(f"concept.{_KEYS[observer]}")
    if found is None:
        raise KeyError(observer)
    return found


def verdict(connection: Connection, observer: Observer) -> str:
    """Whether they can read this very connection, and why, in one sentence."""
    if connection.plain:
        return "There is no TLS: everybody on the way reads everything, and can change it."
    taken = suite(connection.cipher_suite.code) if connection.cipher_suite else None
    reads = can_read(connection, observer)
    if taken is not None and taken.mode == "NULL":
        return "The suite encrypts nothing: everybody reads everything."
    if observer == "endpoints":
        missing = "" if _opened(connection) else " The keys are not here, so that we cannot show it."
        return f"They read everything.{missing}"
    if observer == "proxy":
        said = "It reads and can change everything; the client sees the proxy's certificate, not the server's."
        return said + (" The client's own certificate would not survive it." if connection.client_auth else "")
    if observer == "eavesdropper":
        return "They keep what is in the clear, and the sizes and times of the rest."
    if reads:
        return "They decrypt the premaster secret with the key, and from there everything."
    if taken is None:
        return "Nothing has been agreed on yet."
    if connection.resumed and taken.key_exchange == "RSA":
        return "They need the recording of the first connection of this session, too; of this one alone, nothing opens."
    return f"The key only signs: it opens nothing here. {connection.version or 'TLS'} exchanged fresh keys."


def _opened(connection: Connection) -> bool:
    sealed = [record for record in connection.records if record.protection is not None]
    return not sealed or any(record.plaintext is not None for record in sealed)


def learned(connection: Connection, view: Connection, observer: Observer) -> tuple[Learned, ...]:
    """What that observer learns; ``view`` is the connection as they see it (`as_seen_by`)."""
    if connection.plain:
        return tuple(_overheard(connection))
    reads = can_read(connection, observer)
    closed: Seen = "theirs" if reads else "no"
    found = [
        Learned("who talks to whom", "yes", f"{view.client} and {view.server}"),
        _name(connection, view),
        _choice(view),
        _program(view),
        Learned("the messages", "partly" if _some_sealed(view) else "yes", f"history {view.history}")
        if view.history
        else None,
        _certificate(view, closed),
        _protocol(view, closed),
        _client(connection, view, closed),
        _tickets(connection, view, closed),
        _said("the request", connection, view, CLIENT, closed),
        _said("the answer", connection, view, SERVER, closed),
        Learned("how much, and when", "yes", _sizes(view)),
        _later(connection),
    ]
    return tuple(each for each in found if each is not None)


def _overheard(connection: Connection) -> Iterator[Learned]:
    """What everybody learns of plain HTTP."""
    yield Learned("who talks to whom", "yes", f"{connection.client} and {connection.server}")
    if connection.server_name:
        yield Learned("the server's name", "yes", shorten(connection.server_name, WIDTH))
    said = [(message, head(message)) for message in connection.messages]
    agent = next((value for _, each in said if (value := each.field("user-agent"))), None)
    if agent:
        yield Learned("the programs", "yes", shorten(agent, WIDTH))
    for title, sender in (("the request", CLIENT), ("the answer", SERVER)):
        line = next((titles.message(message) for message, _ in said if message.sender == sender), None)
        if line is not None:
            yield Learned(title, "yes", shorten(line, WIDTH))
    yield Learned("how much, and when", "yes", _sizes(connection))


def _program(view: Connection) -> Learned | None:
    """What kind of software the two are, by how they speak."""
    said = [mark for mark in (view.ja4, view.ja4s) if mark]
    return Learned("the programs", "partly", " and ".join(said)) if said else None


def _some_sealed(view: Connection) -> bool:
    """Whether messages are among them that cannot be read."""
    return any(m.provenance == "inferred" or (m.encrypted and m.provenance != "decrypted") for m in view.messages)


def brief(facts: tuple[Learned, ...]) -> tuple[str, str]:
    """What they learn and what they do not, as two lists in few words."""
    have = [_BRIEF[fact.title] for fact in facts if fact.seen in ("yes", "theirs") and fact.title in _BRIEF]
    lack = [_BRIEF[fact.title] for fact in facts if fact.seen == "no" and fact.title in _BRIEF]
    return ", ".join(have), ", ".join(lack)


_BRIEF = {
    "who talks to whom": "addresses",
    "the server's name": "name",
    "version and cipher": "version",
    "the certificate": "certificate",
    "the protocol inside": "protocol",
    "who the client is": "client's certificate",
    "tickets for later": "tickets",
    "the request": "request",
    "the answer": "answer",
    "how much, and when": "sizes, times",
}
LATER = "key stolen later"


def _name(connection: Connection, view: Connection) -> Learned:
    """The name in the hello; with an encrypted ClientHello that the server took, the true one is inside."""
    title = "the server's name"
    inner = next((hello.hello for hello in connection.inner_hellos), None) if connection.ech_accepted else None
    if inner is not None:
        true = views.client_hello(inner.tree, inner.buffer.data).server_name
        if true and view.inner_hellos:
            return Learned(title, "yes", shorten(true, WIDTH))
        if true and view.server_name:
            return Learned(title, "partly", shorten(f"{view.server_name}; the true one is encrypted", WIDTH))
    if view.server_name:
        return Learned(title, "yes", shorten(view.server_name, WIDTH))
    return Learned(title, "absent", "the hello names none")


def _choice(view: Connection) -> Learned:
    taken = suite(view.cipher_suite.code) if view.cipher_suite else None
    parts = [str(view.version)] if view.version else []
    if view.cipher_suite is not None:
        parts.append(taken.cipher.replace("_", "-") if taken else str(view.cipher_suite))
    return Learned("version and cipher", "yes" if parts else "absent", ", ".join(parts))


def _certificate(view: Connection, closed: Seen) -> Learned:
    title = "the certificate"
    leaf = next((sent for sent in view.certificates if sent.sender == SERVER), None)
    if leaf is not None:
        return Learned(title, "yes", shorten(read(leaf.der).title, WIDTH))
    if view.resumed:
        return Learned(title, "absent", "none is sent when a session is resumed")
    return Learned(title, closed)


def _protocol(view: Connection, closed: Seen) -> Learned | None:
    title = "the protocol inside"
    if view.alpn:
        return Learned(title, "yes", shorten(view.alpn, WIDTH))
    if view.offered.alpn and closed != "theirs":
        return Learned(title, "partly", shorten(f"offered: {', '.join(view.offered.alpn)}", WIDTH))
    return Learned(title, closed) if view.application else None


def _client(connection: Connection, view: Connection, closed: Seen) -> Learned | None:
    if not connection.client_auth:
        return None
    leaf = next((sent for sent in view.certificates if sent.sender == CLIENT), None)
    title = "who the client is"
    return Learned(title, "yes", shorten(read(leaf.der).title, WIDTH)) if leaf else Learned(title, closed)


def _tickets(connection: Connection, view: Connection, closed: Seen) -> Learned | None:
    title = "tickets for later"
    known = [message for message in view.messages if message.type == "new_session_ticket" and message.tree is not None]
    if known:
        return Learned(
            title,
            "yes",
            f"{len(known)}, which link this to later connections"
            if len(known) > 1
            else "1, which links this to a later connection",
        )
    return Learned(title, closed) if connection.messages_of("new_session_ticket") else None


def _said(title: str, connection: Connection, view: Connection, sender: Sender, closed: Seen) -> Learned | None:
    if not any(run.sender == sender for run in connection.application):
        return None
    readable = [run for run in view.application if run.sender == sender and run.plaintext is not None]
    if readable:
        return Learned(title, "yes", _first_line(readable[0]))
    return Learned(title, closed)


def _first_line(run: ApplicationRun) -> str:
    line = titles.data(run)[0]
    return shorten(line, WIDTH) if line != "application data" else plural(run.bytes, "byte")


def _sizes(view: Connection) -> str:
    up, down = view.client_data, view.server_data
    return f"{titles.size(up.bytes)} up, {titles.size(down.bytes)} down, {span(view.duration)}"


def _later(connection: Connection) -> Learned | None:
    taken = suite(connection.cipher_suite.code) if connection.cipher_suite else None
    if taken is None:
        return None
    if rsa_exchange(connection):
        return Learned(LATER, "yes", "every recording of this opens")
    return Learned(LATER, "no", "recordings stay closed" if taken.forward_secret else "depends on the session's secret")


class Compared(NamedTuple):
    """One thing that an eavesdropper sees or not, by protocol."""

    title: str
    http: Seen
    tls12: Seen
    tls13: Seen


COMPARED: tuple[Compared, ...] = (
    Compared("addresses, sizes, times", "yes", "yes", "yes"),
    Compared("the server's name", "yes", "yes", "yes"),
    Compared("the certificate", "absent", "yes", "no"),
    Compared("the protocol inside", "yes", "yes", "partly"),
    Compared("tickets for later", "absent", "yes", "no"),
    Compared("request and answer", "yes", "no", "no"),
    Compared("all of it, with the key", "absent", "partly", "no"),
)
"""What each protocol shows to an eavesdropper. TLS 1.2 gives all to the holder of the key where RSA exchanges it."""


def column(connection: Connection) -> int:
    """Which of the compared protocols the connection is: 0 HTTP, 1 TLS 1.2 and before, 2 TLS 1.3; -1 for none yet."""
    version = layout(connection.version.code) if connection.version else None
    if version is None:
        return 0 if connection.plain or (connection.prelude and not connection.records) else -1
    return 2 if version >= TLS_1_3 else 1
