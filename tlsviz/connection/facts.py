"""What a handshake's messages mean: the facts that they state, and the keys that they switch to."""

from __future__ import annotations

from functools import cache

from tlsviz.connection.ech import EncryptedHellos
from tlsviz.connection.half import Half
from tlsviz.connection.keys import KeyRing
from tlsviz.connection.model import Inner, RsaDecryption, SentCertificate
from tlsviz.crypto.protection import Unopened
from tlsviz.tls import suites, views
from tlsviz.tls.context import TLS_1_3, as_tls, layout
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.nodes import Node

TRUNCATED_HMAC, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, SESSION_TICKET, EARLY_DATA = 4, 22, 23, 35, 42
CERTIFICATE_LIMIT = 100
HANDSHAKE_LIMIT = 1 << 22
_NOT_HASHED = {"hello_request", "key_update"}


@cache
def is_tls13(version: int | None) -> bool:
    """Whether a version has TLS 1.3's handshake: itself, its drafts, and Facebook's variants of them."""
    return layout(version) == TLS_1_3


class Facts:
    """Learns from each handshake message, in order. ``ring`` holds the keys that follow from them."""

    __slots__ = (
        "_key_exchanged",
        "_latest",
        "_retrying",
        "_said",
        "_server_done",
        "_session",
        "alpn",
        "certificates",
        "client_certificate",
        "client_hello",
        "early_accepted",
        "early_sent",
        "ech",
        "group",
        "hello_retry",
        "premasters",
        "ring",
        "server_hello",
        "server_scheme",
        "session_resumed",
        "version",
    )

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.client_hello: views.ClientHello | None = None
        self.server_hello: views.ServerHello | None = None
        self.version: int | None = None
        self.hello_retry = False
        self.group: int | None = None
        self.server_scheme: int | None = None
        self.alpn: str | None = None
        self.early_accepted: bool | None = None
        self.early_sent = False
        self.client_certificate = False
        self.session_resumed = False
        self.certificates: list[SentCertificate] = []
        self.premasters: list[RsaDecryption] = []
        self._latest: views.ClientHello | None = None
        self._retrying = False
        self._server_done = False
        self._key_exchanged = False
        self._said = bytearray()
        self._session = b""
        self.ech = EncryptedHellos(ring.keylog)

    @property
    def tls13(self) -> bool:
        return is_tls13(self.version)

    def offers13(self) -> bool:
        """Whether the client is ready to speak TLS 1.3."""
        return self.client_hello is not None and any(is_tls13(version) for version in self.client_hello.versions)

    def means_nothing(self, half: Half) -> bool:
        """Whether a ChangeCipherSpec means nothing: TLS 1.3's disguise for middleboxes (RFC 8446 D.4)."""
        if self.version is not None or half.sender == SERVER:
            return self.tls13
        return self.offers13() and not self._key_exchanged

    def choose(self, tree: Node, data: bytes) -> None:
        """A ServerHello or HelloRetryRequest: the version it selects decides how it and all that follows is read."""
        hello = views.server_hello(tree, data)
        if hello.is_retry:
            self.version = self.version or hello.version
            return
        self.server_hello = self.server_hello or hello
        self.version = hello.version
        self.group = hello.group or self.group
        self.alpn = self.alpn or hello.alpn
        echoed = bool(hello.session_id) and self._latest is not None and hello.session_id == self._latest.session_id
        self.session_resumed = echoed and not self.tls13
        codes = {code for code, _ in hello.extensions}
        ring = self.ring
        ring.server_random, ring.version = hello.random, as_tls(hello.version)
        ring.suite = suites.suite(hello.cipher_suite)
        ring.compression_method = hello.compression_method
        ring.session_id = hello.session_id
        ring.truncated_hmac = TRUNCATED_HMAC in codes
        if hello.selected_psk is not None and self._latest is not None:
            identities = self._latest.psk_identities
            if hello.selected_psk < len(identities):
                ring.choose_psk(identities[hello.selected_psk])
        ring.encrypt_then_mac = ENCRYPT_THEN_MAC in codes
        ring.extended_master_secret = EXTENDED_MASTER_SECRET in codes

    def learn(self, half: Half, tree: Node, data: bytes, message: int, inner: Inner | None = None) -> None:
        """Takes what a handshake message states. ``message``: its index; ``inner``: the Certificate it holds."""
        kind = tree.name
        if kind in ("client_hello", "ssl2_client_hello"):
            self._client_hello(tree, data)
            self.ech.client_hello(tree, data, message)
        elif kind in ("server_hello", "hello_retry_request", "hello_verify_request"):
            self._answer(kind, data)
        elif kind == "encrypted_extensions":
            self.early_accepted = any(code == EARLY_DATA for code, _ in views.extension_list(tree, data))
            self.alpn = self.alpn or views.selected_protocol(tree, data)
        elif kind == "certificate":
            self._certificate(half, tree, data, message)
        elif inner is not None:
            self._certificate(half, inner.tree, inner.buffer.data, message)
        elif kind == "server_key_exchange":
            self.group = views.key_exchange_group(tree) or self.group
            self.server_scheme = views.signature_scheme(tree)
        elif kind == "certificate_verify" and half.sender == SERVER:
            self.server_scheme = views.signature_scheme(tree)
        elif kind == "server_hello_done":
            self._server_done = True
        if kind not in _NOT_HASHED and len(self._said) < HANDSHAKE_LIMIT:
            self._said += data
        if kind == "client_key_exchange":
            self._key_exchange(data[views.header_length(tree) :], message)
        elif kind == "new_session_ticket":
            self._ticket(views.session_ticket(tree, data))
        self._switch(half, kind)

    def _client_hello(self, tree: Node, data: bytes) -> None:
        hello = views.client_hello(tree, data)
        if self._latest is not None and not self._retrying:
            self.ring.begin()
        self.client_hello = self.client_hello or hello
        self._latest, self._retrying = hello, False
        self._server_done = self._key_exchanged = False
        if not self.hello_retry:
            self._said.clear()
            self._session = b""
        self.ring.client_random, self.ring.early_data = hello.random, hello.has_early_data
        self.ring.ticket = next((body for code, body in hello.extensions if code == SESSION_TICKET), b"")

    def _answer(self, kind: str, data: bytes) -> None:
        """If the server took an encrypted hello, the connection is known by the inner one's random (RFC 9850)."""
        self._retrying = kind != "server_hello"
        if kind == "hello_retry_request":
            self.hello_retry = True
            self.ech.retry(data)
        elif kind == "server_hello" and self.server_hello is not None:
            self.ech.server_hello(self.server_hello, data)
        self.ring.used |= self.ech.secrets
        if self.ech.accepted and self.ring.keylog.labels(self.ech.random):
            self.ring.client_random = self.ech.random

    def _key_exchange(self, body: bytes, message: int) -> None:
        self._key_exchanged, self._session = True, bytes(self._said)
        leaf = next((sent.der for sent in self.certificates if sent.sender == SERVER), None)
        self.ring.key_exchange(body, leaf)
        found = self.ring.decrypted
        if found is not None:
            self.premasters.append(RsaDecryption(message, found.key, found.block, found.premaster, found.why))

    def _ticket(self, ticket: views.SessionTicket) -> None:
        if self.tls13:
            self.ring.new_ticket_13(ticket.nonce, ticket.ticket)
        else:
            self.ring.new_ticket(ticket.ticket, self._session)

    def _certificate(self, half: Half, tree: Node, data: bytes, message: int) -> None:
        found = views.certificates(tree, data)
        if half.sender == CLIENT and found:
            self.client_certificate = True
        if any(sent.sender == half.sender for sent in self.certificates):
            return
        for index, (der, _) in enumerate(found[:CERTIFICATE_LIMIT]):
            self.certificates.append(SentCertificate(half.sender, index, der, message))

    # -- keys ----------------------------------------------------------------------------------------------

    def change_cipher_spec(self, half: Half) -> None:
        """TLS 1.2 and earlier: from here on this side's records are protected with the new keys."""
        half.phase, half.opener, half.opened, half.uncertain = "application", None, False, False
        half.epoch += 1
        if half.sender == SERVER and not self._server_done:
            self.session_resumed = True
        self.unlock(half)

    def unlock(self, half: Half) -> None:
        """Makes what opens this side's records with the keys of TLS 1.2 or earlier; else says why it cannot be made."""
        try:
            half.opener = self.ring.opener_12(half.sender, self._session)
        except Unopened as reason:
            half.locked = reason.why

    def _switch(self, half: Half, kind: str) -> None:
        """TLS 1.3: behind some messages their sender changes to the next key; in DTLS every record says its epoch."""
        if not self.tls13 or half.by_epoch:
            return
        if kind == "finished" and half.phase != "application":
            # The Finished of post-handshake authentication changes no keys.
            self._advance(half, "application")
        elif kind == "end_of_early_data":
            self._advance(half, "handshake")
        elif kind == "key_update" and half.secret is not None:
            self._update(half, half.secret)

    def _advance(self, half: Half, phase: str) -> None:
        try:
            found = self.ring.openers_13(half.sender, phase)
        except Unopened as reason:
            half.locked = reason.why
            return
        half.phase = "application" if phase == "application" else "handshake"
        half.epoch += 1
        half.secret, half.opener = found[0] if found else (None, None)

    def _update(self, half: Half, secret: bytes) -> None:
        try:
            half.secret, half.opener = self.ring.updated(secret)
        except Unopened as reason:
            half.secret = half.opener = None
            half.locked = reason.why
        half.epoch += 1
