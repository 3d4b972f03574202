"""`live --save` for every kind of flow: what is opened again is what happened, and tshark decrypts it as it is."""

from __future__ import annotations

import dataclasses
import shutil
import socket
from pathlib import Path

import pytest
from test_record import PROBLEMS, STRICT, essence, tshark

from tlsviz.connection.model import Connection, Trace
from tlsviz.lab.authority import SERVER_NAME, Authority
from tlsviz.lab.run import store
from tlsviz.lab.server import LabServer, ServerSettings
from tlsviz.sources.capture import load_capture
from tlsviz.sources.live import run_live
from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.options import Identity, LiveOptions
from tlsviz.sources.target import Target

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here")

AUTHORITY = Authority()
REQUEST = b"GET /early HTTP/1.1\r\nHost: www.lab.test\r\nConnection: close\r\n\r\n"
LONG = "a page of sixty thousand bytes " * 2000


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


FLOWS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "tls 1.3": ({}, {}),
    "tls 1.2": ({"max_version": "1.2"}, {}),
    "tls 1.1": ({"max_version": "1.1"}, {}),
    "tls 1.0": ({"max_version": "1.0"}, {}),
    "hello retry": ({"groups": "secp384r1"}, {}),
    "client authentication": ({"client_certificate": True}, {"identity": True}),
    "client authentication, tls 1.2": ({"client_certificate": True, "max_version": "1.2"}, {"identity": True}),
    "resumed": ({}, {"resume": 2}),
    "resumed, tls 1.2": ({"max_version": "1.2"}, {"resume": 1}),
    "0-RTT": ({"early_data": 4096}, {"early_data": REQUEST}),
    "0-RTT refused": ({"early_data": 4096, "refuse_early_data": True}, {"early_data": REQUEST}),
    "key update": ({"key_update": True}, {}),
    "long response": ({"page": LONG}, {}),
    "long response, tls 1.0": ({"page": LONG, "max_version": "1.0"}, {}),
}


def happened(file: Path, settings: dict[str, object], options: dict[str, object], host: str = "127.0.0.1") -> Trace:
    chosen = dict(options)
    if chosen.pop("identity", None):
        client = AUTHORITY.client()
        chosen["identity"] = Identity(client.pem, client.key_pem)
    made = ServerSettings(**settings)  # type: ignore[arg-type]
    with LabServer(made, AUTHORITY.server(), AUTHORITY, host) as server:
        place = f"[{host}]:{server.port}" if ":" in host else f"{host}:{server.port}"
        wanted = LiveOptions(resolve=place, stores=(store(AUTHORITY),), timeout=5, save=file)
        return run_live(Target(SERVER_NAME), dataclasses.replace(wanted, **chosen))  # type: ignore[arg-type]


def same(opened: Connection, live: Connection) -> None:
    one, other = essence(opened), essence(live)
    assert one.messages == other.messages
    assert one.application == other.application
    assert one.records == other.records
    assert one.secrets == other.secrets
    assert one == other
    assert proven(opened) == proven(live)


def proven(connection: Connection) -> set[tuple[str, str, int | None]]:
    """Its proofs, but for the one that hangs on the trust store."""
    return {(each.what, each.status, each.message) for each in connection.proofs if each.what != "certificate_chain"}


@pytest.mark.parametrize("name", FLOWS)
def test_saved_flows_come_back_and_tshark_decrypts_them(name: str, tmp_path: Path) -> None:
    settings, options = FLOWS[name]
    file = tmp_path / "saved.pcapng"
    live = happened(file, settings, options)
    assert all(connection.complete for connection in live.connections)
    opened = load_capture(file, OpenOptions())
    assert len(opened.connections) == len(live.connections)
    for one, other in zip(opened.connections, live.connections, strict=True):
        same(one, other)
    requests = tshark(file, "-Y", "http.request", "-T", "fields", "-e", "http.request.method").split()
    sent = sum(1 for each in live.connections for run in each.application if run.sender == "client")
    assert len(requests) == sent
    assert tshark(file, *STRICT, "-Y", PROBLEMS) == ""


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "saved.pcapng"
    live = happened(file, {}, {}, "::1")
    (opened,) = load_capture(file, OpenOptions()).connections
    assert opened.server.address == "::1"
    same(opened, live.connections[0])
    assert tshark(file, *STRICT, "-Y", PROBLEMS) == ""
    assert tshark(file, "-Y", "http.request", "-T", "fields", "-e", "ipv6.dst").split() == ["::1"]
