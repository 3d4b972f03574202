"""Words for code points: one group, scheme, version or suite, by the family it belongs to."""

from __future__ import annotations

import re

from tlsviz.explain.words import Words, entries, words
from tlsviz.tls import registry
from tlsviz.tls.registry import Registry
from tlsviz.tls.suites import Suite, suite

GREASE = registry.GREASE


def version(code: int) -> Words | None:
    """The entry of a protocol version."""
    name = registry.versions.get(code)
    if name is None:
        return None
    if name == GREASE:
        return words("version.grease")
    if name.startswith("TLS 1.3 ("):
        return words("version.tls13_draft")
    plain = re.sub(r"\(.*\)", "", name).lower()
    key = re.sub(r"[ .]", "", plain).replace("ssl20", "ssl2").replace("ssl30", "ssl3").replace("tlcp11", "tlcp")
    return words(f"version.{key}")


_GROUP_FAMILIES = (
    (r"x25519mlkem|secp\d+r1mlkem|curvesm2mlkem", ""),
    (r"mlkem", "mlkem"),
    (r"kyber", "kyber"),
    (r".*kyber", "kyber_draft"),
    (r"brainpool", "brainpool"),
    (r"ffdhe", "ffdhe"),
    (r"gc(256|512)", "gost"),
    (r"arbitrary_explicit", "explicit_curve"),
    (r"sect|secp(160|192|224|256k)", "small_curve"),
)


def group(code: int) -> Words | None:
    """The entry of a group for the key exchange, or of its family under the group's own name."""
    return _by_family("group", code, registry.groups, _GROUP_FAMILIES)


_SIGNATURE_FAMILIES = (
    (r".*_md5$", "md5"),
    (r".*_sha1$", "sha1"),
    (r"dsa_", "dsa"),
    (r"rsa_pkcs1_.*_legacy", "rsa_pkcs1_legacy"),
    (r"rsa_pkcs1", "rsa_pkcs1"),
    (r"rsa_pss_rsae", "rsa_pss_rsae"),
    (r"rsa_pss_pss", "rsa_pss_pss"),
    (r"ecdsa_brainpool", "brainpool"),
    (r"ecdsa", "ecdsa"),
    (r"ed25519|ed448", "eddsa"),
    (r"mldsa", "mldsa"),
    (r"slhdsa", "slhdsa"),
    (r"sm2", "sm2"),
    (r"gost", "gost"),
    (r"eccsi", "eccsi"),
    (r"iso_", "ibs"),
    (r"anonymous", "anonymous"),
)


def signature_scheme(code: int) -> Words | None:
    """The entry of a signature scheme's family under the scheme's own name."""
    return _by_family("signature", code, registry.signature_schemes, _SIGNATURE_FAMILIES)


def _by_family(kind: str, code: int, names: Registry, families: tuple[tuple[str, str], ...]) -> Words | None:
    name = names.get(code)
    if name is None:
        return None
    key = name.lower()
    if (own := entries(kind).get(key)) is not None:
        return own._replace(title=f"{own.title} (0x{code:04x})")
    family = next((family for pattern, family in families if re.match(pattern, key)), "")
    found = entries(kind).get(family)
    return found._replace(title=f"{name} (0x{code:04x}): {found.title}") if found else None


def numbered(entry: Words) -> Words:
    """An entry of a group or scheme with its number in the title; any other as it is."""
    kind, _, key = entry.key.partition(".")
    if kind not in ("group", "signature"):
        return entry
    names, find = (registry.groups, group) if kind == "group" else (registry.signature_schemes, signature_scheme)
    code = next((code for code in names if (names.get(code) or "").lower() == key), None)
    return (find(code) if code is not None else None) or entry


_SSL2_CIPHERS = (("RC4", "RC4"), ("RC2", "RC2"), ("DES_192", "3DES"), ("DES", "DES"), ("NULL", "NULL"))


def ssl2_cipher(code: int) -> Words | None:
    """A cipher kind of SSL 2.0 in words."""
    name = registry.ssl2_cipher_kinds.get(code)
    if name is None:
        return None
    plain = name.removeprefix("SSL_CK_")
    part = next((part for begin, part in _SSL2_CIPHERS if plain.startswith(begin)), None)
    cipher = words(f"suite.{part}") if part else None
    what = "A cipher kind of SSL 2.0: the cipher and the hash; the key always comes from RSA."
    if "EXPORT" in plain:
        what += " Only 40 bits of the key are secret: export grade."
    return Words(
        key=f"suite.{name}",
        title=f"{name} (0x{code:06x})",
        what=f"{what} {cipher.what}" if cipher else what,
        odd_if="SSL 2.0 is broken whatever the cipher, and must not be negotiated (RFC 6176).",
        reference=registry.ssl2_cipher_kinds.reference(code),
    )


_CIPHERS = (
    ("AES_.*GCM", "AES_GCM"),
    ("AES_.*CCM", "AES_CCM"),
    ("CHACHA20", "CHACHA20_POLY1305"),
    ("RC4", "RC4"),
    ("RC2", "RC2"),
    ("3DES", "3DES"),
    ("DES", "DES"),
    ("NULL", "NULL"),
    ("AEGIS", "AEGIS"),
    ("KUZNYECHIK", "KUZNYECHIK"),
    ("MAGMA", "MAGMA"),
    ("28147", "GOST28147"),
    (".*SALSA20", "SALSA20"),
    ("AES_.*CBC", "CBC"),
)
_SIGNERS = {
    "RSA": "RSA_signature",
    "DSS": "DSS",
    "ECDSA": "ECDSA",
    "anon": "anon",
    "SM2": "SM",
    "IBS": "SM",
    "PSK": "PSK",
}
_EXCHANGES = {"FORTEZZA_KEA": "FORTEZZA", "ECC": "SM", "IBSDH": "SM", "IBC": "SM", "": "TLS13", "NULL": "NULL"}
_MACS = {"MD5": "MD5", "SHA1": "SHA", "SHA256": "SHA256", "SHA384": "SHA384", "SHA512": "SHA512", "SM3": "SM"}


