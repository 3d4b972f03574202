"""RSA private keys, and what they decrypt: the premaster secret of an RSA key exchange (RFC 5246 section 7.4.7.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.crypto.spki import subject_public_key_info

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    Loader = Callable[[bytes, bytes | None], PrivateKeyTypes]

PREMASTER_LENGTH = 48
SHORTEST_PADDING = 8
MOST_KEY_BITS = 16384

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_PFX_VERSION = b"\x02\x01\x03"


class KeyFileProblem(Exception):  # noqa: N818 - an outcome, as `Unopened`
    """A file that gives no RSA private key; the text says why. ``password``: one is needed, or another one."""

    def __init__(self, why: str, *, password: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.password = password


@dataclass(frozen=True, slots=True)
class RsaKey:
    """An RSA private key. ``name``: where it came from, safe to print."""

    name: str
    modulus: int
    _parts: tuple[int, int, int, int, int] = field(repr=False)  # p, q, d mod p-1, d mod q-1, q^-1 mod p

    @property
    def size(self) -> int:
        """Bytes of what it decrypts."""
        return (self.modulus.bit_length() + 7) // 8

    def block(self, encrypted: bytes) -> bytes:
        """The bare RSA operation (RSADP, RFC 8017 section 5.1.2): the padded block, as long as the modulus."""
        p, q, dp, dq, inverse = self._parts
        value = int.from_bytes(encrypted, "big") % self.modulus
        first, second = pow(value, dp, p), pow(value, dq, q)
        return (second + (first - second) * inverse % p * q).to_bytes(self.size, "big")


class Unpadded(NamedTuple):
    """A block of PKCS #1 v1.5 encryption (RFC 8017 section 7.2.2) taken apart: 00 02, padding, 00, message.

    ``padding`` counts the padding's bytes. ``why`` says what is wrong, "" when nothing is; ``message`` is None then.
    """

    message: bytes | None
    padding: int
    why: str


def unpad(block: bytes) -> Unpadded:
    """Takes the padding off. Never raises."""
    if block[:2] != b"\x00\x02":
        return Unpadded(None, 0, "the decrypted block does not begin with 00 02: it was encrypted to another key")
    end = block.find(b"\x00", 2)
    if end < 0:
        return Unpadded(None, 0, "no zero byte ends the padding")
    padding = end - 2
    if padding < SHORTEST_PADDING:
        return Unpadded(None, padding, f"the padding has {padding} bytes, at least {SHORTEST_PADDING} are due")
    return Unpadded(block[end + 1 :], padding, "")


class Decrypted(NamedTuple):
    """What decrypting an encrypted premaster secret gave.

    ``key``: the name of the key; ``block``: what the RSA operation gave. ``premaster`` is None when ``why`` says
    what is wrong.
    """

    key: str
    block: bytes
    premaster: bytes | None
    why: str


class RsaKeys:
    """The RSA private keys that we were given."""

    def __init__(self) -> None:
        self.keys: list[RsaKey] = []

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, keys: list[RsaKey]) -> None:
        """Adds keys; one that is there already is left out."""
        known = {key.modulus for key in self.keys}
        self.keys += [key for key in keys if key.modulus not in known]

    def decrypt(self, message: bytes, certificate: bytes | None) -> Decrypted | None:
        """Decrypts the encrypted premaster secret of a ClientKeyExchange body, with or without length before it.

        ``certificate``: the server's, in DER: its key goes first, the others of that size are tried too, because the
        capture may lack the certificate. None when there is no key. Never raises.
        """
        found: Decrypted | None = None
        fitting = [(key, cut) for key in self.keys if (cut := _cut(message, key.size)) is not None]
        wanted = _modulus(certificate) if fitting and certificate is not None else None
        for key, encrypted in sorted(fitting, key=lambda pair: pair[0].modulus != wanted):
            tried = _decrypted(key, encrypted)
            if tried.premaster is not None:
                return tried
            found = found or tried
        if found is not None and wanted is not None and all(key.modulus != wanted for key, _ in fitting):
            return found._replace(why="the RSA key is not that of the server's certificate")
        if found is None and self.keys:
            return Decrypted(self.keys[0].name, b"", None, "no RSA key has the size of the encrypted premaster secret")
        return found


class OtherRsaKeys(RsaKeys):
    """Stands for keys of other servers, where no message was there to try them on."""

    def __len__(self) -> int:
        return 1


def _cut(message: bytes, size: int) -> bytes | None:
    """The ciphertext: SSL 3 (and some old clients) write it without its length."""
    if len(message) == size + 2 and int.from_bytes(message[:2], "big") == size:
        return message[2:]
    return message if len(message) == size else None


def _decrypted(key: RsaKey, encrypted: bytes) -> Decrypted:
    block = key.block(encrypted)
    message, _, why = unpad(block)
    if message is not None and len(message) != PREMASTER_LENGTH:
        return Decrypted(key.name, block, None, f"the premaster secret has {len(message)} bytes, not 48")
    return Decrypted(key.name, block, message, why)


def _modulus(certificate: bytes) -> int | None:
    """The modulus of a certificate's RSA key."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(subject_public_key_info(certificate))
    except Exception:  # whatever a peer wrote there
        return None
    return key.public_numbers().n if isinstance(key, RSAPublicKey) else None


