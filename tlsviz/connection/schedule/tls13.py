"""The key schedule of TLS 1.3 (RFC 9846 section 7.1; RFC 8446's Master Secret is the Main Secret)."""

from __future__ import annotations

from functools import partial

from tlsviz.connection.handshakes import transcript
from tlsviz.connection.keys import NO_KEYS
from tlsviz.connection.model import Message
from tlsviz.connection.schedule.build import Builder, Place, content, whole
from tlsviz.connection.schedule.hkdf import Hkdf
from tlsviz.connection.schedule.model import KeyContext, Schedule
from tlsviz.connection.schedule.traffic import Traffic
from tlsviz.crypto import schedule as crypto
from tlsviz.crypto.hashing import digest, mac
from tlsviz.tls import registry, views
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Node, walk
from tlsviz.wire.text import plural

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
MOST_TICKETS = 16


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
    Traffic(builder).draw()
    return builder.schedule("tls13")


class _Graph(Hkdf):
    """Draws the graph stage by stage."""

    def __init__(self, builder: Builder) -> None:
        super().__init__(builder)
        self.hello = self.h.last("client_hello")
        self.answer = self.h.first("server_hello")
        tree, data = _readable(self.hello)
        self.offer = views.client_hello(tree, data) if tree is not None else None
        tree, data = _readable(self.answer)
        self.chosen = views.server_hello(tree, data) if tree is not None else None

    def early(self) -> None:
        """PSK, Early Secret and what comes of it."""
        self.zeros = self.b.constant("zeros", "0", "as many zero bytes as the hash is long", "early", bytes(self.size))
        offered = self.offer is not None and bool(self.offer.psk_identities)
        accepted = self.chosen is not None and self.chosen.selected_psk is not None
        if offered or accepted:
            self._psk()
            source = self.extract(
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
            self.extract("early_secret", "Early Secret", purpose, "early", ("zeros", "zeros"), "")
        self.derived("derived_early", "early_secret", "early")

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
        self.extract("handshake_secret", "Handshake Secret", purpose, "handshake", ("derived_early", ikm), self.unknown)
        hellos = self.hash_through(self.answer, "ClientHello to ServerHello")
        for sender, letter in ((CLIENT, "c"), (SERVER, "s")):
            self.secret(
                f"{sender}_handshake_traffic_secret",
                f"protects the {sender}'s handshake messages",
                "handshake",
                "handshake_secret",
                f"{letter} hs traffic",
                hellos,
                sender,
            )
        self.derived("derived_handshake", "handshake_secret", "handshake")

    def main(self) -> None:
        """Main Secret and what comes of it."""
        purpose = "the root of everything after the handshake (Master Secret in RFC 8446)"
        inputs = ("derived_handshake", "zeros")
        self.extract("main_secret", "Main Secret", purpose, "main", inputs, self.unknown)
        through = self.hash_through(self.h.first("finished", SERVER), "ClientHello to the server's Finished")
        for sender, letter in ((CLIENT, "c"), (SERVER, "s")):
            self.secret(
                f"{sender}_application_traffic_secret_0",
                f"protects the {sender}'s application data",
                "main",
                "main_secret",
                f"{letter} ap traffic",
                through,
                sender,
            )
        purpose = "keys for other protocols come from it (RFC 9846 7.5)"
        self.secret("exporter_secret", purpose, "main", "main_secret", "exp master", through)
        through = self.hash_through(self.h.first("finished", CLIENT), "ClientHello to the client's Finished")
        purpose = "pre-shared keys for later connections come from it"
        why = "key logs have no label for it, and the Main Secret is not known" if self.b.logged else NO_KEYS
        self.secret("resumption_secret", purpose, "main", "main_secret", "res master", through, why=why)
        self._tickets()

    def _psk(self) -> None:
        why = "no key log holds pre-shared keys; one of resumption follows from the resumption_secret before"
        self.b.outside("psk", "PSK", "a key that both sides have from before", "early", why)

    def _binder(self, source: str) -> None:
        """binder_key, its finished_key, and the binder itself."""
        label, context = "res binder", KeyContext("the hash of nothing", value=digest(self.hash, b""))
        hashed = self._truncated_hello()
        place, binder = self._sent_binder()
        psk = self.b.value(source)
        if psk is not None and hashed.value is not None and binder is not None:
            external = crypto.binder_key(self.hash, psk, external=True, version=self.b.version)
            if mac(self.hash, crypto.finished_key(self.hash, external, self.b.version), hashed.value) == binder:
                label = "ext binder"
        self.secret("binder_key", "proves that the client has the PSK", "early", source, label, context)
        self.finished_key("binder_key", "early", CLIENT)
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
        hello = self.hash_of(self.h.messages[:1], "ClientHello")
        if early or "client_early_traffic_secret" in self.b.logged:
            purpose = "protects the client's early (0-RTT) data"
            self.secret("client_early_traffic_secret", purpose, "early", source, "c e traffic", hello, CLIENT)
        if early or "early_exporter_secret" in self.b.logged:
            purpose = "keys for other protocols, early"
            self.secret("early_exporter_secret", purpose, "early", source, "e exp master", hello)

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
                compute=lambda secret, nonce: crypto.resumption_psk(self.hash, secret, nonce, self.b.version),
                label="resumption",
                context=KeyContext("ticket_nonce", (ticket.index,), nonce, "" if place else "the ticket is damaged"),
                length=self.size,
            )
        if len(tickets) > MOST_TICKETS:
            self.b.notes.append(f"{plural(len(tickets) - MOST_TICKETS, 'more ticket')} not drawn")

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
        made.add(self.hello.hashed(place.start))
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
