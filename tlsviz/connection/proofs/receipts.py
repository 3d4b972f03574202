"""Transparency receipts (RFC 6962) of a connection: in the certificate, beside it in TLS, and in its OCSP response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tlsviz.connection.model import Connection
from tlsviz.connection.proofs.ocsp import TLS12, about, extensions_of, load
from tlsviz.connection.proofs.stapled import Issuers, Stapled, certificate_messages, receipt_lists, responses
from tlsviz.crypto.signatures import verify_lasting
from tlsviz.pki import transparency
from tlsviz.pki.certificate import read
from tlsviz.pki.loglist import Logs
from tlsviz.pki.transparency import Timestamp
from tlsviz.pki.vouchers import Receipt

SIGNED_BY = "signed by "


class ReceiptList(NamedTuple):
    """The receipts that came together: about which certificate (index as sent), in which message."""

    message: int
    certificate: int
    receipts: tuple[Receipt, ...]


def receipt_groups(
    connection: Connection, sent: list[bytes], issuers: Issuers, logs: Logs | None = None
) -> Iterator[ReceiptList]:
    """Every list of receipts with each one checked against the log list; empty lists are left out."""
    lists = (*receipt_lists(connection, sent), *_inside(connection, sent, issuers))
    if not lists:
        return
    known = logs if logs is not None else transparency.logs()
    for one, entry in lists:
        index = sent.index(one.certificate) if one.certificate in sent else 0
        found = tuple(_receipt(stamp, one, entry, index, known, issuers) for stamp in transparency.timestamps(one.data))
        if found:
            yield ReceiptList(one.message.index, index, found)


def _inside(connection: Connection, sent: list[bytes], issuers: Issuers) -> Iterator[tuple[Stapled, bytes | None]]:
    """Timestamps in the certificate itself and in its OCSP response."""
    message = next((message for message, _ in certificate_messages(connection)), None)
    inside = transparency.embedded(sent[0])
    if message is not None and inside:
        issuer = issuers.of(sent[0])
        entry = transparency.precertificate_entry(sent[0], issuer) if issuer is not None else None
        yield Stapled(message, sent[0], inside, "certificate"), entry
    for one in responses(connection, sent):
        response = load(one.data)
        single = about(response, one.certificate, issuers) if response is not None and one.certificate else None
        data = transparency.in_ocsp(extensions_of(single)) if single is not None else b""
        if data and one.certificate is not None:
            yield one._replace(data=data, source="ocsp"), transparency.certificate_entry(one.certificate)


def _receipt(stamp: Timestamp, one: Stapled, entry: bytes | None, index: int, known: Logs, issuers: Issuers) -> Receipt:
    log = known.get(stamp.log_id)
    start = Receipt(
        one.source,
        stamp.log_id.hex(),
        log.name if log else "",
        log.operator if log else "",
        log.state_at(issuers.at) if log else "unknown",
        log.since if log else None,
        stamp.time,
        "not_provable",
        "",
        False,
        index,
        one.message.index,
    )
    if entry is None:
        return start._replace(why="the issuer's certificate, whose key the logs sign along, is not known")
    if log is None:
        return start._replace(why=f"a log that is not in the list of {transparency.dated(known)}")
    status, why = verify_lasting(stamp.scheme, log.key, stamp.signature, transparency.signed(stamp, entry), TLS12)
    if status != "verified":
        return start._replace(check=status, why=why)
    expires = read(one.certificate).not_after if one.certificate is not None else None
    fault = transparency.receipt_fault(stamp, log, expires, issuers.at)
    words = f"{SIGNED_BY}{log.name}" + (f", but {fault}" if fault else "")
    return start._replace(check="verified", why=words, counts=not fault)
