"""What a machine has: `probe()` reads this one, `simulate.simulate(text)` builds one from names of cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.probe.host import Host
    from advisor.schema import Hardware

# The registry: the readers of each system's cards, a line a vendor, in the order in which cards are numbered.
READERS: Mapping[str, Mapping[str, str]] = {
    "linux": {
        "nvidia": "advisor.probe.nvidia",
        "amd": "advisor.probe.amd",
        "intel": "advisor.probe.intel",
    },
    "darwin": {"apple": "advisor.probe.apple"},
}


def probe(models_path: Path | None = None, *, host: Host | None = None) -> Hardware:
    """Read this machine: accelerators, processor, memory, disk, drivers, container engine.

    What does not answer is None with its reason in `Hardware.unknown`. No serial number, UUID, host or user
    name is read. `models_path` is where model files will lie (default: the engines' own stores).

    Raises:
        EnvironmentFailed: neither Linux nor macOS.
    """
    from advisor.probe import machine
    from advisor.probe.host import Host

    where = models_path and Path(models_path).expanduser().absolute()
    if host is not None:
        return machine.read(host, where)
    from advisor.probe.running import running_engines

    return replace(machine.read(Host(), where), running=running_engines())
