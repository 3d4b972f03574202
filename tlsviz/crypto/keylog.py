"""The key log: secrets that an endpoint wrote down for us (RFC 9850, and the older NSS forms).

One secret a line, ``LABEL  client_random  secret`` in hex. Two older forms key the secret by something else:
``RSA`` by the first 8 bytes of the encrypted premaster secret, and ``RSA Session-ID:… Master-Key:…``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from tlsviz.crypto.sessions import Sessions

if TYPE_CHECKING:
    from tlsviz.crypto.rsakeys import RsaKeys

MASTER = "CLIENT_RANDOM"
PREMASTER = "RSA"
PMS = "PMS_CLIENT_RANDOM"
PSK = "PSK"
RESUMPTION = "RESUMPTION_SECRET"
SESSION = "RSA Session-ID"

LABELS = frozenset(
    {
        MASTER,
        PMS,
        PSK,
        RESUMPTION,
        "CLIENT_EARLY_TRAFFIC_SECRET",
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "EARLY_EXPORTER_SECRET",
        "EXPORTER_SECRET",
        "ECH_SECRET",
        "ECH_CONFIG",
    }
)
"""Labels keyed by the client random, beside the numbered traffic secrets.

``PSK`` (the pre-shared key that the server chose) and ``RESUMPTION_SECRET`` are in no registry: other programs pass
them over.
"""

_ALIASES = {
    "EARLY_EXPORTER_MASTER_SECRET": "EARLY_EXPORTER_SECRET",
    "EXPORTER_MASTER_SECRET": "EXPORTER_SECRET",
    "CLIENT_TRAFFIC_SECRET": "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET": "SERVER_TRAFFIC_SECRET_0",
}
_NUMBERED = re.compile(r"(?:CLIENT|SERVER)_TRAFFIC_SECRET_(?:0|[1-9][0-9]{0,5})\Z")
_UNNUMBERED = frozenset(("CLIENT_TRAFFIC_SECRET_N", "SERVER_TRAFFIC_SECRET_N"))
"""OpenSSL writes a line so after each KeyUpdate. It does not say which; the secret follows from the one before."""
_SESSION = re.compile(r"RSA\s+Session-ID:([0-9a-f]*)\s+Master-Key:([0-9a-f]*)\s*\Z", re.IGNORECASE)
_LONGEST_LINE = 1 << 17  # an ECHConfig is at most 2 * 65,539 hex digits
_MOST_PROBLEMS = 100


class KeyLog:
    """Secrets by label and client random. Of two lines for the same secret the last one wins.

    ``problems`` says which lines were skipped and why (never what they hold), at most 100 of them;
    ``damaged`` counts them all. Beside it, what else opens connections: ``rsa``, private keys; ``sessions``, what was
    learned from earlier connections.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.damaged = 0
        self.sources: list[str] = []
        self.sessions = Sessions()
        self._secrets: dict[bytes, dict[str, bytes]] = {}
        self._premasters: dict[bytes, bytes] = {}
        self._sessions: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        """How many secrets are known."""
        return sum(map(len, self._secrets.values())) + len(self._premasters) + len(self._sessions)

    def __bool__(self) -> bool:
        """Whether any secret is known; to count them takes long, and is asked for each record that stays closed."""
        return bool(self._secrets or self._premasters or self._sessions)

    @cached_property
    def rsa(self) -> RsaKeys:
        from tlsviz.crypto.rsakeys import RsaKeys

        return RsaKeys()

    @property
    def source(self) -> str | None:
        """The names of the texts that gave secrets; None if none did."""
        return ", ".join(self.sources) or None

    def add_text(self, text: str | bytes, name: str = "key log") -> int:
        """Takes every line of a key log; returns how many gave a secret. Damaged lines go to ``problems``."""
        if isinstance(text, bytes):
            text = _decoded(text)
        taken = 0
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
            why = self._take(line)
            if why is None:
                taken += 1
            elif why:
                self._problem(f"{name}, line {number}: {why}")
        if taken and name not in self.sources:
            self.sources.append(name)
        return taken

    def add_line(self, line: str) -> bool:
        """Takes one line, as a live connection's callback gives it; True if it held a secret."""
        why = self._take(line)
        if why:
            self._problem(why)
        return why is None

    def get(self, label: str, client_random: bytes) -> bytes | None:
        """The secret of that label for the connection with this client random."""
        found = self._secrets.get(client_random)
        return found.get(label) if found else None

    def knows(self, client_random: bytes) -> bool:
        """Whether there is any secret of the connection with this client random."""
        return client_random in self._secrets

    def labels(self, client_random: bytes) -> dict[str, bytes]:
        """Every secret of the connection with this client random, by label."""
        return dict(self._secrets.get(client_random, ()))

    def rsa_premaster(self, encrypted_premaster_first8: bytes) -> bytes | None:
        """The premaster secret whose encryption starts with these 8 bytes (more may be given)."""
        return self._premasters.get(encrypted_premaster_first8[:8])

    def session_master(self, session_id: bytes) -> bytes | None:
        """The master secret of an ``RSA Session-ID`` line."""
        return self._sessions.get(session_id)

    def used_rsa_key(self, name: str) -> None:
        """An RSA key has decrypted something: it is a source too."""
        if (source := f"RSA key {name}") not in self.sources:
            self.sources.append(source)

    def client_randoms(self) -> Iterable[bytes]:
        """The client randoms for which there are secrets."""
        return self._secrets.keys()

    def _problem(self, text: str) -> None:
        self.damaged += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(text)

    def _take(self, line: str) -> str | None:
        """Takes a line: None if it gave a secret, "" if nothing is in it, else what is wrong with it."""
        if len(line) > _LONGEST_LINE + 128:
            return "the line is too long for any secret"
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            return ""
        if len(fields) != 3:
            return f"a secret is three fields, here {'is' if len(fields) == 1 else 'are'} {len(fields)}"
        label = _ALIASES.get(fields[0], fields[0])
        if label == PREMASTER:
            return self._take_rsa(line, fields)
        if label in _UNNUMBERED:
            return ""
        if label not in LABELS and not _NUMBERED.match(label):
            return "the label is unknown"
        try:
            client_random, secret = bytes.fromhex(fields[1]), bytes.fromhex(fields[2])
        except ValueError:
            return f"{label}: not hexadecimal"
        if len(client_random) != 32:
            return f"{label}: the client random has {len(client_random)} bytes, not 32"
        if why := _wrong_length(label, len(secret)):
            return f"{label}: {why}"
        self._secrets.setdefault(client_random, {})[label] = secret
        return None

    def _take_rsa(self, line: str, fields: list[str]) -> str | None:
        session = _SESSION.match(line.strip())
        first, second = session.groups() if session else fields[1:]
        try:
            key, secret = bytes.fromhex(first), bytes.fromhex(second)
        except ValueError:
            return "RSA: not hexadecimal"
        if len(secret) != 48:
            return f"RSA: the secret has {len(secret)} bytes, not 48"
        if session:
            if not 1 <= len(key) <= 32:
                return f"RSA: the session ID has {len(key)} bytes, not 1 to 32"
            self._sessions[key] = secret
            return None
        if len(key) != 8:
            return f"RSA: {len(key)} bytes of the encrypted premaster secret, not 8"
        self._premasters[key] = secret
        return None


