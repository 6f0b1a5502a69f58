"""The processor of a Linux machine, and how much of it this process may use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from advisor.probe import cgroup, cpu_rates, memory
from advisor.probe.host import Host
from advisor.schema import Cpu
from advisor.units import whole

# Kernel flag → our name. x86 calls them flags, Arm Features.
_X86 = {
    "avx2": "avx2",
    "avx512f": "avx512",
    "avx512_vnni": "avx512_vnni",
    "avx512_bf16": "avx512_bf16",
    "avx512_fp16": "avx512_fp16",
    "avx_vnni": "avx_vnni",
    "amx_bf16": "amx_bf16",
    "amx_int8": "amx_int8",
}
_ARM = {
    "asimd": "neon",
    "asimddp": "dotprod",
    "asimdhp": "fp16",
    "bf16": "bf16",
    "i8mm": "i8mm",
    "sve": "sve",
    "sve2": "sve2",
}
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,20})?")
_CPUS = "/sys/devices/system/cpu"


def read(host: Host, unknown: dict[str, str]) -> Cpu:
    """Read model, cores, vector units and memory; affinity and every cgroup limit are applied."""
    info = _cpuinfo(host)
    first = info[0] if info else {}
    usable = _usable(host, len(info))
    limits = cgroup.read(host)
    physical = _physical_cores(host, usable)
    cores = float(physical) if limits.cpus is None else min(float(physical), limits.cpus)
    sets = _instruction_sets(first)
    system = memory.read(host)
    if system is None:
        unknown["cpu.memory_bytes"] = "/proc/meminfo has no MemTotal"
    total = system.total_bytes if system else 0
    available = system.available_bytes if system else None
    part = cpu_rates.Part.of(first)
    return Cpu(
        model=_model(host, info, unknown),
        architecture="aarch64" if host.machine == "arm64" else host.machine,
        cores=cores,
        threads=_threads(len(usable), limits.cpus),
        memory_bytes=min(total, limits.memory_bytes or total),
        available_bytes=_least(available, limits.memory_available_bytes),
        instruction_sets=sets,
        numa_nodes=max(1, sum(1 for name in host.names("/sys/devices/system/node") if _is_node(name))),
        bandwidth_bytes_per_s=cpu_rates.bandwidth(part, cores, _sockets(host, usable), unknown),
        dense_flops=cpu_rates.dense_flops(part, cores, _clock_hz(host, first, usable), sets, unknown),
    )


def _cpuinfo(host: Host) -> list[dict[str, str]]:
    """One dict a logical CPU."""
    blocks = (host.text("/proc/cpuinfo") or "").split("\n\n")
    parsed = [dict(_fields(block)) for block in blocks]
    return [fields for fields in parsed if "processor" in fields]


def _fields(block: str) -> Iterable[tuple[str, str]]:
    for line in block.splitlines():
        key, colon, text = line.partition(":")
        if colon:
            yield key.strip(), text.strip()


def _usable(host: Host, count: int) -> list[int]:
    """Logical CPUs that this process may run on."""
    return sorted(host.affinity) if host.affinity else list(range(max(1, count)))


def _topology(host: Host, cpu: int, name: str) -> str | None:
    return host.text(f"{_CPUS}/cpu{cpu}/topology/{name}")


def _physical_cores(host: Host, usable: list[int]) -> int:
    """Cores, not hyper-threads: CPUs with the same siblings are one core. Unknown siblings count as cores."""
    siblings = {_topology(host, cpu, "thread_siblings_list") or str(cpu) for cpu in usable}
    return len(siblings)


def _sockets(host: Host, usable: list[int]) -> int:
    return len({_topology(host, cpu, "physical_package_id") for cpu in usable})


def _threads(logical: int, quota: float | None) -> int:
    """Threads that can run at once: a quota of 2.5 CPUs keeps three busy."""
    return logical if quota is None else max(1, min(logical, -int(-quota // 1)))


def _model(host: Host, info: Sequence[Mapping[str, str]], unknown: dict[str, str]) -> str:
    """The model line; kernels for Arm print none, so there the kinds of cores are named."""
    found = (fields.get("model name") or cpu_rates.arm_name(fields) for fields in info)
    kinds = [" ".join(name.split()) for name in dict.fromkeys(found) if name]
    if not kinds:
        unknown["cpu.model"] = "/proc/cpuinfo names no model"
        return f"unknown {host.machine} processor"
    return " + ".join(kinds)


def _instruction_sets(first: Mapping[str, str]) -> tuple[str, ...]:
    x86, arm = first.get("flags", "").split(), first.get("Features", "").split()
    present = {*x86} if x86 else {*arm}
    table = _X86 if x86 else _ARM
    return tuple(ours for theirs, ours in table.items() if theirs in present)


def _clock_hz(host: Host, first: Mapping[str, str], usable: list[int]) -> float | None:
    """Nominal clock. `cpu MHz` moves with load; on x86 bogomips is twice the fixed time-stamp clock."""
    if "flags" in first and _NUMBER.fullmatch(first.get("bogomips", "")):
        return float(first["bogomips"]) / 2 * 1e6
    kilohertz = [host.number(f"{_CPUS}/cpu{cpu}/cpufreq/cpuinfo_max_freq") for cpu in usable]
    known = [clock for clock in kilohertz if clock]
    return sum(known) / len(known) * 1e3 if known else None


def _is_node(name: str) -> bool:
    return name.startswith("node") and whole(name[4:]) is not None


def _least(*amounts: int | None) -> int | None:
    return min((amount for amount in amounts if amount is not None), default=None)
