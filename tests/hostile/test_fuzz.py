"""Every reader, on thousands of inputs that nobody meant well: a value or a clear refusal, in time and within memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hostile.fuzz import fuzz
from tests.hostile.readers import readers
from tests.hostile.table import hold, row

NIGHTLY = bool(os.environ.get("ADVISOR_NIGHTLY"))
INPUTS = 5_000
NAMES = sorted(readers(Path()))


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_answers_or_refuses(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    """No input ends a reader in a traceback, takes two seconds of processor time, or 500 MB together with all others."""
    for variable, place in (("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config")):
        monkeypatch.setenv(variable, str(tmp_path / place))
    found = fuzz(readers(tmp_path)[name](), range(100_000 if NIGHTLY else INPUTS))
    assert found.answered, "nothing is let in at all"
    assert not found.tracebacks, f"{len(found.tracebacks)}, the first: {found.tracebacks[0]}"
    assert not found.hangs and not found.too_large, (found.hangs, found.too_large)
    if not NIGHTLY:
        line = row(f"reader: {name}", f"{found.inputs:,} inputs", tracebacks=0, over_2_s=0, over_500_MB=0)
        hold(line, update=pytestconfig.getoption("--update-golden"))
