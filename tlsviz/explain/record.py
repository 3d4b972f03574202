"""What somebody on the way keeps of one record, and what its protection takes from them. In words."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.connection import titles
from tlsviz.connection.lens import Anatomy
from tlsviz.connection.model import Connection, Record
from tlsviz.tls import registry
from tlsviz.wire.text import plural

APPLICATION_DATA = 23
INITIAL = "Initial"


class Kept(NamedTuple):
    """``keeps``: what an eavesdropper learns from the record; ``hidden``: what not; ``change``: what a change does."""

    keeps: tuple[str, ...]
    hidden: tuple[str, ...]
    change: str


def contents(connection: Connection, record: Record) -> tuple[str, ...]:
    """What the record carries: titles of messages, "application data", or nothing that is known."""
    found = [
        titles.message(message) + ("" if message.records == (record.index,) else " (a part)")
        for message in connection.messages
        if record.index in message.records and message.type != "encrypted_handshake"
    ]
    readable = record.protection is None or record.plaintext is not None
    if not found and record.inner_type == APPLICATION_DATA and readable:
        return ("application data",)
    return tuple(found)


def kept(connection: Connection, record: Record, taken: Anatomy) -> Kept:
    """What an eavesdropper keeps of a record."""
    if taken.scheme == "clear":
        change = "A change does not show in the record."
        if connection.complete:
            change = "A change does not show here, but in Finished, which covers the whole handshake."
        return Kept(("everything: it travels in the clear",), (), change)
    if taken.scheme == "stream" and taken.part("ciphertext") is None and taken.part("content") is not None:
        return Kept(("everything: the suite encrypts nothing",), (), "Change one bit, and the MAC is wrong.")
    if record.packet_type is not None:
        return _packet(record)
    outer = type_name(record.content_type)
    keeps = [f"{plural(len(record.buffer.data) + record.missing, 'byte')} from the {record.sender}, and when"]
    hidden = ["every word of it"]
    if taken.scheme == "tls13":
        worn = f"the type {outer}, which all protected records wear"
        keeps.append("no type: the short header has none" if record.header.name == "dtls_unified_header" else worn)
        hidden.insert(0, _disguised(connection, record))
    else:
        keeps.append(f"the true type: {outer}")
    keeps.append(_size(taken))
    change = _change(taken)
    if connection.transport == "dtls":
        change = change.replace(" (bad_record_mac)", ": the receiver drops the record, and the connection goes on")
        if record.header.name == "dtls_unified_header":
            hidden.append("its whole number: only its low bits travel, encrypted")
        else:
            keeps.append("its epoch and number: what was lost and what came twice shows")
    return Kept(tuple(keeps), tuple(hidden), change)


def _packet(record: Record) -> Kept:
    """Of a packet of QUIC: its type says which keys seal it, and those of Initial packets everybody has."""
    change = "Change one bit, and the tag is wrong: the receiver drops the packet without a word."
    if record.packet_type == INITIAL:
        keeps = (
            "everything: the key follows from a connection ID that travels in the clear",
            "the seal shows damage on the way, and keeps out those who do not see the first packet",
        )
        return Kept(keeps, (), change + " But who is on the way can make another one.")
    size = plural(len(record.buffer.data) + record.missing, "byte")
    keeps = (
        f"{size} from the {record.sender}, and when",
        f"the packet type {record.packet_type}: it says which keys seal it",
    )
    hidden = (
        "the packet number, by which packets could be counted and linked",
        "every frame: handshake, data, and what got lost",
    )
    return Kept(keeps, hidden, change)


def _disguised(connection: Connection, record: Record) -> str:
    inner = record.inner_type
    if inner is None:
        return "what it is: the true type is inside"
    what = ", ".join(contents(connection, record)[:3]) or "unknown"
    return f"that it is {type_name(inner)}: {what}" if inner != APPLICATION_DATA else "that it is no handshake message"


def _size(taken: Anatomy) -> str:
    ciphertext = taken.part("ciphertext")
    if ciphertext is None:
        return "its size, and so about how much it says"
    size = ciphertext.length
    if taken.scheme == "tls13":
        hiding = "hides" if taken.part("padding") is not None else "could hide"
        return f"at most {plural(size - 1, 'byte')} of content: padding {hiding} how many"
    if taken.scheme == "cbc":
        return f"about how much it says: {plural(size, 'byte')} of whole blocks"
    mac = taken.part("mac")
    return f"how much it says, exactly: {plural(size - (mac.length if mac else 0), 'byte')}"


def _change(taken: Anatomy) -> str:
    if taken.scheme in ("tls13", "aead"):
        return "Change one bit, and the tag is wrong (bad_record_mac)."
    if taken.scheme in ("cbc", "stream"):
        return "Change one bit, and the MAC is wrong (bad_record_mac)."
    return "It is sealed: a change would be noticed."


def type_name(code: int) -> str:
    """A record type by its name."""
    return registry.record_types.get(code) or f"0x{code:02x}"
