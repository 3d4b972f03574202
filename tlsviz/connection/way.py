"""The way to the first byte of the answer: every wait between a name and a page, with its round trips counted.

A pure view of a Connection, live or captured, as far as that holds it: `way` makes spans of its marks, messages and
application data, and says what other kinds of handshake would have cost on the same network.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from tlsviz.connection import stalls
from tlsviz.connection.hellos import CLIENT_HELLOS
from tlsviz.connection.holes import incomplete
from tlsviz.connection.ladder import Step, steps
from tlsviz.connection.model import Connection, PlacedMark
from tlsviz.connection.savings import Choice, choices
from tlsviz.connection.sealed_request import Request, is_data, request
from tlsviz.connection.titles import carrier, size, tunnel, type_title
from tlsviz.connection.titles import message as message_title
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import plural

SpanKind = Literal["name", "record", "connect", "plain", "handshake", "request", "answer"]
"""name: name lookup. record: the HTTPS record. connect: TCP, or SCTP. plain: what is said before TLS (STARTTLS, a
proxy). handshake: a flight of TLS and its answer. request: until the answer's first byte. answer: from there on."""

_ASKED = {"syn": "TCP connect", "init": "SCTP association"}
_CONNECTED = ("syn_ack", "init_ack", "connected")
_TURNED = (*_CONNECTED, "refused", "unreachable", "timeout", "rst", "abort", "error")
_LATER = frozenset(("new_session_ticket", "key_update", "alert", "heartbeat", "change_cipher_spec"))
"""What a server says without being waited for, once the handshake has begun."""
_SHOWN = 4


class Span(NamedTuple):
    """One wait. ``start`` in seconds since the connection's start, ``duration`` in seconds.

    ``detail`` is safe to print.
    ``round_trips`` of the network that it takes; ``fault`` says why it came to nothing, "" if it did not.
    """

    kind: SpanKind
    start: float
    duration: float
    title: str
    detail: str = ""
    round_trips: int = 0
    fault: str = ""

    @property
    def end(self) -> float:
        return self.start + self.duration


class Way(NamedTuple):
    """The whole way. ``round_trip_time`` in seconds, None if nothing measures it; ``measured`` says by what.

    ``round_trips`` from the SYN on; ``first_byte``: seconds from the connection's start to the first byte of the
    answer, None if there was none. ``work``: what the answers took beyond the network's round trips, in seconds, and
    beyond the time for which a closed window ``held`` them up.
    ``note``: what of it cannot be told, and why; "" for nothing.
    """

    spans: tuple[Span, ...]
    round_trips: int
    round_trip_time: float | None
    measured: str
    first_byte: float | None
    work: float | None
    choices: tuple[Choice, ...]
    note: str = ""
    held: float = 0.0


def way(connection: Connection) -> Way:
    """The way of a connection, without spans if nothing of it was seen."""
    spoken, note = _asked_in_plain(connection) if connection.plain else _spoken(connection, steps(connection))
    spans = sorted([*_lookups(connection), *_connects(connection), *spoken], key=lambda span: span.start)
    begun = _begun(connection)
    if not begun:
        spans, note = _from_the_middle(connection, spans)
    rtt, measured = _round_trip_time(connection, spans)
    byte = next((span.end for span in spans if span.kind == "request" and not span.fault), None)
    byte = byte if begun else None
    needed = [span for span in spans if span.kind not in ("name", "record", "answer") and not span.fault]
    trips = sum(span.round_trips for span in needed)
    held = stalls.held(connection, stalls.in_handshake(connection))
    work = max(_waited(needed) - trips * rtt - held, 0.0) if rtt is not None and byte is not None else None
    plain = sum(span.round_trips for span in spans if span.kind == "plain")
    costs = choices(connection, plain, rtt, work) if byte is not None and not connection.plain else ()
    return Way(tuple(spans), trips, rtt, measured, byte, work, costs, note, held)


