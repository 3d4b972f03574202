"""What tshark names we name, byte for byte: the sample captures of every shape; `pdml.py` does whole folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdml import Result, compare_file, compare_tree, exceptions
from pdml_reader import Field

from tlsviz.wire.nodes import Node

ROOT = Path(__file__).parents[2]
OWN = ROOT / "captures"
SHARED = ROOT.parent / "shared" / "captures"


def field(name: str, start: int, end: int, show: str, value: bytes = b"", outside: bool = False) -> Field:
    return Field(name, start, end, show, show, value or None, outside=outside)


def compared(*fields: Field) -> Result:
    """Those fields against a tree of two numbers."""
    first, second = Node("first", 0, 1, 1, "one"), Node("second", 1, 3, 0x0303)
    result = Result()
    compare_tree(fields, Node("message", 0, 3, None, None, (first, second)), "here", result)
    return result


@pytest.mark.tshark
@pytest.mark.parametrize("name", ["tls13.pcapng", "tls12-rsa.pcapng", "client-auth.pcapng", "tls10.pcapng"])
def test_every_field_of_own_captures(name: str) -> None:
    result = Result()
    compare_file(OWN / name, name, result)
    assert not result.wrong and not result.unmatched and not result.unreadable
    assert result.messages >= 9 and result.records >= 9
    assert result.equal > 400
    assert {field.rpartition("_")[0] for field, _ in result.faults} <= {
        "tls.handshake.random",
        "tls.handshake.sig_hash",
    }, result.faults


@pytest.mark.tshark
@pytest.mark.parametrize(
    "name",
    [
        "arkime/arkime_synthetic.pcap",
        "tls-handshake-analyzer/tls13-18-cert-sct-ocsp.pcap",
        "zeek/globus-url-copy.pcap",
        "wireshark-4.4.18/dtls12-aes128ccm8.pcap",
    ],
)
def test_every_field_of_captures_from_elsewhere(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("the shared captures are not here")
    result = Result()
    compare_file(SHARED / name, name, result)
    assert not result.wrong and not result.missing
    assert result.messages >= 6 and result.equal > 150


def test_a_span_is_a_node_or_neighbours() -> None:
    result = compared(field("a", 0, 1, "1", b"\x01"), field("b", 1, 3, "0x0303"), field("c", 0, 3, ""))
    assert (result.compared, result.equal) == (3, 3)


def test_what_differs_is_found() -> None:
    result = compared(
        field("a", 0, 1, "2", b"\x01"),
        field("b", 1, 2, "3", b"\x03"),
        field("c", 1, 3, "0x0303", outside=True),
        field("c", 2, 4, "5", outside=True),
    )
    assert dict(result.faults) == {("a", "value"): 1, ("b", "span"): 1, ("c", "outside"): 1}
    assert result.wrong == [("a", "value"), ("b", "span")]
    assert result.counts()["wrong"] == 2 and result.counts()["equal"] == 1


def test_names_are_compared() -> None:
    said = [Field("a", 0, 1, "1", f"A: {name} (1)", b"\x01") for name in ("One", "number (ONE)", "two", "Unknown")]
    result = compared(*said)
    assert (result.equal, result.named, dict(result.faults)) == (4, 3, {("a", "name"): 1})


def test_exceptions_have_reasons() -> None:
    assert exceptions() and all(what in ("span", "value", "name", "outside", "*") for _, what, _ in exceptions())
    assert all(len(why) > 20 for _, _, why in exceptions())
