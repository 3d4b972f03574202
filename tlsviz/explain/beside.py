"""What happens beside the handshake messages: transport marks, holes, plaintext before TLS, application data."""

from __future__ import annotations

import re

from tlsviz.connection import titles
from tlsviz.connection.holes import amount, orphaned, whereabouts
from tlsviz.connection.model import ApplicationRun, Connection, Hole, PlacedMark, Prelude
from tlsviz.connection.prelude import protocol
from tlsviz.connection.tcp import trips
from tlsviz.explain.points import hash_name
from tlsviz.explain.scene import Narration, Sentence, name, sentence, span
from tlsviz.explain.tcp import vantage
from tlsviz.explain.words import words
from tlsviz.tls.suites import suite
from tlsviz.wire.chunks import MarkKind
from tlsviz.wire.text import plural, shorten

PORTS = {
    443: "https",
    80: "http",
    853: "DNS over TLS",
    993: "imaps",
    995: "pop3s",
    465: "smtps",
    25: "smtp",
    587: "mail",
}


def place(connection: Connection) -> str:
    """The server as people say it: its name or address and its port."""
    server = connection.server
    host = connection.server_name or server.address or "the server"
    known = f" ({PORTS[server.port]})" if server.port in PORTS else ""
    return f"{name(host)}, port {server.port}{known}" if server.port else name(host)


def mark(connection: Connection, placed: PlacedMark) -> Narration:
    """Something that happened to the transport."""
    kind, detail = placed.mark.kind, placed.mark.detail
    known = words(f"mark.{kind}")
    sentences = []
    if detail:
        sentences.append(Sentence(sentence(shorten(detail, 160))))
    took = _took(connection, placed)
    if took:
        sentences.append(Sentence(took, "computed"))
    leads: dict[MarkKind, str] = {
        "name_lookup": f"Which address has {name(connection.server_name or 'this name')}?",
        "https_record": "What else is there to know, before the first connection?",
        "syn": f"Knock, knock: is anybody there at {place(connection)}?",
        "syn_ack": "Yes, come in.",
        "connected": f"The way to {place(connection)} is open. Nothing is protected yet.",
        "version_negotiation": "I do not speak this version of QUIC. Choose one of these.",
        "retry": "Come again with this token, so that I know that your address is true.",
        "fin": f"The {placed.mark.sender} will send no more bytes.",
        "rst": f"The {placed.mark.sender} tears the connection down.",
        "init": f"Is anybody there at {place(connection)}? Let us associate.",
        "init_ack": "Yes. Show me this cookie again, so that I know that your address is true.",
        "shutdown": f"The {placed.mark.sender} has sent everything, and ends the association in good order.",
        "abort": f"The {placed.mark.sender} tears the association down.",
        "refused": f"Nobody listens at {place(connection)}.",
        "unreachable": f"There is no way to {place(connection)}.",
        "timeout": "Nothing came for too long.",
        "closed": "The connection is over.",
        "eap": f"The {placed.mark.sender} says it in EAP, outside of TLS.",
        "repeated": f"The {placed.mark.sender} says it once more.",
        "joined": "The connection was there before the capture began.",
    }
    odd = []
    if kind in ("rst", "abort", "timeout", "error") and not connection.complete and not connection.plain:
        odd.append("The handshake was not complete.")
    unsealed = connection.transport != "quic"
    if kind in ("fin", "shutdown", "closed") and unsealed and connection.complete and not _said_goodbye(connection):
        odd.append("There was no close_notify before it: the end of the data is not protected.")
    lead = leads.get(kind) or (known.what if known else kind)
    reference = known.reference if known else ""
    return Narration(f"mark.{kind}", titles.mark(placed.mark)[0], lead, tuple(sentences), tuple(odd), reference)


