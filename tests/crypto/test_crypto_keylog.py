"""Key logs in every form, and damaged ones."""

from __future__ import annotations

import time

import pytest

from tlsviz.crypto.keylog import KeyLog

RANDOM = bytes(range(32))
OTHER = bytes(range(32, 64))
MASTER = bytes(range(48))
SECRET = bytes(range(60, 92))

LABELS = [
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "CLIENT_TRAFFIC_SECRET_17",
    "SERVER_TRAFFIC_SECRET_1",
    "EARLY_EXPORTER_SECRET",
    "EXPORTER_SECRET",
    "ECH_SECRET",
    "ECH_CONFIG",
]


def line(label: str = "CLIENT_RANDOM", random: bytes = RANDOM, secret: bytes = MASTER) -> str:
    return f"{label} {random.hex()} {secret.hex()}"


@pytest.mark.parametrize("label", LABELS)
def test_labels(label: str) -> None:
    log = KeyLog()
    assert log.add_line(line(label, secret=SECRET))
    assert log.get(label, RANDOM) == SECRET
    assert log.get(label, OTHER) is None
    assert log.get("CLIENT_RANDOM", RANDOM) is None
    assert log.labels(RANDOM) == {label: SECRET}
    assert len(log) == 1


def test_several_connections_in_one_text() -> None:
    log = KeyLog()
    text = "\n".join(
        ["# a comment", "", line(), line(random=OTHER, secret=MASTER[::-1]), line("EXPORTER_SECRET", secret=SECRET)]
    )
    assert log.add_text(text, "keys.txt") == 3
    assert log.get("CLIENT_RANDOM", RANDOM) == MASTER
    assert log.get("CLIENT_RANDOM", OTHER) == MASTER[::-1]
    assert set(log.labels(RANDOM)) == {"CLIENT_RANDOM", "EXPORTER_SECRET"}
    assert sorted(log.client_randoms()) == [RANDOM, OTHER]
    assert (log.problems, log.source, len(log)) == ([], "keys.txt", 3)


@pytest.mark.parametrize(
    "text",
    [
        line() + "\r\n",
        "\r\n#c\r\n" + line() + "\r\n\r\n",
        "\ufeff" + line(),
        line().replace(MASTER.hex(), MASTER.hex().upper()).replace(RANDOM.hex(), RANDOM.hex().upper()),
        "  " + line().replace(" ", "\t") + "  ",
        b"\xef\xbb\xbf" + line().encode(),
        line().encode("utf-16"),
        b"\xfe\xff" + line().encode("utf-16-be"),
        line() + "\n" + "# an unfinished",
    ],
)
def test_forms(text: str | bytes) -> None:
    log = KeyLog()
    assert log.add_text(text) == 1
    assert log.get("CLIENT_RANDOM", RANDOM) == MASTER
    assert log.problems == []


def test_rsa_premaster() -> None:
    log = KeyLog()
    assert log.add_line(f"RSA 0102030405060708 {MASTER.hex()}")
    assert log.rsa_premaster(bytes(range(1, 9))) == MASTER
    assert log.rsa_premaster(bytes(range(1, 129))) == MASTER
    assert log.rsa_premaster(bytes(8)) is None


def test_rsa_session_id() -> None:
    log = KeyLog()
    assert log.add_line(f"RSA Session-ID:{RANDOM.hex().upper()} Master-Key:{MASTER.hex().upper()}")
    assert log.session_master(RANDOM) == MASTER
    assert log.session_master(OTHER) is None
    assert (len(log), log.problems) == (1, [])


def test_older_names_of_the_exporter_secrets() -> None:
    log = KeyLog()
    assert log.add_line(line("EXPORTER_MASTER_SECRET", secret=SECRET))
    assert log.get("EXPORTER_SECRET", RANDOM) == SECRET


@pytest.mark.parametrize("side", ["CLIENT", "SERVER"])
def test_openssl_lines_of_later_keys_are_passed_over(side: str) -> None:
    """After a KeyUpdate OpenSSL logs a secret without its number: no fault of the log, and of no use."""
    log = KeyLog()
    assert log.add_text(line(f"{side}_TRAFFIC_SECRET_N", secret=SECRET)) == 0
    assert log.problems == []
    assert len(log) == 0


def test_the_last_line_wins() -> None:
    log = KeyLog()
    assert log.add_text(line() + "\n" + line(secret=MASTER[::-1])) == 2
    assert log.get("CLIENT_RANDOM", RANDOM) == MASTER[::-1]
    assert len(log) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("CLIENT_RANDOM", "three fields, here is 1"),
        (line() + " 00", "three fields, here are 4"),
        (line()[:-1], "CLIENT_RANDOM: not hexadecimal"),
        (line()[:-2], "CLIENT_RANDOM: the secret has 47 bytes, not 48"),
        (line(random=RANDOM[:-1]), "CLIENT_RANDOM: the client random has 31 bytes, not 32"),
        (line().replace("00", "zz", 1), "CLIENT_RANDOM: not hexadecimal"),
        (line("CLIENT_TRAFFIC_SECRET_0", secret=bytes(31)), "the secret has 31 bytes, not 32 or 48"),
        (line("CLIENT_TRAFFIC_SECRET_01", secret=SECRET), "the label is unknown"),
        (line("NONSENSE"), "the label is unknown"),
        (line("client_random"), "the label is unknown"),
        (f"RSA 0102 {MASTER.hex()}", "RSA: 2 bytes of the encrypted premaster secret, not 8"),
        (f"RSA 0102030405060708 {SECRET.hex()}", "RSA: the secret has 32 bytes, not 48"),
        (f"RSA Session-ID: Master-Key:{MASTER.hex()}", "RSA: the session ID has 0 bytes"),
        (f"RSA Session-ID:0g Master-Key:{MASTER.hex()}", "RSA: not hexadecimal"),
        ("\x00\x01\x02", "three fields"),
        ("CLIENT_RANDOM " + "0" * 300000, "too long"),
    ],
)
def test_damaged_lines_are_reported_and_skipped(text: str, why: str) -> None:
    log = KeyLog()
    assert log.add_text(f"# first\n{text}\n{line(random=OTHER)}\n", "my keys") == 1
    assert log.get("CLIENT_RANDOM", OTHER) == MASTER
    assert log.get("CLIENT_RANDOM", RANDOM) is None
    assert len(log.problems) == log.damaged == 1
    assert log.problems[0].startswith("my keys, line 2: ")
    assert why in log.problems[0]


def test_problems_tell_no_secrets() -> None:
    log = KeyLog()
    log.add_text(f"{MASTER.hex()}\n{MASTER.hex()} {RANDOM.hex()} x\n{line(random=MASTER)}\n{line()}f")
    assert len(log.problems) == 4
    for problem in log.problems:
        assert "0001020304" not in problem


def test_binary_rubbish_is_bounded() -> None:
    log = KeyLog()
    assert log.add_text(bytes(range(256)) * 500) == 0
    assert log.damaged > 100
    assert len(log.problems) == 100
    assert log.source is None


def test_not_ascii_digits_are_no_numbers() -> None:
    assert not KeyLog().add_line(line("CLIENT_TRAFFIC_SECRET_1\u0663", secret=SECRET))


def test_a_hundred_thousand_lines_are_quick() -> None:
    text = "\n".join(line(random=number.to_bytes(32, "big")) for number in range(100_000))
    log = KeyLog()
    start = time.process_time()
    assert log.add_text(text) == 100_000
    assert time.process_time() - start < 3
    assert log.get("CLIENT_RANDOM", (77_777).to_bytes(32, "big")) == MASTER