def _begun(connection: Connection) -> bool:
    """Whether the beginning was seen: TCP's or that of the handshake."""
    return any(placed.mark.kind in (*_ASKED, *_CONNECTED) for placed in connection.marks) or any(
        message.type in CLIENT_HELLOS for message in connection.messages
    )


def _from_the_middle(connection: Connection, spans: list[Span]) -> tuple[list[Span], str]:
    """What is left of the way without its beginning, and why: data alone may be far apart and measures nothing."""
    if not connection.messages and not connection.application:
        return spans, ""
    if connection.plain:
        kept, lacking = [span._replace(round_trips=0) for span in spans], "no round trip"
    elif any(span.kind == "handshake" for span in spans):
        kept, lacking = spans, "neither the time to the first byte nor what other handshakes would take"
    else:
        kept, lacking = [span for span in spans if span.kind not in ("request", "answer")], "no round trip"
    said = "TCP's SYN was not seen" if connection.plain else "neither TCP's SYN nor a ClientHello was seen"
    return kept, f"The way to the first byte is not known: {said}, so that {lacking} can be told."


def _waited(spans: list[Span]) -> float:
    """The seconds covered by spans, which may overlap; the client's own pauses between them are not waited for."""
    waited, reached = 0.0, float("-inf")
    for span in spans:
        waited += max(span.end - max(span.start, reached), 0.0)
        reached = max(reached, span.end)
    return waited


# -- before TLS --------------------------------------------------------------------------------------------------


def _lookups(connection: Connection) -> Iterator[Span]:
    """The name lookup: its first mark asks, its second one has the answer."""
    marks = [placed.mark for placed in connection.marks if placed.mark.kind == "name_lookup"]
    if not marks:
        return
    asked = marks[0].time
    answer = marks[1] if len(marks) > 1 else None
    broken = next((placed.mark for placed in connection.marks if placed.mark.kind == "error"), None)
    if answer is not None:
        yield Span("name", asked - connection.start, answer.time - asked, "Name lookup", _families(answer.detail))
    elif broken is not None:
        yield Span("name", asked - connection.start, broken.time - asked, "Name lookup", fault=broken.detail)
    record = next((placed.mark for placed in connection.marks if placed.mark.kind == "https_record"), None)
    if record is not None:
        yield Span("record", asked - connection.start, max(record.time - asked, 0.0), "HTTPS record", record.detail)


def _families(detail: str) -> str:
    """``2 addresses (1 IPv4, 1 IPv6): 192.0.2.1, 2001:db8::1``, from the words of the mark."""
    listed = detail.partition(" is ")[2]
    found = [part for part in listed.split(", ") if part]
    six = sum(":" in address for address in found)
    families = ", ".join(f"{count} {name}" for count, name in ((len(found) - six, "IPv4"), (six, "IPv6")) if count)
    return f"{plural(len(found), 'address', 'addresses')} ({families}): {listed}" if found else detail


def _connects(connection: Connection) -> Iterator[Span]:
    """Each attempt to connect, address by address; a SYN that is sent again belongs to the first one."""
    waiting: PlacedMark | None = None
    for placed in connection.marks:
        mark = placed.mark
        if mark.kind in _ASKED and (waiting is None or mark.detail != waiting.mark.detail):
            waiting = placed
        elif mark.kind in _TURNED and waiting is not None:
            begun, where = waiting.mark, waiting.mark.detail or str(connection.server)
            title = _ASKED[begun.kind]
            start, took = begun.time - connection.start, max(mark.time - begun.time, 0.0)
            waiting = None
            if mark.kind in _CONNECTED:
                yield Span("connect", start, took, title, where, 1)
                return
            answered = mark.kind in ("refused", "rst", "abort")
            fault = mark.detail if mark.kind in ("unreachable", "error") else _FAULTS.get(mark.kind, mark.kind)
            yield Span("connect", start, took, title, where, int(answered), fault)


