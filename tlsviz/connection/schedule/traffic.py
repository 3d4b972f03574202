"""The traffic secrets behind each KeyUpdate, and the keys of every traffic secret (RFC 9846 sections 7.2 and 7.3)."""

from __future__ import annotations

from functools import partial

from tlsviz.connection.schedule.build import NOTHING, whole
from tlsviz.connection.schedule.hkdf import Hkdf
from tlsviz.crypto import quic
from tlsviz.crypto.ciphers import lengths
from tlsviz.crypto.hashing import mac
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import plural

MOST_GENERATIONS = 32
"""Traffic secrets a side that are drawn; a peer may send KeyUpdate as often as it likes."""


class Traffic(Hkdf):
    """Draws what follows from the traffic secrets that are already entered, or that the key log alone has."""

    def draw(self) -> None:
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

    def _updates(self, sender: Sender) -> None:
        """The traffic secrets behind each KeyUpdate."""
        stem = f"{sender}_application_traffic_secret_"
        sent = sum(1 for message in self.h.later if message.type == "key_update" and message.sender == sender)
        sent = max(sent, self.b.updates.get(sender, 0))
        logged = [int(id.removeprefix(stem)) for id in self.b.logged if id.startswith(stem)]
        wanted = max([sent, *logged], default=0)
        label, purpose = "traffic upd", f"protects the {sender}'s data behind KeyUpdate {{}}"
        if self.b.quic is not None:
            label, purpose = quic.label(self.b.quic, "ku"), f"protects the {sender}'s packets after key update {{}}"
        for number in range(1, min(wanted, MOST_GENERATIONS) + 1):
            before = f"{stem}{number - 1}"
            if before not in self.b.nodes:
                self.b.outside(
                    before, before, f"protects the {sender}'s application data", "main", self.unknown, self.size
                )
            self.b.derive(
                f"{stem}{number}",
                f"{stem}{number}",
                purpose.format(number),
                "traffic_secret",
                "main",
                function="HKDF-Expand-Label",
                inputs=(before,),
                compute=self.expand(label, self.size),
                label=label,
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
        carrier = "record" if self.b.quic is None else "packet"
        made = [
            ("key", sizes.key, f"the {self.b.suite.cipher} key"),
            ("iv", sizes.iv, f"each {carrier}'s number is added to it: that is the nonce"),
        ]
        if self.b.quic is not None and secret.endswith(("_secret", "_0")):  # updates leave hp as it is
            made.append(("hp", sizes.key, "masks the packet number and bits of the first byte"))
        for part, size, purpose in made:
            label = part if self.b.quic is None else quic.label(self.b.quic, part)
            self.b.derive(
                f"{secret}.{part}",
                f"{sender}_{part}" if part == "hp" else f"{sender}_write_{part}",
                purpose,
                "iv" if part == "iv" else "key",
                "keys",
                function="HKDF-Expand-Label",
                inputs=(secret,),
                compute=self.expand(label, size),
                label=label,
                context=NOTHING,
                length=size,
                sender=sender,
            )
        if "handshake" in secret:
            self.finished_key(secret, "keys", sender)
            self._verify_data(secret, sender)
        elif self._post_handshake(secret, sender):
            self.finished_key(secret, "keys", sender)

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
            context=self.hash_of(covered, f"ClientHello to what comes before the {sender}'s Finished"),
            sender=sender,
            public=True,
            length=self.size,
            sent=(finished, place) if finished is not None and place is not None else None,
        )
