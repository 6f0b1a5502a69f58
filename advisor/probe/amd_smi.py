"""What only amd-smi knows: the marketing name of each GPU, and the version of ROCm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from advisor.edge.reading import said_json
from advisor.probe.host import Host, Output, Started, first_line


class Smi(NamedTuple):
    """Names by PCI address, and the version of ROCm; `reason` says why there is none."""

    names: Mapping[str, str]
    rocm: str | None
    reason: str | None


def ask(host: Host) -> tuple[Started, ...]:
    """Start both questions."""
    return (
        host.command("amd-smi", "static", "--asic", "--bus", "--json"),
        host.command("amd-smi", "version", "--json"),
    )


def finish(asked: tuple[Started, ...]) -> Smi:
    """Collect the answers."""
    static, version = (started() for started in asked)
    rocm = next((str(entry["rocm_version"]) for entry in _entries(version) if _said(entry.get("rocm_version"))), None)
    return Smi(dict(_names(static)), rocm, first_line(version.error) or None)


def _names(static: Output) -> Iterator[tuple[str, str]]:
    for entry in _entries(static):
        name, address = _inside(entry, "asic", "market_name"), _inside(entry, "bus", "bdf")
        # Some releases print the name of the board (MI300X-O), under which no catalogue knows the card.
        if _said(name) and _said(address) and "-" not in str(name).split()[-1]:
            yield str(address).lower(), str(name)


def _entries(answer: Output) -> list[dict[str, Any]]:
    """The objects in the output: a bare list in older releases, under `gpu_data` in newer ones."""
    document = re.search(r"[\[{].*", answer.text, re.DOTALL)
    loaded = said_json(document.group()) if document else []
    if isinstance(loaded, dict):
        loaded = loaded.get("gpu_data", [loaded])
    return [entry for entry in loaded if isinstance(entry, dict)] if isinstance(loaded, list) else []


def _inside(entry: dict[str, Any], outer: str, inner: str) -> Any:
    part = entry.get(outer)
    return part.get(inner) if isinstance(part, dict) else None


def _said(value: object) -> bool:
    return isinstance(value, str) and value not in ("", "N/A")