_FAULTS = {"refused": "refused", "rst": "reset", "abort": "aborted", "timeout": "no answer"}


# -- what the two sides say ----------------------------------------------------------------------------------------


class _Turn(NamedTuple):
    """A question of the client's and what the server said to it."""

    number: int
    steps: tuple[Step, ...]

    def of(self, sender: str) -> list[Step]:
        return [step for step in self.steps if step.sender == sender]


def _spoken(connection: Connection, walked: tuple[Step, ...]) -> tuple[list[Span], str]:
    """The spans of everything that is said, as far as the end of the first answer; and what cannot be told."""
    said = [step for step in walked if step.kind in ("message", "data", "prelude")]
    turns = [_Turn(number, tuple(group)) for number, group in groupby(said, key=lambda step: step.round_trip)]
    found = request(connection, said)
    return list(_turned(connection, turns, found)), found.note


def _turned(connection: Connection, turns: list[_Turn], found: Request) -> Iterator[Span]:
    """The spans of each turn, the last of them that which answers the request that was ``found``."""
    asked = found.step
    counted = 0
    for turn in turns:
        if turn.number == 0 or any(step.kind == "prelude" for step in turn.steps):
            yield from _plain(connection, turn)
        if any(step.kind == "message" and step.sender == CLIENT for step in turn.steps):
            span = _flight(connection, turn)
            if span is not None:
                counted = turn.number
                yield span
        answer = next((s for s in turn.of(SERVER) if is_data(connection, s)), None)
        if asked is not None and turn.number >= asked.round_trip and answer is not None:
            yield from _answered(connection, found, asked, answer, int(turn.number != counted))
            return
    if asked is not None:
        yield Span("request", asked.time, 0.0, _request(connection, asked), fault="no answer seen")


def _asked_in_plain(connection: Connection) -> tuple[list[Span], str]:
    """The first request of plain HTTP, and its answer as far as its head."""
    from tlsviz.connection.plain.words import exchanges

    for asked, answer in exchanges(connection):
        if asked is None:
            continue
        start = asked.time - connection.start
        if answer is None:
            return [Span("request", start, 0.0, "Request", message_title(asked), fault="no answer seen")], ""
        detail = f"{message_title(asked)} → {message_title(answer)}"
        return [Span("request", start, max(answer.time - asked.time, 0.0), "Request", detail, 1)], ""
    return [], ""


def _plain(connection: Connection, turn: _Turn) -> Iterator[Span]:
    """Plain text before TLS; a server that greets first is not asked, so that its greeting costs no whole trip."""
    lines = [step for step in turn.steps if step.kind == "prelude"]
    if not lines:
        return
    asked = next((step for step in lines if step.sender == CLIENT), None)
    begun = asked.time if asked else max(lines[0].time - lines[0].gap, 0.0)
    answered = [step for step in lines if step.sender == SERVER]
    title = tunnel(connection) or (f"STARTTLS ({connection.starttls})" if connection.starttls else "In plain text")
    end = answered[-1].time if answered else begun
    detail = " → ".join(step.title for step in lines[:_SHOWN])
    yield Span("plain", begun, max(end - begun, 0.0), title, detail, int(bool(asked and answered)))


def _flight(connection: Connection, turn: _Turn) -> Span | None:
    """A flight of handshake messages and its answer; None where the client does not wait for one."""
    sent = [step for step in turn.of(CLIENT) if step.kind == "message"]
    said = [step for step in turn.of(SERVER) if step.kind == "message"]
    kinds = [connection.messages[step.index].type for step in said]
    hello = any(connection.messages[step.index].type in CLIENT_HELLOS for step in sent)
    if said and (hello or any(kind not in _LATER for kind in kinds)):
        end = max(_until(connection, turn), *(step.time for step in said))
        answer = _listed([step for step in said if connection.messages[step.index].type != "new_session_ticket"])
        return Span("handshake", sent[0].time, end - sent[0].time, "TLS", f"{_listed(sent)} → {answer}", 1)
    if hello:
        fault = (
            "the answer is not in the capture" if incomplete(connection, SERVER) else _end(connection) or "no answer"
        )
        return Span(
            "handshake", sent[0].time, max(connection.duration - sent[0].time, 0.0), "TLS", _listed(sent), 0, fault
        )
    return None