def _took(connection: Connection, placed: PlacedMark) -> str:
    """How long the packet's way there and back took, at the server's answer to the SYN."""
    answers = [p for p in connection.marks if p.mark.kind in ("syn_ack", "init_ack", "connected")]
    if placed not in answers[:1]:
        return ""
    timed = trips(connection)
    if timed.server is None:
        return ""
    if connection.tcp is not None:
        return f"Round trips: {vantage(connection)}."
    return f"The way there and back took {span(timed.server)}: one round trip of the network."


def _said_goodbye(connection: Connection) -> bool:
    """Whether close_notify was seen, or may be among what cannot be read."""
    if any(run.opaque for run in connection.application):
        return True
    alerts = [message for message in connection.messages if message.type == "alert"]
    return any(message.alert is None or message.alert.description.code == 0 for message in alerts)


def hole(connection: Connection, broken: Hole) -> Narration:
    """Bytes that are missing, or that are no TLS."""
    title, _ = titles.hole(broken, connection.transport)
    count = amount(broken.length).capitalize()
    if broken.stray is not None:
        header = "a record header: they are no TLS"
        if connection.transport == "quic":
            header = "a packet's header: they are no QUIC"
        lead = f"{count} of the {broken.sender} do not start with {header}."
        first = shorten(broken.stray.data[:48].decode("utf-8", "backslashreplace"), 80)
        said = Sentence(f"They begin with: {first}")
        if orphaned(connection, broken):
            lead = f"{count} of the {broken.sender} belong to records whose beginning is missing."
            return Narration("concept.record", title, lead, (said, Sentence("What they are is not known.", "unknown")))
        return Narration("finding.bad_record", title, lead, (said,), ("Another protocol, or damage on the way.",))
    how = "cut off when their packet was captured" if broken.cut else "lost while capturing, or never captured"
    where = whereabouts(connection, broken)
    lead = f"{count} of the {broken.sender} are not in the capture: {how}{f' ({where})' if where else ''}."
    unit = "packet" if connection.transport == "quic" else "record"
    said = Sentence(
        f"Decoding goes on at the next {unit} that can be recognised; encrypted {unit}s may stay closed.", "unknown"
    )
    mend = (
        "Capture whole packets: -s 0."
        if broken.cut
        else "Next time: a larger buffer (-B), a capture filter, both ways."
    )
    return Narration("concept.record", title, lead, (said, Sentence(mend)))


def prelude(connection: Connection, part: Prelude) -> Narration:
    """Plaintext before TLS, or instead of it."""
    spoken = connection.starttls or protocol(connection.prelude)
    title, _ = titles.prelude(part, spoken)
    through = titles.tunnel(connection)
    named = f" ({connection.starttls.upper()})" if connection.starttls and not through else ""
    lead = f"Plain text before TLS{named}: everybody on the way can read and change it."
    first = titles.said(part, spoken, 120)
    sentences = [Sentence(f"The {part.sender} says: {first}")] if first else []
    odd: tuple[str, ...] = ()
    if not connection.messages:
        odd = ("No TLS follows.",)
    elif through:
        sentences.append(Sentence(f"The {through} then carries TLS to the server behind it, and cannot read it."))
    elif connection.starttls:
        sentences.append(Sentence("After this conversation both change to TLS on the same connection (STARTTLS)."))
    return Narration(
        "concept.starttls", title, lead, tuple(sentences), odd, "RFC 9110 9.3.6, RFC 1928" if through else "RFC 3207"
    )


