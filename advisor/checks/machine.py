"""The machine itself: system, memory, disk and port."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.engines.devices import cards_of
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.units import GIB, MIB, gb, gib

SPARE_DISK_BYTES = 10 * GIB  # image layers and caches
HOST_BYTES = 4 * GIB  # the engine's own processes
SPELLINGS = {"x86_64": "x86_64|amd64", "aarch64": "aarch64|arm64", "arm64": "aarch64|arm64"}


def machine_checks(plan: Plan) -> Iterator[Check]:
    """What must hold whatever the accelerator is."""
    yield _system(plan)
    yield _memory(plan)
    yield _disk(plan)
    yield _port(plan)


def asked_bytes(plan: Plan) -> int:
    """What the engine will take of its fullest device."""
    candidate, memory = plan.estimate.candidate, plan.estimate.memory
    if candidate.memory_utilization is not None:
        return int(memory.device_bytes * candidate.memory_utilization)
    return memory.weights_bytes + memory.kv_bytes + memory.activation_bytes + memory.overhead_bytes


def _system(plan: Plan) -> Check:
    machine = plan.hardware.cpu.architecture
    names = SPELLINGS.get(machine, machine)
    system = {"linux": "Linux", "darwin": "Darwin"}.get(plan.hardware.os, plan.hardware.os)
    return Check(
        id="system",
        fact=f"The plan was made for {system} on {machine}",
        command=f"uname -sm && [[ $(uname -sm) =~ ^{system}\\ ({names})$ ]]",
        expect=f"{system} {machine}",
        otherwise="plan on the machine that will run it, or with --hardware from its `advisor probe`",
    )


def host_memory_bytes(plan: Plan) -> int:
    """Memory of the host that the engine needs: all on a CPU or in unified memory, else for its processes."""
    candidate = plan.estimate.candidate
    unified = any(card.unified_memory for card in cards_of(candidate, plan.hardware))
    if candidate.device == "cpu" or unified:
        return asked_bytes(plan) + HOST_BYTES
    on_cpu = plan.launch.cache_bytes * candidate.cpu_layers // max(plan.model.layers, 1)
    return 2 * HOST_BYTES + on_cpu


def _memory(plan: Plan) -> Check:
    needed = -(-host_memory_bytes(plan) // MIB)
    read = "awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo"
    if plan.hardware.os == "darwin":
        read = "echo $(( $(sysctl -n hw.memsize) / 1048576 ))"
    return Check(
        id="memory",
        fact=f"The engine needs about {gib(needed * MIB)} of the host's memory",
        command=f'{read} && [ "$({read})" -ge {needed} ]',
        expect=f"at least {needed} (MiB available)",
        otherwise="end other programs, or plan a smaller model or context",
    )


def _disk(plan: Plan) -> Check:
    needed = -(-(plan.launch.cache_bytes + SPARE_DISK_BYTES) // 1024)
    return Check(
        id="disk",
        fact=f"Weights take {gb(plan.launch.cache_bytes)}, image and caches about {gb(SPARE_DISK_BYTES)}",
        command=(
            f"folder={home_path(plan.hardware.disk_path)}; "
            'while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done; '
            "free=$(df -Pk \"$folder\" | awk 'NR==2 {print $4}'); "
            f'echo "$free" && [ "$free" -ge {needed} ]'
        ),
        expect=f"at least {needed} (KiB free where models lie)",
        otherwise="free space, or set ADVISOR_MODELS in .env to a folder on a larger disk",
    )


def home_path(path: str | None) -> str:
    """A path for the shell; `~` at its beginning means the home of whoever runs the check."""
    if path is None or path == "~":
        return '"$HOME"'
    if path.startswith("~/"):
        return '"$HOME"/' + shell(path[2:])
    return shell(path)


def _port(plan: Plan) -> Check:
    port = plan.launch.port
    return Check(
        id="port",
        fact=f"Port {port} is free",
        command=f"if (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; then echo busy; exit 1; fi; echo free",
        expect="free",
        otherwise=f"stop what listens there (`ss -ltnp 'sport = :{port}'`)",
    )
