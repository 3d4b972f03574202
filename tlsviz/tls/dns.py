"""DNS resource records as they stand in a message (RFC 1035 3.2.1), for DNSSEC chains in handshakes (RFC 9102)."""

from __future__ import annotations

from tlsviz.tls.fields import within
from tlsviz.wire.reader import Reader
from tlsviz.wire.text import shorten

TYPES = {5: "CNAME", 6: "SOA", 39: "DNAME", 43: "DS", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 52: "TLSA"}
_CLASSES = {1: "IN"}


def resource_records(r: Reader) -> None:
    """Records one after the other until nothing remains; names are never compressed."""
    r.each(lambda v: v.struct("resource_record", _record))


def _record(r: Reader) -> None:
    _name(r)
    r.uint("type", 2, TYPES)
    r.uint("class", 2, _CLASSES)
    r.uint("ttl", 4)
    within(r, r.uint("rdlength", 2), _rdata)


def _rdata(r: Reader) -> None:
    r.rest("rdata")


def _name(r: Reader) -> None:
    """A domain name up to the empty label of the root; the label is the name."""
    start, labels = r.position, []
    size = 1
    while size and r.position + 1 < r.end and r.position - start < 255:
        size = r.data[r.position]
        labels.append(r.data[r.position + 1 : r.position + 1 + size])
        r.position += 1 + size
    taken = min(r.position, r.end) - start
    r.position = start
    r.opaque("name", max(taken, 1), shorten(b".".join(labels).decode("ascii", "backslashreplace") or ".", 255))
