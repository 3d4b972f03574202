"""What an unreadable TLS 1.3 record must hold.

Behind a ServerHello that selects TLS 1.3 the order of messages is fixed (RFC 8446 4, figure 1): without keys one cannot
see them, but the server's first protected record must begin with EncryptedExtensions, a Certificate and its proof
must follow unless a pre-shared key was selected, and so on. Each is said at most once.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from tlsviz.crypto.hashing import hash_length
from tlsviz.tls import suites
from tlsviz.tls.views import ServerHello
from tlsviz.wire.chunks import CLIENT, SERVER, Sender

Seen = AbstractSet[tuple[Sender, str]]

ALERT_LENGTH = 2 + 1 + 16
"""A protected alert: two bytes, the content type, the tag. No Finished is that short."""


def messages(sender: Sender, length: int, hello: ServerHello | None, seen: Seen, early: bool = False) -> list[str]:
    """The types of the messages that a protected record of ``length`` bytes from ``sender`` shows to be there.

    ``seen``: who has sent which protected messages so far. ``early``: the client may still be sending 0-RTT data.
    """
    if hello is None:
        return []
    return _server(hello, seen) if sender == SERVER else _client(length, hello, seen, early)


def finished_length(suite: int | None) -> int:
    """Bytes of the record that holds a Finished alone (RFC 8446 4.4.4 and 5.2); 0 for no suite of TLS 1.3."""
    known = suites.suite(suite) if suite is not None else None
    return 4 + hash_length(known.prf_hash) + 1 + 16 if known and known.tls13 else 0


def _server(hello: ServerHello, seen: Seen) -> list[str]:
    if (SERVER, "encrypted_extensions") in seen:
        return []
    proof = [] if hello.selected_psk is not None else ["certificate", "certificate_verify"]
    return ["encrypted_extensions", *proof, "finished"]


def _client(length: int, hello: ServerHello, seen: Seen, early: bool) -> list[str]:
    if (CLIENT, "finished") in seen or (CLIENT, "alert") in seen or (SERVER, "finished") not in seen:
        return []
    if length == ALERT_LENGTH:
        return [] if early else ["alert"]
    if early:
        # Behind 0-RTT data of any length only a record as long as a Finished can be one.
        return ["finished"] if length == finished_length(hello.cipher_suite) else []
    return ["finished"]
