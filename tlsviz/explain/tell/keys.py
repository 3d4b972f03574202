"""How the keys come about and come into use: key exchange up to TLS 1.2, ChangeCipherSpec, Finished, tickets."""

from __future__ import annotations

from tlsviz.explain.scene import Scene, called, elements, number
from tlsviz.tls.suites import Suite, suite
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import plural

WEEK = 7 * 86400
SMALL_PRIME = 2048


def _suite(scene: Scene) -> Suite | None:
    chosen = scene.connection.cipher_suite
    return suite(chosen.code) if chosen else None


def server_key_exchange(scene: Scene) -> None:
    """The server's signed half of an ephemeral exchange."""
    taken = _suite(scene)
    kind = taken.key_exchange if taken else ""
    curve, prime = scene.node("params.curve_params.namedcurve"), scene.node("params.dh_p.data")
    if curve is not None:
        scene.lead = f"Here is my half of the key exchange, fresh for you alone, on the curve {called(curve)}."
        scene.say("The server made a key pair just now and will throw it away afterwards: forward secrecy.", "params")
    elif prime is not None:
        bits = _bits(prime.value)
        scene.lead = (
            f"Here is my half of a Diffie-Hellman exchange, fresh for you alone, with a prime of {bits:,} bits."
        )
        scene.say("The server made this half just now and will throw it away afterwards: forward secrecy.", "params")
        if bits < SMALL_PRIME:
            scene.odd.append(f"A prime of {bits:,} bits is too small (Logjam); 2,048 are the least (RFC 9325 4.1).")
    elif kind == "RSA":
        scene.lead = "Here is a short key, for encrypting your secret to me."
        scene.odd.append("An export suite: the key is short on purpose and can be broken within hours (FREAK).")
    elif "PSK" in kind:
        scene.lead = "Here is a hint which of our shared keys I mean."
    _signed(scene, taken)


def _signed(scene: Scene, taken: Suite | None) -> None:
    scheme = scene.node("algorithm")
    if scene.node("signature") is None:
        if taken is not None and taken.anonymous:
            scene.odd.append("Nobody signed it: anybody could sit in the middle.")
        return
    how = f" ({called(scheme)})" if scheme is not None else ""
    scene.say(
        f"Its signature{how} covers both random values and these parameters: nobody can swap or replay them.",
        "signature",
    )
    scene.tell_proof(
        scene.proof("server_key_exchange"),
        "they come from the owner of the certificate.",
        "they are not signed by the certificate's key.",
    )


def _bits(value: object) -> int:
    return int.from_bytes(value, "big").bit_length() if isinstance(value, bytes) else 0


def server_hello_done(scene: Scene) -> None:
    """The end of the server's turn."""
    scene.lead = "That was all from me; now it is your turn."
    scene.say("It has no content: it only marks the end of the server's first flight.")


def client_key_exchange(scene: Scene) -> None:
    """The client's half, and what becomes of it."""
    taken = _suite(scene)
    kind = taken.key_exchange if taken else ""
    sealed = scene.node("encrypted_premaster_secret")
    if kind in ("RSA", "ECC") or (sealed is not None and not kind):
        key = "the short key that you sent" if taken is not None and taken.export else "your certificate's key"
        scene.lead = f"Here is a secret that I made up, sealed so that only the owner of {key} can read it."
        scene.say(
            "The premaster secret: two bytes of version and 46 random bytes, encrypted with the server's RSA key.",
            "encrypted_premaster_secret",
        )
        scene.odd.append("Whoever gets the server's private key, even years later, can open this and read everything.")
    elif kind in ("ECDHE", "DHE"):
        scene.lead = "Here is my half of the key exchange, fresh for you alone."
        scene.say(
            "Each side combines its own private half with the other's public one; both get the same premaster secret, "
            "which never travels."
        )
    elif "PSK" in kind:
        scene.lead = "This is the name of the key that we share."
    elif kind in ("DH", "ECDH"):
        scene.lead = "Here is my half of the key exchange; yours stands in your certificate."
        scene.odd.append("The server's half never changes: no forward secrecy.")
    _to_keys(scene)


def _to_keys(scene: Scene) -> None:
    hello = next(iter(scene.connection.messages_of("server_hello")), None)
    bound = hello is not None and hello.tree is not None and hello.tree.get("extensions.extended_master_secret")
    mixed = "a hash of the whole handshake so far" if bound else "both random values"
    scene.say(
        f"Premaster secret and {mixed} make the master secret; from it come keys for each direction.",
        provenance="computed",
    )


def change_cipher_spec(scene: Scene) -> None:
    """A signal up to TLS 1.2, a costume in TLS 1.3."""
    if scene.tls13:
        scene.lead = "This means nothing; it is only here so that old middleboxes feel at home."
        scene.say(
            "TLS 1.3 does not use it. Firewalls that know only TLS 1.2 expect it here, so it is sent and ignored."
        )
        return
    taken = _suite(scene)
    null = taken is not None and taken.mode == "NULL"
    scene.lead = f"From now on I use the new keys: everything after this is {'sealed' if null else 'encrypted'}."
    scene.say("It is a single byte and not part of the handshake's transcript.", "type")
    if null:
        scene.odd.append("The chosen suite encrypts nothing; it only protects against change.")


