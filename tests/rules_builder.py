"""The base case of the rule cards, and how a card's sections change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from advisor.catalog import engine_limits, weights_format
from advisor.models.names import find_model
from advisor.rules import Case, Contest
from advisor.schema import (
    Accelerator,
    Candidate,
    Containers,
    Cpu,
    Estimate,
    Figure,
    Finding,
    Hardware,
    Judged,
    Memory,
    NodeLink,
    RunningEngine,
    Speed,
    Workload,
)

GIB = 1024**3

WORKLOAD = Workload(
    profile="chat",
    task="chat",
    users=20,
    input_tokens=1000,
    output_tokens=300,
    context_tokens=8192,
    think_time_s=30,
    ttft_ms=2000,
    tpot_ms=100,
)
CARD = Accelerator(
    index=0,
    name="NVIDIA GeForce RTX 4090",
    vendor="nvidia",
    device_class="consumer",
    memory_bytes=24 * GIB,
    catalog_id="nvidia-rtx-4090",
    architecture="Ada",
    compute_capability="8.9",
    bandwidth_bytes_per_s=1.008e12,
    dense_flops={"bf16": 165e12, "fp16": 165e12},
    pcie_peer_access=False,
)
HARDWARE = Hardware(
    source="probed",
    os="linux",
    nvidia_driver="580.95",
    disk_path="/",
    disk_free_bytes=500 * 10**9,
    cpu=Cpu(
        model="a CPU", architecture="x86_64", cores=16, threads=32, memory_bytes=64 * GIB, instruction_sets=("avx2",)
    ),
    containers=Containers(
        engine="docker", engine_version="28.2", compose_version="2.39", nvidia_toolkit_version="1.17"
    ),
    accelerators=(CARD,),
)
CANDIDATE = Candidate(
    engine="vllm",
    model_ref="Qwen/Qwen2.5-7B-Instruct",
    weights_format="bf16",
    kv_cache_dtype="auto",
    device="gpu",
    gpu_indices=(0,),
    context_tokens=8192,
    max_in_flight=16,
    max_batched_tokens=2048,
    memory_utilization=0.92,
)
MEMORY = Memory(
    device_bytes=24 * GIB,
    budget_bytes=22 * GIB,
    weights_bytes=14 * GIB,
    kv_bytes=6 * GIB,
    activation_bytes=GIB,
    overhead_bytes=GIB,
    kv_bytes_per_token=57344,
    kv_tokens=112000,
    full_sequences=13.7,
    fits=True,
    short_bytes=0,
    basis="calibrated",
    source="engines-vllm-memory",
)


def _figure(expected: float) -> Figure:
    return Figure(low=expected * 0.8, expected=expected, high=expected * 1.2, basis="calibrated", source="speed-fit")


SPEED = Speed(
    in_flight=8,
    output_tokens_per_s=_figure(400),
    ttft_s=_figure(0.3),
    ttft_p95_s=_figure(0.6),
    tpot_s=_figure(0.02),
    tpot_p95_s=_figure(0.025),
    queued=0,
    bound="bandwidth",
)


def _changed(base: Any, changes: Mapping[str, Any]) -> Any:
    """The value with the card's keys replaced; a number for a Figure means its expected value."""
    known = {field.name for field in fields(base)}
    assert set(changes) <= known, f"unknown keys {set(changes) - known} for {type(base).__name__}"
    made = {}
    for key, item in changes.items():
        old = getattr(base, key)
        if isinstance(old, Figure):
            item = _figure(float(item))
        elif isinstance(item, list):
            item = tuple(item)
        elif isinstance(old, (Cpu, Containers)):
            item = _changed(old, item)
        made[key] = item
    return replace(base, **made)


def build_case(card: Mapping[str, Any]) -> Case:
    """The base case with the card's sections put over it."""
    cards = tuple(_changed(replace(CARD, index=i), one) for i, one in enumerate(card.get("cards", [{}])))
    candidate = _changed(CANDIDATE, {"gpu_indices": [c.index for c in cards]} | card.get("candidate", {}))
    candidate = replace(candidate, engine=card.get("engine", "vllm"), weights_format=card.get("format", "bf16"))
    speed = None if card.get("speed", {}) is None else _changed(SPEED, card.get("speed", {}))
    peak = None if speed is None else _changed(SPEED, card.get("peak_speed", {}))
    link = NodeLink(**card["link"]) if "link" in card else None
    running = tuple(RunningEngine(**each) for each in card.get("running", ()))
    estimate = Estimate(
        candidate=candidate,
        memory=_changed(MEMORY, card.get("memory", {})),
        in_flight=8,
        peak_in_flight=12,
        derivation="",
        speed=speed,
        peak_speed=peak,
    )
    return Case(
        estimate=_changed(estimate, card.get("estimate", {})),
        hardware=_changed(
            replace(HARDWARE, accelerators=cards, node_link=link, running=running), card.get("hardware", {})
        ),
        workload=_changed(WORKLOAD, card.get("workload", {})),
        model=_changed(find_model("Qwen/Qwen2.5-7B-Instruct", offline=True), card.get("model", {})),
        limits=_changed(engine_limits(card.get("engine", "vllm")), card.get("limits", {})),
        weights_format=weights_format(card.get("format", "bf16")),
    )


def _on_cards(estimate: Estimate, engine: str, cards: int) -> Estimate:
    """The estimate of an engine's way on so many cards."""
    return replace(estimate, candidate=replace(estimate.candidate, engine=engine, gpu_indices=tuple(range(cards))))


def build_contest(card: Mapping[str, Any]) -> Contest:
    """Engines side by side as the card describes them."""
    engines = card["engines"]
    case = build_case(card)
    estimate = case.estimate

    def finding(name: str, message: str) -> Finding:
        return Finding(rule="SPD202", severity="PERF", message=message, source="speed-fit", engine=name)

    misses = {
        name: tuple(finding(name, m) for m in one.get("misses", []))
        for name, one in engines.items()
        if one.get("able", True)
    }
    return Contest(
        best={
            name: Judged(estimate=_on_cards(estimate, name, engines[name].get("cards", 1)), findings=misses[name])
            if name in misses
            else None
            for name in engines
        },
        misses=misses,
        simplicity={name: engine_limits(name).simplicity for name in engines},
        titles={name: engine_limits(name).title for name in engines},
        workload=case.workload,
        features={name: engine_limits(name).features for name in engines},
        bits={name: engines[name].get("bits", 16.0) for name in misses},
        crossover_in_flight=card.get("crossover"),
        answer_s={name: engines[name].get("answer_s", 1.0) for name in misses},
        tokens_per_s={name: engines[name].get("tokens_per_s", 100.0) for name in misses},
        refused={name: engines[name].get("refused", "") for name in engines if name not in misses},
        load=float(case.workload.concurrency or case.workload.request_rate or case.workload.users),
        ahead_from=card.get("ahead_from"),
        level_from=card.get("level_from"),
        outlasted=card.get("outlasted", False),
        spilled=card.get("spilled", False),
        one_node=card.get("one_node", ""),
    )
