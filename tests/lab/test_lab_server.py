"""The lab's server outlives every client, and its authority issues what clients accept."""

from __future__ import annotations

import datetime as dt
import socket
import struct
import threading
import time

import pytest
from effort import Stopwatch

from tlsviz.lab.authority import SERVER_NAME, Authority
from tlsviz.lab.server import MOST_CLIENTS, LabServer, ServerSettings
from tlsviz.pki.stores import from_ders
from tlsviz.pki.verify import judge
from tlsviz.sources.live import run_live
from tlsviz.sources.options import LiveOptions
from tlsviz.sources.target import Target

AUTHORITY = Authority()


def server() -> LabServer:
    return LabServer(ServerSettings(), AUTHORITY.server(), AUTHORITY)


def works(port: int) -> bool:
    options = LiveOptions(resolve=f"127.0.0.1:{port}", stores=(), timeout=3)
    return run_live(Target(SERVER_NAME), options).connections[0].server_data.bytes > 0


def test_clients_that_vanish_do_no_harm() -> None:
    with server() as lab:
        for farewell in (b"", b"GET / HTTP/1.0\r\n\r\n", bytes(100), b"\x16\x03\x01\x00\x05hello"):
            with socket.create_connection(("127.0.0.1", lab.port)) as sock:
                sock.sendall(farewell)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert works(lab.port)


def test_too_many_clients_are_turned_away_and_slots_come_back() -> None:
    with server() as lab:
        held = [socket.create_connection(("127.0.0.1", lab.port)) for _ in range(MOST_CLIENTS)]
        time.sleep(0.05)
        with socket.create_connection(("127.0.0.1", lab.port), 1) as extra:
            assert extra.recv(1) == b""
        for sock in held:
            sock.close()
        time.sleep(0.05)
        assert works(lab.port)


def test_closing_ends_every_thread_soon() -> None:
    lab = server()
    with socket.create_connection(("127.0.0.1", lab.port)):
        time.sleep(0.02)
        watch = Stopwatch()
        lab.close()
        assert watch.seconds() < 2
        time.sleep(0.15)
    assert not [thread for thread in threading.enumerate() if thread.name == f"lab:{lab.port}"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", lab.port))


def test_unknown_group_is_a_bug_of_the_scenario() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        LabServer(ServerSettings(groups="nonsense"), AUTHORITY.server(), AUTHORITY)


@pytest.mark.parametrize("name", [SERVER_NAME, "localhost", "127.0.0.1", "::1"])
def test_certificates_are_good_for_every_name_of_the_lab(name: str) -> None:
    chain = [one.public_bytes(encoding()) for one in AUTHORITY.server().chain]
    trust = judge(chain, name, AUTHORITY.now, [from_ders("lab", [AUTHORITY.root.der])])
    assert (trust.verdict, trust.reasons) == ("trusted", ())


def test_seed_makes_the_same_authority_again() -> None:
    now = dt.datetime(2026, 1, 15, tzinfo=dt.UTC)
    one, two, other = Authority(now, "a"), Authority(now, "a"), Authority(now, "b")
    assert one.root.der == two.root.der
    assert one.server().pem == two.server().pem
    assert one.client().key_pem == two.client().key_pem
    assert one.root.der != other.root.der
    assert Authority(now).root.der != Authority(now).root.der


def encoding():  # type: ignore[no-untyped-def]
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER
