"""Alerts: who complains about what, and what it usually comes from."""

from __future__ import annotations

from tlsviz.explain.scene import Scene, name
from tlsviz.explain.words import words

CLOSE_NOTIFY = 0
WARNING = 1


def alert(scene: Scene) -> None:
    """An alert, readable or not."""
    said = scene.message.alert
    who = scene.message.sender
    if said is None:
        scene.lead = "An alert, but it is encrypted."
        scene.say(
            "Only its length can be seen. At the end of a connection it is nearly always close_notify, the goodbye.",
            provenance="unknown",
        )
        return
    if said.description.code == CLOSE_NOTIFY:
        scene.key = "alert.close_notify"
        scene.lead = "Goodbye; I will send nothing more."
        scene.say(f"The {who} ends its direction in good order. Nothing was cut off at the end.", "description")
        return
    key = f"alert.{said.description.name}"
    known = words(key)
    title = name(str(said.description))
    scene.lead = f"Stop: {title}." if said.level.code != WARNING or scene.tls13 else f"Careful: {title}."
    scene.say(f"The {who} complains{_after(scene)}.", "description")
    if known is not None:
        scene.key = key
        scene.lead += f" {known.what}"
    if scene.tls13:
        scene.say(
            "In TLS 1.3 the level means nothing: every alert but close_notify and user_canceled is fatal.", "level"
        )
    elif said.level.code == WARNING:
        scene.say("At level warning the other side may go on if it likes.", "level")
    if not scene.connection.complete:
        scene.odd.append("The handshake did not succeed.")
    elif _complete_before(scene):
        scene.odd.append("The handshake was already complete when it came.")


def _complete_before(scene: Scene) -> bool:
    """Whether both sides had sent their Finished before the alert."""
    done = {
        message.sender
        for message in scene.connection.messages
        if message.order < scene.message.order and message.type in ("finished", "encrypted_handshake")
    }
    return len(done) == 2


def _after(scene: Scene) -> str:
    """The last message of the other side before the alert."""
    for message in reversed(scene.connection.messages):
        if message.order < scene.message.order and message.sender != scene.message.sender:
            entry = words(f"message.{message.type}")
            return f" after the {message.sender}'s {entry.title if entry else message.type}"
    return ""