def finished(scene: Scene) -> None:
    """What the checksum proves, and whether it fits."""
    sender = scene.message.sender
    first = not any(
        message.type in ("finished", "encrypted_handshake") and message.order < scene.message.order
        for message in scene.connection.messages
    )
    if first:
        scene.lead = "I am done. Here is a checksum over everything we said; see that you get the same."
    else:
        scene.lead = "I got the same, and here is my checksum over everything. We can begin."
    value = scene.node("verify_data") or scene.node("md5_hash")
    if value is not None:
        scene.say(
            f"It has {plural(value.length, 'byte')}, computed with the keys over every message up to here.",
            value.name,
        )
    scene.tell_proof(
        scene.proof(f"{sender}_finished"),
        f"the {sender} has the same keys and saw the very messages shown here.",
        "the keys or the messages of the two sides differ.",
    )
    if scene.tls13 and sender == SERVER:
        scene.say("The server may send data from here on, without waiting for the client's Finished.")
    elif scene.tls13:
        scene.say("Now the application's own keys come into use.", provenance="computed")


def new_session_ticket(scene: Scene) -> None:
    """A way to come back faster."""
    lifetime_node = scene.node("ticket_lifetime") or scene.node("ticket_lifetime_hint")
    lifetime, ticket = number(lifetime_node), scene.node("ticket")
    until = f" It is good for {_days(lifetime)}." if lifetime else ""
    scene.lead = f"Take this ticket and show it when you come again; then we can start faster.{until}"
    if ticket is not None:
        scene.say(
            f"The ticket has {plural(max(ticket.length - 2, 0), 'byte')}. Only the server can read what is in it.",
            "ticket",
        )
    if scene.tls13:
        scene.say("The secret behind it is not sent: both derive it from this connection and the ticket's nonce.")
    elif not scene.message.encrypted:
        scene.say("It is sent before the keys are in use, so an observer sees the ticket, though not what is in it.")
    size = number(scene.node("extensions.early_data.max_early_data_size"))
    if size:
        scene.say(f"With it the client may send up to {size:,} bytes without waiting (0-RTT).", "extensions.early_data")
    if lifetime and lifetime > WEEK:
        scene.odd.append(f"A lifetime of {_days(lifetime)} is long; TLS 1.3 allows seven days.")


def _days(seconds: int) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return f"{'' if seconds % size == 0 else 'about '}{plural(round(seconds / size), unit)}"
    return plural(seconds, "second")


def key_update(scene: Scene) -> None:
    """New keys for the same conversation."""
    scene.lead = "From my next record on I use new keys."
    if number(scene.node("request_update")) == 1:
        scene.lead += " Please do the same."
    scene.say("The new key comes from the old one by a one-way step: nobody can go back.", provenance="computed")


def end_of_early_data(scene: Scene) -> None:
    """The border between early data and the rest."""
    scene.lead = "That was the last of my early data; now I go on with the keys of this handshake."


def next_protocol(scene: Scene) -> None:
    """NPN: the client's choice."""
    chosen = scene.node("selected_protocol")
    scene.lead = f"Inside I will speak {called(chosen)}." if chosen is not None else "This is what I will speak inside."


def heartbeat(scene: Scene) -> None:
    """A sign of life, or a theft."""
    kind, asked = scene.node("type"), number(scene.node("payload_length"))
    answering = number(kind) == 2
    scene.lead = (
        "I am still here; this is your text back." if answering else "Are you still there? Send this text back."
    )
    payload = scene.node("payload")
    if asked is None or payload is None:
        return
    if asked > payload.length:
        scene.odd.append(
            f"It claims {asked:,} bytes but holds {payload.length:,}: a faulty server answers with its own memory "
            "(Heartbleed, CVE-2014-0160)."
        )
    else:
        scene.say(f"The text has {plural(asked, 'byte')}.", "payload")


def ssl2_server_hello(scene: Scene) -> None:
    """The server of 1995."""
    specs = elements(scene.node("cipher_specs"))
    scene.lead = f"Here is my certificate, and the {plural(len(specs), 'cipher')} that we both know. Choose one."
    scene.odd.append("SSL 2 is broken and forbidden (RFC 6176). It endangers the server's TLS as well (DROWN).")


def sealed(scene: Scene) -> None:
    """An encrypted handshake message of TLS 1.2 or older, without keys."""
    before = any(
        message.type in ("encrypted_handshake", "finished")
        and message.sender == scene.message.sender
        and message.order < scene.message.order
        for message in scene.connection.messages
    )
    who = "client" if scene.message.sender == CLIENT else "server"
    if before:
        scene.lead = "Something of a new handshake, inside the encrypted connection."
        scene.say("Only its length can be seen. The keys of this connection would open it.", provenance="unknown")
        return
    scene.lead = f"The {who}'s Finished, surely; but it is encrypted."
    scene.say(
        "After ChangeCipherSpec the first handshake message must be Finished: a checksum over the whole handshake.",
        provenance="inferred",
    )
    scene.say(f"{plural(scene.message.length, 'byte')} can be seen. With a key log it could be opened and checked.")
