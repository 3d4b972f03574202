"""What the words of the command line may have been meant for."""

from __future__ import annotations

import pytest

from tlsviz.connection.model import Connection, Finding, Source, Trace
from tlsviz.targets import near_command


@pytest.mark.parametrize(
    ("target", "code", "near"),
    [
        ("sho", "name_not_found", "show"),
        ("Comapre", "name_not_found", "compare"),
        ("xyzzy", "name_not_found", ""),
        ("show.example", "name_not_found", ""),
        ("sho:443", "name_not_found", ""),
        ("sho", "connection_refused", ""),
    ],
)
def test_a_mistyped_command_is_known_where_no_host_has_its_name(target: str, code: str, near: str) -> None:
    failed = Connection(findings=(Finding(code, "error", "It failed", "", diagnosis=True),))
    source = Source("live", target)
    assert near_command(target, Trace(source, (failed,))) == near
