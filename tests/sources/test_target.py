from __future__ import annotations

from pathlib import Path

import pytest

from tlsviz.errors import TargetError, TlsvizError, UsageError
from tlsviz.sources.target import Target, parse_host, parse_target


@pytest.mark.parametrize(
    ("text", "host", "port", "path", "shown"),
    [
        ("example.com", "example.com", 443, "/", "example.com"),
        ("Example.COM.", "example.com", 443, "/", "example.com"),
        ("example.com:8443", "example.com", 8443, "/", "example.com:8443"),
        ("example.com/a/b?c=d", "example.com", 443, "/a/b?c=d", "example.com"),
        ("192.0.2.1:4433", "192.0.2.1", 4433, "/", "192.0.2.1:4433"),
        ("2001:db8::1", "2001:db8::1", 443, "/", "[2001:db8::1]"),
        ("[2001:db8::1]", "2001:db8::1", 443, "/", "[2001:db8::1]"),
        ("[::1]:8443", "::1", 8443, "/", "[::1]:8443"),
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("HTTPS://example.com:444/x?y#z", "example.com", 444, "/x?y", "example.com:444"),
        ("https://example.com?q=1", "example.com", 443, "/?q=1", "example.com"),
        ("https://[::1]:8443/p q", "::1", 8443, "/p%20q", "[::1]:8443"),
        ("wss://example.com/s", "example.com", 443, "/s", "example.com"),
        ("bücher.example", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://bücher.example/ü", "xn--bcher-kva.example", 443, "/%C3%BC", "xn--bcher-kva.example"),
        ("_dmarc.example.com", "_dmarc.example.com", 443, "/", "_dmarc.example.com"),
        ("localhost:1", "localhost", 1, "/", "localhost:1"),
        (" example.com ", "example.com", 443, "/", "example.com"),
    ],
)
def test_hosts(text: str, host: str, port: int, path: str, shown: str) -> None:
    assert parse_target(text) == Target(host, port, path, shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "-",
        "http://example.com",
        "ftp://example.com",
        "https://",
        "https://user:secret@example.com/",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "example.com:https",
        "example.com:٣",
        "example.com:44:3",
        "[::1",
        "[::1]x",
        "[example.com]:443",
        "a..b",
        "-a.example",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "exa mple.com",
        "ex\x1b[31mample.com",
        "999.1.1.1",
        "1.2.3",
        "\0",
        "é" * 70 + ".example",
    ],
)
def test_nonsense_is_a_usage_error_in_words(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert caught.value.exit_status == 2
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_existing_file_is_a_capture(tmp_path: Path) -> None:
    file = tmp_path / "example.com"
    file.write_bytes(b"")
    assert parse_target(str(file)) == file


def test_existing_file_wins_over_a_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("example.com").write_bytes(b"")
    assert parse_target("example.com") == Path("example.com")
    assert parse_host("example.com").host == "example.com"


def test_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetError, match="is a directory"):
        parse_target(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("captures").mkdir()
    Path("example.com").mkdir()
    with pytest.raises(TargetError, match="is a directory"):
        parse_target("captures")
    assert parse_target("example.com") == Target("example.com", text="example.com")


@pytest.mark.parametrize("text", ["./none", "/none/x", "none.pcapng", "none.pcap.gz", "NONE.PCAP", "~nobody/x", "x/"])
def test_missing_file(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    assert caught.value.exit_status == 4


def test_every_short_text_gives_a_target_or_an_error() -> None:
    for text in (
        "%",
        "a%",
        "[",
        "]",
        ":",
        "::",
        ":443",
        "/",
        "?",
        "#",
        "@",
        "a@b",
        "\\",
        "\ud800",
        "x" * 5000,
        "..",
        ".",
    ):
        try:
            found = parse_target(text)
        except TlsvizError as error:
            assert str(error)
        else:
            assert isinstance(found, (Target, Path))
