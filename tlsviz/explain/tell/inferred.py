"""Messages of TLS 1.3 that must be there but cannot be seen: why we know, and what they hold."""

from __future__ import annotations

from tlsviz.explain.scene import Scene

_LEADS = {
    "encrypted_extensions": "The server's answers that an observer must not see.",
    "certificate_request": "The server asks the client for a certificate.",
    "certificate": "The server shows who it is, out of sight.",
    "certificate_verify": "The server signs the conversation, to show that the certificate's key is its own.",
    "finished": "A checksum over the whole handshake.",
    "alert": "An alert, by its length: two bytes, a content type and a tag.",
}
_REASONS = {
    "encrypted_extensions": "It must be the first message after a ServerHello of TLS 1.3, even when it is empty.",
    "certificate": "No pre-shared key was accepted, so the server has to prove itself by a certificate.",
    "certificate_verify": "A certificate without its signature would be worthless, so this one must follow it.",
    "finished": "Every handshake ends with Finished of both sides; no application data may come before it.",
    "alert": "Nothing else at this place is that short.",
}


def inferred(scene: Scene) -> None:
    """An inferred message."""
    kind = scene.message.type
    scene.lead = _LEADS.get(kind, "It must be here, though nobody can see it.")
    if kind == "certificate" and scene.message.sender == "client":
        scene.lead = "The client shows who it is, out of sight."
    if kind in _REASONS:
        scene.say(_REASONS[kind], provenance="inferred")
    where = "Handshake packets" if scene.connection.transport == "quic" else "encrypted records"
    scene.say(
        f"Its bytes are in the {where} of this flight. With the connection's key log they could be opened.",
        provenance="unknown",
    )
    if kind == "certificate":
        scene.say("Therefore a passive observer does not learn which certificate was used.", provenance="inferred")
