"""The server's choices: ServerHello, HelloRetryRequest, EncryptedExtensions, and the small hellos around them."""

from __future__ import annotations

from tlsviz.connection.hellos import offer_is_known
from tlsviz.connection.model import Connection
from tlsviz.explain.points import hash_name
from tlsviz.explain.scene import Scene, called, elements, listing, name, number
from tlsviz.explain.tell.client_hello import SCSV, shares, weaknesses
from tlsviz.tls.context import TLS_1_3, layout
from tlsviz.tls.registry import GREASE
from tlsviz.tls.suites import suite
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import plural

TLS_1_2 = 0x0303


def server_hello(scene: Scene) -> None:
    """What was chosen of what was offered, and what follows from it."""
    version = scene.node("extensions.supported_versions.selected_version") or scene.node("legacy_version")
    chosen = scene.node("cipher_suite")
    group = scene.node("extensions.key_share.server_share.group")
    modern = version is not None and (layout(number(version)) or 0) >= TLS_1_3
    scene.lead = _lead(scene, version, chosen, group)
    if version is not None:
        _version(scene, version)
    if chosen is not None:
        _suite(scene, chosen)
    if group is not None:
        _group(scene, group)
    _resumed(scene, modern)
    if modern:
        scene.say(
            "Both sides can now compute keys: everything after this message is encrypted.",
            provenance="computed",
        )
    else:
        _old_answers(scene)
    _sentinel(scene)


def _lead(scene: Scene, version: Node | None, chosen: Node | None, group: Node | None) -> str:
    what = [called(version) if version is not None else "an unknown version"]
    if chosen is not None:
        what.append(f"with {called(chosen)}")
    text = f"Good: let us speak {' '.join(what)}."
    if group is not None:
        text += f" Here is my half of the {called(group)} key exchange."
    if scene.connection.resumed:
        text += " I remember you: we go on from the last visit, without certificates."
    return text


def _version(scene: Scene, version: Node) -> None:
    offered = [point for point in scene.connection.offered.versions if point.name != GREASE]
    code = number(version)
    path = "extensions.supported_versions" if version.name == "selected_version" else "legacy_version"
    best = max(offered, key=lambda point: point.code, default=None)
    if best is None or code is None:
        return
    if code == best.code and offer_is_known(scene.connection):
        scene.say(f"{called(version)} is the newest version that the client offered.", path)
    elif code < best.code:
        scene.say(
            f"The client would have liked {best}; the server chose {called(version)}, so it knows nothing newer or "
            "does not want it.",
            path,
        )
    elif offer_is_known(scene.connection):
        scene.odd.append(f"The client never offered {called(version)}; it must break off.")
    if code < TLS_1_2:
        scene.odd.append(f"{called(version)} must no longer be used (RFC 8996).")


def _suite(scene: Scene, chosen: Node) -> None:
    listed = scene.connection.offered.cipher_suites
    offered = [point.code for point in listed if point.name != GREASE and point.code not in SCSV]
    code = number(chosen)
    if code in offered:
        place = offered.index(code) + 1
        if place == 1:
            text = f"{called(chosen)} was the client's first choice of {len(offered)}."
        else:
            text = (
                f"{called(chosen)} was number {place} of {len(offered)} on the client's list: the server knows none of "
                "those before it, or follows its own order."
            )
        scene.say(text, "cipher_suite")
    elif offered and offer_is_known(scene.connection):
        scene.odd.append(f"The client never offered {called(chosen)}; it must break off.")
    taken = suite(code) if code is not None else None
    if taken is None:
        return
    cipher = taken.cipher.replace("_", "-")
    if taken.mode == "NULL":
        scene.odd.append("This suite encrypts nothing.")
    else:
        old = scene.connection.version is not None and (layout(scene.connection.version.code) or 0) < TLS_1_2
        hashes = "MD5 and SHA-1 together" if old else hash_name(taken.prf_hash)
        scene.say(f"So {cipher} will encrypt, and {hashes} will derive the keys.", "cipher_suite")
    if weak := weaknesses(taken):
        scene.odd.append(f"{taken.name} is weak: {', '.join(weak)}.")
    if not taken.forward_secret:
        scene.odd.append("No forward secrecy: whoever gets the long-lived key later can read a recording of this.")


def _group(scene: Scene, group: Node) -> None:
    scene.say(
        f"For {called(group)} the client had sent its half; with this one the shared secret is complete. An observer "
        "of both halves cannot compute it.",
        "extensions.key_share",
    )
    if "MLKEM" in called(group).upper():
        scene.say(
            "As ML-KEM is part of it, even a later quantum computer should not open a recording.",
            "extensions.key_share",
        )


def _resumed(scene: Scene, modern: bool) -> None:
    if scene.node("extensions.pre_shared_key") is not None:
        scene.say(
            "The server accepts the pre-shared key: knowing it proves who both are, and no certificates are sent.",
            "extensions.pre_shared_key",
        )
    session = scene.node("legacy_session_id_echo.data")
    if session is None:
        return
    if modern:
        scene.say(
            "It returns the client's session id, as a server of TLS 1.2 would do to resume. It is a disguise for old "
            "middleboxes.",
            "legacy_session_id_echo",
        )
    elif scene.connection.resumed:
        scene.say("It returns the session id: the old session goes on.", "legacy_session_id_echo")
    else:
        scene.say("It gives the session an id, by which the client may resume it later.", "legacy_session_id_echo")


