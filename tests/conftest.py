"""What all tests share: ``tshark`` tests are skipped where it is missing; every worker names its tests alike."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator

import once_a_run
import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("tshark") is not None:
        return
    for item in items:
        if item.get_closest_marker("tshark") is not None:
            item.add_marker(pytest.mark.skip(reason="tshark is not here"))


def pytest_collection_finish() -> None:
    """Rubbish is looked for seldom, as tlsviz itself does, and not among the tests: a third less time in all."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """The argument's name (pytest numbers them) instead of long bytes or text.

    Keys, certificates and signatures are made anew by each worker, which must all find tests of the same names.
    """
    return argname if isinstance(val, bytes | str) and len(val) > 40 else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than processors (``-n auto``): tests wait for servers, tshark and the screen."""
    return (os.cpu_count() or 1) + 2


SETTINGS = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "SSLKEYLOGFILE", "SSL_CERT_DIR", "SSL_CERT_FILE")
PROXIES = ("ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@pytest.fixture(scope="session", autouse=True)
def nobodys_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No settings of the user's, and what is remembered goes into a folder of this worker's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*SETTINGS, *PROXIES, *map(str.lower, PROXIES)):
            patch.delenv(name, raising=False)
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Says where the workers of this run keep what they share."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        once_a_run.folder = tmp_path_factory.getbasetemp().parent
