"""How both engines can be run beside each other on one machine."""

from __future__ import annotations

import shutil

from advisor.engines import ENGINES
from advisor.errors import BadInput

WAYS = ("compose", "native")  # both on one machine, at one address of it


def way_of(wish: str | None) -> str | None:
    """The way to run, of those that stand at one address of this machine.

    Raises:
        BadInput: another one.
    """
    if wish in (None, "auto", *WAYS):
        return wish
    raise BadInput(f"--run {wish}: two engines stand side by side on one machine; accepted are {' and '.join(WAYS)}")


def usual_way(target: str) -> str:
    """Natively where the engine's program is here, else by Compose where Docker is."""
    program = ENGINES[target].limits().name
    if shutil.which(program) or not shutil.which("docker"):
        return "native"
    return "compose"
