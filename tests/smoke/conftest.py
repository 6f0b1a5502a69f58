"""The real engines, where they are installed. Elsewhere such tests skip with the reason; in CI they fail."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("ADVISOR_ENGINES") or "~/.cache/advisor-engines").expanduser()


@pytest.fixture(scope="session")
def engines() -> dict[str, str]:
    """The environment in which both engines are found, as env.sh says."""
    script = FOLDER / "env.sh"
    if not script.is_file():
        reason = f"the real engines are not in {FOLDER}: tests/engines/install.sh installs them (15 minutes, 7 GB)"
        if os.environ.get("ADVISOR_REQUIRE_ENGINES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    shown = subprocess.run(
        ["bash", "-c", f". {shlex.quote(str(script))} && env -0"], capture_output=True, text=True, check=True
    ).stdout
    return dict(line.split("=", 1) for line in shown.split("\0") if "=" in line)
