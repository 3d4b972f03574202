"""The key schedule of SSL 3.0 to TLS 1.2 (RFC 5246 sections 6.3 and 8.1, RFC 7627, RFC 6101 section 6)."""

from __future__ import annotations

from functools import partial

from tlsviz.connection.handshakes import Handshake, transcript
from tlsviz.connection.keys import NO_KEYS
from tlsviz.connection.model import Message, RsaDecryption
from tlsviz.connection.schedule.build import Builder, Place, whole
from tlsviz.connection.schedule.model import KeyContext, Kind, Schedule
from tlsviz.connection.schedule.premaster import MASTER_LENGTH, Premaster
from tlsviz.crypto import schedule as crypto
from tlsviz.crypto import ssl3
from tlsviz.crypto.ciphers import lengths
from tlsviz.crypto.finished import handshake_hash_12, verify_data_12
from tlsviz.crypto.schedule import SSL3, TLS12
from tlsviz.tls import views
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

LABELS = {"CLIENT_RANDOM": "master_secret", "PMS_CLIENT_RANDOM": "premaster_secret"}
"""The key log's labels, and the node that each is."""

EXTENDED_MASTER_SECRET = 23


_PARTS: tuple[tuple[str, Kind, str], ...] = (
    ("client_write_MAC_key", "mac_key", "the key of the MAC over what the client sends"),
    ("server_write_MAC_key", "mac_key", "the key of the MAC over what the server sends"),
    ("client_write_key", "key", "what the client encrypts with"),
    ("server_write_key", "key", "what the server encrypts with"),
    ("client_write_IV", "iv", "the client's IV"),
    ("server_write_IV", "iv", "the server's IV"),
)


def tls12_schedule(builder: Builder, decrypted: RsaDecryption | None = None) -> Schedule:
    """Premaster, master, key block and its parts, of one handshake. ``decrypted``: what an RSA key gave."""
    graph = _Graph(builder)
    above = Premaster(builder, decrypted)
    above.randoms()
    if not graph.resumed:
        above.premaster()
    graph.master()
    graph.keys()
    graph.finished()
    return builder.schedule("ssl3" if builder.version == SSL3 else "tls12")


