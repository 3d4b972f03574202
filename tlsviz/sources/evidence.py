"""What a source brings to the judgement besides the connection: lists that the user gives, certificates it fetches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tlsviz.connection.judge import Evidence
from tlsviz.connection.model import Connection
from tlsviz.wire.chunks import SERVER

if TYPE_CHECKING:
    from tlsviz.pki.stores import Store
    from tlsviz.pki.vouchers import SecondOpinion
    from tlsviz.sources.options import LiveOptions


def from_files(crls: Sequence[Path], ct_logs: Path | None) -> Evidence:
    """The revocation lists and the list of logs in files, and the present time. Raises `TargetError` for bad ones."""
    lists = []
    if crls:
        from tlsviz.pki.crl import load

        lists = [crl for path in crls for crl in load(path)]
    logs = None
    if ct_logs is not None:
        from tlsviz.pki.loglist import from_file

        logs = from_file(ct_logs)
    return Evidence(crls=tuple(lists), logs=logs, now=datetime.now(UTC))


def gather(
    connection: Connection,
    stores: Sequence[Store],
    options: LiveOptions,
    opinion: SecondOpinion | None,
    cancelled: Callable[[], bool],
) -> Evidence:
    """The evidence of a live handshake; with ``aia`` what is missing in its chain is fetched."""
    found = from_files(options.crls, options.ct_logs)._replace(openssl=opinion)
    ders = [sent.der for sent in connection.certificates if sent.sender == SERVER]
    if not (options.aia and ders):
        return found
    from tlsviz.sources.aia import complete

    fetched = complete(ders, stores, cancelled=cancelled, proxy=options.by_way())
    return found._replace(fetched=fetched.certificates)
