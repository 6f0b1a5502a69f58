"""Machines, models and loads that the engine tests share, and a plan's whole life without the rules."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from advisor.checklist import host_checks
from advisor.engines import ENGINES
from advisor.models.names import find_model
from advisor.refresh.table import SOURCES
from advisor.schema import Accelerator, Candidate, Cpu, Estimate, Hardware, Load, ModelSpec, Plan, Workload
from tests.required import absent

GIB = 1024**3


def card(index: int, name: str, gib: float, capability: str | None, tera: float = 165, **facts: Any) -> Accelerator:
    """A data-centre or consumer card of round figures."""
    known: dict[str, Any] = {
        "index": index,
        "name": name,
        "vendor": "nvidia",
        "device_class": "consumer",
        "memory_bytes": int(gib * GIB),
        "compute_capability": capability,
        "architecture": "",
        "bandwidth_bytes_per_s": 1e12,
        "dense_flops": {"fp16": tera * 1e12, "bf16": tera * 1e12},
    }
    return Accelerator(**(known | facts))


def machine(
    *cards: Accelerator, os: Literal["linux", "darwin", "windows"] = "linux", architecture: str = "x86_64", **facts: Any
) -> Hardware:
    """A machine with 16 cores and 128 GiB."""
    sets = ("avx2", "avx512") if architecture == "x86_64" else ("neon",)
    cpu = Cpu(
        model="cpu",
        architecture=architecture,
        cores=16,
        threads=32,
        memory_bytes=128 * GIB,
        instruction_sets=sets,
    )
    return Hardware(source="simulated", os=os, cpu=cpu, accelerators=cards, **facts)


def rtx4090(count: int, **facts: Any) -> Hardware:
    """Cards on PCIe without NVLink."""
    return machine(*(card(i, "NVIDIA GeForce RTX 4090", 23.99, "8.9", **facts) for i in range(count)))


def h100(count: int) -> Hardware:
    """Cards that all reach each other by NVLink."""
    everyone = range(count)
    return machine(
        *(
            card(
                i,
                "NVIDIA H100 80GB HBM3",
                79.65,
                "9.0",
                989,
                architecture="Hopper",
                device_class="datacenter",
                bandwidth_bytes_per_s=3.35e12,
                nvlink_peers=tuple(j for j in everyone if j != i),
                nvlink_bytes_per_s=450e9,
            )
            for i in everyone
        )
    )


APPLE = card(0, "Apple M3 Max", 48, None, 28, vendor="apple", device_class="apple", unified_memory=True)
MI300X = card(
    0,
    "AMD Instinct MI300X",
    191.98,
    "gfx942",
    1307,
    vendor="amd",
    device_class="datacenter",
    architecture="CDNA3",
    bandwidth_bytes_per_s=5.3e12,
)
STRIX = card(0, "AMD Radeon 8060S", 96, "gfx1151", 59, vendor="amd", unified_memory=True, device_class="unified")
ARC = card(0, "Intel Arc B580", 12, None, 98, vendor="intel")
GB10 = card(0, "NVIDIA GB10", 119.7, "12.1", 125, unified_memory=True, device_class="unified")

MACHINES: dict[str, Hardware] = {
    "laptop-cpu": machine(),
    "apple-m3-max": machine(APPLE, os="darwin", architecture="aarch64"),
    "gtx-1080": machine(card(0, "NVIDIA GeForce GTX 1080", 8, "6.1", 8.9)),
    "t4": machine(card(0, "Tesla T4", 15, "7.5", 65)),
    "rtx-3090-pair-nvlink": machine(
        *(
            card(i, "NVIDIA GeForce RTX 3090", 24, "8.6", 71, nvlink_peers=(1 - i,), nvlink_bytes_per_s=56e9)
            for i in (0, 1)
        )
    ),
    "rtx-4090": rtx4090(1),
    "rtx-4090-x2": rtx4090(2),
    "rtx-4090-x3": rtx4090(3),
    "rtx-4090-x8": rtx4090(8),
    "mixed": machine(
        card(0, "NVIDIA GeForce RTX 3090", 24, "8.6", 71),
        card(1, "NVIDIA GeForce RTX 4090", 23.99, "8.9"),
        card(2, "NVIDIA GeForce RTX 3090", 24, "8.6", 71),
    ),
    "h100": h100(1),
    "h100-x8": h100(8),
    "mi300x": machine(MI300X),
    "strix-halo": machine(STRIX),
    "gb10": machine(GB10, architecture="aarch64"),
    "arc": machine(ARC),
    "half-full": rtx4090(1, free_bytes=11 * GIB),
    "mig": machine(card(0, "NVIDIA A100-SXM4-40GB MIG 3g.20gb", 19.6, "8.0", 150, mig_profile="3g.20gb")),
}

CHAT = Workload(
    profile="chat",
    task="chat",
    users=20,
    input_tokens=1000,
    output_tokens=300,
    context_tokens=8192,
    think_time_s=30,
    shared_prefix_tokens=200,
)
LOADS: dict[str, Workload] = {
    "chat": CHAT,
    "one": replace(CHAT, profile="desktop", users=1),
    "production": replace(
        CHAT, profile="production-api", users=100, tools=True, production=True, exposed=True, tpot_ms=50
    ),
    "code": replace(
        CHAT, profile="code-agent", task="code", users=2, input_tokens=12000, context_tokens=32768, tools=True
    ),
    "batch": replace(CHAT, profile="batch", task="batch", users=64, think_time_s=0, offline=True),
}
EMBED = replace(
    CHAT,
    profile="embedding",
    task="embed",
    kind="embed",
    input_tokens=400,
    output_tokens=1,
    context_tokens=512,
)

MODELS = (
    "Qwen/Qwen2.5-7B-Instruct",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct",
    "openai/gpt-oss-20b",
    "Qwen/Qwen3-30B-A3B",
)


class Story(NamedTuple):
    """One machine, one load, one model."""

    machine: str
    load: str
    model: str


STORIES = [
    *(Story(name, "chat", "Qwen/Qwen2.5-7B-Instruct") for name in MACHINES),
    *(Story("rtx-4090-x2", load, "meta-llama/Llama-3.1-8B-Instruct") for load in LOADS),
    *(
        Story(name, "production", "meta-llama/Llama-3.3-70B-Instruct")
        for name in ("rtx-4090", "rtx-4090-x2", "h100-x8")
    ),
    *(Story(name, "code", model) for name in ("t4", "rtx-4090", "mi300x") for model in MODELS[3:]),
]


def model(name: str) -> ModelSpec:
    """A catalogue model."""
    return find_model(name, offline=True)


def judged_size(candidate: Candidate, peak: int, hardware: Hardware, workload: Workload, spec: ModelSpec) -> Estimate:
    """A candidate sized for `peak` in flight over all replicas, with memory and speed."""
    engine = ENGINES[candidate.engine]
    sized = engine.resize(candidate, peak / candidate.replicas, hardware, spec)
    memory = engine.memory(sized, hardware, spec)
    load = Load(
        in_flight=peak / sized.replicas,
        input_tokens=workload.input_tokens,
        output_tokens=workload.output_tokens,
    )
    speed = engine.speed(sized, memory, hardware, spec, load) if memory.fits else None
    return Estimate(
        candidate=sized,
        memory=memory,
        speed=speed,
        peak_speed=speed,
        in_flight=float(peak),
        peak_in_flight=peak,
        derivation="given",
    )


def plan_of(candidate: Candidate, hardware: Hardware, workload: Workload, spec: ModelSpec, peak: int = 12) -> Plan:
    """Everything from a candidate to the checklist."""
    engine = ENGINES[candidate.engine]
    estimate = judged_size(candidate, peak, hardware, workload, spec)
    settings = engine.settings(estimate, hardware, workload, spec)
    launch = engine.launch(estimate, settings, hardware, workload, spec)
    plan = Plan(
        name=f"{candidate.engine}-{launch.served_name}",
        engine=candidate.engine,
        engine_version=engine.limits().version,
        model=spec,
        hardware=hardware,
        workload=workload,
        estimate=estimate,
        launch=launch,
        settings=settings,
        checks=(),
        findings=(),
        summary=f"{engine.limits().title} on this machine.",
        in_flight=float(peak),
    )
    return replace(plan, checks=(*host_checks(plan), *engine.checks(plan)))


def first_plan(
    engine: str, name: str, load: str = "chat", spec: str = MODELS[0], peak: int = 12, index: int = 0
) -> Plan:
    """The plan of one candidate of an engine on a named machine."""
    hardware, workload = MACHINES[name], LOADS[load]
    found = ENGINES[engine].propose(hardware, workload, model(spec))
    return plan_of(found[index], hardware, workload, model(spec), peak)


def pinned(name: str) -> Any:
    """One of the lists of what the pinned versions accept."""
    return json.loads((SOURCES / name).read_text(encoding="utf-8"))


def tool(name: str) -> str:
    """A program of tests/tools/install.sh; skips where it is absent, unless ADVISOR_REQUIRE_TOOLS=1."""
    cache = Path(os.environ.get("ADVISOR_TOOLS", Path.home() / ".cache" / "advisor-tools"))
    found = str(cache / name) if (cache / name).exists() else shutil.which(name)
    if found is None:
        absent(f"{name} is not installed: tests/tools/install.sh", "TOOLS")
    return found