class _Graph:
    """Draws the graph from top to bottom."""

    def __init__(self, builder: Builder) -> None:
        self.b = builder
        self.h: Handshake = builder.handshake
        self.version = builder.version
        self.hash = builder.suite.prf_hash
        hello = self.h.first("server_hello")
        codes: set[int] = set()
        if hello is not None and hello.tree is not None and hello.buffer is not None:
            codes = {code for code, _ in views.server_hello(hello.tree, hello.buffer.data).extensions}
        self.extended = EXTENDED_MASTER_SECRET in codes
        self.resumed = self.h.first("client_key_exchange") is None and self.h.first("server_hello_done") is None

    def master(self) -> None:
        """The master secret."""
        purpose = "the root of all keys of the session"
        if self.resumed:
            why = "it was agreed upon in the session that is resumed"
            self.b.outside("master_secret", "master secret", purpose, "master", why, MASTER_LENGTH)
            return
        inputs: tuple[str, ...] = ("premaster_secret",)
        context: KeyContext | None
        if self.extended and self.version != SSL3:
            label, context = "extended master secret", self._session_hash()
        else:
            label, context = "" if self.version == SSL3 else "master secret", None
            inputs = ("premaster_secret", "client_random", "server_random")
        self.b.derive(
            "master_secret",
            "master secret",
            purpose,
            "secret",
            "master",
            function=self._function(),
            inputs=inputs,
            compute=self._master,
            label=label,
            context=context,
            why="" if self.b.value("premaster_secret") else self._no_master(),
            length=MASTER_LENGTH,
        )

    def keys(self) -> None:
        """The key block, and what it is cut into."""
        sizes = lengths(self.b.suite, self.version)
        length = 2 * (sizes.mac + sizes.key + (0 if self.b.suite.export else sizes.iv))
        if not length:
            self.b.notes.append(f"{self.b.suite.name} takes no keys")
            return
        label = "" if self.version == SSL3 else "key expansion"
        self.b.derive(
            "key_block",
            "key block",
            "cut into the keys of both directions",
            "key_block",
            "keys",
            function=self._function(),
            inputs=("master_secret", "server_random", "client_random"),
            compute=lambda master, server, client: self._expand(master, label, server + client, length),
            label=label,
            length=length,
        )
        if self.b.suite.export:
            sizes = sizes._replace(iv=0)
        names = [id for id, _, _ in _PARTS]
        sides = (sizes.mac, sizes.mac, sizes.key, sizes.key, sizes.iv, sizes.iv)
        self.b.take_apart("key_block", *zip(names, sides, strict=True))
        if self.b.suite.export:
            self._export_parts()
        else:
            self._parts()

    def finished(self) -> None:
        """verify_data of both sides."""
        for sender in (CLIENT, SERVER):
            message = self.h.first("finished", sender)
            if message is None:
                continue
            place = _finished_value(message)
            self.b.derive(
                f"{sender}_verify_data",
                "verify_data",
                f"the {sender}'s Finished: proves the master secret and every message before it",
                "verify_data",
                "master",
                function=self._function(),
                inputs=("master_secret",),
                compute=partial(self._verify_data, sender),
                label="" if self.version == SSL3 else f"{sender} finished",
                context=self._hash(self.h.before(message), f"messages before the {sender}'s Finished"),
                sender=sender,
                public=True,
                length=36 if self.version == SSL3 else 12,
                sent=(message, place) if place is not None else None,
            )

    def _function(self) -> str:
        return "SSL 3 KDF" if self.version == SSL3 else "PRF"

    def _no_master(self) -> str:
        return "the key log does not hold it" if self.b.logged else NO_KEYS

    def _master(self, premaster: bytes, *rest: bytes) -> bytes:
        if len(rest) == 1:
            return crypto.extended_master_secret(self.version, self.hash, premaster, rest[0])
        return crypto.master_secret(self.version, self.hash, premaster, rest[0], rest[1])

    def _expand(self, secret: bytes, label: str, seed: bytes, length: int) -> bytes:
        if self.version == SSL3:
            return ssl3.expand(secret, seed, length)
        return crypto.prf(self.version, self.hash, secret, label, seed, length)

    def _verify_data(self, sender: Sender, master: bytes, hashed: bytes) -> bytes:
        return verify_data_12(self.version, self.hash, master, sender, hashed)

    def _parts(self) -> None:
        """Cuts the block: both MAC keys, both keys, both IVs."""
        kinds = {id: (kind, purpose) for id, kind, purpose in _PARTS}
        for name, start, end in self.b.nodes["key_block"].parts:
            self._part(name, *kinds[name], start, end - start)

    def _part(self, id: str, kind: Kind, purpose: str, start: int, size: int) -> None:
        self.b.derive(
            id,
            id,
            purpose,
            kind,
            "keys",
            function="cut",
            inputs=("key_block",),
            compute=lambda block: block[start : start + size],
            label=f"bytes {start} to {start + size - 1}",
            length=size,
            sender=CLIENT if id.startswith(CLIENT) else SERVER,
        )

    def _export_parts(self) -> None:
        """An export suite's keys, stretched from few bytes; its IVs come from the randoms alone."""
        sizes = lengths(self.b.suite, self.version)
        randoms = ("client_random", "server_random")

        def part(index: int, master: bytes, client: bytes, server: bytes) -> bytes:
            return crypto.key_block(self.b.suite, self.version, master, client, server)[index]

        for index, (id, kind, purpose) in enumerate(_PARTS):
            length = (sizes.mac, sizes.mac, None, None, sizes.iv, sizes.iv)[index]
            if length == 0:
                continue
            if kind == "mac_key":
                self._part(id, kind, purpose, index * sizes.mac, sizes.mac)
                continue
            inputs = randoms if kind == "iv" else ("master_secret", *randoms)
            self.b.derive(
                id if kind == "iv" else f"final_{id}",
                id if kind == "iv" else f"final_{id}",
                purpose if kind == "iv" else f"{purpose}, stretched from {sizes.key * 8} bits for export",
                kind,
                "keys",
                function=self._function() if self.version != SSL3 else "MD5",
                inputs=inputs,
                compute=partial(part, index) if kind == "key" else partial(part, index, b""),
                label="" if self.version == SSL3 else "IV block" if kind == "iv" else id.replace("_", " "),
                length=length,
                sender=CLIENT if id.startswith(CLIENT) else SERVER,
            )

    def _session_hash(self) -> KeyContext:
        last = self.h.first("client_key_exchange")
        messages = self.h.through(last) if last is not None else ()
        return self._hash(messages, "messages from ClientHello to ClientKeyExchange")

    def _hash(self, messages: tuple[Message, ...], text: str) -> KeyContext:
        """The hash over some messages, as this version takes it."""
        indices = tuple(message.index for message in messages)
        made = transcript(messages, self.hash) if messages else None
        if self.version == SSL3:
            text = f"{text}, hashed together with the master secret"
        elif self.version < TLS12:
            text = f"MD5 and SHA-1 of the {text}"
        else:
            text = f"hash of the {text}"
        if made is None:
            return KeyContext(text, indices, None, "a message that it covers cannot be read")
        return KeyContext(text, indices, handshake_hash_12(self.version, self.hash, made))


def _finished_value(message: Message) -> Place | None:
    """Where verify_data stands in a Finished: SSL 3 has two hashes in its place."""
    if message.tree is None or not message.tree.children:
        return None
    place = whole(message.tree, "verify_data", "md5_hash")
    return place._replace(end=message.tree.end) if place is not None else None
