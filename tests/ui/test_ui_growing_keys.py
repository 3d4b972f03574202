"""A capture opened with a key log that grows is decrypted again without another start."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from shellhelp import make_app, until

from tlsviz.sources.opening import OpenOptions
from tlsviz.sources.pcapng import survey
from tlsviz.ui import workers
from tlsviz.ui.screens.handshake import HandshakeScreen
from tlsviz.ui.workers import Capture

CAPTURES = Path(__file__).parents[2] / "captures"

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here")


async def test_keys_that_come_later_open_what_is_on_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "KEYS_EVERY", 0.05)
    (secrets,) = survey(CAPTURES / "tls13.pcapng").secrets
    keys = tmp_path / "keys.log"
    keys.write_bytes(b"# nothing yet\n")
    request = Capture(CAPTURES / "tls13-no-keys.pcapng", OpenOptions(keylogs=(keys,)))
    app = make_app(tmp_path, request)

    def connection() -> object:
        screen = app.screen
        return screen.scene.connection if isinstance(screen, HandshakeScreen) and screen.scene else None

    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.flow.job is not None and app.flow.job.state == "done" and connection())
        before = connection()
        assert not before.secrets  # type: ignore[attr-defined]
        assert not [each for each in app._notifications if "grown" in each.message]
        keys.write_bytes(b"# nothing yet\n" + secrets)
        await until(pilot, lambda: connection() is not before)
        finished = connection().messages_of("finished")  # type: ignore[union-attr,attr-defined]
        assert [message.provenance for message in finished] == ["decrypted", "decrypted"]
        assert not app.screen.running  # type: ignore[attr-defined]
        assert len([each for each in app._notifications if "grown" in each.message]) == 1
