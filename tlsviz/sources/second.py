"""A second opinion: OpenSSL's own verdict on the certificates of a live handshake, noted and never obeyed."""

from __future__ import annotations

import os
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL, crypto

from tlsviz.pki.certificate import read
from tlsviz.pki.links import parse
from tlsviz.pki.names import as_address
from tlsviz.pki.stores import BUNDLES
from tlsviz.pki.vouchers import SecondOpinion
from tlsviz.wire.text import safe, shorten

if TYPE_CHECKING:
    from tlsviz.pki.stores import Store

_lib: Any = SSL._lib  # type: ignore[attr-defined]  # pyOpenSSL has no call for the name to verify
_ffi: Any = SSL._ffi  # type: ignore[attr-defined]
_FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls/certs")
MOST_ERRORS = 50
_NO_PARTIAL_WILDCARDS = 0x4
_UNNAMED = {66: "EE_KEY_TOO_SMALL", 67: "CA_KEY_TOO_SMALL", 68: "CA_MD_TOO_WEAK", 79: "INVALID_CA"}
"""Numbers of OpenSSL's that its Python binding has no name for."""


class OpinionTaker:
    """Listens to what OpenSSL finds wrong while it builds the chain; the handshake goes on whatever that is.

    The verification mode stays "none": OpenSSL verifies then too, and only keeps the result.
    """

    def __init__(
        self, context: SSL.Context, connection: SSL.Connection, store: Store, name: str, at: datetime | None
    ) -> None:
        """``name``: the host name or address that the certificate must be for; ``at``: the time to judge at."""
        self._store = store.name
        self._errors: list[tuple[int, int, str]] = []
        self._asked = False
        anchors = context.get_cert_store()
        if anchors is not None:
            _fill(anchors, store)
            if at is not None:
                anchors.set_time(at)
        _expect(connection, name)
        connection.set_verify(SSL.VERIFY_NONE, self._note)

    def _note(self, _connection: SSL.Connection, cert: crypto.X509, error: int, depth: int, fine: int) -> bool:
        self._asked = True
        if not fine and len(self._errors) < MOST_ERRORS:
            self._errors.append((error, depth, _subject(cert)))
        return True

    def verdict(self) -> SecondOpinion | None:
        """What OpenSSL came to; None when it saw no certificate (a resumed session, an early end)."""
        if not self._asked:
            return None
        code, depth, subject = self._errors[0] if self._errors else (0, 0, "")
        return SecondOpinion(
            self._store,
            code,
            error_name(code),
            safe(_ffi.string(_lib.X509_verify_cert_error_string(code)).decode("ascii", "replace")),
            depth,
            subject,
            tuple(dict.fromkeys(number for number, _, _ in self._errors)),
            True,
            SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode("ascii", "replace").rsplit(" ", 3)[0],
        )


def _fill(anchors: crypto.X509Store, store: Store) -> None:
    """The store's anchors; the system's from its folder, where OpenSSL looks up only what it needs."""
    folder = next((path for path in _FOLDERS if _hashed(path)), None)
    # The distributions make their bundle from that folder: reading all of it would only take longer.
    if store.name == "system" and folder and os.environ.get("SSL_CERT_FILE", "") in ("", *BUNDLES):
        anchors.load_locations(None, os.environ.get("SSL_CERT_DIR") or folder)
        return
    for der in store.ders:
        cert = parse(der)[0]
        if cert is not None:
            anchors.add_cert(crypto.X509.from_cryptography(cert))


@cache
def _hashed(folder: str) -> bool:
    """Whether a folder has the links by hash that OpenSSL looks for."""
    try:
        return any(path.suffix == ".0" for path in Path(folder).iterdir())
    except OSError:
        return False


def _expect(connection: SSL.Connection, name: str) -> None:
    """Tells OpenSSL which name or address the certificate must be for."""
    param = _lib.SSL_get0_param(connection._ssl)
    address = as_address(name)
    if address is not None:
        _lib.X509_VERIFY_PARAM_set1_ip(param, address.packed, len(address.packed))
        return
    try:
        encoded = name.rstrip(".").encode("ascii")
    except UnicodeError:
        return
    _lib.X509_VERIFY_PARAM_set_hostflags(param, _NO_PARTIAL_WILDCARDS)
    _lib.X509_VERIFY_PARAM_set1_host(param, encoded, len(encoded))


def _subject(cert: crypto.X509) -> str:
    return shorten(read(crypto.dump_certificate(crypto.FILETYPE_ASN1, cert)).title, 100)


@cache
def error_name(code: int) -> str:
    """The constant of a verification result: ``X509_V_ERR_CERT_HAS_EXPIRED``; ``X509_V_OK`` for 0."""
    if code == 0:
        return "X509_V_OK"
    known = (name for name in dir(_lib) if name.startswith("X509_V_ERR_") and getattr(_lib, name) == code)
    return next(known, f"X509_V_ERR_{_UNNAMED.get(code, code)}")
