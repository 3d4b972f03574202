"""What `tlsviz show HOST` must not import: its whole time is held to a multiple of `openssl s_client`'s."""

from __future__ import annotations

import subprocess
import sys

from tlsviz.lab.authority import Authority
from tlsviz.lab.server import LabServer, ServerSettings

UNWANTED = {
    "another program's, or large": (
        *("textual", "rich", "pyshark", "lxml", "asyncio", "dns", "h2", "platformdirs", "tomllib", "subprocess"),
        *("multiprocessing", "concurrent.futures", "shutil", "http", "difflib", "csv", "pprint", "tempfile"),
    ),
    "for a failure": (
        *("tlsviz.connection.suspects", "tlsviz.connection.reprobes", "tlsviz.connection.variations"),
        "tlsviz.report.reprobes",
    ),
    "for who asks for it": (
        *("tlsviz.sources.starttls", "tlsviz.sources.upgrade", "tlsviz.sources.proxy", "tlsviz.sources.profiles"),
        *("tlsviz.sources.ports", "tlsviz.sources.probe", "tlsviz.sources.aia", "tlsviz.sources.record"),
        *("tlsviz.sources.gate", "tlsviz.sources.session", "tlsviz.sources.service", "tlsviz.connection.ports"),
        *("tlsviz.crypto.ech", "tlsviz.crypto.rsakeys", "tlsviz.connection.upgrades", "tlsviz.connection.tickets"),
        *("tlsviz.connection.compare", "tlsviz.connection.schedule", "tlsviz.pki.crl"),
    ),
    "for another target": (
        *("tlsviz.sources.capture", "tlsviz.sources.gathered", "tlsviz.lab", "tlsviz.connection.ended"),
        *("tlsviz.connection.dtls", "tlsviz.connection.quic", "tlsviz.connection.datagrams"),
        *("tlsviz.connection.plain", "tlsviz.connection.redirects", "tlsviz.connection.findings.plain_http"),
    ),
    "for another output": (
        "tlsviz.report.text",
        "tlsviz.report.formats",
        "tlsviz.explain",
        "tlsviz.ui",
        "tlsviz.watch",
    ),
}
"""By why it is not needed; with each name everything below it."""

_SHOW = """
import sys
from tlsviz.cli import main
status = main(["show", f"127.0.0.1:{sys.argv[1]}", "--format", "json"])
print(status, *sys.modules, file=sys.stderr)
"""


def imported(port: int) -> list[str]:
    done = subprocess.run([sys.executable, "-c", _SHOW, str(port)], capture_output=True, text=True, check=True)
    status, *modules = done.stderr.splitlines()[-1].split()
    assert status == "0" and '"complete": true' in done.stdout
    return modules


def test_a_live_handshake_imports_only_what_it_needs() -> None:
    with LabServer(ServerSettings(), Authority().server(), Authority()) as server:
        modules = imported(server.port)
    assert "tlsviz.sources.live" in modules and "OpenSSL" in modules
    unwanted = tuple(name for names in UNWANTED.values() for name in names)
    assert [name for name in modules if name in unwanted or name.startswith(tuple(f"{one}." for one in unwanted))] == []


def test_what_needs_no_target_imports_next_to_nothing() -> None:
    code = "import sys, tlsviz.cli; print(*(name for name in sys.modules if name.startswith('tlsviz.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {
        *("tlsviz.cli", "tlsviz.arguments", "tlsviz.errors", "tlsviz.printing", "tlsviz.targets")
    }
