"""What binds a handshake to something else: an earlier one, its own messages, the versions both sides speak."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import NamedTuple

from tlsviz.connection.facts import is_tls13
from tlsviz.connection.handshakes import readable, transcript
from tlsviz.connection.model import Connection, Message, Proof
from tlsviz.connection.proofs.walk import SSL3, Walk, content
from tlsviz.crypto.finished import handshake_hash_12, verify_data_12, verify_data_13
from tlsviz.crypto.schedule import binder_key, early_secret, extended_master_secret
from tlsviz.crypto.transcript import Transcript
from tlsviz.tls import views
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Node

EXTENDED_MASTER_SECRET = 23
SENTINELS = {b"DOWNGRD\x01": "TLS 1.2", b"DOWNGRD\x00": "TLS 1.1 or older"}


def renegotiation_info(walk: Walk, message: Message) -> Iterator[Proof]:
    """The verify_data of the handshake before, repeated in both hellos (RFC 5746 sections 3.5 and 3.7)."""
    what = "renegotiation_info"
    if message.tree is None or message.buffer is None or walk.tls13:
        return
    node = message.tree.get("extensions.renegotiation_info.renegotiated_connection")
    held = content(node, message.buffer.data) if node is not None else None
    earlier = walk.earlier
    if earlier is None:
        if held:
            why = "it repeats the Finished messages of an earlier handshake, which the capture does not hold"
            yield Proof(what, "not_provable", why, message.index)
        return
    if held is None:
        if _was_secure(walk.connection):
            yield Proof(what, "failed", "it is missing, although both sides speak it", message.index)
        return
    client, server = earlier.get(CLIENT), earlier.get(SERVER)
    if client is None or server is None:
        yield Proof(what, "not_provable", "the Finished messages of the earlier handshake are not known", message.index)
        return
    expected = client if message.sender == CLIENT else client + server
    if hmac.compare_digest(held, expected):
        why = "it holds the verify_data of the handshake before: both are of the same two ends"
        yield Proof(what, "verified", why, message.index)
    else:
        yield Proof(what, "failed", f"it should hold {expected.hex()}", message.index)


def _was_secure(connection: Connection) -> bool:
    """Whether the first ServerHello said that its sender knows secure renegotiation."""
    hello = next(iter(connection.messages_of("server_hello")), None)
    return hello is not None and hello.tree is not None and hello.tree.get("extensions.renegotiation_info") is not None


def master_secret(walk: Walk) -> Iterator[Proof]:
    """That the master secret is bound to the handshake (RFC 7627): the Finished messages fit one made so."""
    what = "extended_master_secret"
    hello, exchange = walk.handshake.first("server_hello"), walk.handshake.first("client_key_exchange")
    if walk.tls13 or walk.version == SSL3 or hello is None or exchange is None or hello.tree is None:
        return
    if hello.tree.get("extensions.extended_master_secret") is None:
        return
    premaster = walk.secrets.get("PMS_CLIENT_RANDOM")
    if premaster is None:
        why = "the premaster secret that it is made from is not known"
        yield Proof(what, "not_provable", why, exchange.index)
        return
    said = transcript(walk.handshake.through(exchange), walk.hash_name)
    finished = [m for m in walk.handshake.messages if m.type == "finished" and readable(m)]
    if said is None or not finished:
        why = "a message that it covers" if said is None else "the Finished that would show it"
        yield Proof(what, "not_provable", f"{why} cannot be read", exchange.index)
        return
    session_hash = handshake_hash_12(walk.version, walk.hash_name, said)
    master = extended_master_secret(walk.version, walk.hash_name, premaster, session_hash)
    if all(_fits(walk, message, master) for message in finished):
        why = "the master secret is made of every message up to ClientKeyExchange, and Finished fits it"
        yield Proof(what, "verified", why, exchange.index)
    else:
        yield walk.failed(what, "Finished does not fit a master secret made of these messages", exchange)


def _fits(walk: Walk, message: Message, master: bytes) -> bool:
    said = transcript(walk.handshake.before(message), walk.hash_name)
    if said is None or message.buffer is None:
        return False
    hashed = handshake_hash_12(walk.version, walk.hash_name, said)
    expected = verify_data_12(walk.version, walk.hash_name, master, message.sender, hashed)
    return hmac.compare_digest(expected, message.buffer.data[message.header :])


# -- pre-shared keys -----------------------------------------------------------------------------------------


class Binder(NamedTuple):
    """A binder as it was sent, and the transcript that it covers."""

    value: bytes
    covered: Transcript


def psk_binder(walk: Walk) -> Iterator[Proof]:
    """The binder of the pre-shared key that the server chose (RFC 9846 section 4.2.11.2)."""
    what = "psk_binder"
    hello, answer = walk.handshake.last("client_hello"), walk.handshake.first("server_hello")
    if not walk.tls13 or hello is None or answer is None or answer.tree is None or answer.buffer is None:
        return
    selected = views.selected_psk(answer.tree)
    if selected is None:
        return
    binder = _binder(walk, hello, selected)
    if binder is None:
        yield Proof(what, "not_provable", "the ClientHello holds no such binder that can be read", hello.index)
        return
    psk = walk.secrets.get("PSK")
    if psk is None:
        why = "the pre-shared key is not known: key logs hold neither it nor the resumption secret it follows from"
        yield Proof(what, "not_provable", why, hello.index)
        return
    early, hashed = early_secret(walk.hash_name, psk), binder.covered.hash(walk.hash_name)
    for external, kind in ((False, "of resumption"), (True, "from outside")):
        key = binder_key(walk.hash_name, early, external=external, version=walk.version)
        if hmac.compare_digest(verify_data_13(walk.hash_name, key, hashed, walk.version), binder.value):
            yield Proof(what, "verified", f"it is the MAC over the hello, with a pre-shared key {kind}", hello.index)
            return
    yield walk.failed(what, "it is not the MAC over the hello with this pre-shared key", hello)


def _binder(walk: Walk, hello: Message, selected: int) -> Binder | None:
    if hello.tree is None or hello.buffer is None:
        return None
    binders = hello.tree.get("extensions.pre_shared_key.binders")
    covered = transcript(walk.handshake.before(hello), walk.hash_name)
    if binders is None or covered is None or selected + 1 >= len(binders.children):
        return None
    covered.add(hello.hashed(binders.start))
    return Binder(content(binders.children[selected + 1], hello.buffer.data), covered)


# -- versions ------------------------------------------------------------------------------------------------


def sentinel(connection: Connection) -> Iterator[Proof]:
    """A server that is made to speak an older version than it can says so in its random (RFC 8446 4.1.3)."""
    offers13 = any(is_tls13(version.code) for version in connection.offered.versions)
    hello = next((message for message in connection.messages_of("server_hello") if message.whole), None)
    if not offers13 or connection.version is None or hello is None or hello.buffer is None or hello.tree is None:
        return
    if is_tls13(connection.version.code):
        return
    tail = views.hello_random(hello.tree, hello.buffer.data)[-8:]
    if tail in SENTINELS:
        why = f"the server speaks TLS 1.3 but was made to choose {SENTINELS[tail]}: its random ends in {tail!r}"
        yield Proof("downgrade_sentinel", "failed", why, hello.index)
    else:
        yield Proof("downgrade_sentinel", "verified", "the server random has no downgrade mark", hello.index)


def encrypted_hello(connection: Connection) -> Iterator[Proof]:
    """Whether the server took the encrypted ClientHello (RFC 9849 section 7.2): only who reads it can tell."""
    hello = next(iter(connection.messages_of("client_hello")), None)
    answer = next(iter(connection.messages_of("server_hello")), None)
    if hello is None or hello.tree is None or answer is None or connection.version is None:
        return
    if not is_tls13(connection.version.code) or not _is_outer(hello.tree):
        return
    if connection.ech_accepted is not None:
        taken = "the server's random ends with the sign that it took the inner hello"
        refused = "the server's random does not end with the sign: it did not take the inner hello"
        if connection.ech_accepted:
            yield Proof("ech_acceptance", "verified", taken, answer.index)
        else:
            yield Proof("ech_acceptance", "not_provable", refused, answer.index)
        return
    why = "the acceptance signal covers the inner ClientHello, which takes ECH_SECRET and ECH_CONFIG to read"
    yield Proof("ech_acceptance", "not_provable", why, answer.index)


def _is_outer(tree: Node) -> bool:
    return tree.get("extensions.encrypted_client_hello.payload") is not None
