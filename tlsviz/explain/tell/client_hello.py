"""The ClientHello: what this client asks for, knows and guesses."""

from __future__ import annotations

from tlsviz.connection.model import Message
from tlsviz.explain import resumed
from tlsviz.explain.scene import Scene, called, elements, listing, name, number, real, sentence, span
from tlsviz.tls import registry
from tlsviz.tls.context import TLS_1_3, layout
from tlsviz.tls.suites import Suite, suite
from tlsviz.wire.nodes import Node
from tlsviz.wire.text import plural

TLS_1_2 = 0x0303
SCSV = {0x00FF, 0x5600}
FALLBACK_SCSV = 0x5600
FRESHNESS = 10.0
"""Seconds by which the ages of a ticket may differ: what servers allow for clocks and the way (RFC 9846 8.3)."""


def client_hello(scene: Scene) -> None:
    """Tells a ClientHello, the first or a later one."""
    _cut(scene)
    if not scene.message.whole and scene.message.sha256 is None:
        scene.lead = "Hello. … (parts of it are missing, and with them where its fields begin)"
        return
    scene.lead = _lead(scene)
    _again(scene)
    _server_name(scene)
    _versions(scene)
    _suites(scene)
    _groups(scene)
    _protocols(scene)
    _resumption(scene)
    _disguise(scene)
    _grease(scene)


def versions(scene: Scene) -> list[Node]:
    """The versions offered, GREASE left out; before TLS 1.3 the single highest one."""
    listed = elements(scene.node("extensions.supported_versions.versions"), "version")
    highest = scene.node("legacy_version")
    return real(listed) or ([highest] if highest is not None else [])


def shares(hello: Node | None) -> list[Node]:
    """The groups for which a ClientHello sends a key share, GREASE left out."""
    entries = elements(hello.get("extensions.key_share.client_shares") if hello else None, "key_share_entry")
    return real(group for entry in entries if (group := entry.child("group")) is not None)


def _lead(scene: Scene) -> str:
    asked = _host(scene)
    whom = f", I would like to talk to {asked}" if asked else ""
    guesses = listing(called(node) for node in shares(scene.message.tree))
    speak = listing(called(node) for node in versions(scene) if _says_versions(scene))
    count = len(_real_suites(scene))
    if _retried(scene) and scene.message.whole:
        wanted = f", now with the key share that you wanted: {guesses}" if guesses else ""
        return f"Hello again{wanted}. Everything else is as before."
    if not scene.message.whole:
        known = [f"speak {speak}"] if speak else []
        known += [f"offer {_counted(scene)}"] if count and _knows_suites(scene) else []
        said = f" I {' and '.join(known)}." if known else ""
        return f"Hello{whom}.{said} … (the rest is missing)"
    parts = [f"Hello{whom}."]
    tail = f"offer {_counted(scene)}" if count else "offer no cipher suite"
    spoken = f"I speak {speak}" if speak else "I do not say which version I speak"
    if guesses:
        it = "shares for them" if len(shares(scene.message.tree)) > 1 else "a key share for it"
        parts.append(f"{spoken}, {tail}, and guess that you like {guesses}, so I send {it} already.")
    else:
        parts.append(f"{spoken} and {tail}.")
    return " ".join(parts)


def _cut(scene: Scene) -> None:
    """That the rest is not known, where bytes are missing."""
    if not scene.message.whole:
        scene.say(
            "Bytes of this hello are missing. What else it asks for (a server name, newer versions, other groups) may "
            "be among them: nobody can tell from what is here.",
            provenance="unknown",
        )


def _says_versions(scene: Scene) -> bool:
    """Whether the versions can be told: the old field alone says nothing where the extension may be missing."""
    return scene.message.whole or scene.node("extensions.supported_versions") is not None


def _knows_suites(scene: Scene) -> bool:
    """Whether the list of suites is there to its end: what comes behind it is."""
    return scene.message.whole or scene.node("legacy_compression_methods") is not None


def _host(scene: Scene) -> str:
    block = scene.node("extensions")
    if not scene.message.whole and block is not None and block.children[-1].name == "server_name":
        return ""  # it may break off in the middle of the name
    for entry in elements(scene.node("extensions.server_name.server_name_list"), "server_name"):
        if (host := entry.child("host_name")) is not None and host.label:
            return name(host.label)
    return ""


