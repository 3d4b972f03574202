"""Cipher suites taken apart: what each part of the name means."""

import re
from functools import cache
from typing import NamedTuple

from tlsviz.tls import registry


class Suite(NamedTuple):
    """A cipher suite's parts.

    ``key_exchange``: ECDHE, DHE, RSA, DH, ECDH, PSK, ECDHE_PSK, SRP, ...; "" in TLS 1.3, where group and signature
    are negotiated apart from the suite. ``authentication``: RSA, ECDSA, DSS, PSK, anon, ...; "" in TLS 1.3.
    ``cipher`` as in the name ("AES_128_GCM"); ``mode`` GCM, CCM, CBC, POLY1305, STREAM, NULL, CTR, MGM or AEGIS.
    ``key_bits`` the effective strength of the key. ``mac``: the hash of the HMAC ("SHA1"); None when the cipher is
    an AEAD. ``prf_hash``: of the PRF in TLS 1.2 and of HKDF in TLS 1.3; earlier versions use MD5 and SHA-1 whatever
    the suite. ``recommended``: IANA's flag; None when IANA does not list the suite, False also when it discourages
    it. ``forward_secret``: in TLS 1.3 as long as psk_ke is not used. ``weaknesses``: short words on what is broken;
    being old-fashioned (CBC, no forward secrecy) is not in it. ``export``: key exchange and cipher weakened for
    export.
    """

    code: int
    name: str
    key_exchange: str
    authentication: str
    cipher: str
    mode: str
    key_bits: int
    mac: str | None
    prf_hash: str
    tls13: bool
    recommended: bool | None
    forward_secret: bool
    weaknesses: tuple[str, ...] = ()
    export: bool = False

    @property
    def anonymous(self) -> bool:
        return self.authentication == "anon"

    @property
    def exchange(self) -> str:
        """Key exchange and authentication in short: ``ECDHE-RSA``, ``RSA``; "" in TLS 1.3."""
        return "-".join(dict.fromkeys(filter(None, (self.key_exchange, self.authentication))))


@cache
def suite(code: int) -> Suite | None:
    """The suite of a code point; None for unassigned and GREASE values and the two signalling values (SCSV)."""
    row = registry.cipher_suites.row(code)
    if not row or row[0].endswith("_SCSV"):
        return None
    name, _, _, flag = row
    recommended = None if flag == "-" else flag == "Y"
    exchange, _, protection = re.sub("^(TLS|SSL)_", "", name).partition("_WITH_")
    tls13 = (not protection and name.startswith("TLS_")) or name.endswith(("_MGM_L", "_MGM_S"))
    if tls13:
        exchange, protection = "", protection or exchange
    elif not protection:  # TLCP names have no WITH: ECDHE_SM4_CBC_SM3
        exchange, _, protection = exchange.partition("_")
    key_exchange, authentication, export = _exchange(exchange)
    cipher, mac, prf = _protection(protection)
    mode, bits = _strength(cipher)
    return Suite(
        code,
        name,
        key_exchange,
        authentication,
        cipher,
        mode,
        bits,
        mac,
        prf,
        tls13,
        recommended,
        tls13 or key_exchange in _FORWARD_SECRET,
        tuple(_weaknesses(authentication, cipher, mac, export, bits, draft=0xCC13 <= code <= 0xCC15)),
        export,
    )


_FORWARD_SECRET = {"DHE", "ECDHE", "DHE_PSK", "ECDHE_PSK", "ECCPWD", "ECJPAKE", "SRP", "CECPQ1"}

_EXCHANGES = {
    "": ("", ""),
    "NULL": ("NULL", "NULL"),
    "DH_anon": ("DHE", "anon"),
    "ECDH_anon": ("ECDHE", "anon"),
    "PSK": ("PSK", "PSK"),
    "RSA_PSK": ("RSA_PSK", "RSA"),
    "DHE_PSK": ("DHE_PSK", "PSK"),
    "PSK_DHE": ("DHE_PSK", "PSK"),
    "ECDHE_PSK": ("ECDHE_PSK", "PSK"),
    "SRP_SHA": ("SRP", "SRP"),
    "SRP_SHA_RSA": ("SRP", "RSA"),
    "SRP_SHA_DSS": ("SRP", "DSS"),
    "KRB5": ("KRB5", "KRB5"),
    "ECCPWD": ("ECCPWD", "ECCPWD"),
    "ECJPAKE": ("ECJPAKE", "ECJPAKE"),
    "FORTEZZA_KEA": ("FORTEZZA_KEA", "DSS"),
    "RSA_FIPS": ("RSA", "RSA"),
    "ECDHE": ("ECDHE", "SM2"),
    "ECC": ("ECC", "SM2"),
    "IBSDH": ("IBSDH", "IBS"),
    "IBC": ("IBC", "IBC"),
}


