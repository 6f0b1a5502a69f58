"""Machines as recordings: what their files, programs and NVML print, and the fixtures made of them.

`python -m tests.probe.recorded_machines` writes tests/hardware/*.json again; the tests compare.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from advisor.folder.write import write_atomically
from advisor.probe import probe
from advisor.probe.host import Host, Output, Started
from advisor.schema import Hardware
from advisor.wire import to_json
from tests.probe.fake_nvml import FakeNvml

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
FIXTURES = HERE.parent / "hardware"
NAMES = sorted(path.stem for path in RECORDED.glob("*.yaml"))


@dataclass(frozen=True)
class Programs:
    """Answers of recorded programs by their whole command line; every other program is not installed."""

    answers: Mapping[str, Any]

    def __call__(self, argv: Sequence[str], env: Mapping[str, str]) -> Started:
        """Start nothing; the answer is there."""
        recorded = self.answers.get(" ".join(argv))
        if recorded is None:
            return lambda: Output(None, "", f"{argv[0]} is not installed")
        if isinstance(recorded, str):
            return lambda: Output(0, recorded, "")
        return lambda: Output(recorded.get("code", 0), recorded.get("text", ""), recorded.get("error", ""))


def recording(name: str) -> dict[str, Any]:
    """The recording of one machine."""
    loaded: dict[str, Any] = yaml.safe_load((RECORDED / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def host_of(recorded: Mapping[str, Any], root: Path) -> Host:
    """Lay the recorded files out under `root`; recorded programs and NVML take the place of real ones."""
    files = {**dict(_cpu_files(recorded.get("cpu"))), **recorded.get("files", {})}
    for path, text in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(str(text), encoding="utf-8")
    cpu = recorded.get("cpu", {})
    affinity = cpu.get("affinity", range(cpu.get("logical", 0)))
    return Host(
        root=root,
        start=Programs(recorded.get("commands", {})),
        env={"HOME": "/home/someone", **recorded.get("env", {})},
        system=recorded.get("system", "linux"),
        machine=recorded.get("machine", "x86_64"),
        affinity=frozenset(affinity) or None,
        free_bytes=lambda path: recorded["disk_free_bytes"],
        nvml=FakeNvml(recorded["nvml"]) if "nvml" in recorded else None,
    )


def hardware_of(name: str, root: Path) -> Hardware:
    """What the probe makes of a recording, with the recording's note."""
    recorded = recording(name)
    found = probe(host=host_of(recorded, root))
    return replace(found, note=" ".join(recorded["note"].split()))


def _cpu_files(cpu: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """/proc/cpuinfo, /proc/meminfo and the topology folders of a described processor."""
    if cpu is None:
        return
    logical, sockets = cpu["logical"], cpu.get("sockets", 1)
    per_core = cpu.get("threads_per_core", 1)
    cores = logical // per_core
    blocks = []
    for number in range(logical):
        core = number % cores  # Linux numbers the first thread of every core before the second ones
        fields = {**cpu["info"], **(cpu.get("second_half", {}) if number >= logical // 2 else {})}
        blocks.append("\n".join(f"{key}\t: {text}" for key, text in {"processor": number, **fields}.items()))
        folder = f"/sys/devices/system/cpu/cpu{number}/topology"
        yield (
            f"{folder}/thread_siblings_list",
            ",".join(str(core + cores * thread) for thread in range(per_core)),
        )
        yield f"{folder}/physical_package_id", str(core * sockets // cores)
    yield "/proc/cpuinfo", "\n\n".join(blocks) + "\n"
    for node in range(cpu.get("numa_nodes", 1)):
        yield f"/sys/devices/system/node/node{node}/cpulist", ""
    memory = cpu["memory_kb"]
    yield "/proc/meminfo", f"MemTotal: {memory[0]} kB\nMemFree: 1 kB\nMemAvailable: {memory[1]} kB\n"


def main() -> None:
    """Write every fixture again."""
    for name in NAMES:
        with tempfile.TemporaryDirectory() as root:
            hardware = hardware_of(name, Path(root))
        write_atomically(FIXTURES / f"{name}.json", to_json(hardware), overwrite=True)
        print(f"{name}: {len(hardware.accelerators)} accelerators, {len(hardware.unknown)} unknown")


if __name__ == "__main__":
    main()
