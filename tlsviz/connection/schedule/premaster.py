"""What goes into a master secret before TLS 1.3: the randoms, and how both sides agree on a premaster secret."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tlsviz.connection.handshakes import Handshake
from tlsviz.connection.model import RsaDecryption
from tlsviz.connection.schedule.build import Builder, content, whole
from tlsviz.crypto.rsakeys import unpad
from tlsviz.tls import registry, views
from tlsviz.wire.chunks import CLIENT, SERVER

MASTER_LENGTH = 48
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


class Premaster:
    """Enters what stands above the master secret. ``decrypted``: what an RSA key gave."""

    def __init__(self, builder: Builder, decrypted: RsaDecryption | None) -> None:
        self.b = builder
        self.h: Handshake = builder.handshake
        self.rsa = decrypted

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
