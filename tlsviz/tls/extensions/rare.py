"""Extensions that hardly anybody sends: old ways to name certificates and users, passwords, keys for media."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.der.kinds import NameNode
from tlsviz.tls.der.node import der_vector
from tlsviz.tls.dns import resource_records
from tlsviz.tls.extensions.table import CH, CR, CT, EE, HRR, NST, SH, extension
from tlsviz.tls.fields import codes, empty, structs, text
from tlsviz.tls.trans_items import trans_item_list
from tlsviz.wire.reader import Reader

_IDENTIFIER_TYPES = {0: "pre_agreed", 1: "key_sha1_hash", 2: "x509_name", 3: "cert_sha1_hash"}

extension(2, CH, SH)(empty)  # client_certificate_url
extension(3, SH)(empty)  # trusted_ca_keys
extension(33, CH, SH)(empty)  # tls_cert_with_extern_psk
extension(61, CH, SH)(empty)  # rrc
extension(52, CH, CR)(empty)  # transparency_info


@extension(3, CH)
def trusted_ca_keys(r: Reader) -> None:
    """``TrustedAuthorities`` (RFC 6066 6): the roots that the client has."""

    def authority(v: Reader) -> None:
        kind = v.uint("identifier_type", 1, _IDENTIFIER_TYPES)
        if kind in (1, 3):
            v.opaque("SHA1Hash", 20)
        elif kind == 2:
            der_vector(v, "distinguished_name", 2, NameNode)

    structs(r, "trusted_authorities_list", 2, "trusted_authority", authority)


@extension(6, CH, SH)
def user_mapping(r: Reader) -> None:
    """``UserMappingTypeList`` (RFC 4681 2)."""
    codes(r, "user_mapping_types", 1, "user_mapping_type", 1, registry.user_mapping_types)


@extension(7, CH, SH)
@extension(8, CH, SH)
def authz_formats(r: Reader) -> None:
    """``AuthzDataFormats`` (RFC 5878 2.1)."""
    codes(r, "authz_format_list", 1, "authz_format", 1, registry.authorization_data_formats)


@extension(9, CH)
def cert_types(r: Reader) -> None:
    """``CertificateType certificate_types<1..2^8-1>`` (RFC 6091 3.1)."""
    codes(r, "certificate_types", 1, "certificate_type", 1, registry.certificate_types)


@extension(9, SH)
def cert_type(r: Reader) -> None:
    """``CertificateType certificate_type``."""
    r.uint("certificate_type", 1, registry.certificate_types)


@extension(25, CH)
def cached_information(r: Reader) -> None:
    """``CachedInformation`` (RFC 7924 3): hashes of what the client already has."""

    def cached(v: Reader) -> None:
        v.uint("cached_information_type", 1, registry.cached_information_types)
        v.vector_opaque("hash_value", 1)

    structs(r, "cached_info", 2, "cached_object", cached)


@extension(25, SH)
def cached_types(r: Reader) -> None:
    """``CachedInformation``: the kinds that the server will leave out."""
    codes(r, "cached_info", 2, "cached_information_type", 1, registry.cached_information_types)


@extension(29, CH)
def pwd_protect(r: Reader) -> None:
    """The user's name, encrypted to the server (RFC 8492 4.4.3)."""
    r.vector_opaque("protected_name", 1)


@extension(30, CH)
def pwd_clear(r: Reader) -> None:
    """The user's name (RFC 8492 4.4.2)."""
    text(r, "pwd_name", 1)


@extension(31, CH, SH, HRR)
def password_salt(r: Reader) -> None:
    """The salt of a password (RFC 8492 4.6)."""
    r.vector_opaque("salt", 2 if int.from_bytes(r.peek(2), "big") == r.remaining - 2 else 1)


@extension(32, CH)
def pinning_ticket(r: Reader) -> None:
    """``PinningTicketExtension`` (RFC 8672 3)."""
    r.vector_opaque("pinning_ticket", 2)


@extension(32, EE)
def pinning_proof(r: Reader) -> None:
    """``PinningTicketExtension`` of the server."""
    r.vector_opaque("pinning_proof", 1)
    r.vector_opaque("pinning_ticket", 2)
    r.uint("lifetime", 4)


@extension(39, CH)
def supported_ekt_ciphers(r: Reader) -> None:
    """``EKTCipherType supported_ciphers<1..255>`` (RFC 8870 5.2.1)."""
    codes(r, "supported_ciphers", 1, "ekt_cipher", 1, registry.ekt_ciphers)


@extension(39, SH, EE)
def selected_ekt_cipher(r: Reader) -> None:
    """``EKTCipherType selected_cipher``."""
    r.uint("selected_cipher", 1, registry.ekt_ciphers)


@extension(46, NST)
def ticket_early_data_info(r: Reader) -> None:
    """``TicketEarlyDataInfo`` of TLS 1.3's drafts 18 to 20: what early_data says since."""
    r.uint("max_early_data_size", 4)


@extension(52, SH, CT)
def transparency_info(r: Reader) -> None:
    """``TransItemList`` (RFC 9162 6.3)."""
    trans_item_list(r)


@extension(53, CH, SH)
def connection_id_deprecated(r: Reader) -> None:
    """``opaque cid<0..2^8-1>``, in drafts of RFC 9146."""
    r.vector_opaque("cid", 1)


@extension(55, CH, SH, EE)
def external_id_hash(r: Reader) -> None:
    """``ExternalIdentityHash`` (RFC 8844 3.2)."""
    r.vector_opaque("binding_hash", 1)


@extension(56, CH, SH, EE)
def external_session_id(r: Reader) -> None:
    """``ExternalSessionId`` (RFC 8844 4.3)."""
    r.vector_opaque("session_id", 1)


@extension(59, CH)
def dnssec_chain_port(r: Reader) -> None:
    """``uint16 PortNumber`` (RFC 9102 2.2)."""
    r.uint("port_number", 2)


@extension(59, SH, CT)
def dnssec_chain(r: Reader) -> None:
    """``DnssecChainExtension``: a lifetime in hours and resource records without a length around them."""
    r.uint("ext_support_lifetime", 2)
    resource_records(r)


@extension(256, CH, SH)
def ecjpake_key_kp_pair(r: Reader) -> None:
    """``ECJPAKEKeyKPPairList`` (draft-cragie-tls-ecjpake 7): two public keys, each with a proof of its private key."""
    for _ in range(2):
        r.struct("ecjpake_key_kp", ecjpake_key_kp)


def ecjpake_key_kp(r: Reader) -> None:
    """``ECJPAKEKeyKP``: a public key and a Schnorr proof."""
    r.vector_opaque("X", 1, "point")

    def proof(v: Reader) -> None:
        v.vector_opaque("V", 1, "point")
        v.vector_opaque("r", 1)

    r.struct("zkp", proof)


@extension(65486, EE)
def encrypted_server_name_nonce(r: Reader) -> None:
    """``ServerEncryptedSNI`` (draft-ietf-tls-esni-02 5.2): the nonce from inside shows that it was decrypted."""
    r.opaque("nonce", 16)
