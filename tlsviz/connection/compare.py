"""Two connections compared: what differs in meaning first, then in figures; the steps beside each other.

Pure: anything may be compared with anything, live with captured, first with resumed. What differs between any two
connections (randoms, key shares, GREASE, ports) is no difference here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from tlsviz.connection import titles
from tlsviz.connection.align import FieldPair, StepPair, field_pairs, matches, step_pairs
from tlsviz.connection.finishes import handshake_end
from tlsviz.connection.ladder import Step, round_trips, steps
from tlsviz.connection.model import CodePoint, Connection, Message, SentCertificate, Trace
from tlsviz.connection.plain.words import ended
from tlsviz.errors import UsageError
from tlsviz.pki.certificate import read
from tlsviz.tls.views import extension_list
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import clock, plural, safe, shorten

Kind = Literal["changed", "gone", "new", "moved"]
Subject = Literal["outcome", "agreed", "offered", "answered", "chain", "trust", "findings", "figures"]
"""What a difference is about, in the order in which they are told."""

NOTHING = "–"
HIDDEN = "not readable"
"""Stands for what travelled encrypted, and nobody has the keys."""
MAX_CHANGES = 64
"""So many differences of one list are told one by one."""


class Difference(NamedTuple):
    """One thing that is not the same. ``what`` is a stable name, ``title`` its words; both sides are safe to print.

    gone: only the left has it; new: only the right; moved: both, in another place of a list. ``left_message`` and
    ``right_message``: the messages that show it, None where none does.
    """

    subject: Subject
    what: str
    kind: Kind
    title: str
    left: str
    right: str
    left_message: int | None = None
    right_message: int | None = None


class Comparison(NamedTuple):
    """``differences`` in order of meaning, ``pairs`` of the ladders' steps in order of time."""

    left: Connection
    right: Connection
    differences: tuple[Difference, ...]
    pairs: tuple[StepPair, ...]

    @property
    def alike(self) -> bool:
        """Whether nothing but figures differs."""
        return all(one.subject == "figures" for one in self.differences)

    def fields(self, pair: StepPair) -> tuple[FieldPair, ...]:
        """The fields of two messages beside each other; () where a side has none that can be read."""
        one, other = message_of(self.left, pair.left), message_of(self.right, pair.right)
        if one is None or other is None or not (one.tree and one.buffer and other.tree and other.buffer):
            return ()
        if one.type != other.type and one.certificate and other.certificate:
            mine, its = one.certificate, other.certificate
            return field_pairs(mine.tree, mine.buffer.data, its.tree, its.buffer.data)
        return field_pairs(one.tree, one.buffer.data, other.tree, other.buffer.data)


def pick(
    left: Trace, right: Trace | None, one: int | None = None, other: int | None = None
) -> tuple[Connection, Connection]:
    """Which two of two traces (``right`` None: of one) to compare; ``one`` and ``other`` are ids that were asked for.

    By default the first, and the first with the same server name, which resumes if it can: in one trace a later one.
    Raises UsageError where there are not two.
    """
    mine = _chosen(left.connections, one, left.source.name)
    if other is not None:
        return mine, _chosen((right or left).connections, other, (right or left).source.name)
    if right is not None:
        named = [each for each in right.connections if each.server_name == mine.server_name]
        return mine, named[0] if named else _chosen(right.connections, None, right.source.name)
    later = [each for each in left.connections if each.id != mine.id]
    if not later:
        raise UsageError(
            f"There is only one connection in {shorten(left.source.name, 80)}", "", "Give another target beside it."
        )
    ranked = sorted(later, key=lambda each: (each.server_name != mine.server_name, not each.resumed, each.id < mine.id))
    return mine, ranked[0]


def _chosen(connections: Sequence[Connection], wanted: int | None, source: str) -> Connection:
    for connection in connections:
        if wanted in (None, connection.id):
            return connection
    what = "no TLS connection" if wanted is None else f"no connection {wanted}"
    raise UsageError(f"There is {what} in {shorten(source, 80)}", "", "`tlsviz show` lists what is there.")


def message_of(connection: Connection, step: Step | None) -> Message | None:
    """The message of a step of a connection's ladder, if it is one."""
    return connection.messages[step.index] if step is not None and step.kind == "message" else None


