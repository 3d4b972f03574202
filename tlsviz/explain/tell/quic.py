"""What is different about a message because QUIC carries it."""

from __future__ import annotations

from tlsviz.connection.titles import packet_types
from tlsviz.explain.scene import Scene, listing
from tlsviz.tls.quic.frames import crypto, decode_frames
from tlsviz.tls.quic.versions import HANDSHAKE, INITIAL, ONE_RTT
from tlsviz.wire.text import plural


def carried(scene: Scene) -> None:
    """How the message travelled: in CRYPTO frames of packets whose type says which keys seal them."""
    kinds = packet_types(scene.connection, scene.message.records)
    if not kinds or scene.message.provenance == "inferred":
        return
    if scene.message.type == "alert":
        scene.say("QUIC has no alerts of its own: TLS's travel as the error code of a CONNECTION_CLOSE frame.")
    else:
        pieces = _pieces(scene)
        frames = f"{plural(pieces, 'CRYPTO frame')}" if pieces else "CRYPTO frames"
        scene.say(f"QUIC has no records: the message travelled in {frames} of {listing(kinds)} packets.")
    if INITIAL in kinds:
        scene.say(
            "An Initial packet is sealed, but not secret: its key follows from a connection ID that travels in the"
            " clear, so everybody on the way can open it, as was done here."
        )
    elif HANDSHAKE in kinds:
        scene.say("The key of Handshake packets comes from the key exchange in the hellos: only both ends have it.")
    elif ONE_RTT in kinds:
        scene.say("It travelled among the application's data, under the same keys.")


def _pieces(scene: Scene) -> int:
    """How many CRYPTO frames there are in the packets that carried the message, if it was alone in them."""
    records = [scene.connection.records[index] for index in scene.message.records]
    alone = not any(
        set(message.records) & set(scene.message.records)
        for message in scene.connection.messages
        if message.index != scene.message.index
    )
    if not alone:
        return 0
    return sum(len(crypto(decode_frames(record.plaintext.data))) for record in records if record.plaintext is not None)
