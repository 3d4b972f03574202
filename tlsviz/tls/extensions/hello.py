"""Extensions that list what a side can do, and the empty ones that only say yes."""

from __future__ import annotations

from tlsviz.tls import registry
from tlsviz.tls.extensions.table import CH, CR, CT, EE, HRR, NST, SH, extension
from tlsviz.tls.fields import codes, empty, never_empty, text
from tlsviz.wire.reader import Reader

UNCOMPRESSED = 0


@extension(1, CH, SH, EE)
def max_fragment_length(r: Reader) -> None:
    """RFC 6066 4."""
    if r.uint("max_fragment_length", 1, registry.max_fragment_lengths) not in registry.max_fragment_lengths:
        r.note("must be 1 to 4")


@extension(10, CH, SH, EE)
def supported_groups(r: Reader) -> None:
    """``NamedGroup named_group_list<2..2^16-1>`` (RFC 8446 4.2.7)."""
    codes(r, "named_group_list", 2, "named_group", 2, registry.groups)
    never_empty(r)


@extension(11, CH, SH)
def ec_point_formats(r: Reader) -> None:
    """``ECPointFormat ec_point_format_list<1..2^8-1>`` (RFC 8422 5.1.2)."""
    codes(r, "ec_point_format_list", 1, "ec_point_format", 1, registry.point_formats)
    if not any(child.value == UNCOMPRESSED for child in r.nodes[-1].children[1:]):
        r.note("must contain uncompressed (RFC 8422 5.1.2)")


@extension(13, CH, CR)
@extension(50, CH, CR)
def signature_algorithms(r: Reader) -> None:
    """``SignatureScheme supported_signature_algorithms<2..2^16-2>`` (RFC 8446 4.2.3)."""
    codes(r, "supported_signature_algorithms", 2, "signature_scheme", 2, registry.signature_schemes)
    never_empty(r)


@extension(34, CH, CR)
def delegated_credential(r: Reader) -> None:
    """``SignatureScheme supported_signature_algorithm<2..2^16-2>`` (RFC 9345 4.1.1)."""
    codes(r, "supported_signature_algorithm", 2, "signature_scheme", 2, registry.signature_schemes)


@extension(14, CH, SH, EE)
def use_srtp(r: Reader) -> None:
    """``UseSRTPData`` (RFC 5764 4.1.1)."""
    codes(r, "srtp_protection_profiles", 2, "srtp_protection_profile", 2, registry.srtp_profiles)
    r.vector_opaque("srtp_mki", 1)


@extension(15, CH, SH, EE)
def heartbeat(r: Reader) -> None:
    """``HeartbeatMode mode`` (RFC 6520 2)."""
    if r.uint("mode", 1, registry.heartbeat_modes) not in registry.heartbeat_modes:
        r.note("must be 1 or 2")


@extension(21, CH)
@extension(35655, CH)
def padding(r: Reader) -> None:
    """Zeros that bring the ClientHello to a wanted length (RFC 7685)."""
    if any(r.rest("padding")):
        r.note("padding must be zeros (RFC 7685 3)")


@extension(27, CH, CR)
def compress_certificate(r: Reader) -> None:
    """``CertificateCompressionAlgorithm algorithms<2..2^8-2>`` (RFC 8879 3)."""
    codes(r, "algorithms", 1, "algorithm", 2, registry.certificate_compression_algorithms)


@extension(28, CH, SH, EE)
def record_size_limit(r: Reader) -> None:
    """``uint16 RecordSizeLimit`` (RFC 8449 4)."""
    if r.uint("record_size_limit", 2) < 64:
        r.note("must not be less than 64")


@extension(12, CH)
def srp(r: Reader) -> None:
    """``opaque srp_I<1..2^8-1>``: the user's name (RFC 5054 2.8.1)."""
    text(r, "srp_I", 1)


@extension(24, CH, SH, EE)
def token_binding(r: Reader) -> None:
    """``TokenBindingParameters`` (RFC 8472 2)."""
    r.uint("major", 1)
    r.uint("minor", 1)
    codes(r, "key_parameters_list", 1, "key_parameters", 1, registry.token_binding_key_parameters)


@extension(54, CH, SH)
def connection_id(r: Reader) -> None:
    """``opaque cid<0..2^8-1>`` (RFC 9146 3)."""
    r.vector_opaque("cid", 1)


@extension(62, CH, SH, HRR, EE, CT, CR, NST)
def tls_flags(r: Reader) -> None:
    """``opaque flags<0..255>``: one bit a flag (draft-ietf-tls-tlsflags)."""
    flags = r.vector_opaque("flags", 1)
    numbers = [str(8 * place + bit) for place, byte in enumerate(flags) for bit in range(8) if byte >> bit & 1]
    r.label(f"flags {', '.join(numbers)}" if numbers else "no flags")
    if flags[-1:] == b"\0":
        r.note("must not end in a byte of zeros")


@extension(58, CH)
def ticket_request(r: Reader) -> None:
    """``TicketRequestContents`` (RFC 9149 3)."""
    r.uint("new_session_count", 1)
    r.uint("resumption_count", 1)


@extension(58, EE)
def ticket_request_hint(r: Reader) -> None:
    """``ServerTicketRequestHint`` (RFC 9149 3)."""
    r.uint("expected_count", 1)


extension(4, CH, SH)(empty)  # truncated_hmac
extension(22, CH, SH)(empty)  # encrypt_then_mac
extension(23, CH, SH)(empty)  # extended_master_secret
extension(49, CH)(empty)  # post_handshake_auth
extension(30031, CH, SH, EE)(empty)  # channel_id_old
extension(30032, CH, SH, EE)(empty)  # channel_id
