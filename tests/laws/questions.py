"""Random questions, the same for the same number: any card, model, profile, load, target and wish, as one types them."""

from __future__ import annotations

import random
import re
import shlex
from functools import lru_cache
from typing import Any

import click
from click.core import ParameterSource

from advisor.catalog import gpus, models
from advisor.commands.recommend import command
from advisor.engines.beside import with_reserve
from advisor.measured.correction import Measurements
from advisor.models.names import find_model
from advisor.models.purpose import purpose
from advisor.models.thinking import with_room
from advisor.probe.network import with_nodes
from advisor.probe.simulate import simulate
from advisor.schema import Hardware, ModelSpec, Question, value
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
_ASIDE = re.compile(r'("[^"]*")|\s*\([^()]*\)')  # what a line of remedy says beside its flags; a name in quotes may too


@value
class Typed:
    """A question as it is typed."""

    profile: str
    gpu: str
    options: dict[str, Any]  # keys of the workload

    def with_flags(self, line: str) -> Typed | None:
        """The same with what a line of remedy says typed behind it; None where it is no line of flags."""
        words = shlex.split(_ASIDE.sub(lambda found: found[1] or "", line))
        try:
            context = command.make_context("recommend", words)
        except click.UsageError:
            return None
        given = {
            name: found
            for name, found in context.params.items()
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        }
        gpu = given.pop("gpu", self.gpu)
        return Typed(profile=self.profile, gpu=gpu, options=self.options | given)

    def asked(self) -> Question:
        """What `advisor recommend` makes of it."""
        workload = load_workload(self.profile, self.options | {"offline": True})
        model = model_of(workload.model or "")
        machine = with_reserve(with_nodes(machine_of(self.gpu), workload), workload)
        return Question(
            model=model, workload=with_room(workload, model), hardware=machine, measurements=Measurements()
        )  # fmt: skip


@lru_cache(maxsize=4096)
def model_of(name: str) -> ModelSpec:
    """The model of that name, from the catalogue."""
    return find_model(name, offline=True)


@lru_cache(maxsize=256)
def machine_of(gpu: str) -> Hardware:
    """The machine with these cards."""
    return simulate(gpu)


def typed(number: int) -> Typed:
    """The random question of that number, which is its seed."""
    dice = random.Random(f"question {number}")
    gpu = _machine(dice)
    name = _model(dice, machine_of(gpu))
    profile = dice.choice(PROFILES)
    return Typed(profile=profile, gpu=gpu, options={"model": name, **_load(dice), **_wishes(dice)})


def _model(dice: random.Random, machine: Hardware) -> str:
    """Any model, mostly one that is not hopelessly large for the machine."""
    room = sum(card.memory_bytes for card in machine.accelerators)
    names = [dice.choice(WRITERS) for _ in range(6)]
    fitting = [name for name in names if model_of(name).parameters * 0.6 < room]
    return fitting[0] if fitting and dice.random() < 0.9 else names[0]


def _machine(dice: random.Random) -> str:
    spec = dice.choice(SPECS)
    if spec.device_class in ALONE:
        return f"{spec.name} {round(spec.memory_bytes / 2**30)}GB"
    if dice.random() < 0.05:
        other = dice.choice([one for one in SPECS if one.vendor == spec.vendor and one.device_class not in ALONE])
        return f"{spec.id} + {other.id}"
    return f"{dice.choice((1, 1, 1, 2, 2, 3, 4, 6, 8))}x {spec.id}"


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