def _exchange(text: str) -> tuple[str, str, bool]:
    """Key exchange, authentication, and whether weakened for export."""
    plain, exported, _ = text.partition("_EXPORT")
    if plain in _EXCHANGES:
        return *_EXCHANGES[plain], bool(exported)
    if plain.startswith("GOST"):
        return "GOST", plain, False
    key_exchange, _, authentication = plain.partition("_")
    return key_exchange, authentication or key_exchange, bool(exported)


_HASHES = {"SHA": "SHA1", "GOSTR3411": "GOSTR3411"}
_AEAD = re.compile("_(GCM|CCM|CCM_8|MGM_L|MGM_S)$|POLY1305$|^AEGIS_")
_GOST_MAC = re.compile("_(OMAC|IMIT)$")


def _protection(text: str) -> tuple[str, str | None, str]:
    """Cipher, MAC (None for an AEAD) and PRF hash of what stands behind WITH."""
    if text in ("SHA256_SHA256", "SHA384_SHA384"):  # RFC 9150: integrity only
        return "NULL", text[:6], text[:6].lower()
    if found := _GOST_MAC.search(text):
        return text[: found.start()], found[1], "gostr3411_2012_256"
    if text.endswith(("_MGM_L", "_MGM_S")):
        return text, None, "gostr3411_2012_256"
    cipher, _, tail = text.rpartition("_")
    known = tail in _HASHES or re.fullmatch("MD5|SM3|NULL|SHA(1|256|384|512)", tail)
    if not known or not cipher:
        return text, None, "sha256"  # AES_128_CCM and AES_128_CCM_8 have no hash in their names
    prf = tail.lower() if tail in ("SHA384", "SHA512", "SM3") else "sha256"
    if tail == "NULL":
        return cipher, "NULL", prf
    return cipher, None if _AEAD.search(cipher) else _HASHES.get(tail, tail), prf


_BITS = {
    "NULL": 0,
    "3DES_EDE_CBC": 112,
    "DES_CBC": 56,
    "DES40_CBC": 40,
    "IDEA_CBC": 128,
    "SEED_CBC": 128,
    "CHACHA20_POLY1305": 256,
    "AEGIS_128L": 128,
    "FORTEZZA_CBC": 80,
    "SM1": 128,
    "28147_CNT": 256,
    "SALSA20": 256,
    "ESTREAM_SALSA20": 256,
}


def _strength(cipher: str) -> tuple[str, int]:
    """Mode and effective key bits."""
    if cipher == "NULL":
        return "NULL", 0
    modes = ("GCM", "CCM", "CBC", "POLY1305", "CTR", "MGM", "AEGIS")
    mode = next((mode for mode in modes if mode in cipher), "CBC" if cipher == "SM1" else "STREAM")
    if cipher in _BITS:
        return mode, _BITS[cipher]
    if cipher.startswith("SM4"):
        return mode, 128
    if cipher.startswith(("KUZNYECHIK", "MAGMA")):
        return mode, 256
    sizes = [int(digits) for digits in re.findall(r"(?<=_)\d{2,3}", cipher)]
    return mode, sizes[-1] if sizes else 0


def _weaknesses(authentication: str, cipher: str, mac: str | None, export: bool, bits: int, draft: bool) -> list[str]:
    found = []
    if cipher == "NULL":
        found.append("no encryption")
    if authentication in ("anon", "NULL"):
        found.append("no authentication")
    if export:
        found.append(f"export grade, {bits}-bit key")
    if cipher.startswith("RC4"):
        found.append("RC4 is broken")
    if cipher.startswith("RC2"):
        found.append("RC2 is broken")
    if cipher.startswith("DES") and not export:
        found.append("DES, 56-bit key")
    if cipher.startswith(("3DES", "IDEA", "28147")):
        found.append("64-bit blocks (Sweet32)")
    if mac == "MD5":
        found.append("MD5 MAC")
    if mac == "NULL":
        found.append("no integrity")
    if draft:
        found.append("draft, not the RFC's construction")
    return found