def data(connection: Connection, run: ApplicationRun) -> Narration:
    """Application data: how much, how protected, and its first line when it can be read."""
    if connection.plain:
        return _body(run)
    carrier = titles.carrier(connection, run)
    title = "0-RTT data" if run.early else f"Encrypted {carrier}s" if run.opaque else "Application data"
    records, size = plural(run.records, carrier), plural(run.bytes, "byte")
    how = "encrypted" if encrypts(connection) else "not encrypted"
    lead = f"The {run.sender} sends {size} in {records}, {how}."
    sentences = [Sentence(_cipher(connection, carrier), "computed")]
    line = _first_line(run)
    if run.opaque:
        opaque = {"record": _OPAQUE, "Handshake packet": _HANDSHAKE_PACKETS}.get(carrier, _PACKETS)
        sentences.append(Sentence(opaque, "inferred"))
    if line:
        sentences.append(Sentence(f"It begins: {line}", "decrypted", secret=True))
    elif run.plaintext is not None:
        sentences.append(Sentence("It was opened with the keys; it is not HTTP/1 text.", "decrypted"))
    else:
        sentences.append(Sentence("An observer sees how much is sent, when and to whom; not what.", "wire"))
    if run.last_time > run.time:
        sentences.append(
            Sentence(f"From the first {carrier} to the last it took {span(run.last_time - run.time)}.", "computed")
        )
    odd: tuple[str, ...] = ()
    if run.early:
        odd = ("It came without waiting for the server: an attacker could send it again (replay).",)
        sentences += _fate(connection)
    known = words("message.application_data")
    return Narration("message.application_data", title, lead, tuple(sentences), odd, known.reference if known else "")


def _body(run: ApplicationRun) -> Narration:
    """A body in plain HTTP: counted, not kept."""
    title, _ = titles.data(run, "body")
    lead = f"The {run.sender} sends {plural(run.bytes, 'byte')} of content, not encrypted."
    sentences = [Sentence("Everybody on the way reads it and can change it. Here it is only counted.", "wire")]
    if run.last_time > run.time:
        took = f"From the first byte to the last it took {span(run.last_time - run.time)}."
        sentences.append(Sentence(took, "computed"))
    return Narration("finding.plain_http", sentence(title).rstrip("."), lead, tuple(sentences), (), "RFC 9112 6")


def _fate(connection: Connection) -> list[Sentence]:
    """What became of 0-RTT data, where the server's answer can be read."""
    if not any(message.tree is not None for message in connection.messages_of("encrypted_extensions")):
        return []
    if connection.early_data:
        text = "The server took it: its EncryptedExtensions have early_data, and a whole round trip is saved."
    else:
        text = "The server refused it: its EncryptedExtensions have no early_data. The client has to send it again."
    return [Sentence(text, "computed")]


def encrypts(connection: Connection) -> bool:
    """Whether the chosen suite encrypts at all."""
    taken = suite(connection.cipher_suite.code) if connection.cipher_suite else None
    return taken is None or taken.mode != "NULL"


def _cipher(connection: Connection, carrier: str) -> str:
    taken = suite(connection.cipher_suite.code) if connection.cipher_suite else None
    if taken is None:
        return "Both directions use symmetric session keys that were made in this handshake."
    cipher = taken.cipher.replace("_", "-")
    if taken.mode == "NULL":
        return f"The suite encrypts nothing; HMAC-{hash_name(taken.mac or '')} only protects against change."
    if taken.mac is None:
        return f"{cipher} encrypts and seals each {carrier}, with a key of its own for each direction."
    return f"{cipher} encrypts each {carrier}, and HMAC-{hash_name(taken.mac)} protects it against change."


_OPAQUE = (
    "In TLS 1.3 every encrypted record looks like application data: handshake messages and alerts may be among them."
)
_HANDSHAKE_PACKETS = (
    "QUIC has no records, and its packets say which keys seal them: these hold messages of the handshake."
)
_PACKETS = "Unlike a record of TLS a packet of QUIC says whether it belongs to the handshake: these do not."
_HTTP = re.compile(rb"(?:[A-Z]{3,10} \S+ HTTP/1\.[01]|HTTP/1\.[01] \d{3}[^\r\n]*)")


def _first_line(run: ApplicationRun) -> str:
    """The request or status line, when it is HTTP/1."""
    found = _HTTP.match(run.plaintext.data[:4096]) if run.plaintext is not None else None
    return shorten(found[0].decode("latin-1"), 80) if found else ""
