"""The key schedule of TLS 1.3 (RFC 9846 section 7.1; RFC 8446's Master Secret is the Main Secret)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tlsviz.connection.handshakes import Handshake, readable, transcript
from tlsviz.connection.model import Message
from tlsviz.connection.schedule.build import NOTHING, Builder, Place, content, whole
from tlsviz.connection.schedule.model import KeyContext, Schedule, Stage
from tlsviz.crypto import schedule as crypto
from tlsviz.crypto.ciphers import lengths
from tlsviz.crypto.hashing import digest, hash_length, mac
from tlsviz.tls import registry, views
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.nodes import Node, walk
from tlsviz.wire.text import plural, shorten

LABELS = {
    "CLIENT_EARLY_TRAFFIC_SECRET": "client_early_traffic_secret",
    "EARLY_EXPORTER_SECRET": "early_exporter_secret",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": "client_handshake_traffic_secret",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": "server_handshake_traffic_secret",
    "EXPORTER_SECRET": "exporter_secret",
    "PSK": "psk",
    "RESUMPTION_SECRET": "resumption_secret",
}
"""The key log's labels, and the node that each is."""

FIRST_SUCH_DRAFT = 20
MOST_GENERATIONS = 32
"""Traffic secrets a side that are drawn; a peer may send KeyUpdate as often as it likes."""
MOST_TICKETS = 16

ONE_WAY = "the key log holds traffic secrets, not the secret they come from, and HKDF cannot be turned round"
NO_KEYS = "no key log was given"


def node_id(label: str) -> str | None:
    """The node that a key log's label is about."""
    if label in LABELS:
        return LABELS[label]
    side, _, generation = label.partition("_TRAFFIC_SECRET_")
    if side in ("CLIENT", "SERVER") and generation.isdigit():
        return f"{side.lower()}_application_traffic_secret_{generation}"
    return None


def tls13_schedule(builder: Builder) -> Schedule:
    """The HKDF graph of one TLS 1.3 handshake."""
    graph = _Graph(builder)
    if (crypto.draft_of(builder.version) or FIRST_SUCH_DRAFT) < FIRST_SUCH_DRAFT:
        builder.notes.append("this draft of TLS 1.3 derives its secrets in another way: only what follows is drawn")
    else:
        graph.early()
        graph.exchange()
        graph.handshake()
        graph.main()
    graph.finish()
    return builder.schedule("tls13")


