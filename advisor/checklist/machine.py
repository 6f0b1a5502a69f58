"""The machine itself: system, clock, memory, limits, kernel, ports."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.checklist.systems import typed
from advisor.engines.admission import admitted_requests
from advisor.engines.host_memory import host_memory_bytes
from advisor.quoting import shell
from advisor.schema import Check, Plan
from advisor.shell import no_less, stop_if_busy
from advisor.units import GIB, MIB, gib

SHARED_BYTES_PER_CARD = GIB  # buffers of NCCL and of the engine between the processes of one replica
FILES_AT_REST = 512  # of the engine: libraries, weights, workers
FILES_PER_REQUEST = 4  # connection, its other end at the gateway, and what is being closed
LEAST_MAPS = 65530  # the kernel's own default; large models map thousands of regions
SPELLINGS = {"x86_64": ("x86_64", "amd64"), "aarch64": ("aarch64", "arm64"), "arm64": ("aarch64", "arm64")}


def machine_checks(plan: Plan) -> Iterator[Check]:
    """What must hold whatever the accelerator is."""
    yield _system(plan)
    yield _clock(plan)
    yield _memory(plan)
    if plan.hardware.os == "linux":
        yield from _linux(plan)
    if plan.launch.server == "own":
        yield _port(plan)


def _linux(plan: Plan) -> Iterator[Check]:
    if plan.estimate.candidate.tensor_parallel * plan.estimate.candidate.pipeline_parallel > 1:
        yield _shared_memory(plan)
    yield _files(plan)
    if plan.hardware.cpu.numa_nodes > 1:
        yield _numa(plan)
    yield _kernel()


def _system(plan: Plan) -> Check:
    machine = plan.hardware.cpu.architecture
    system = {"linux": "Linux", "darwin": "Darwin", "windows": "Windows"}[plan.hardware.os]
    accepted = "|".join(shell(f"{system} {name}") for name in SPELLINGS.get(machine, (machine,)))
    return Check(
        id="system",
        fact=f"The plan was made for {system} on {machine}",
        why="images, wheels and the predictions are those of that system",
        command=f'found=$(uname -sm); echo "$found"; case $found in {accepted}) ;; *) false ;; esac',
        expect=f"{system} {machine}",
        otherwise="plan on the machine that will run it, or with --hardware from its `advisor probe`",
    )


def _clock(plan: Plan) -> Check:
    asked = "case $(timedatectl show --property=NTPSynchronized --value 2>/dev/null) in"
    synchronised = f" && {asked} no) echo not synchronised; false ;; esac" if plan.hardware.os == "linux" else ""
    return Check(
        id="clock",
        fact="The clock is right",
        why="with a wrong one certificates and tokens are refused, and metrics land in another hour",
        command=f"[ -z \"$(find plan.json -newermt '5 minutes')\" ]{synchronised}",
        expect="no output: not behind the day the plan was written, and synchronised where systemd knows",
        otherwise=typed("clock", plan),
    )


def _memory(plan: Plan) -> Check:
    needed = -(-host_memory_bytes(plan) // MIB)
    read = "awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo"
    if plan.hardware.os == "darwin":
        read = "echo $(( $(sysctl -n hw.memsize) / 1048576 ))"
    return Check(
        id="memory",
        fact=f"The engine needs about {gib(needed * MIB)} of the host's memory",
        why="with less it is killed while it loads, or the machine swaps and answers stand still",
        command=no_less(read, needed),
        expect=f"at least {needed} (MiB available)",
        otherwise="end other programs, or plan a smaller model or context",
        when="stopped",
    )


def _shared_memory(plan: Plan) -> Check:
    candidate = plan.estimate.candidate
    cards = candidate.tensor_parallel * candidate.pipeline_parallel
    needed = cards * SHARED_BYTES_PER_CARD // MIB
    return Check(
        id="shared-memory",
        fact=f"The {cards} processes of one replica share memory (containers get their own share by shm_size)",
        why="with too little they die with a bus error, at the first large request and not before",
        command=no_less("df -Pk /dev/shm | awk 'NR==2 {print int($4 / 1024)}'", needed),
        expect=f"at least {needed} (MiB free in /dev/shm)",
        otherwise=f"sudo mount -o remount,size={2 * needed}m /dev/shm",
        when="stopped",
        targets=("native", "systemd"),
    )


def _files(plan: Plan) -> Check:
    needed = FILES_AT_REST + FILES_PER_REQUEST * admitted_requests(plan.estimate, plan.workload)
    return Check(
        id="open-files",
        fact=f"{admitted_requests(plan.estimate, plan.workload)} requests at once need open files",
        why="at the limit new connections are refused, under load and only then",
        command=no_less("ulimit -Hn | sed 's/unlimited/999999999/'", needed),
        expect=f"at least {needed} (hard limit of this user; the units set their own)",
        otherwise="raise nofile in /etc/security/limits.conf, and log in again",
        targets=("native",),
    )


def _numa(plan: Plan) -> Check:
    nodes = plan.hardware.cpu.numa_nodes
    return Check(
        id="numa",
        fact=f"The plan counts on {nodes} NUMA nodes",
        why="memory of the other socket is half as fast, and the prediction knows the layout",
        command="found=$(find /sys/devices/system/node -maxdepth 1 -name 'node[0-9]*' | wc -l); "
        f'echo "$found" && [ "$found" -eq {nodes} ]',
        expect=str(nodes),
        otherwise="somebody changed the firmware's setting (nodes per socket, sub-NUMA clusters): plan again",
    )


def _kernel() -> Check:
    return Check(
        id="kernel",
        fact="The kernel lends memory before it is used, and lets a process map many regions",
        why="CUDA and torch reserve far more than they use; with strict accounting the start fails",
        command="sysctl -n vm.overcommit_memory vm.max_map_count && "
        f'[ "$(sysctl -n vm.overcommit_memory)" -ne 2 ] && [ "$(sysctl -n vm.max_map_count)" -ge {LEAST_MAPS} ]',
        expect=f"0 or 1, then at least {LEAST_MAPS}",
        otherwise=f"sudo sysctl -w vm.overcommit_memory=0 vm.max_map_count={LEAST_MAPS}, and into /etc/sysctl.d",
    )


def _port(plan: Plan) -> Check:
    port = plan.launch.port
    return Check(
        id="port",
        fact=f"Port {port} is free for the engine",
        why="the engine would not start, or clients would talk to what is there now",
        command=f"{stop_if_busy(port)}; echo free",
        expect="free",
        otherwise=f"stop what listens there (`{typed('listens', plan)}`)",
        when="stopped",
    )
