"""Files are read whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsviz.errors import TargetError
from tlsviz.pki.files import whole


def test_a_file_is_read_up_to_the_most_and_no_further(tmp_path: Path) -> None:
    path, most = tmp_path / "a.pem", 1 << 20
    path.write_bytes(bytes(most))
    assert whole(path, most, "cannot read it", "Give another.") == bytes(most)
    path.write_bytes(bytes(most + 1))
    with pytest.raises(TargetError, match="larger than 1 MB"):
        whole(path, most, "cannot read it", "Give another.")
    with pytest.raises(TargetError, match="No such file"):
        whole(tmp_path / "b.pem", most, "cannot read it", "Give another.")
