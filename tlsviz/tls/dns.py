"""DNS resource records as they stand in a message (RFC 1035 3.2.1), for DNSSEC chains in handshakes (RFC 9102)."""

from __future__ import annotations

from datetime import UTC, datetime

from tlsviz.tls.fields import within
from tlsviz.wire.reader import Reader
from tlsviz.wire.text import shorten

TYPES = {5: "CNAME", 6: "SOA", 39: "DNAME", 43: "DS", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 52: "TLSA"}
_CLASSES = {1: "IN"}


def resource_records(r: Reader) -> None:
    """Records one after the other until nothing remains; names are never compressed."""
    r.each(lambda v: v.struct("resource_record", _record))


def _record(r: Reader) -> None:
    _name(r, "name")
    kind = r.uint("type", 2, TYPES)
    r.uint("class", 2, _CLASSES)
    r.uint("ttl", 4)
    within(r, r.uint("rdlength", 2), _DATA.get(kind, _rdata))


def _rdata(r: Reader) -> None:
    r.rest("rdata")


def _alias(r: Reader) -> None:
    """CNAME and DNAME (RFC 1035 3.3.1, RFC 6672 2.1)."""
    _name(r, "target")


def _tlsa(r: Reader) -> None:
    """RFC 6698 2.1."""
    r.uint("certificate_usage", 1, _USAGES)
    r.uint("selector", 1, {0: "Cert", 1: "SPKI"})
    r.uint("matching_type", 1, {0: "Full", 1: "SHA2-256", 2: "SHA2-512"})
    r.rest("certificate_association_data")


def _ds(r: Reader) -> None:
    """RFC 4034 5.1."""
    r.uint("key_tag", 2)
    r.uint("dnssec_algorithm", 1, _ALGORITHMS)
    r.uint("digest_type", 1, {1: "SHA-1", 2: "SHA-256", 4: "SHA-384"})
    r.rest("digest")


def _dnskey(r: Reader) -> None:
    """RFC 4034 2.1."""
    r.uint("key_flags", 2, {256: "zone key", 257: "zone key, secure entry point"})
    if r.uint("key_protocol", 1) != 3:
        r.note("must be 3 (RFC 4034 2.1.2)")
    r.uint("dnssec_algorithm", 1, _ALGORITHMS)
    r.rest("dnssec_key")


def _rrsig(r: Reader) -> None:
    """RFC 4034 3.1."""
    r.uint("type_covered", 2, TYPES)
    r.uint("dnssec_algorithm", 1, _ALGORITHMS)
    r.uint("labels", 1)
    r.uint("original_ttl", 4)
    for moment in ("signature_expiration", "signature_inception"):
        r.label(f"{datetime.fromtimestamp(r.uint(moment, 4), UTC):%Y-%m-%d %H:%M:%S} UTC")
    r.uint("key_tag", 2)
    _name(r, "signer_name")
    r.rest("dnssec_signature")


_USAGES = {0: "PKIX-TA", 1: "PKIX-EE", 2: "DANE-TA", 3: "DANE-EE"}
_ALGORITHMS = {
    5: "RSASHA1",
    7: "RSASHA1-NSEC3-SHA1",
    8: "RSASHA256",
    10: "RSASHA512",
    13: "ECDSAP256SHA256",
    14: "ECDSAP384SHA384",
    15: "ED25519",
    16: "ED448",
}
_DATA = {5: _alias, 39: _alias, 43: _ds, 46: _rrsig, 48: _dnskey, 52: _tlsa}


def _name(r: Reader, field: str) -> None:
    """A domain name up to the empty label of the root; the label is the name."""
    start, labels = r.position, []
    size = 1
    while size and r.position < r.end and r.position - start < 255:
        size = r.data[r.position]
        labels.append(r.data[r.position + 1 : r.position + 1 + size])
        r.position += 1 + size
    taken = min(r.position, r.end) - start
    r.position = start
    r.opaque(field, max(taken, 1), shorten(b".".join(labels).decode("ascii", "backslashreplace") or ".", 255))