def _old_answers(scene: Scene) -> None:
    if scene.node("extensions.session_ticket") is not None:
        scene.say("It will hand over a session ticket.", "extensions.session_ticket")
    alpn = elements(scene.node("extensions.application_layer_protocol_negotiation.protocol_name_list"), "protocol_name")
    if alpn:
        scene.say(f"Inside they will speak {called(alpn[0])}.", "extensions.application_layer_protocol_negotiation")
    if scene.connection.resumed:
        scene.say("No key exchange follows: the old session's secret and both new random values make new keys.")
    else:
        scene.say("Nothing is encrypted yet: in this version the certificates travel in the clear.")
    if scene.node("extensions.extended_master_secret") is None and scene.message.tree is not None:
        scene.odd.append("No extended_master_secret: the keys are not bound to the whole handshake (RFC 7627).")
    if scene.node("extensions.renegotiation_info") is None and scene.message.tree is not None:
        scene.odd.append("No renegotiation_info: if it renegotiates, it does so unsafely (RFC 5746).")
    compression = scene.node("legacy_compression_method")
    if compression is not None and compression.value:
        scene.odd.append(f"TLS compression ({called(compression)}) is on: lengths leak secrets (CRIME).")


def _sentinel(scene: Scene) -> None:
    mark = scene.node("random.downgrade_sentinel")
    if mark is None:
        return
    scene.say("The last eight bytes of its random say DOWNGRD: it could speak a newer version.", "random")
    if any((layout(point.code) or 0) >= TLS_1_3 for point in scene.connection.offered.versions if point.name != GREASE):
        scene.odd.append("The client offered TLS 1.3 too, so somebody may have changed its hello: it must break off.")


def hello_retry_request(scene: Scene) -> None:
    """Which group is wanted, and what the guess was."""
    group = scene.node("extensions.key_share.selected_group")
    cookie = scene.node("extensions.cookie")
    if group is not None:
        scene.lead = f"I could talk with you, but please send me a key share for {called(group)}."
    elif cookie is not None:
        scene.lead = "Please say hello again and bring this cookie, so that I see that you are really there."
    guessed = _guesses(scene.connection, scene.message.order)
    if group is not None:
        also = f" It had guessed {listing(guessed)}." if guessed else ""
        if not guessed and offer_is_known(scene.connection):
            also = " It had sent no share at all."
        known = number(group) in [point.code for point in scene.connection.offered.groups]
        if known:
            scene.say(
                f"The client said that it knows {called(group)} but sent no share for it.{also}", "extensions.key_share"
            )
        elif scene.connection.offered.groups and offer_is_known(scene.connection):
            scene.odd.append(f"The client never offered {called(group)}; it must break off.")
    if cookie is not None:
        scene.say("The cookie lets the server forget the first hello until the second one comes.", "extensions.cookie")
    scene.say("It costs one more round trip.", provenance="computed")
    scene.say('It is a ServerHello in disguise: its random is a fixed value that means "try again".', "random")


def _guesses(connection: Connection, before: int) -> list[str]:
    """The groups of the key shares in the hello before."""
    for message in reversed(connection.messages):
        if message.order < before and message.type == "client_hello":
            return [called(group) for group in shares(message.tree)]
    return []


def encrypted_extensions(scene: Scene) -> None:
    """The answers that an observer must not see."""
    answers = elements(scene.node("extensions"))
    alpn = elements(scene.node("extensions.application_layer_protocol_negotiation.protocol_name_list"), "protocol_name")
    if alpn:
        scene.lead = f"Between us: inside we will speak {called(alpn[0])}."
        scene.say(
            f"Of the client's protocols the server chose {called(alpn[0])}.",
            "extensions.application_layer_protocol_negotiation",
        )
    else:
        scene.lead = "Between us: here are my answers to your other wishes."
    scene.say("It is the first message under the handshake keys: an observer sees only that something was sent.")
    if scene.node("extensions.early_data") is not None:
        scene.say("The server accepts the early data (0-RTT).", "extensions.early_data")
    if scene.node("extensions.server_name") is not None:
        scene.say("It confirms that it has used the server name.", "extensions.server_name")
    others = [name(node.name) for node in answers if node.name not in _TOLD]
    if others:
        scene.say(f"It also answers {listing(others)}.", "extensions")
    elif not answers:
        scene.say("It is empty: there was nothing to answer.")


_TOLD = {"application_layer_protocol_negotiation", "early_data", "server_name"}


def hello_request(scene: Scene) -> None:
    """The server wants a new handshake."""
    scene.lead = "Please let us shake hands again."
    if not any(m.type == "finished" or m.type == "encrypted_handshake" for m in scene.connection.messages):
        scene.say("There is no handshake to renew yet, so the client may ignore it.")


def hello_verify_request(scene: Scene) -> None:
    """DTLS: prove that you are reachable."""
    cookie = scene.node("cookie")
    size = f" of {plural(max(cookie.length - 1, 0), 'byte')}" if cookie is not None else ""
    scene.lead = f"Say hello again with this cookie{size}, so that I see that your address is real."
