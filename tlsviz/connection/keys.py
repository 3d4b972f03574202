"""Which key opens which record: key log secrets, made into openers for the phase a side is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsviz.connection.model import Secrets
from tlsviz.crypto.ciphers import mac_length
from tlsviz.crypto.finished import session_hash
from tlsviz.crypto.keylog import MASTER, PMS, PSK, RESUMPTION, KeyLog
from tlsviz.crypto.protection import Opened, Opener, Unopened, opener_12, opener_13
from tlsviz.crypto.schedule import (
    TLS13,
    extended_master_secret,
    master_secret,
    next_traffic_secret,
    resumption_psk,
)
from tlsviz.tls import suites
from tlsviz.tls.suites import Suite
from tlsviz.wire.chunks import CLIENT, Sender

if TYPE_CHECKING:
    from tlsviz.crypto.rsakeys import Decrypted

NO_KEYS = "no key log was given"
_SUITES_13 = {32: (0x1301, 0x1303, 0x1304, 0x1305), 48: (0x1302,)}
_NAMES = {"early": "EARLY", "handshake": "HANDSHAKE"}


class Unencrypted:
    """Reads the records of a NULL cipher without the key: nothing hides them, but their MAC proves nothing."""

    __slots__ = ("mac_length", "sequence")

    def __init__(self, mac_length: int) -> None:
        self.mac_length = mac_length
        self.sequence = 0

    def open(self, content_type: int, version: int, fragment: bytes) -> Opened:
        """The fragment without its MAC."""
        size = len(fragment) - self.mac_length
        if size < 0:
            raise Unopened("the record is shorter than its MAC", failed=True)
        self.sequence += 1
        return Opened(content_type, fragment[:size], None, None, fragment[size:], 0, 0)

    def skip(self, tail: bytes = b"", length: int | None = None) -> None:
        """Passes over a record that was lost."""
        self.sequence += 1

    def lose(self) -> None:
        """Any number of records may be missing here; reading does not depend on their count."""


class KeyRing:
    """The secrets of one connection, as far as the key log has them."""

    __slots__ = (
        "client_random",
        "compression_method",
        "decrypted",
        "early_data",
        "encrypt_then_mac",
        "extended_master_secret",
        "keylog",
        "past",
        "premaster",
        "server_random",
        "session_id",
        "suite",
        "ticket",
        "truncated_hmac",
        "used",
        "version",
    )

    def __init__(self, keylog: KeyLog) -> None:
        self.keylog = keylog
        self.client_random = b""
        self.server_random = b""
        self.version: int | None = None
        self.suite: Suite | None = None
        self.encrypt_then_mac = False
        self.extended_master_secret = False
        self.compression_method = 0
        self.truncated_hmac = False
        self.early_data = False
        self.session_id = b""
        self.ticket = b""
        self.premaster: bytes | None = None
        self.decrypted: Decrypted | None = None
        self.used: dict[str, bytes] = {}
        self.past: list[Secrets] = []

    def begin(self) -> None:
        """Another handshake begins: the secrets of the one before are put by."""
        self.past.append(self.secrets())
        self.client_random = self.server_random = self.session_id = self.ticket = b""
        self.premaster, self.decrypted, self.used = None, None, {}

    def secrets(self) -> Secrets:
        """What is known of this handshake: what the key log has, and what was computed."""
        found = {**self.keylog.labels(self.client_random), **self.used} if self.client_random else {}
        return tuple(sorted(found.items()))

    def secret(self, label: str) -> bytes | None:
        """A secret of this connection; remembered as used."""
        found = self.keylog.get(label, self.client_random) if self.client_random else None
        if found is not None:
            self.used[label] = found
        return found

    def traffic_secret(self, sender: Sender, phase: str) -> bytes | None:
        """A TLS 1.3 traffic secret (RFC 8446 7.1), by its label in the key log."""
        return self.secret(self.label(sender, phase))

    @staticmethod
    def label(sender: Sender, phase: str) -> str:
        """The key log's label for a side's traffic secret of a phase."""
        side = "CLIENT" if sender == CLIENT else "SERVER"
        return f"{side}_{_NAMES[phase]}_TRAFFIC_SECRET" if phase in _NAMES else f"{side}_TRAFFIC_SECRET_0"

    def openers_13(self, sender: Sender, phase: str) -> list[tuple[bytes, Opener]]:
        """Openers that may fit a phase: one, or before the suite is known one for each that it can be."""
        secret = self.traffic_secret(sender, phase)
        if secret is None:
            return []
        return [(secret, opener_13(suite, secret, self.version or TLS13)) for suite in self.suites_13(secret)]

    def suites_13(self, secret: bytes) -> list[Suite]:
        """The suite of a TLS 1.3 secret: the chosen one, or before that is known each that it can be by its length."""
        if self.suite is not None and self.suite.tls13:
            return [self.suite]
        known = (suites.suite(code) for code in _SUITES_13.get(len(secret), ()))
        return [suite for suite in known if suite is not None]

    def updated(self, secret: bytes) -> tuple[bytes, Opener]:
        """The opener after a KeyUpdate (RFC 8446 7.2)."""
        if self.suite is None:
            raise Unopened("the cipher suite is not known", failed=False)
        version = self.version or TLS13
        following = next_traffic_secret(self.suite.prf_hash, secret, version)
        return following, opener_13(self.suite, following, version)

    def master(self, handshake: bytes) -> bytes | None:
        """The master secret of TLS 1.2 and earlier: logged, or computed from a known premaster secret.

        ``handshake`` is the messages through ClientKeyExchange, for the extended master secret (RFC 7627).
        """
        found = self.secret(MASTER) or self.keylog.session_master(self.session_id)
        self.premaster = self.premaster or self.secret(PMS)
        if self.premaster is not None:
            self.used[PMS] = self.premaster
        if found is None and not handshake:
            found = self.keylog.sessions.master(self.session_id, self.ticket)
        if found is None:
            found = self._derived_master(handshake)
        if found is not None:
            self.used[MASTER] = found
            self.keylog.sessions.learn(self.session_id, b"", found)
        return found

    def _derived_master(self, handshake: bytes) -> bytes | None:
        if self.premaster is None or self.suite is None or self.version is None:
            return None
        version, hash_name = self.version, self.suite.prf_hash
        if self.extended_master_secret:
            bound_to = session_hash(version, hash_name, handshake)
            return extended_master_secret(version, hash_name, self.premaster, bound_to)
        return master_secret(version, hash_name, self.premaster, self.client_random, self.server_random)

    def key_exchange(self, body: bytes, certificate: bytes | None) -> None:
        """A ClientKeyExchange's body: the encrypted premaster secret, if the key exchange is RSA."""
        log = self.keylog
        self.premaster = log.rsa_premaster(body[2:10]) or log.rsa_premaster(body[:8])
        if self.suite is None or self.suite.key_exchange == "RSA":
            self.decrypted = log.rsa.decrypt(body, certificate)
            if self.decrypted is not None and self.decrypted.premaster is not None:
                self.premaster = self.decrypted.premaster
                log.used_rsa_key(self.decrypted.key)

    def new_ticket(self, ticket: bytes, handshake: bytes) -> None:
        """A ticket of TLS 1.2 or earlier: who comes back with it has the same master secret."""
        master = self.master(handshake)
        if master is not None:
            self.keylog.sessions.learn(b"", ticket, master)

    def choose_psk(self, identity: bytes) -> None:
        """TLS 1.3: the server chose this of the client's pre-shared keys."""
        if self.secret(PSK) is None and (found := self.keylog.sessions.psk(identity)) is not None:
            self.used[PSK] = found

    def new_ticket_13(self, nonce: bytes, ticket: bytes) -> None:
        """TLS 1.3: who comes back with this ticket has a pre-shared key that follows from the resumption secret."""
        secret = self.secret(RESUMPTION)
        if secret is not None and self.suite is not None:
            self.keylog.sessions.learn_psk(
                ticket, resumption_psk(self.suite.prf_hash, secret, nonce, self.version or TLS13)
            )

    def _no_master(self) -> str:
        """Why the master secret is not known."""
        if self.decrypted is not None and self.decrypted.why:
            return f"no key: {self.decrypted.why}"
        if len(self.keylog.rsa) and self.suite is not None and self.suite.key_exchange != "RSA":
            return f"no key: an RSA private key does not open {self.suite.key_exchange} key exchange"
        if not self.keylog and not len(self.keylog.rsa):
            return NO_KEYS
        return "no key: the key log has no master secret for this connection"

    def opener_12(self, sender: Sender, handshake: bytes) -> Opener:
        """The opener behind a ChangeCipherSpec; raises `Unopened` with the reason where there is none."""
        if self.suite is None or self.version is None:
            raise Unopened("the hello messages are missing", failed=False)
        master = self.master(handshake)
        if master is None and self.suite.mode == "NULL" and not self.compression_method:
            return Unencrypted(mac_length(self.suite))
        if master is None:
            raise Unopened(self._no_master(), failed=False)
        return opener_12(
            self.suite,
            self.version,
            master,
            self.client_random,
            self.server_random,
            sender,
            self.encrypt_then_mac,
            self.truncated_hmac,
            compression_method=self.compression_method,
        )
