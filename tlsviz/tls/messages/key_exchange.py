"""ServerKeyExchange and ClientKeyExchange (RFC 5246 7.4.3, 7.4.7; RFC 8422 5.4, 5.7; RFC 4279; RFC 5489; RFC 5054)."""

from __future__ import annotations

from functools import partial

from tlsviz.tls import registry
from tlsviz.tls.context import SSL_3_0, TLCP, Context
from tlsviz.tls.der.kinds import GostKeyTransportNode
from tlsviz.tls.der.node import der_rest
from tlsviz.tls.extensions.key_share import PARTS
from tlsviz.tls.extensions.rare import ecjpake_key_kp
from tlsviz.tls.messages.certificates import signed
from tlsviz.tls.suites import Suite, suite
from tlsviz.wire.reader import Body, Reader

NAMED_CURVE = 3
_UNSIGNED = {"anon", "SRP", "ECJPAKE", "ECCPWD"}
_UNSIGNED_EXCHANGES = {"FORTEZZA_KEA"}


def _suite(context: Context) -> Suite | None:
    return suite(context.cipher_suite) if context.cipher_suite is not None else None


def server_key_exchange(r: Reader, context: Context) -> None:
    """By the key exchange of the cipher suite; the signature covers both randoms and ``params``."""
    chosen = _suite(context)
    kind = chosen.key_exchange if chosen else ""
    if kind == "ECC" and context.version == TLCP:
        r.vector_opaque("signature", 2)  # TLCP: over the randoms and the encryption certificate
        return
    body = _SERVER_PARAMS.get(kind)
    if body is None or chosen is None:
        r.rest("server_key_exchange")
        return
    r.struct("params", body)
    if kind.endswith("PSK") or kind in _UNSIGNED_EXCHANGES:
        return
    if chosen.authentication not in _UNSIGNED:
        signed(r, context)


def client_key_exchange(r: Reader, context: Context) -> None:
    """By the key exchange of the cipher suite."""
    chosen = _suite(context)
    kind = chosen.key_exchange if chosen else ""
    if kind == "RSA" and context.layout == SSL_3_0:
        r.rest("encrypted_premaster_secret")  # SSL 3.0 has no length before it
    elif kind == "ECDHE" and context.version == TLCP:
        _ecdh_params(r)
    elif kind in _CLIENT_PARAMS:
        _CLIENT_PARAMS[kind](r)
    else:
        r.rest("exchange_keys")


def _dh_params(r: Reader) -> None:
    """``ServerDHParams``."""
    r.vector_opaque("dh_p", 2)
    prime = r.nodes[-1]
    bits = int.from_bytes(r.data[prime.start + 2 : min(prime.end, prime.start + 2050)], "big").bit_length()
    r.label(f"{bits} bits")
    r.vector_opaque("dh_g", 2)
    r.vector_opaque("dh_Ys", 2)


def _ecdh_params(r: Reader) -> None:
    """``ServerECDHParams``."""
    r.struct("curve_params", _ec_parameters)
    curve = r.nodes[-1].child("namedcurve")
    group = curve.value if curve and isinstance(curve.value, int) else None
    r.vector("public", 1, partial(_point, group=group))


def _ec_parameters(r: Reader) -> None:
    """``ECParameters``: a named curve, or one spelled out (deprecated by RFC 8422)."""
    kind = r.uint("curve_type", 1, registry.curve_types)
    if kind == NAMED_CURVE:
        r.uint("namedcurve", 2, registry.groups)
        return
    if kind == 1:
        r.vector_opaque("prime_p", 1)
    elif kind == 2:
        r.uint("m", 2)
        basis = r.uint("basis", 1, {1: "ec_basis_trinomial", 2: "ec_basis_pentanomial"})
        for name in ("k",) if basis == 1 else ("k1", "k2", "k3"):
            r.vector_opaque(name, 1)
    else:
        r.note("no such curve type: what follows cannot be told apart")
        r.rest("curve")
        return
    r.struct("curve", _ec_curve)
    r.vector_opaque("base", 1)
    r.vector_opaque("order", 1)
    r.vector_opaque("cofactor", 1)


def _ec_curve(r: Reader) -> None:
    r.vector_opaque("a", 1)
    r.vector_opaque("b", 1)


