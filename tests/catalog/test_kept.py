"""What is kept parsed: code and values that are taken as they lie there, so that nobody else may have written them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from advisor.catalog.kept import cache_folder


def test_a_cache_is_this_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that others may write, or that lies in somebody else's, is no cache; then all is parsed anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_folder("parsed")
    assert folder == tmp_path / "advisor/parsed" and folder.stat().st_mode & 0o777 == 0o700
    for mode in (0o720, 0o702):
        folder.chmod(mode)
        assert cache_folder("parsed") is None
    folder.chmod(0o700)
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(folder.parent, 12345, 12345)
    assert cache_folder("parsed") is None
    os.chown(folder.parent, 0, 0)
    os.chown(folder, 12345, 12345)
    assert cache_folder("parsed") is None
