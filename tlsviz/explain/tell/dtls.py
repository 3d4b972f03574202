"""What is different about a message because DTLS carries it, over datagrams that may get lost or come twice."""

from __future__ import annotations

from tlsviz.connection.model import Message
from tlsviz.explain.scene import Scene
from tlsviz.tls.context import TLS_1_3, layout
from tlsviz.wire.text import plural


def carried(scene: Scene) -> None:
    """How the message travelled: numbered, perhaps in fragments, in records that say their epoch."""
    message = scene.message
    if scene.connection.transport != "dtls" or message.provenance == "inferred":
        return
    if message.type == "client_hello" and message.index == _first(scene, "client_hello"):
        scene.say(
            "DTLS is TLS over UDP, where datagrams get lost, come twice or overtake each other. So every record and"
            " every handshake message has a number, and who gets no answer says all of its flight once more."
        )
    if message.type == "hello_verify_request":
        scene.say("Until the cookie comes back the server remembers nothing: the cookie itself says all it must know.")
        scene.say(
            "Senders of UDP can forge their address. Without this round trip one small hello would make the server send"
            " its long certificates to a victim. TCP needs no cookie: connecting shows that the address is true."
        )
    if message.type == "change_cipher_spec":
        _change(scene)
    if message.content_type == "handshake":
        _fragments(scene)


def _first(scene: Scene, kind: str) -> int:
    return next((message.index for message in scene.connection.messages if message.type == kind), -1)


def _change(scene: Scene) -> None:
    version = scene.connection.version
    if version is None or (layout(version.code) or 0) >= TLS_1_3:
        return
    epoch = _epoch(scene, scene.message)
    if epoch is None:
        return
    scene.say(
        f"The {scene.message.sender}'s epoch {epoch} ends here; now its records are of epoch {epoch + 1}, numbered from"
        " 0 again. Each record says its epoch, so that one which comes late still meets the right key."
    )


def _epoch(scene: Scene, message: Message) -> int | None:
    """The epoch in the header of the record that carried it."""
    if not message.records or message.records[0] >= len(scene.connection.records):
        return None
    found = scene.connection.records[message.records[0]].header.child("epoch")
    return found.value if found is not None and isinstance(found.value, int) else None


def _fragments(scene: Scene) -> None:
    place = ""
    number = scene.node("message_seq")
    if number is not None and isinstance(number.value, int):
        place = f"It is the {scene.message.sender}'s handshake message number {number.value}"
    count = len(scene.message.records)
    if count > 1:
        lead = f"{place}, and too" if place else "It is too"
        scene.say(
            f"{lead} long for one datagram: it came in {plural(count, 'fragment')}, each in a record of its own, which"
            " say where they belong. They may come in any order.",
            "message_seq",
        )
    elif place:
        scene.say(f"{place}, whole in one fragment.", "message_seq")