def _again(scene: Scene) -> None:
    """Which hello of the connection this is, if not the first."""
    before = _before(scene)
    if _retried(scene):
        scene.say("This is the second hello, after the server's HelloRetryRequest.", "extensions.key_share")
    elif any(message.type == "hello_verify_request" for message in before):
        scene.say("This is the hello again, now with the server's cookie.", "cookie")
    elif any(message.type in ("finished", "encrypted_handshake") for message in before):
        scene.say("A handshake is already complete here: this one is a renegotiation inside it.")


def _retried(scene: Scene) -> bool:
    """Whether the last hello before this one was a HelloRetryRequest."""
    hellos = [m.type for m in _before(scene) if m.type in ("server_hello", "hello_retry_request")]
    return hellos[-1:] == ["hello_retry_request"]


def _before(scene: Scene) -> list[Message]:
    return [message for message in scene.connection.messages if message.order < scene.message.order]


def _server_name(scene: Scene) -> None:
    asked = _host(scene)
    hidden = scene.node("extensions.encrypted_client_hello")
    if hidden is not None:
        scene.say(
            "An encrypted hello is inside. It may hold the real name, or be random bytes that look alike (GREASE): "
            "from outside nobody can tell.",
            "extensions.encrypted_client_hello",
        )
    if asked and not scene.message.encrypted:
        scene.say(f"The name {asked} is not encrypted: everybody on the way can read it.", "extensions.server_name")
    elif not asked and scene.message.whole:
        scene.say("It names no server, so a server with several sites has to guess which one is meant.")


def _versions(scene: Scene) -> None:
    if not _says_versions(scene):
        return
    offered = versions(scene)
    if scene.node("extensions.supported_versions") is not None:
        scene.say(
            f"The true list of versions is in an extension: {listing(called(node) for node in offered)}. "
            "The old version field says TLS 1.2 for ever, so that old servers do not stumble.",
            "extensions.supported_versions",
        )
    elif offered:
        scene.say(f"It speaks {called(offered[0])} or older; newer versions it does not know.", "legacy_version")
    best = max((node.value for node in offered if isinstance(node.value, int)), default=None)
    if best is not None and best < TLS_1_2:
        scene.odd.append(f"It knows nothing newer than {called(offered[0])}, which must no longer be used (RFC 8996).")


def _real_suites(scene: Scene) -> list[Node]:
    return [node for node in real(elements(scene.node("cipher_suites"))) if node.value not in SCSV]


def _counted(scene: Scene) -> str:
    """How many suites; those of the list's entries that only signal something are told apart, as JA4 counts them."""
    count = len(_real_suites(scene))
    text = "a single cipher suite" if count == 1 else plural(count, "cipher suite")
    signals = sum(node.value in SCSV for node in elements(scene.node("cipher_suites")))
    if not signals:
        return text
    return f"{text} and {'a signalling value' if signals == 1 else plural(signals, 'signalling value')}"


def _suites(scene: Scene) -> None:
    offered = _real_suites(scene)
    if not _knows_suites(scene):
        return
    if not offered:
        scene.odd.append("It offers no cipher suite, so no server can accept it.")
        return
    known = [suite(code) for node in offered if (code := number(node)) is not None]
    modern = sum(1 for taken in known if taken is not None and taken.tls13)
    text = f"It offers {_counted(scene)}, best first: {called(offered[0])} leads"
    if len(offered) == 1:
        text = f"It offers {_counted(scene)}: {called(offered[0])}"
    if modern and modern < len(offered):
        text += f"; {modern} of them are for TLS 1.3, the others for older versions"
    scene.say(f"{text}.", "cipher_suites")
    weak = [taken.name for taken in known if taken is not None and weaknesses(taken)]
    if weak:
        scene.odd.append(f"It still offers weak suites: {listing(weak, 3)}.")
    if any(node.value == FALLBACK_SCSV for node in elements(scene.node("cipher_suites"))):
        scene.odd.append("It says that this is a second attempt with an older version (TLS_FALLBACK_SCSV).")


def weaknesses(taken: Suite) -> list[str]:
    """What is broken in a suite; that it is only a draft is not."""
    return [fault for fault in taken.weaknesses if not fault.startswith("draft")]


def _groups(scene: Scene) -> None:
    offered = real(elements(scene.node("extensions.supported_groups.named_group_list")))
    if not offered:
        return
    text = f"For the key exchange it knows {listing(called(node) for node in offered)}"
    sent = shares(scene.message.tree)
    if sent:
        text += f"; the share for {listing(called(node) for node in sent)} is already in this hello"
        scene.say(f"{text}. If the server likes the guess, a whole round trip is saved.", "extensions.key_share")
    else:
        scene.say(f"{text}.", "extensions.supported_groups")