# -- files ---------------------------------------------------------------------------------------------------


def read_rsa_keys(data: bytes, name: str, password: bytes | None = None) -> list[RsaKey]:
    """Every RSA private key in a file: PEM (PKCS #1, PKCS #8, encrypted or not), DER, or PKCS #12.

    ``name`` is where it came from, safe to print. Raises `KeyFileProblem` if there is none, or a password is needed
    or wrong.
    """
    keys = [_taken(key, name) for key in _private_keys(data, password)]
    found = [key for key in keys if key is not None]
    if not found:
        raise KeyFileProblem("it holds no RSA private key")
    return found


def _private_keys(data: bytes, password: bytes | None) -> Iterator[PrivateKeyTypes]:
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    blocks = list(_PEM.finditer(data))
    for block in blocks:
        locked = b"ENCRYPTED" in block[0]
        yield _unlocked(lambda pem, word: load_pem_private_key(pem, word), block[0], password, locked)
    if blocks or b"-----BEGIN" in data:
        return
    if _PFX_VERSION in data[:8]:
        yield from _pkcs12(data, password)
    elif data[:1] == b"\x30":
        yield _unlocked(lambda der, word: load_der_private_key(der, word), data, password, None)


def _unlocked(load: Loader, data: bytes, password: bytes | None, locked: bool | None) -> PrivateKeyTypes:
    """Loads a key; ``locked``: whether it is encrypted, None if its looks do not tell."""
    from cryptography.exceptions import UnsupportedAlgorithm

    if locked is None:
        try:
            return load(data, None)
        except TypeError:
            locked = True  # it asks for a password
        except (ValueError, UnsupportedAlgorithm):
            raise KeyFileProblem("it is no private key that can be read") from None
    if locked and password is None:
        raise KeyFileProblem("it is protected by a password", password=True)
    try:
        return load(data, password if locked else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if locked and not isinstance(error, UnsupportedAlgorithm):
            raise KeyFileProblem("the password is wrong", password=True) from None
        raise KeyFileProblem("it is no private key that can be read") from None


def _pkcs12(data: bytes, password: bytes | None) -> Iterator[PrivateKeyTypes]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    try:
        key, _, _ = load_key_and_certificates(data, password)
    except UnsupportedAlgorithm:
        raise KeyFileProblem("its encryption is not supported") from None
    except ValueError:
        why = "the password is wrong" if password is not None else "it is protected by a password"
        raise KeyFileProblem(why, password=True) from None
    if key is not None:
        yield key


def _taken(key: PrivateKeyTypes, name: str) -> RsaKey | None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if not isinstance(key, RSAPrivateKey) or key.key_size > MOST_KEY_BITS:
        return None
    numbers = key.private_numbers()
    parts = (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    return RsaKey(name, numbers.public_numbers.n, parts)
