"""The key schedule of SSL 3.0 to TLS 1.2 (RFC 5246 sections 6.3 and 8.1, RFC 7627, RFC 6101 section 6)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

from tlsviz.connection.handshakes import Handshake, transcript
from tlsviz.connection.model import Message, RsaDecryption
from tlsviz.connection.schedule.build import Builder, Place, content, whole
from tlsviz.connection.schedule.model import KeyContext, Kind, Schedule
from tlsviz.crypto import schedule as crypto
from tlsviz.crypto import ssl3
from tlsviz.crypto.ciphers import lengths
from tlsviz.crypto.finished import handshake_hash_12, verify_data_12
from tlsviz.crypto.rsakeys import unpad
from tlsviz.crypto.schedule import SSL3, TLS12
from tlsviz.tls import registry, views
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

LABELS = {"CLIENT_RANDOM": "master_secret", "PMS_CLIENT_RANDOM": "premaster_secret"}
"""The key log's labels, and the node that each is."""

EXTENDED_MASTER_SECRET = 23
MASTER_LENGTH = 48

NO_KEYS = "no key log was given"
EPHEMERAL = "the private halves never leave their sides: the capture has only the public ones"


class _Exchange(NamedTuple):
    """What both sides send to agree on a premaster secret, by the suite's key exchange: field names."""

    server: tuple[str, ...]
    client: tuple[str, ...]
    function: str
    why: str


_DH = _Exchange(("dh_Ys",), ("dh_Yc",), "Diffie-Hellman", EPHEMERAL)
_ECDH = _Exchange(("public",), ("ecdh_Yc",), "ECDH", EPHEMERAL)
_STATIC = _Exchange((), ("dh_Yc", "ecdh_Yc"), "Diffie-Hellman", "it takes the private key of the certificate")
_PSK = _Exchange((), ("psk_identity",), "PSK", "it is made of the pre-shared key, which key logs do not hold")
_EXCHANGES = {
    "DHE": _DH,
    "ECDHE": _ECDH,
    "DH": _STATIC,
    "ECDH": _STATIC,
    "PSK": _PSK,
    "DHE_PSK": _DH._replace(why=_PSK.why),
    "ECDHE_PSK": _ECDH._replace(why=_PSK.why),
    "SRP": _Exchange(("srp_B",), ("srp_A",), "SRP", "it takes the password"),
}

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
    graph = _Graph(builder, decrypted)
    graph.randoms()
    graph.premaster()
    graph.master()
    graph.keys()
    graph.finished()
    return builder.schedule("ssl3" if builder.version == SSL3 else "tls12")