class _Graph:
    """Draws the graph stage by stage."""

    def __init__(self, builder: Builder) -> None:
        self.b = builder
        self.h: Handshake = builder.handshake
        self.hash = builder.suite.prf_hash
        self.size = hash_length(self.hash)
        self.hello = self.h.last("client_hello")
        self.answer = self.h.first("server_hello")
        tree, data = _readable(self.hello)
        self.offer = views.client_hello(tree, data) if tree is not None else None
        tree, data = _readable(self.answer)
        self.chosen = views.server_hello(tree, data) if tree is not None else None
        self.unknown = ONE_WAY if builder.logged else NO_KEYS

    # -- stages --------------------------------------------------------------------------------------------

    def early(self) -> None:
        """PSK, Early Secret and what comes of it."""
        self.zeros = self.b.constant("zeros", "0", "as many zero bytes as the hash is long", "early", bytes(self.size))
        offered = self.offer is not None and bool(self.offer.psk_identities)
        accepted = self.chosen is not None and self.chosen.selected_psk is not None
        if offered or accepted:
            self._psk()
            source = self._extract(
                "early_secret" if accepted else "early_secret_offered",
                "Early Secret",
                "what a pre-shared key gives before anything is exchanged" + ("" if accepted else " (not taken up)"),
                "early",
                ("zeros", "psk"),
                "",
            )
            self._binder(source)
            self._early_data(source)
        if not accepted:
            purpose = "without a pre-shared key everyone can compute it"
            self._extract("early_secret", "Early Secret", purpose, "early", ("zeros", "zeros"), "")
        self._derived("derived_early", "early_secret", "early")

    def exchange(self) -> None:
        """The (EC)DHE shares of both sides, and the secret that they make."""
        group = self.chosen.group if self.chosen is not None else None
        if self.chosen is not None and group is None:
            return  # psk_ke: nothing is exchanged
        name = registry.groups.get(group) if group is not None else None
        ours = _client_share(self.hello, group)
        theirs = content(self.answer.tree if self.answer else None, "key_exchange")
        self.b.sent("client_share", "client key share", "the client's public half", self.hello, ours, "it was not seen")
        self.b.sent(
            "server_share", "server key share", "the server's public half", self.answer, theirs, "it was not seen"
        )
        self.b.derive(
            "ecdhe",
            "(EC)DHE",
            "the shared secret that both sides compute from their own private and the other's public half",
            "secret",
            "exchange",
            function=name or "(EC)DHE",
            inputs=("client_share", "server_share"),
            compute=None,
            why="the private halves never leave their sides: the capture has only the public ones",
            always_secret=True,
        )

    def handshake(self) -> None:
        """Handshake Secret and both handshake traffic secrets."""
        ikm = "ecdhe" if "ecdhe" in self.b.nodes else "zeros"
        purpose = "the root of what protects the handshake"
        self._extract(
            "handshake_secret", "Handshake Secret", purpose, "handshake", ("derived_early", ikm), self.unknown
        )
        hellos = self._hash_through(self.answer, "ClientHello to ServerHello")
        for sender, letter in ((CLIENT, "c"), (SERVER, "s")):
            self._secret(
                f"{sender}_handshake_traffic_secret",
                f"protects the {sender}'s handshake messages",
                "handshake",
                "handshake_secret",
                f"{letter} hs traffic",
                hellos,
                sender,
            )
        self._derived("derived_handshake", "handshake_secret", "handshake")

    def main(self) -> None:
        """Main Secret and what comes of it."""
        purpose = "the root of everything after the handshake (Master Secret in RFC 8446)"
        inputs = ("derived_handshake", "zeros")
        self._extract("main_secret", "Main Secret", purpose, "main", inputs, self.unknown)
        through = self._hash_through(self.h.first("finished", SERVER), "ClientHello to the server's Finished")
        for sender, letter in ((CLIENT, "c"), (SERVER, "s")):
            self._secret(
                f"{sender}_application_traffic_secret_0",
                f"protects the {sender}'s application data",
                "main",
                "main_secret",
                f"{letter} ap traffic",
                through,
                sender,
            )
        purpose = "keys for other protocols come from it (RFC 9846 7.5)"
        self._secret("exporter_secret", purpose, "main", "main_secret", "exp master", through)
        through = self._hash_through(self.h.first("finished", CLIENT), "ClientHello to the client's Finished")
        purpose = "pre-shared keys for later connections come from it"
        why = "key logs have no label for it, and the Main Secret is not known" if self.b.logged else NO_KEYS
        self._secret("resumption_secret", purpose, "main", "main_secret", "res master", through, why=why)
        self._tickets()

    def finish(self) -> None:
        """Later traffic secrets, and the keys of each."""
        for id, purpose in (
            ("client_early_traffic_secret", "protects the client's early (0-RTT) data"),
            ("client_handshake_traffic_secret", "protects the client's handshake messages"),
            ("server_handshake_traffic_secret", "protects the server's handshake messages"),
            ("client_application_traffic_secret_0", "protects the client's application data"),
            ("server_application_traffic_secret_0", "protects the server's application data"),
        ):
            if id not in self.b.nodes and id in self.b.logged:  # a draft, or early data whose hello is missing
                self.b.outside(id, id, purpose, "main", self.unknown, self.size)
        for sender in (CLIENT, SERVER):
            self._updates(sender)
        for id in [id for id, node in self.b.nodes.items() if node.kind == "traffic_secret" or id in self.b.logged]:
            if "traffic_secret" in id:
                self._keys(id)

    # -- pieces --------------------------------------------------------------------------------------------

    def _psk(self) -> None:
        why = "no key log holds pre-shared keys; one of resumption follows from the resumption_secret before"
        self.b.outside("psk", "PSK", "a key that both sides have from before", "early", why)

    def _extract(self, id: str, name: str, purpose: str, stage: Stage, inputs: tuple[str, str], why: str) -> str:
        compute = partial(crypto.hkdf_extract, self.hash)
        return self.b.derive(
            id,
            name,
            purpose,
            "secret",
            stage,
            function="HKDF-Extract",
            inputs=inputs,
            compute=compute,
            why=why,
            length=self.size,
        )

    def _secret(
        self,
        id: str,
        purpose: str,
        stage: Stage,
        source: str,
        label: str,
        context: KeyContext,
        sender: Sender | None = None,
        why: str = "",
        name: str = "",
    ) -> str:
        """Derive-Secret; a client's or server's is a traffic secret."""
        known = self.b.value(source) is not None
        return self.b.derive(
            id,
            name or id,
            purpose,
            "traffic_secret" if sender else "secret",
            stage,
            function="Derive-Secret",
            inputs=(source,),
            compute=lambda secret, hashed: crypto.derive_secret(self.hash, secret, label, hashed),
            label=label,
            context=context,
            why="" if known else why or self._not_logged(source),
            length=self.size,
            sender=sender,
        )

    def _not_logged(self, source: str) -> str:
        name = self.b.nodes[source].name
        return (
            f"the key log does not hold it, and the {name} that it comes from is not known"
            if self.b.logged
            else NO_KEYS
        )

    def _derived(self, id: str, source: str, stage: Stage) -> None:
        purpose = "the salt of the next stage"
        context = KeyContext("the hash of nothing", value=digest(self.hash, b""))
        self._secret(id, purpose, stage, source, "derived", context, name="derived")

    def _binder(self, source: str) -> None:
        """binder_key, its finished_key, and the binder itself."""
        label, context = "res binder", KeyContext("the hash of nothing", value=digest(self.hash, b""))
        hashed = self._truncated_hello()
        place, binder = self._sent_binder()
        psk = self.b.value(source)
        if psk is not None and hashed.value is not None and binder is not None:
            external = crypto.binder_key(self.hash, psk, external=True)
            if mac(self.hash, crypto.finished_key(self.hash, external), hashed.value) == binder:
                label = "ext binder"
        self._secret("binder_key", "proves that the client has the PSK", "early", source, label, context)
        self._finished_key("binder_key", "early", CLIENT)
        self.b.derive(
            "binder",
            "binder",
            "binds the PSK to this ClientHello",
            "verify_data",
            "early",
            function="HMAC",
            inputs=("binder_key.finished_key",),
            compute=partial(mac, self.hash),
            context=hashed,
            sender=CLIENT,
            public=True,
            length=self.size,
            sent=(self.hello, place) if self.hello is not None and place is not None else None,
        )

    def _early_data(self, source: str) -> None:
        early = self.offer is not None and self.offer.has_early_data
        hello = self._hash_of(self.h.messages[:1], "ClientHello")
        if early or "client_early_traffic_secret" in self.b.logged:
            purpose = "protects the client's early (0-RTT) data"
            self._secret("client_early_traffic_secret", purpose, "early", source, "c e traffic", hello, CLIENT)
        if early or "early_exporter_secret" in self.b.logged:
            purpose = "keys for other protocols, early"
            self._secret("early_exporter_secret", purpose, "early", source, "e exp master", hello)

    def _tickets(self) -> None:
        tickets = [message for message in self.h.later if message.type == "new_session_ticket" and message.tree]
        for number, ticket in enumerate(tickets[:MOST_TICKETS]):
            place = content(ticket.tree, "ticket_nonce")
            nonce = ticket.buffer.data[place.start : place.end] if ticket.buffer is not None and place else None
            self.b.derive(
                f"resumption_psk_{number}",
                f"resumption PSK {number}" if len(tickets) > 1 else "resumption PSK",
                "the PSK that belongs to this ticket",
                "secret",
                "main",
                function="HKDF-Expand-Label",
                inputs=("resumption_secret",),
                compute=lambda secret, nonce: crypto.resumption_psk(self.hash, secret, nonce),
                label="resumption",
                context=KeyContext("ticket_nonce", (ticket.index,), nonce, "" if place else "the ticket is damaged"),
                length=self.size,
            )
        if len(tickets) > MOST_TICKETS:
            self.b.notes.append(f"{plural(len(tickets) - MOST_TICKETS, 'more ticket')} not drawn")

    def _updates(self, sender: Sender) -> None:
        """The traffic secrets behind each KeyUpdate."""
        stem = f"{sender}_application_traffic_secret_"
        sent = sum(1 for message in self.h.later if message.type == "key_update" and message.sender == sender)
        logged = [int(id.removeprefix(stem)) for id in self.b.logged if id.startswith(stem)]
        wanted = max([sent, *logged], default=0)
        for number in range(1, min(wanted, MOST_GENERATIONS) + 1):
            before = f"{stem}{number - 1}"
            if before not in self.b.nodes:
                self.b.outside(
                    before, before, f"protects the {sender}'s application data", "main", self.unknown, self.size
                )
            self.b.derive(
                f"{stem}{number}",
                f"{stem}{number}",
                f"protects the {sender}'s data behind KeyUpdate {number}",
                "traffic_secret",
                "main",
                function="HKDF-Expand-Label",
                inputs=(before,),
                compute=lambda secret, _: crypto.next_traffic_secret(self.hash, secret, self.b.version),
                label="traffic upd",
                context=NOTHING,
                length=self.size,
                sender=sender,
            )
        if wanted > MOST_GENERATIONS:
            self.b.notes.append(
                f"{plural(wanted - MOST_GENERATIONS, 'later traffic secret')} of the {sender} not drawn"
            )

    def _keys(self, secret: str) -> None:
        """Key, IV and, where there is one, finished_key of a traffic secret."""
        sender: Sender = SERVER if secret.startswith(SERVER) else CLIENT
        sizes = lengths(self.b.suite, self.b.version)
        for label, size, purpose in (
            ("key", sizes.key, f"the {self.b.suite.cipher} key"),
            ("iv", sizes.iv, "each record's number is added to it: that is the nonce"),
        ):
            self.b.derive(
                f"{secret}.{label}",
                f"{sender}_write_{label}",
                purpose,
                "key" if label == "key" else "iv",
                "keys",
                function="HKDF-Expand-Label",
                inputs=(secret,),
                compute=self._expand(label, size),
                label=label,
                context=NOTHING,
                length=size,
                sender=sender,
            )
        if "handshake" in secret:
            self._finished_key(secret, "keys", sender)
            self._verify_data(secret, sender)
        elif self._post_handshake(secret, sender):
            self._finished_key(secret, "keys", sender)

    def _post_handshake(self, secret: str, sender: Sender) -> bool:
        """Whether a client that authenticates later makes its Finished with this secret (RFC 9846 4.4.4)."""
        if sender != CLIENT or "application" not in secret:
            return False
        updates = 0
        for message in self.h.later:
            if message.sender == CLIENT and message.type == "key_update":
                updates += 1
            if message.sender == CLIENT and message.type == "finished" and secret.endswith(f"_{updates}"):
                return True
        return False

    def _expand(self, label: str, size: int) -> Callable[[bytes, bytes], bytes]:
        return lambda secret, _: crypto.hkdf_expand_label(self.hash, secret, label, b"", size, self.b.version)

    def _finished_key(self, secret: str, stage: Stage, sender: Sender) -> None:
        self.b.derive(
            f"{secret}.finished_key",
            "finished_key",
            f"the key of the {sender}'s Finished" if "traffic" in secret else "the key of the binder's MAC",
            "finished_key",
            stage,
            function="HKDF-Expand-Label",
            inputs=(secret,),
            compute=self._expand("finished", self.size),
            label="finished",
            context=NOTHING,
            length=self.size,
            sender=sender,
        )

    def _verify_data(self, secret: str, sender: Sender) -> None:
        finished = self.h.first("finished", sender)
        covered = self.h.before(finished) if finished is not None else ()
        place = whole(finished.tree, "verify_data") if finished is not None else None
        self.b.derive(
            f"{secret}.verify_data",
            "verify_data",
            f"the {sender}'s Finished: the MAC over every message before it",
            "verify_data",
            "keys",
            function="HMAC",
            inputs=(f"{secret}.finished_key",),
            compute=partial(mac, self.hash),
            context=self._hash_of(covered, f"ClientHello to what comes before the {sender}'s Finished"),
            sender=sender,
            public=True,
            length=self.size,
            sent=(finished, place) if finished is not None and place is not None else None,
        )

    # -- transcripts ---------------------------------------------------------------------------------------

    def _hash_through(self, last: Message | None, text: str) -> KeyContext:
        return self._hash_of(self.h.through(last) if last is not None else (), text)

    def _hash_of(self, messages: tuple[Message, ...], text: str) -> KeyContext:
        """The transcript hash over some messages."""
        indices = tuple(message.index for message in messages)
        made = transcript(messages, self.hash) if messages else None
        if made is not None:
            return KeyContext(f"transcript hash, {text}", indices, made.hash(self.hash))
        sealed = next((message for message in messages if not readable(message)), None)
        why = "a message that the transcript covers was not seen"
        if sealed is not None:
            why = f"the transcript covers {shorten(sealed.type, 40)}, which cannot be read"
        return KeyContext(f"transcript hash, {text}", indices, None, why)

    def _truncated_hello(self) -> KeyContext:
        """The transcript up to the binders of the last ClientHello (RFC 9846 section 4.2.11.2)."""
        text = "transcript hash, ClientHello without its binders"
        if self.hello is None or self.hello.buffer is None:
            return KeyContext(text, (), None, "the ClientHello was not seen")
        before = self.h.before(self.hello)
        indices = tuple(message.index for message in (*before, self.hello))
        place = whole(self.hello.tree, "binders")
        made = transcript(before, self.hash)
        if place is None or made is None:
            return KeyContext(text, indices, None, "the ClientHello holds no binders that can be read")
        made.add(self.hello.buffer.data[: place.start])
        return KeyContext(text, indices, made.hash(self.hash))

    def _sent_binder(self) -> tuple[Place | None, bytes | None]:
        """Where the binder of the chosen (else the first) identity stands, and its bytes."""
        wanted = (self.chosen.selected_psk if self.chosen is not None else None) or 0
        for path, node in walk(self.hello.tree) if self.hello is not None and self.hello.tree is not None else ():
            if node.name != "binders" or self.hello is None or self.hello.buffer is None:
                continue
            if wanted + 1 < len(node.children):
                entry = node.children[wanted + 1]
                place = Place(entry.start + 1, entry.end, (*path, wanted + 1))
                return place, self.hello.buffer.data[place.start : place.end]
        return None, None


def _readable(message: Message | None) -> tuple[Node | None, bytes]:
    if message is None or message.tree is None or message.buffer is None:
        return None, b""
    return message.tree, message.buffer.data


def _client_share(hello: Message | None, group: int | None) -> Place | None:
    """The client's share of the group that the server chose."""
    for path, node in walk(hello.tree) if hello is not None and hello.tree is not None else ():
        if node.name != "key_share_entry":
            continue
        found = node.child("group")
        if found is not None and found.value == group:
            place = content(node, "key_exchange")
            return place._replace(path=path + place.path) if place else None
    return None