def compare(left: Connection, right: Connection) -> Comparison:
    """Everything in which two connections differ."""
    pairs = step_pairs(left, right)
    found: list[Difference] = []
    for part in (_outcome, _agreed, _offered, _answered, _chain, _trust, _findings):
        found += part(left, right)
    found += _figures(left, right, pairs)
    return Comparison(left, right, tuple(found), pairs)


Places = tuple[int | None, int | None]
"""The messages of the left and the right that show something."""


def _different(
    subject: Subject,
    what: str,
    title: str,
    left: object,
    right: object,
    at: Places = (None, None),
) -> Iterator[Difference]:
    """A difference, if the two are not equal; None and "" are nothing."""
    if left == right:
        return
    kind: Kind = "new" if left in (None, "") else "gone" if right in (None, "") else "changed"
    one, other = (NOTHING if value in (None, "") else shorten(str(value), 200) for value in (left, right))
    yield Difference(subject, what, kind, title, one, other, *at)


def _outcome(left: Connection, right: Connection) -> Iterator[Difference]:
    """How it ended, and with whom."""

    def end(connection: Connection) -> str:
        if connection.plain:
            return ended(connection)
        if connection.other_failure is not None:
            return connection.other_failure.title
        return "complete" if connection.complete else "not complete"

    yield from _different("outcome", "outcome", "How it ended", end(left), end(right))
    yield from _different(
        "outcome", "server_name", "Server name", left.server_name, right.server_name, _hellos(left, right)
    )
    yield from _different("outcome", "transport", "Transport", left.transport, right.transport)
    yield from _different("outcome", "starttls", "Before TLS", left.starttls, right.starttls)
    if left.plain and right.plain:
        for kind, title in (("http_request", "First request"), ("http_response", "First answer")):
            at = _first(left, kind), _first(right, kind)
            yield from _different("outcome", kind, title, _said(left, at[0]), _said(right, at[1]), at)


def _said(connection: Connection, message: int | None) -> str:
    return "" if message is None else titles.message(connection.messages[message])


_FLAGS = {
    "resumed": "Resumed",
    "hello_retry": "Retry of the hello",
    "early_data": "0-RTT data",
    "client_auth": "Client certificate",
}


def _agreed(left: Connection, right: Connection) -> Iterator[Difference]:
    """What both sides agreed on."""
    chosen = (_first(left, "server_hello"), _first(right, "server_hello"))
    for what, title in (
        ("version", "Version"),
        ("cipher_suite", "Cipher suite"),
        ("group", "Group of the key exchange"),
        ("signature_scheme", "Signature scheme"),
        ("alpn", "Protocol inside (ALPN)"),
    ):
        one, other = (_known(each, getattr(each, what), what) for each in (left, right))
        yield from _different("agreed", what, title, one, other, chosen)
    for what, title in _FLAGS.items():
        mine, its = ("yes" if getattr(each, what) else "no" for each in (left, right))
        yield from _different("agreed", what, title, mine, its)
    said = {None: "", True: "accepted", False: "rejected"}
    yield from _different("agreed", "ech", "Encrypted hello (ECH)", said[left.ech_accepted], said[right.ech_accepted])


def _hidden(connection: Connection) -> bool:
    """Whether a flight of it cannot be read."""
    return any(message.provenance == "inferred" for message in connection.messages)


def _known(connection: Connection, value: object, what: str) -> object:
    """A value; where it is missing only because it travelled encrypted or without TLS, the words for that."""
    if what == "version" and connection.plain:
        return titles.plain(connection)
    late = what in ("alpn", "signature_scheme") and not connection.resumed
    return HIDDEN if value is None and late and _hidden(connection) else value


def _offered(left: Connection, right: Connection) -> Iterator[Difference]:
    """The first ClientHellos, list by list."""
    at = _hellos(left, right)
    if at[0] is None or at[1] is None:
        return
    for what, title in (
        ("versions", "version offered"),
        ("cipher_suites", "cipher suite offered"),
        ("groups", "group offered"),
        ("signature_schemes", "signature scheme offered"),
        ("alpn", "ALPN protocol offered"),
        ("extensions", "extension of the ClientHello"),
    ):
        ours, theirs = getattr(left.offered, what), getattr(right.offered, what)
        yield from _lists("offered", what, title, _names(ours), _names(theirs), at)
    yield from _different("offered", "ja4", "Fingerprint of the hello (JA4)", left.ja4, right.ja4, at)


