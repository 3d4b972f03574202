"""OpenSSL's side of a live handshake: a context that offers what the options say, and its errors in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Literal

from OpenSSL import SSL

from tlsviz.errors import UsageError
from tlsviz.sources.options import VERSIONS, LiveOptions
from tlsviz.wire.text import shorten

if TYPE_CHECKING:
    from pathlib import Path

_lib = SSL._lib  # type: ignore[attr-defined]  # pyOpenSSL has no call for groups and signature algorithms
_LEAVE_OUT = {22: 1 << 19, 23: 1, 35: SSL.OP_NO_TICKET}
"""OpenSSL's options (ssl.h) that keep an extension out: encrypt_then_mac, extended_master_secret, session_ticket."""
CAN_LEAVE_OUT = frozenset(_LEAVE_OUT)
SEE_EVERYTHING = "@SECLEVEL=0"
"""OpenSSL's level 0 forbids nothing: what is weak is to be shown and judged, not refused."""


def client_context(options: LiveOptions, keylog: Callable[[bytes], None]) -> SSL.Context:
    """A context for one handshake. Verification is off: look first, judge after.

    ``keylog`` gets each key log line (RFC 9850) when OpenSSL derives the secret. Raises UsageError for values that
    OpenSSL does not know.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
    context.set_min_proto_version(VERSIONS[options.min_version or "1.0"])
    context.set_max_proto_version(VERSIONS[options.max_version or "1.3"])
    context.set_verify(SSL.VERIFY_NONE)
    context.set_keylog_callback(lambda _connection, line: keylog(line))
    _set_ciphers(context, options.ciphers)
    if options.groups is not None:
        _set_list(context, "groups", _lib.SSL_CTX_set1_curves_list, options.groups)
    if options.sigalgs is not None:
        _set_list(context, "sigalgs", _lib.SSL_CTX_set1_sigalgs_list, options.sigalgs)
    if options.alpn:
        context.set_alpn_protos([name.encode("utf-8", "surrogateescape") for name in options.alpn])
    for code in options.leave_out & CAN_LEAVE_OUT:
        context.set_options(_LEAVE_OUT[code])
    _set_identity(context, options)
    return context


def rehearse(options: LiveOptions) -> None:
    """Does with checked options all that takes no server. Raises UsageError for what cannot be followed."""
    from tlsviz.sources.profiles import played

    client_context(played(options), lambda _line: None)


def _names(text: str) -> list[str]:
    """The parts of a list separated by commas, colons or spaces."""
    return [name for name in text.replace(",", ":").replace(" ", ":").split(":") if name]


def _set_ciphers(context: SSL.Context, text: str | None) -> None:
    """Cipher suites: TLS 1.3's and the older ones are two lists in OpenSSL; naming none of a kind keeps its default."""
    names = _names(text) if text is not None else []
    new = [name for name in names if _is_tls13_suite(name)]
    old = [name for name in names if name not in new]
    if text is not None and not names:
        raise _unknown("ciphers", text)
    try:
        context.set_cipher_list(":".join([*(old or ["DEFAULT"]), SEE_EVERYTHING]).encode())
        if new:
            context.set_tls13_ciphersuites(":".join(new).encode())
    except (SSL.Error, UnicodeError):
        raise _unknown("ciphers", text or "") from None


def _is_tls13_suite(name: str) -> bool:
    """TLS 1.3's suites name no key exchange: no ``_WITH_``."""
    return name.startswith("TLS_") and "_WITH_" not in name


@cache
def knows(option: Literal["ciphers", "groups", "sigalgs"], name: str) -> bool:
    """Whether this OpenSSL has what the name stands for."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    try:
        if option == "ciphers":
            _set_ciphers(context, name)
        else:
            setter = _lib.SSL_CTX_set1_curves_list if option == "groups" else _lib.SSL_CTX_set1_sigalgs_list
            _set_list(context, option, setter, name)
    except UsageError:
        return False
    return True


def _set_list(context: SSL.Context, option: str, setter: Callable[[object, bytes], int], text: str) -> None:
    try:
        done = setter(context._context, ":".join(_names(text)).encode())
    except UnicodeError:
        done = 0
    if done != 1:
        _lib.ERR_clear_error()
        raise _unknown(option, text)


def _unknown(option: str, text: str) -> UsageError:
    version = SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode("ascii", "replace")
    return UsageError(
        f"--{option} {shorten(text, 80)}",
        f"{version} knows no such name",
        "Names are OpenSSL's or IANA's, separated by commas.",
    )


def _set_identity(context: SSL.Context, options: LiveOptions) -> None:
    """The client certificate, sent when the server asks for one."""
    if options.identity is not None:
        _use_identity(context, options.identity.certificates, options.identity.key)
    elif options.cert is not None:
        certificates = _read(options.cert, "cert")
        key = _read(options.key, "key") if options.key else certificates
        try:
            _use_identity(context, certificates, key)
        except (SSL.Error, ValueError, TypeError) as error:
            raise UsageError(
                f"Cannot use the client certificate {shorten(str(options.cert), 80)}",
                reason(error) or _unfit(certificates, key),
                "Give PEM files: the certificate (then its chain), and its key without a passphrase.",
            ) from None


def _use_identity(context: SSL.Context, certificates: bytes, key: bytes) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    chain = x509.load_pem_x509_certificates(certificates)
    context.use_certificate(chain[0])
    for issuer in chain[1:]:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(load_pem_private_key(key, None))  # type: ignore[arg-type]  # other kinds raise TypeError
    context.check_privatekey()


def _unfit(certificates: bytes, key: bytes) -> str:
    """Why what the files hold cannot be used, where the library that read them has no words for people."""
    if b"-----BEGIN CERTIFICATE-----" not in certificates:
        return "it holds no certificate in PEM form"
    if b"PRIVATE KEY-----" not in key:
        return "there is no private key in PEM form with it"
    if b"ENCRYPTED" in key:
        return "its key is locked with a passphrase"
    return "its certificate or its key is damaged, or of a kind that is not known"


def _read(path: Path, option: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"--{option} {shorten(str(path), 80)}", why, "Give a PEM file.") from None


def reason(error: Exception) -> str:
    """OpenSSL's own words for what went wrong, e.g. ``wrong version number``; "" if it gave none."""
    entries = error.args[0] if error.args else None
    if isinstance(entries, (list, tuple)) and entries:
        last = entries[0]
        if isinstance(last, (list, tuple)) and last:
            return shorten(str(last[-1]), 100)
    return ""
