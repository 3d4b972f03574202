"""The registries: code points and their names, read from ``data/*.tsv`` when first asked.

Names are IANA's where IANA has one (without the ``_RESERVED`` it puts behind retired ones), else those of the draft
or product that used the number.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_DATA = Path(__file__).parent / "data"

GREASE = "GREASE"
_GREASE_PSK_MODES = frozenset({0x0B, 0x2A, 0x49, 0x68, 0x87, 0xA6, 0xC5, 0xE4})


def is_grease(code: int) -> bool:
    """Whether a two-byte code point is one of the sixteen that mean nothing on purpose (RFC 8701)."""
    return code & 0x0F0F == 0x0A0A and code >> 8 == code & 0xFF


class Registry:
    """Names of code points of ``width`` bytes. A file's first three columns are code, name and reference."""

    __slots__ = ("_grease", "_names", "_rows", "name", "width")

    def __init__(self, name: str, width: int, grease: frozenset[int] = frozenset()) -> None:
        self.name = name
        self.width = width
        self._grease = grease
        self._names: dict[int, str] | None = None
        self._rows: dict[int, tuple[str, ...]] = {}

    def get(self, code: int) -> str | None:
        """The name; "GREASE" for a GREASE value; None for what is unassigned."""
        names = self._names
        if names is None:
            names = self._load()
        return names.get(code)

    def row(self, code: int) -> tuple[str, ...]:
        """All columns behind the code: name, reference and what the file has more; () when unassigned."""
        if self._names is None:
            self._load()
        return self._rows.get(code, ())

    def reference(self, code: int) -> str:
        """The document that defines a code point; "" when unknown."""
        return "RFC 8701" if code in self._grease else "".join(self.row(code)[1:2])

    def __contains__(self, code: object) -> bool:
        return code in (self._load() if self._names is None else self._names)

    def __iter__(self) -> Iterator[int]:
        """Every assigned code, in order, GREASE left out."""
        if self._names is None:
            self._load()
        return iter(self._rows)

    def __len__(self) -> int:
        if self._names is None:
            self._load()
        return len(self._rows)

    def __repr__(self) -> str:
        return f"Registry({self.name!r}, {self.width})"

    def _load(self) -> dict[int, str]:
        rows: dict[int, tuple[str, ...]] = {}
        for line in (_DATA / f"{self.name}.tsv").read_text("utf-8").splitlines():
            if not line.startswith("#"):
                code, *columns = line.split("\t")
                rows[int(code, 16)] = tuple(columns)
        names = {code: columns[0] for code, columns in rows.items()}
        names.update(dict.fromkeys(self._grease, GREASE))
        self._rows = rows
        self._names = names
        return names


class PairRegistry(Registry):
    """Signature schemes. What IANA does not list is named as TLS 1.2's pair of a hash and a signature algorithm."""

    __slots__ = ()

    def get(self, code: int) -> str | None:
        """The name; of an unlisted pair made from its two parts, e.g. ``ed25519_sha256``; None when one has no name."""
        found = super().get(code)
        if found is not None:
            return found
        hashed, signed = hash_algorithms.get(code >> 8), signature_algorithms.get(code & 0xFF)
        return f"{signed}_{hashed.lower()}" if hashed and signed else None


_TWO = frozenset(high << 8 | high for high in range(0x0A, 0x100, 0x10))

record_types = Registry("record_types", 1)
versions = Registry("versions", 2, _TWO)
handshake_types = Registry("handshake_types", 1)
alerts = Registry("alerts", 1)
alert_levels = Registry("alert_levels", 1)
extensions = Registry("extensions", 2, _TWO)
cipher_suites = Registry("cipher_suites", 2, _TWO)
groups = Registry("groups", 2, _TWO)
signature_schemes = PairRegistry("signature_schemes", 2, _TWO)
authorization_data_formats = Registry("authorization_data_formats", 1)
cached_information_types = Registry("cached_information_types", 1)
cert_chain_types = Registry("cert_chain_types", 1)
certificate_compression_algorithms = Registry("certificate_compression_algorithms", 2, _TWO)
certificate_status_types = Registry("certificate_status_types", 1)
certificate_types = Registry("certificate_types", 1)
client_certificate_types = Registry("client_certificate_types", 1)
compression_methods = Registry("compression_methods", 1)
curve_types = Registry("curve_types", 1)
ech_client_hello_types = Registry("ech_client_hello_types", 1)
ekt_ciphers = Registry("ekt_ciphers", 1)
hash_algorithms = Registry("hash_algorithms", 1)
heartbeat_message_types = Registry("heartbeat_message_types", 1)
heartbeat_modes = Registry("heartbeat_modes", 1)
hpke_aeads = Registry("hpke_aeads", 2)
hpke_kdfs = Registry("hpke_kdfs", 2)
hpke_kems = Registry("hpke_kems", 2)
key_update_requests = Registry("key_update_requests", 1)
max_fragment_lengths = Registry("max_fragment_lengths", 1)
name_types = Registry("name_types", 1)
ocsp_response_statuses = Registry("ocsp_response_statuses", 1)
point_formats = Registry("point_formats", 1)
psk_modes = Registry("psk_modes", 1, _GREASE_PSK_MODES)
quic_frame_types = Registry("quic_frame_types", 8)
quic_transport_errors = Registry("quic_transport_errors", 8)
quic_transport_parameters = Registry("quic_transport_parameters", 8)
quic_versions = Registry("quic_versions", 4)
rrc_message_types = Registry("rrc_message_types", 1)
sct_versions = Registry("sct_versions", 1)
signature_algorithms = Registry("signature_algorithms", 1)
srtp_profiles = Registry("srtp_profiles", 2)
ssl2_cipher_kinds = Registry("ssl2_cipher_kinds", 3)
ssl2_message_types = Registry("ssl2_message_types", 1)
supplemental_data_formats = Registry("supplemental_data_formats", 2)
token_binding_key_parameters = Registry("token_binding_key_parameters", 1)
user_mapping_types = Registry("user_mapping_types", 1)
versioned_trans_types = Registry("versioned_trans_types", 2)