def _point(r: Reader, group: int | None) -> None:
    size = r.remaining
    r.rest("point")
    parts = PARTS.get(group, ()) if group is not None else ()
    if len(parts) == 1 and size not in (parts[0].server_size, parts[0].server_size // 2 + 1):
        r.note(f"a point of this group has {parts[0].server_size} bytes")


def _rsa_params(r: Reader) -> None:
    """``ServerRSAParams``: the short-lived key of the export suites (RFC 2246 7.4.3)."""
    r.vector_opaque("rsa_modulus", 2)
    modulus = r.nodes[-1]
    r.label(f"{max(modulus.length - 2, 0) * 8} bits")
    r.vector_opaque("rsa_exponent", 2)


def _psk_hint(r: Reader) -> None:
    r.vector_opaque("psk_identity_hint", 2)


def _dhe_psk_params(r: Reader) -> None:
    _psk_hint(r)
    _dh_params(r)


def _ecdhe_psk_params(r: Reader) -> None:
    _psk_hint(r)
    _ecdh_params(r)


def _srp_params(r: Reader) -> None:
    r.vector_opaque("srp_N", 2)
    r.vector_opaque("srp_g", 2)
    r.vector_opaque("srp_s", 1)
    r.vector_opaque("srp_B", 2)


def _ecjpake_params(r: Reader) -> None:
    """``ServerECJPAKEParams`` (draft-cragie-tls-ecjpake 7.4)."""
    r.struct("curve_params", _ec_parameters)
    r.struct("ecjpake_key_kp", ecjpake_key_kp)


def _pwd_params(r: Reader) -> None:
    """``ServerPWDParams`` of the elliptic curve kind (RFC 8492 4.5.1)."""
    r.vector_opaque("salt", 1)
    r.struct("curve_params", _ec_parameters)
    _pwd_public(r)


def _pwd_public(r: Reader) -> None:
    """``ClientPWDParams``: a point and a number that prove nothing to who does not know the password."""
    r.vector_opaque("element", 1, "point")
    r.vector_opaque("scalar", 1)


def _cecpq1(r: Reader, size: int) -> None:
    """X25519 and NewHope side by side, as BoringSSL sent them in 2016."""

    def shares(v: Reader) -> None:
        v.opaque("x25519_public_key", 32)
        v.opaque("newhope_message", size)

    r.vector("cecpq1_share", 2, shares)


def _fortezza_params(r: Reader) -> None:
    """``ServerFortezzaParams``: without a signature (RFC 6101 5.6.3)."""
    r.opaque("r_s", 128)


_SERVER_PARAMS: dict[str, Body] = {
    "CECPQ1": partial(_cecpq1, size=1824),
    "FORTEZZA_KEA": _fortezza_params,
    "DHE": _dh_params,
    "ECDHE": _ecdh_params,
    "RSA": _rsa_params,
    "PSK": _psk_hint,
    "RSA_PSK": _psk_hint,
    "DHE_PSK": _dhe_psk_params,
    "ECDHE_PSK": _ecdhe_psk_params,
    "SRP": _srp_params,
    "ECJPAKE": _ecjpake_params,
    "ECCPWD": _pwd_params,
}


def _encrypted_premaster(r: Reader) -> None:
    r.vector_opaque("encrypted_premaster_secret", 2)


def _dh_public(r: Reader) -> None:
    if r.remaining:  # implicit when the client's certificate holds the key
        r.vector_opaque("dh_Yc", 2)


def _ecdh_public(r: Reader) -> None:
    if r.remaining:
        r.vector_opaque("ecdh_Yc", 1, "point")


def _psk_identity(r: Reader) -> None:
    r.vector_opaque("psk_identity", 2)


def _rsa_psk(r: Reader) -> None:
    _psk_identity(r)
    _encrypted_premaster(r)


def _dhe_psk(r: Reader) -> None:
    _psk_identity(r)
    _dh_public(r)


def _ecdhe_psk(r: Reader) -> None:
    _psk_identity(r)
    _ecdh_public(r)


def _srp_public(r: Reader) -> None:
    r.vector_opaque("srp_A", 2)


def _kerberos(r: Reader) -> None:
    """RFC 2712 3."""
    r.vector_opaque("Ticket", 2)
    r.vector_opaque("authenticator", 2)
    _encrypted_premaster(r)


def _gost(r: Reader) -> None:
    """The premaster secret, wrapped with a key that both can agree on: DER without a length (RFC 9189 8.2.4)."""
    der_rest(r, "GostKeyTransport", GostKeyTransportNode)


def _ecjpake_public(r: Reader) -> None:
    """``ClientECJPAKEParams`` (draft-cragie-tls-ecjpake 7.5)."""
    r.struct("ecjpake_key_kp", ecjpake_key_kp)


FORTEZZA_KEYS = (
    ("r_c", 128),
    ("y_signature", 40),
    ("wrapped_client_write_key", 12),
    ("wrapped_server_write_key", 12),
    ("client_write_iv", 24),
    ("server_write_iv", 24),
    ("master_secret_iv", 24),
    ("encrypted_premaster_secret", 48),
)


def _fortezza_keys(r: Reader) -> None:
    """``FortezzaKeys`` (RFC 6101 5.6.7.2)."""
    r.vector_opaque("y_c", 1)
    for name, size in FORTEZZA_KEYS:
        r.opaque(name, size)


_CLIENT_PARAMS: dict[str, Body] = {
    "CECPQ1": partial(_cecpq1, size=2048),
    "FORTEZZA_KEA": _fortezza_keys,
    "RSA": _encrypted_premaster,
    "ECC": _encrypted_premaster,
    "DH": _dh_public,
    "DHE": _dh_public,
    "ECDH": _ecdh_public,
    "ECDHE": _ecdh_public,
    "PSK": _psk_identity,
    "RSA_PSK": _rsa_psk,
    "DHE_PSK": _dhe_psk,
    "ECDHE_PSK": _ecdhe_psk,
    "SRP": _srp_public,
    "KRB5": _kerberos,
    "GOST": _gost,
    "ECJPAKE": _ecjpake_public,
    "ECCPWD": _pwd_public,
}
