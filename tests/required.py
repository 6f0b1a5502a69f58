"""What a test does without a program that it needs: a stranger's machine skips it, CI fails."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Literal, NoReturn

import pytest


def absent(reason: str, what: Literal["ENGINES", "TOOLS"] = "ENGINES") -> NoReturn:
    """Skip with the reason; fail with it where ADVISOR_REQUIRE_ENGINES or ADVISOR_REQUIRE_TOOLS is 1."""
    if os.environ.get(f"ADVISOR_REQUIRE_{what}") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def sourced(script: Path) -> dict[str, str]:
    """The environment after a shell has read a file."""
    shown = subprocess.run(
        ["bash", "-c", f". {shlex.quote(str(script))} && env -0"], capture_output=True, text=True, check=True
    ).stdout
    return dict(line.split("=", 1) for line in shown.split("\0") if "=" in line)
