"""The NVIDIA container toolkit: its version, and the devices that it has described for CDI."""

from __future__ import annotations

import re
from typing import NamedTuple

from advisor.probe.host import Host, Output, Started, first_line


class Asked(NamedTuple):
    """The two questions that are running."""

    version: Started
    cdi: Started


class Toolkit(NamedTuple):
    """Its version, and qualified CDI names such as nvidia.com/gpu=0."""

    version: str | None
    cdi_devices: tuple[str, ...]


def ask(host: Host) -> Asked:
    """Start both questions."""
    return Asked(host.command("nvidia-ctk", "--version"), host.command("nvidia-ctk", "cdi", "list"))


def finish(asked: Asked, unknown: dict[str, str]) -> Toolkit:
    """Collect the answers."""
    return Toolkit(_version(asked.version(), unknown), _cdi_devices(asked.cdi()))


def _version(answer: Output, unknown: dict[str, str]) -> str | None:
    version = re.search(r"version\s+(\d\S*)", answer.text)
    if version:
        return version.group(1)[:80]
    unknown["containers.nvidia_toolkit_version"] = first_line(answer.error) or "nvidia-ctk printed no version"
    return None


def _cdi_devices(answer: Output) -> tuple[str, ...]:
    """Names that are a GPU's UUID are left out."""
    names = (line.strip() for line in answer.text.splitlines())
    kept = (name for name in names if "=" in name and "/" in name.partition("=")[0])
    return tuple(name for name in kept if not re.search(r"=(GPU|MIG)-", name))