def _wrong_length(label: str, size: int) -> str | None:
    """What is wrong with the length of a secret: a master has 48 bytes, the others one hash."""
    if label == MASTER:
        return None if size == 48 else f"the secret has {size} bytes, not 48"
    if label == PMS:
        return None if 1 <= size <= 8192 else f"the secret has {size} bytes"
    if label == PSK:
        return None if 1 <= size <= 1024 else f"the secret has {size} bytes"
    if label.startswith("ECH_"):
        return None if size else "the secret is empty"
    return None if size in (32, 48, 64) else f"the secret has {size} bytes, not 32 or 48"


def _decoded(text: bytes) -> str:
    """UTF-8, or UTF-16 by its byte order mark (as PowerShell writes it); other bytes give damaged lines."""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.decode("utf-16", "replace")
    return text.decode("utf-8", "replace")


class OtherKeys(KeyLog):
    """Stands for keys that were given and open something else: what lacks a key then says so, not that none was given.

    ``secrets``: there is a key log; ``private``: there are private RSA keys.
    """

    def __init__(self, secrets: bool, private: bool) -> None:
        super().__init__()
        self._given = secrets, private

    def __len__(self) -> int:
        return int(self._given[0])

    def __bool__(self) -> bool:
        return self._given[0]

    @cached_property
    def rsa(self) -> RsaKeys:
        from tlsviz.crypto.rsakeys import OtherRsaKeys, RsaKeys

        return OtherRsaKeys() if self._given[1] else RsaKeys()
