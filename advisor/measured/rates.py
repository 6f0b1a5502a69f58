"""What `advisor probe --measure` found of this processor, kept for the next advice: one file for a machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from advisor.edge.reading import at_home, read_json
from advisor.errors import BadInput
from advisor.measured.entries import machine_key
from advisor.probe.measure import CpuRates, with_rates
from advisor.schema import Hardware
from advisor.units import MIB
from advisor.wire import plainly


def folder() -> Path:
    """Where measured machines lie."""
    return at_home(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "advisor" / "machines"


def keep_rates(hardware: Hardware, rates: CpuRates) -> Path:
    """Remember the rates of this machine.

    Raises:
        EnvironmentFailed: the system refuses.
    """
    from advisor.folder.write import write_atomically
    from advisor.wire import to_json

    path = folder() / f"{machine_key(hardware)}.json"
    write_atomically(path, to_json(rates), overwrite=True)
    return path


def with_kept_rates(hardware: Hardware) -> Hardware:
    """The machine with what `advisor probe --measure` found here before; unchanged when it never ran."""
    if hardware.source != "probed" or not folder().is_dir():
        return hardware
    try:
        path = folder() / f"{machine_key(hardware)}.json"
        rates = plainly(CpuRates, read_json(path, most=MIB), str(path))
    except BadInput:
        return hardware
    unknown = {key: why for key, why in hardware.unknown.items() if key != "cpu.bandwidth_bytes_per_s"}
    return replace(hardware, cpu=with_rates(hardware.cpu, rates), unknown=unknown)
