"""An encryptor written apart from the package, for the tests to open what it sealed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

TYPE = 23


class Gcm4:
    """SM4-GCM with the interface of the AEADs."""

    def __init__(self, key: bytes) -> None:
        self.key = key

    def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        encryptor = Cipher(algorithms.SM4(self.key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(aad)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag


def aead(name: str, key: bytes) -> AESGCM | AESCCM | ChaCha20Poly1305 | Gcm4:
    if "CHACHA20" in name:
        return ChaCha20Poly1305(key)
    if "SM4_GCM" in name:
        return Gcm4(key)
    if "CCM" in name:
        return AESCCM(key, 8 if "CCM_8" in name else 16)
    return AESGCM(key)


def mixed(iv: bytes, sequence: int) -> bytes:
    return bytes(a ^ b for a, b in zip(iv, sequence.to_bytes(12, "big"), strict=True))


def seal_13(name: str, key: bytes, iv: bytes, sequence: int, inner: bytes) -> bytes:
    """A TLS 1.3 fragment; ``inner`` is the whole TLSInnerPlaintext."""
    tag = 8 if "CCM_8" in name else 16
    header = bytes([23, 3, 3]) + (len(inner) + tag).to_bytes(2, "big")
    return aead(name, key).encrypt(mixed(iv, sequence), inner, header)


def mac_input(sequence: int, version: int, length: int) -> bytes:
    return sequence.to_bytes(8, "big") + bytes([TYPE]) + version.to_bytes(2, "big") + length.to_bytes(2, "big")


def seal_12(name: str, key: bytes, iv: bytes, sequence: int, content: bytes) -> bytes:
    """A TLS 1.2 AEAD fragment."""
    header = mac_input(sequence, 0x0303, len(content))
    if len(iv) == 12:
        return aead(name, key).encrypt(mixed(iv, sequence), content, header)
    explicit = (sequence * 7 + 11).to_bytes(8, "big")  # it need not be the sequence number
    return explicit + aead(name, key).encrypt(iv + explicit, content, header)


def hmac_of(hash_name: str, key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hash_name).digest()


class CbcSealer:
    """Seals block cipher records of TLS 1.0 to 1.2."""

    def __init__(
        self,
        version: int,
        hash_name: str,
        mac_key: bytes,
        make: Callable[[], BlockCipherAlgorithm],
        iv: bytes,
        *,
        encrypt_then_mac: bool = False,
        truncated: bool = False,
    ) -> None:
        self.version = version
        self.hash_name = hash_name
        self.mac_key = mac_key
        self.make = make
        self.iv = iv
        self.encrypt_then_mac = encrypt_then_mac
        self.mac_length = 10 if truncated else hashlib.new(hash_name).digest_size
        self.sequence = 0

    def mac(self, data: bytes) -> bytes:
        header = mac_input(self.sequence, self.version, len(data))
        return hmac_of(self.hash_name, self.mac_key, header + data)[: self.mac_length]

    def encrypt(self, iv: bytes, padded: bytes) -> bytes:
        encryptor = Cipher(self.make(), modes.CBC(iv)).encryptor()
        return encryptor.update(padded) + encryptor.finalize()

    def seal(self, content: bytes, more_padding: int = 0, spoil: Callable[[bytes], bytes] = bytes) -> bytes:
        """One record; ``more_padding`` whole blocks beyond the least; ``spoil`` changes the padded plaintext."""
        block = self.make().block_size // 8
        inside = content if self.encrypt_then_mac else content + self.mac(content)
        fill = block - 1 - len(inside) % block + more_padding * block
        padded = spoil(inside + bytes([fill]) * (fill + 1))
        explicit = b"" if self.version == 0x0301 else bytes(range(self.sequence, self.sequence + block))
        ciphertext = self.encrypt(explicit or self.iv, padded)
        self.iv = ciphertext[-block:]
        fragment = explicit + ciphertext
        if self.encrypt_then_mac:
            fragment += self.mac(fragment)
        self.sequence += 1
        return fragment


def ssl3_mac(hash_name: str, key: bytes, sequence: int, content: bytes) -> bytes:
    pad = 48 if hash_name == "md5" else 40
    inner = hashlib.new(hash_name, key + b"6" * pad + sequence.to_bytes(8, "big") + bytes([TYPE]))
    inner.update(len(content).to_bytes(2, "big") + content)
    return hashlib.new(hash_name, key + b"\\" * pad + inner.digest()).digest()


class Ssl3Sealer(CbcSealer):
    """SSL 3: its own MAC, and padding of any content."""

    def __init__(self, hash_name: str, mac_key: bytes, make: Callable[[], BlockCipherAlgorithm], iv: bytes) -> None:
        super().__init__(0x0300, hash_name, mac_key, make, iv)

    def seal(self, content: bytes, more_padding: int = 0, spoil: Callable[[bytes], bytes] = bytes) -> bytes:
        block = self.make().block_size // 8
        inside = content + ssl3_mac(self.hash_name, self.mac_key, self.sequence, content)
        fill = block - 1 - len(inside) % block
        fragment = self.encrypt(self.iv, spoil(inside + b"\xaa" * fill + bytes([fill])))
        self.iv = fragment[-block:]
        self.sequence += 1
        return fragment


class StreamSealer:
    """Seals RC4 and NULL records."""

    def __init__(self, version: int, hash_name: str, mac_key: bytes, key: bytes) -> None:
        self.version = version
        self.hash_name = hash_name
        self.mac_key = mac_key
        self.encrypt: Callable[[bytes], bytes] = Cipher(ARC4(key), None).encryptor().update if key else bytes
        self.sequence = 0

    def seal(self, content: bytes) -> bytes:
        header = mac_input(self.sequence, self.version, len(content))
        self.sequence += 1
        return self.encrypt(content + hmac_of(self.hash_name, self.mac_key, header + content))

    @staticmethod
    def encrypted(key: bytes, data: bytes) -> bytes:
        """The first bytes under a key."""
        return Cipher(ARC4(key), None).encryptor().update(data)