class _Graph:
    """Draws the graph from top to bottom."""

    def __init__(self, builder: Builder, decrypted: RsaDecryption | None) -> None:
        self.b = builder
        self.rsa = decrypted
        self.h: Handshake = builder.handshake
        self.version = builder.version
        self.hash = builder.suite.prf_hash
        hello = self.h.first("server_hello")
        codes: set[int] = set()
        if hello is not None and hello.tree is not None and hello.buffer is not None:
            codes = {code for code, _ in views.server_hello(hello.tree, hello.buffer.data).extensions}
        self.extended = EXTENDED_MASTER_SECRET in codes
        self.resumed = self.h.first("client_key_exchange") is None and self.h.first("server_hello_done") is None

    def randoms(self) -> None:
        """What both hellos bring."""
        for sender, kinds in ((CLIENT, ("ssl2_client_hello", "client_hello")), (SERVER, ("server_hello",))):
            hello = next((found for kind in kinds if (found := self.h.last(kind))), None)
            place = whole(hello.tree, "random", "challenge") if hello is not None else None
            purpose = f"new in each handshake, chosen by the {sender}"
            self.b.sent(f"{sender}_random", f"{sender} random", purpose, hello, place, "the hello was not seen")
            if hello is not None and hello.type == "ssl2_client_hello":
                self._pad_challenge()

    def premaster(self) -> None:
        """How both sides agree on a premaster secret."""
        if self.resumed:
            return
        kind = self.b.suite.key_exchange
        if kind in ("RSA", "RSA_PSK", "ECC"):
            self._encrypted(kind)
            return
        plan = _EXCHANGES.get(kind)
        inputs: tuple[str, ...] = ()
        if plan is not None:
            inputs = self._shares(plan)
        self.b.derive(
            "premaster_secret",
            "premaster secret",
            "what both sides agree on; thrown away once the master secret is made",
            "secret",
            "exchange",
            function=self._group() or (plan.function if plan else kind),
            inputs=inputs,
            compute=None,
            why=plan.why if plan else "the capture does not hold it",
            always_secret=True,
        )

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

    # -- pieces --------------------------------------------------------------------------------------------

    def _pad_challenge(self) -> None:
        """An SSL 2 hello's challenge stands for the random, with zeros before it (RFC 5246 E.2)."""
        node = self.b.nodes["client_random"]
        if node.value is not None:
            self.b.nodes["client_random"] = replace(node, value=node.value.rjust(32, b"\0")[-32:], length=32)

    def _shares(self, plan: _Exchange) -> tuple[str, ...]:
        found = []
        for sender, kind, fields in (
            (SERVER, "server_key_exchange", plan.server),
            (CLIENT, "client_key_exchange", plan.client),
        ):
            if fields:
                message = self.h.first(kind)
                place = content(message.tree, *fields) if message is not None else None
                name, purpose = fields[0], f"the {sender}'s part of the key exchange"
                found.append(self.b.sent(f"{sender}_share", name, purpose, message, place, "it was not seen"))
        return tuple(found)

    def _encrypted(self, kind: str) -> None:
        """The client makes the premaster secret and encrypts it to the server's RSA key."""
        message = self.h.first("client_key_exchange")
        place = content(message.tree, "encrypted_premaster_secret") if message is not None else None
        self.b.sent(
            "encrypted_premaster_secret",
            "encrypted premaster secret",
            "the premaster secret, encrypted to the key of the server's certificate",
            message,
            place,
            "it was not seen",
        )
        if self.rsa is not None and self.rsa.block:
            self._padded_block(self.rsa)
        source = "premaster_block" if "premaster_block" in self.b.nodes else "encrypted_premaster_secret"
        purpose = "what both sides agree on"
        if kind == "RSA":
            purpose = "the version that the client offered, and 46 random bytes of the client"
        self.b.derive(
            "premaster_secret",
            "premaster secret",
            purpose,
            "secret",
            "exchange",
            function="RSA decryption" if source == "encrypted_premaster_secret" else "unpad (PKCS #1 v1.5)",
            inputs=(source,),
            compute=(lambda block: unpad(block).message or b"") if self._unpadded() else None,
            why=(self.rsa.why if self.rsa is not None else "") or "it takes the server's private key to decrypt it",
            length=MASTER_LENGTH if kind == "RSA" else None,
            always_secret=True,
        )
        if kind == "RSA" and self.b.value("premaster_secret") is not None:
            self.b.take_apart("premaster_secret", ("client_version", 2), ("random", MASTER_LENGTH - 2))
            self._check_version()

    def _unpadded(self) -> bool:
        return self.rsa is not None and self.rsa.premaster is not None

    def _padded_block(self, rsa: RsaDecryption) -> None:
        """What RSA gives: the premaster secret in its padding (RFC 8017 section 7.2)."""
        self.b.derive(
            "premaster_block",
            "padded block",
            "00 02, random bytes that are not zero, 00, then the premaster secret",
            "secret",
            "exchange",
            function="RSA decryption",
            inputs=("encrypted_premaster_secret",),
            compute=lambda _: rsa.block,
            label=f"key: {rsa.key}",
            length=len(rsa.block),
            always_secret=True,
        )
        message, padding, _ = unpad(rsa.block)
        if message is not None:
            parts = (("0", 1), ("block type 2", 1), ("padding", padding), ("0", 1), ("premaster secret", len(message)))
            self.b.take_apart("premaster_block", *parts)

    def _check_version(self) -> None:
        """The client repeats the version that it offered, against a downgrade (RFC 5246 section 7.4.7.1)."""
        node, hello = self.b.nodes["premaster_secret"], self.h.last("client_hello")
        if node.value is None or hello is None or hello.tree is None or hello.buffer is None:
            return
        offered = views.client_hello(hello.tree, hello.buffer.data).legacy_version
        held = int.from_bytes(node.value[:2], "big")
        if held != offered:
            names = [registry.versions.get(code) or f"0x{code:04x}" for code in (held, offered)]
            why = f"it holds the version {names[0]}, the client offered {names[1]}"
            self.b.nodes["premaster_secret"] = replace(node, why=why)

    def _group(self) -> str | None:
        message = self.h.first("server_key_exchange")
        group = views.key_exchange_group(message.tree) if message is not None and message.tree is not None else None
        return registry.groups.get(group) if group is not None else None

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

    # -- transcripts ---------------------------------------------------------------------------------------

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