def suite_parts(code: int) -> tuple[Words, ...]:
    """The entries of the parts of which a suite is made: key exchange, signature, cipher, checksum or hash."""
    name = registry.cipher_suites.get(code)
    if name == GREASE or (name or "").endswith("_SCSV"):
        found = words(f"suite.{name}")
        return (found,) if found else ()
    taken = suite(code)
    if taken is None:
        return ()
    keys = dict.fromkeys([*_exchange_keys(taken), *_cipher_keys(taken)])
    return tuple(entry for key in keys if (entry := words(f"suite.{key}")) is not None)


def _exchange_keys(taken: Suite) -> list[str]:
    if taken.export:
        keys = ["RSA_EXPORT" if taken.key_exchange == "RSA" else taken.key_exchange, "EXPORT"]
    else:
        keys = [_EXCHANGES.get(part, part) for part in re.split("_(?=PSK)", taken.key_exchange)]
    if taken.authentication != taken.key_exchange and not taken.authentication.startswith("GOST"):
        keys.append(_SIGNERS.get(taken.authentication, taken.authentication))
    return keys


def _cipher_keys(taken: Suite) -> list[str]:
    cipher = next((key for pattern, key in _CIPHERS if re.match(pattern, taken.cipher)), taken.cipher.split("_")[0])
    keys = [cipher]
    if taken.mode == "CBC":
        keys.append("CBC")
    checksum = taken.mac or taken.prf_hash.upper()
    keys.append(_MACS.get(checksum, "GOST"))
    return keys


def cipher_suite(code: int) -> Words | None:
    """A suite in words, made of its parts; None for what is not assigned."""
    name = registry.cipher_suites.get(code)
    if name is None:
        return None
    if (own := words(f"suite.{name}")) is not None:
        return own
    taken = suite(code)
    if taken is None:
        return None
    return Words(
        key=f"suite.{name}",
        title=f"{name} (0x{code:04x})",
        what=_what(taken),
        why=_secrecy(taken),
        odd_if=f"Weak: {'; '.join(taken.weaknesses)}." if taken.weaknesses else "",
        reference=registry.cipher_suites.reference(code),
    )


def _what(taken: Suite) -> str:
    parts = []
    if taken.tls13:
        parts.append("A cipher suite of TLS 1.3: key exchange and signature are chosen apart from it.")
    elif taken.anonymous:
        parts.append(f"The keys come from {taken.key_exchange}, and nobody proves who they are.")
    elif taken.authentication == taken.key_exchange:
        parts.append(f"The keys come from {taken.key_exchange}, which also shows who the server is.")
    else:
        parts.append(f"The keys come from {taken.key_exchange}, and {taken.authentication} shows who the server is.")
    cipher = taken.cipher.replace("_", "-")
    bits = f" with {taken.key_bits}-bit keys" if taken.key_bits and str(taken.key_bits) not in cipher else ""
    if taken.mode == "NULL":
        parts.append("Nothing is encrypted.")
    elif taken.mac is None:
        parts.append(f"{cipher}{bits} encrypts and protects against change in one step.")
    else:
        parts.append(f"{cipher}{bits} encrypts.")
    if taken.mac not in (None, "NULL"):
        parts.append(f"HMAC-{hash_name(taken.mac)} protects against change.")
    parts.append(f"{hash_name(taken.prf_hash)} derives the keys{'' if taken.tls13 else ' (in TLS 1.2)'}.")
    return " ".join(parts)


def hash_name(name: str) -> str:
    """``sha256`` as it is usually written: ``SHA-256``."""
    return re.sub(r"^SHA(?=\d)", "SHA-", name.upper())


def _secrecy(taken: Suite) -> str:
    if taken.tls13:
        return "Fresh keys for every connection, as long as no bare pre-shared key is used."
    if taken.forward_secret:
        return "Fresh keys for every connection: a key stolen later does not open a recording (forward secrecy)."
    return "No forward secrecy: whoever gets the long-lived key can read every recording."


_POINT_FIELDS = {
    "cipher_suite": cipher_suite,
    "cipher_spec": cipher_suite,
    "group": group,
    "named_group": group,
    "namedcurve": group,
    "selected_group": group,
    "signature_scheme": signature_scheme,
    "algorithm": signature_scheme,
    "dc_cert_verify_algorithm": signature_scheme,
    "legacy_version": version,
    "legacy_record_version": version,
    "selected_version": version,
    "server_version": version,
    "version": version,
}


def value_words(names: tuple[str, ...], value: object) -> Words | None:
    """What the value of a field stands for, where it is a code point: the suite, group, scheme, version, alert, ...

    ``names`` is the path as for `lookup_field`, ``value`` the node's. None for a field that holds no code point.
    """
    if not names or not isinstance(value, int):
        return None
    name = names[-1]
    if names[-2:] == ("alert", "description"):
        return words(f"alert.{registry.alerts.get(value)}")
    if name == "extension_type":
        return words(f"extension.{registry.extensions.get(value)}")
    if names[-2:] == ("algorithms", "algorithm") or names[-2:] == ("compressed_certificate", "algorithm"):
        return None
    if names[-2:] in (("encrypted_client_hello", "cipher_suite"), ("ech_config", "version")):
        return None
    finder = _POINT_FIELDS.get(name)
    return finder(value) if finder else None
