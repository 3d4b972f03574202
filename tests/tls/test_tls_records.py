from __future__ import annotations

from tls_build import assert_tiles, at, faults

from tlsviz.tls.records import decode_record_header, decode_ssl2_record_header


def test_header() -> None:
    data = bytes.fromhex("1603010200")
    tree = decode_record_header(data)
    assert_tiles(tree, data)
    assert [(n.name, n.value, n.label) for n in tree.children] == [
        ("content_type", 22, "handshake"),
        ("legacy_record_version", 0x0301, "TLS 1.0"),
        ("length", 512, None),
    ]
    assert faults(tree) == []


def test_header_faults() -> None:
    tree = decode_record_header(bytes.fromhex("4745542f20"))
    assert faults(tree) == [
        ("content_type", "not a content type of TLS"),
        ("legacy_record_version", "no version of TLS"),
    ]
    assert [name for name, _ in faults(decode_record_header(bytes.fromhex("160303ffff")))] == ["length"]
    for size in range(5):
        data = bytes.fromhex("1603030010")[:size]
        tree = decode_record_header(data)
        assert_tiles(tree, data)
        assert len(faults(tree)) == 1


def test_ssl2_headers() -> None:
    two = decode_ssl2_record_header(bytes.fromhex("802e"))
    assert_tiles(two, bytes.fromhex("802e"))
    assert at(two, "length").value == 0x2E and len(two.children) == 1
    data = bytes.fromhex("402e05")
    three = decode_ssl2_record_header(data)
    assert_tiles(three, data)
    assert at(three, "length").value == 0x2E and at(three, "padding_length").value == 5
    assert "security escape" in (at(three, "length").label or "")
