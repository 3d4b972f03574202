"""Where on the path a fault lies: who must mend it depends on whose certificate it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tlsviz.pki.certificate import read
from tlsviz.pki.trust import Fault

Place = Literal["own", "above", "root"]
"""The server's own certificate (and what is about none), one above it, or the root."""


def place(fault: Fault, path: Sequence[bytes]) -> Place:
    """Where a fault lies on a path of DERs from the leaf up."""
    if fault.sha256 is None or fault.certificate == 0:
        return "own"
    top = read(path[-1]) if path else None
    root = top is not None and top.sha256 == fault.sha256 and top.issuer == top.subject
    return "root" if root else "above"
