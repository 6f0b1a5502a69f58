"""Random questions, the same for the same number: any card, model, profile, load, target and wish."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

from advisor.catalog import gpus, models
from advisor.measured.correction import Measurements
from advisor.models.names import find_model
from advisor.models.purpose import purpose
from advisor.probe.simulate import simulate
from advisor.schema import Hardware, ModelSpec, Question
from advisor.workload import load_workload

ALONE = ("unified", "apple")
SPECS = [spec for spec in gpus() if spec.memory_bytes]
WRITERS = [spec.hf_id for spec in models() if purpose(spec) == "text"]
PROFILES = (
    "chat",
    "chat",
    "chat",
    "desktop",
    "classroom",
    "code-agent",
    "code-completion",
    "rag",
    "production-api",
    "batch",
)


@lru_cache(maxsize=4096)
def model_of(name: str) -> ModelSpec:
    """The model of that name, from the catalogue."""
    return find_model(name, offline=True)


def question(number: int) -> Question:
    """The random question of that number."""
    dice = random.Random(f"question {number}")
    machine = _machine(dice)
    name = _model(dice, machine)
    profile = dice.choice(PROFILES)
    options: dict[str, Any] = {"model": name, "offline": True, **_load(dice), **_wishes(dice)}
    workload = load_workload(profile, options)
    return Question(model=model_of(name), workload=workload, hardware=machine, measurements=Measurements())


def _model(dice: random.Random, machine: Hardware) -> str:
    """Any model, mostly one that is not hopelessly large for the machine."""
    room = sum(card.memory_bytes for card in machine.accelerators)
    names = [dice.choice(WRITERS) for _ in range(6)]
    fitting = [name for name in names if model_of(name).parameters * 0.6 < room]
    return fitting[0] if fitting and dice.random() < 0.9 else names[0]


def _machine(dice: random.Random) -> Hardware:
    spec = dice.choice(SPECS)
    if spec.device_class in ALONE:
        return simulate(f"{spec.name} {round(spec.memory_bytes / 2**30)}GB")
    if dice.random() < 0.05:
        other = dice.choice([one for one in SPECS if one.vendor == spec.vendor and one.device_class not in ALONE])
        return simulate(f"{spec.id} + {other.id}")
    return simulate(f"{dice.choice((1, 1, 1, 2, 2, 3, 4, 6, 8))}x {spec.id}")


def _load(dice: random.Random) -> dict[str, Any]:
    kind = dice.random()
    if kind < 0.7:
        return {"users": round(10 ** dice.uniform(0, 3.3))}
    if kind < 0.9:
        return {"concurrency": round(10 ** dice.uniform(0, 2.7))}
    return {"request_rate": 10 ** dice.uniform(-2, 1.5)}


def _wishes(dice: random.Random) -> dict[str, Any]:
    wishes: dict[str, Any] = {}
    if dice.random() < 0.3:
        wishes["context_tokens"] = dice.choice((16384, 32768, 65536, 131072))
    if dice.random() < 0.3:
        wishes["ttft_ms"] = round(10 ** dice.uniform(2, 4.3))
    if dice.random() < 0.3:
        wishes["tpot_ms"] = round(10 ** dice.uniform(0.8, 2.4))
    if dice.random() < 0.15:
        wishes["engine"] = dice.choice(("ollama", "vllm"))
    return wishes