def _answered(left: Connection, right: Connection) -> Iterator[Difference]:
    """The extensions in what the server says, and its fingerprint."""
    for kind in ("server_hello", "encrypted_extensions", "certificate_request"):
        at = (_first(left, kind, SERVER), _first(right, kind, SERVER))
        if at[0] is None or at[1] is None or "inferred" in (_provenance(left, at[0]), _provenance(right, at[1])):
            continue
        title = f"extension of {titles.type_title(kind)}"
        yield from _lists("answered", kind, title, _extensions(left, at[0]), _extensions(right, at[1]), at)
    at = (_first(left, "server_hello"), _first(right, "server_hello"))
    yield from _different("answered", "ja4s", "Fingerprint of the answer (JA4S)", left.ja4s, right.ja4s, at)


def _provenance(connection: Connection, index: int) -> str:
    return connection.messages[index].provenance


def _names(points: Sequence[CodePoint | str]) -> list[str]:
    """The names of a list, all GREASE being one: it is drawn by lot, and its place too."""
    return [safe(str(point)) for point in points if str(point) != "GREASE"]


def _extensions(connection: Connection, index: int) -> list[str]:
    from tlsviz.tls import registry

    message = connection.messages[index]
    if message.tree is None or message.buffer is None:
        return []
    codes = (code for code, _ in extension_list(message.tree, message.buffer.data))
    return [
        registry.extensions.get(code) or f"0x{code:04x}" for code in codes if registry.extensions.get(code) != "GREASE"
    ]