def _until(connection: Connection, turn: _Turn) -> float:
    """When the server's last record of a flight was there, of which keys would tell what is the handshake's; else 0.

    Where bytes are missing a turn may hold more than the flight.
    """
    if incomplete(connection):
        return 0.0
    if not any(
        step.kind == "message" and connection.messages[step.index].provenance == "inferred" for step in turn.of(SERVER)
    ):
        return 0.0
    runs = [connection.application[step.index] for step in turn.of(SERVER) if step.kind == "data"]
    return max((run.last_time - connection.start for run in runs if run.opaque), default=0.0)


def _end(connection: Connection) -> str:
    """How a connection ended that the server did not answer."""
    words = {"rst": "reset", "abort": "aborted", "fin": "closed", "shutdown": "closed", "timeout": "no answer in time"}
    ends = (words.get(placed.mark.kind, "") for placed in connection.marks if placed.mark.kind in words)
    return next(ends, "")


def _listed(found: list[Step]) -> str:
    """``ServerHello, EncryptedExtensions … Finished``; what middleboxes get to see is left out."""
    names = [step.title for step in found if step.title != type_title("change_cipher_spec")]
    names = list(dict.fromkeys(names)) or [step.title for step in found]
    return ", ".join(names) if len(names) <= _SHOWN - 1 else f"{names[0]}, {names[1]} … {names[-1]}"


def _answered(connection: Connection, found: Request, asked: Step, answer: Step, round_trips: int) -> Iterator[Span]:
    """The request, and what follows the first byte of its answer. What they say is the keys' secret, and not told.

    ``asked``: the step in which the request that was ``found`` begins; ``answer``: that in which its answer does.
    ``round_trips``: 1, or 0 where a flight of the handshake waited for the same.
    """
    run = connection.application[answer.index]
    detail = f"{size(found.bytes)} → {size(run.bytes)}"
    if found.tickets:
        detail += ", perhaps session tickets and no answer yet: without keys nobody can tell"
    waited = max(answer.time - asked.time, 0.0)
    yield Span("request", asked.time, waited, _request(connection, asked), detail, round_trips)
    last = run.last_time - connection.start
    if last > answer.time:
        carried = plural(run.records, carrier(connection, run).rpartition(" ")[2])
        yield Span("answer", answer.time, last - answer.time, "Rest of the answer", carried)


def _request(connection: Connection, asked: Step) -> str:
    run = connection.application[asked.index]
    return "0-RTT request" if run.early else "First encrypted records" if run.opaque else "Request"


# -- what it costs, and would cost ---------------------------------------------------------------------------------


def _round_trip_time(connection: Connection, spans: list[Span]) -> tuple[float | None, str]:
    """The quickest answer bounds it. That is mostly TCP's, which is given with hardly any work."""
    turns = [span for span in spans if span.round_trips == 1 and not span.fault]
    if not turns:
        return None, ""
    # A reply that was captured before its question, or told late for a hole before it, seems to take no time.
    quickest = next((span for span in turns if span.kind == "connect"), None) if connection.tcp is not None else None
    quickest = quickest or min(turns, key=lambda span: span.duration)
    by = (
        f"{quickest.title.split()[0]}'s first answer"
        if quickest.kind == "connect"
        else f"the quickest answer ({quickest.title})"
    )
    captured = any(message.packets for message in connection.messages)
    return quickest.duration, f"{by}{', as seen from where it was captured' if captured else ''}"