def _protocols(scene: Scene) -> None:
    path = "extensions.application_layer_protocol_negotiation"
    offered = real(elements(scene.node(f"{path}.protocol_name_list"), "protocol_name"))
    if offered:
        listed = listing((called(node) for node in offered), word="or")
        scene.say(f"Inside the connection it would like to speak {listed}.", path)


def _resumption(scene: Scene) -> None:
    keys = elements(scene.node("extensions.pre_shared_key.identities"), "psk_identity")
    ticket = scene.node("extensions.session_ticket.ticket")
    if keys:
        many = plural(len(keys), "pre-shared key")
        scene.say(
            f"It has been here before, or was given a key: it names {many} and proves with a binder that it knows "
            f"{'it' if len(keys) == 1 else 'each'}.",
            "extensions.pre_shared_key",
        )
    elif ticket is not None:
        scene.say(
            f"It shows a ticket of {plural(ticket.length, 'byte')} from an earlier visit and would like to resume.",
            "extensions.session_ticket",
        )
    _traced(scene)
    if scene.node("extensions.early_data") is not None:
        scene.say("It does not wait: early data (0-RTT) follows at once.", "extensions.early_data")
        scene.odd.append("Early data can be recorded and sent again by an attacker.")


_WHERE = {
    "psk": "extensions.pre_shared_key.identities",
    "ticket": "extensions.session_ticket.ticket",
    "session_id": "legacy_session_id",
}


def _traced(scene: Scene) -> None:
    """Where what it resumes with was issued, and how old it is."""
    for found in scene.connection.resumptions:
        if found.message != scene.message.index:
            continue
        scene.say(resumed.origin(found), _WHERE[found.kind], "computed")
        if found.age is not None:
            scene.say(resumed.age(found), _WHERE[found.kind], "computed")
            if abs(found.since - found.age / 1000) > FRESHNESS:
                said, here = span(found.age / 1000), span(max(found.since, 0.0))
                scene.odd.append(f"The client says that the ticket is {said} old, here it is {here}.")
        if found.lifetime and found.since > found.lifetime:
            scene.odd.append(f"It was good for {plural(found.lifetime, 'second')} only: the server should not take it.")


def _disguise(scene: Scene) -> None:
    session = scene.node("legacy_session_id.data")
    if session is None or not _says_versions(scene):
        return
    if any((layout(number(node)) or 0) >= TLS_1_3 for node in versions(scene)):
        scene.say(
            "The session id means nothing in TLS 1.3. It makes the hello look like an attempt to resume TLS 1.2, so "
            "that old middleboxes let it pass.",
            "legacy_session_id",
        )
    elif scene.node("extensions.session_ticket.ticket") is not None:
        scene.say("If the server returns this session id, it has accepted the ticket.", "legacy_session_id")
    else:
        scene.say("It names an old session by its id and would like to resume it.", "legacy_session_id")


def _grease(scene: Scene) -> None:
    extensions = [node.name for node in elements(scene.node("extensions"))]
    suites = elements(scene.node("cipher_suites"))
    if "grease" in extensions or any(node.label == registry.GREASE for node in suites):
        scene.say("Some entries are GREASE: meaningless on purpose, to keep servers used to the unknown.")


def ssl2_client_hello(scene: Scene) -> None:
    """A hello in the format of SSL 2, which may offer SSL 3 or TLS."""
    version = scene.node("version")
    specs = elements(scene.node("cipher_specs"))
    spoken = called(version) if version is not None else "an unknown version"
    scene.lead = f"Hello, I wrap my words as in 1995. I speak {spoken} and offer {plural(len(specs), 'cipher')}."
    best = number(version)
    if best is not None and best >= 0x0300:
        scene.say(
            f"The wrapping is SSL 2, the offer is {spoken}: made so that servers of any age understand.", "version"
        )
    else:
        scene.odd.append("It offers SSL 2 itself, which is broken and forbidden (RFC 6176).")
    scene.say("There is no room for extensions in it: no server name, nothing modern.")
    challenge = scene.node("challenge")
    if challenge is not None:
        scene.say(
            sentence(f"{challenge.length} random bytes (challenge) take the place of the random field"), "challenge"
        )