def _lists(
    subject: Subject,
    what: str,
    title: str,
    left: Sequence[str],
    right: Sequence[str],
    at: Places,
) -> Iterator[Difference]:
    """What is gone from a list, new in it, or stands elsewhere. A list in quite another order is one difference."""
    ours, theirs = list(dict.fromkeys(left)), list(dict.fromkeys(right))
    found = [Difference(subject, what, "gone", title, name, NOTHING, *at) for name in ours if name not in set(theirs)]
    found += [Difference(subject, what, "new", title, NOTHING, name, *at) for name in theirs if name not in set(ours)]
    both, order = [name for name in ours if name in set(theirs)], [name for name in theirs if name in set(ours)]
    stayed = {both[place] for place, _ in matches(both, order)}
    strays = [name for name in both if name not in stayed]
    if len(strays) > max(3, len(both) // 4):
        found.append(Difference(subject, what, "moved", f"order: {title}", ", ".join(both), ", ".join(order), *at))
    else:
        for name in strays:
            places = (f"{name}, number {left.index(name) + 1}", f"{name}, number {right.index(name) + 1}")
            found.append(Difference(subject, what, "moved", title, *places, *at))
    yield from found[:MAX_CHANGES]
    if len(found) > MAX_CHANGES:
        more = plural(len(found) - MAX_CHANGES, "more difference")
        yield Difference(subject, what, "changed", title, "and", more, *at)


def _chain(left: Connection, right: Connection) -> Iterator[Difference]:
    """Certificates, by place: the server's own first."""
    for sender in (SERVER, CLIENT):
        ours, theirs = ([sent for sent in each.certificates if sent.sender == sender] for each in (left, right))
        if [sent.der for sent in ours] == [sent.der for sent in theirs]:
            continue
        whose = "" if sender == SERVER else "client's "
        for place in range(min(max(len(ours), len(theirs)), MAX_CHANGES)):
            one = ours[place] if place < len(ours) else None
            other = theirs[place] if place < len(theirs) else None
            mine, its = _shown(one, left, sender), _shown(other, right, sender)
            at = (one.message if one else None, other.message if other else None)
            title = f"{whose}certificate {place + 1}"
            yield from _different("chain", f"{sender}_certificate", title[:1].upper() + title[1:], mine, its, at)


def _shown(sent: SentCertificate | None, connection: Connection, sender: Sender) -> str:
    """A certificate in a line, "" where there is none, or what says that it cannot be seen."""
    if sent is not None:
        return _certificate(sent.der)
    lists = connection.messages_of("certificate", sender)
    return HIDDEN if any(message.provenance == "inferred" for message in lists) else ""


def _certificate(der: bytes) -> str:
    cert = read(der)
    until = f", until {cert.not_after:%Y-%m-%d}" if cert.not_after else ""
    return f"{shorten(cert.title, 60)}, by {shorten(cert.issuer, 60)}, {cert.key}{until} ({cert.sha256[:12]})"


def _trust(left: Connection, right: Connection) -> Iterator[Difference]:
    """The verdict, each store's, and failed proofs."""
    mine, its = (_verdict(each.trust.verdict, each.trust.reasons) if each.trust else "" for each in (left, right))
    yield from _different("trust", "verdict", "Trust", mine, its)
    stores = [
        {one.store: _verdict(one.verdict, one.reasons) for one in each.trust.stores} if each.trust else {}
        for each in (left, right)
    ]
    for store in dict.fromkeys((*stores[0], *stores[1])):
        if store in stores[0] and store in stores[1]:
            yield from _different("trust", "store", f"Trust by {store}", stores[0][store], stores[1][store])
    one, other = (", ".join(sorted({p.what for p in each.proofs if p.status == "failed"})) for each in (left, right))
    yield from _different("trust", "failed_proofs", "Proofs that failed", one, other)


def _verdict(verdict: str, reasons: Sequence[str]) -> str:
    words = ", ".join(reason.replace("_", " ") for reason in reasons)
    return f"{verdict}: {words}" if words else verdict


def _findings(left: Connection, right: Connection) -> Iterator[Difference]:
    """Findings that only one has."""
    ours, theirs = ({one.code: one for one in reversed(each.findings)} for each in (left, right))
    for finding in left.findings:
        if finding.code not in theirs and finding is ours[finding.code]:
            text = f"{finding.severity}: {shorten(finding.title, 120)}"
            yield Difference("findings", finding.code, "gone", "Finding", text, NOTHING, finding.message, None)
    for finding in right.findings:
        if finding.code not in ours and finding is theirs[finding.code]:
            text = f"{finding.severity}: {shorten(finding.title, 120)}"
            yield Difference("findings", finding.code, "new", "Finding", NOTHING, text, None, finding.message)


def _figures(left: Connection, right: Connection, pairs: Sequence[StepPair]) -> Iterator[Difference]:
    """Round trips, sizes and times."""
    plain = bool(left.plain), bool(right.plain)
    sent = "Bytes of heads" if all(plain) else "Bytes of handshake or heads" if any(plain) else "Handshake bytes"
    measured: tuple[tuple[str, str, Callable[[Connection], object]], ...] = (
        ("round_trips", "Round trips before the client's data", round_trips),
        ("flights", "Flights", lambda each: max((step.flight for step in steps(each)), default=0)),
        ("client_bytes", f"{sent} from the client", lambda each: _volume(each, CLIENT)),
        ("server_bytes", f"{sent} from the server", lambda each: _volume(each, SERVER)),
        ("handshake_time", "Time to the last Finished", handshake_time),
        ("duration", "Time altogether", lambda each: clock(each.duration)),
    )
    partial = _hidden(left) or _hidden(right)
    for what, title, measure in measured:
        if partial and what in ("flights", "client_bytes", "server_bytes"):
            continue
        yield from _different("figures", what, title, measure(left), measure(right))
    for pair in pairs:
        one, other = message_of(left, pair.left), message_of(right, pair.right)
        if one is None or other is None or "inferred" in (one.provenance, other.provenance):
            continue
        if titles.bytes_of(one) != titles.bytes_of(other):
            title = f"Size of {titles.message(one)}"
            sizes = titles.size(titles.bytes_of(one)), titles.size(titles.bytes_of(other))
            yield from _different("figures", "message_size", title, *sizes, (one.index, other.index))


def handshake_time(connection: Connection) -> str:
    """From the first step to the second side's Finished; "" where that was not seen."""
    end = handshake_end(connection)
    return "" if end is None else clock(end - connection.start)


def _volume(connection: Connection, sender: Sender) -> str:
    """The handshake bytes of one side, as far as they are known."""
    return titles.size(sum(titles.bytes_of(m) for m in connection.messages if m.sender == sender))


def _hellos(left: Connection, right: Connection) -> Places:
    return _first(left, "client_hello"), _first(right, "client_hello")


def _first(connection: Connection, kind: str, sender: Sender | None = None) -> int | None:
    found = connection.messages_of(kind, sender)
    return found[0].index if found else None
