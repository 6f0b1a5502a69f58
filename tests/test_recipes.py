"""Published recipes, asked of us: the same answer, with the flags that the pinned version needs."""

from __future__ import annotations

import csv
import functools
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from advisor.catalog import constants
from advisor.errors import BadInput
from advisor.measured.store import measurements_from
from advisor.models.names import find_model_and_format
from advisor.models.purpose import purpose
from advisor.plan import plan
from advisor.probe.network import with_nodes
from advisor.probe.simulate import simulate
from advisor.schema import ModelSpec, Plan, Question
from advisor.verdict import verdict_for
from advisor.workload import load_workload

Row = Mapping[str, str]
TABLE = Path(__file__).parent / "data" / "recipes_fit.csv"
UNHURRIED_MS = 3_600_000  # a recipe says that a model runs, not how fast
REMOTE_CODE = "trust-remote-code"
# Other names for the same: what a recipe's plug-in registers → what the pinned version has in its place; and parsers
# of the same answers under two names.
SAME = {
    "reasoning-parser=nano_v3": "reasoning-parser=nemotron_v3",
    "reasoning-parser=deepseek_r1": "reasoning-parser=qwen3",
    "reasoning-parser=minimax_m2_append_think": "reasoning-parser=minimax_m2",
}
SAME_START = ("model", "gpu", "count", "nodes", "context", "concurrency", "bad_tp", "quantization")
NEEDS_A_PLUG_IN = ("tool-call-parser=nemotron_json", "enable-auto-tool-choice")  # Nemotron Nano v2: not registered


class Asked(NamedTuple):
    """One statement and our answer."""

    row: Row
    kind: str  # "agree", "false yes", "false no", "unknown"
    missing: tuple[str, ...] = ()


def rows() -> list[Row]:
    """The statements, without those that contradict each other: the same start once said to run and once not."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    said: dict[tuple[str, ...], set[str]] = {}
    for row in found:
        said.setdefault(tuple(row[key] for key in SAME_START), set()).add(row["runs"])
    return [row for row in found if len(said[tuple(row[key] for key in SAME_START)]) == 1]


def planned(row: Row) -> tuple[Plan | None, ModelSpec]:
    """Our plan for the model on these cards with vLLM; None: no."""
    nodes = int(row["nodes"])
    given: dict[str, object] = {
        "model": row["model"], "engine": "vllm", "concurrency": int(row["concurrency"]), "offline": True,
        "quantization": row["quantization"] or "auto",
    }  # fmt: skip
    given |= {"context_tokens": int(row["context"])} if row["context"] else {}
    given |= {"nodes": nodes} if nodes > 1 else {}
    model = find_model_and_format(row["model"], offline=True)[0]
    if purpose(model) == "scores":
        raise BadInput("a ranking model")
    spoken = {"tools": True, "task": "chat", "ttft_ms": UNHURRIED_MS, "tpot_ms": UNHURRIED_MS}
    profile = "embedding" if purpose(model) == "vectors" else None
    workload = load_workload(profile, given if profile else given | spoken)
    hardware = with_nodes(simulate(f"{int(row['count']) // nodes}x {row['gpu']}"), workload)
    question = Question(model=model, workload=workload, hardware=hardware, measurements=measurements_from("none"))
    return plan(verdict_for(question, depth=False), workload, hardware, model), model


def ask(row: Row) -> Asked:
    """What we say to one statement."""
    try:
        made, model = planned(row)
    except BadInput:
        return Asked(row, "unknown")
    flags = written(made) if made else frozenset()
    if row["bad_tp"]:  # another size, or whole experts, do start
        return Asked(row, "false yes" if made and forbidden(row, made, flags) else "agree")
    if (made is not None) != (row["runs"] == "y"):
        return Asked(row, "false yes" if made else "false no")
    return Asked(row, "agree", missing(row, flags, model) if made else ())


def written(made: Plan) -> frozenset[str]:
    """Flags of the plan as recipes write them, the folder of a file left out."""
    words = {s.name.removeprefix("--"): (s.value or "").rpartition("/")[2] for s in made.settings if s.kind == "flag"}
    return frozenset(f"{name}={value}" if value else name for name, value in words.items())


def forbidden(row: Row, made: Plan, flags: frozenset[str]) -> bool:
    """Whether the plan takes the tensor parallel size that does not start."""
    cut = made.estimate.candidate.tensor_parallel == int(row["bad_tp"] or 0)
    return cut and "enable-expert-parallel" not in flags


def missing(row: Row, flags: frozenset[str], model: ModelSpec) -> tuple[str, ...]:
    """Required flags that the plan lacks, and that the pinned version needs."""
    classes = constants("serving")["remote_code"]["not_needed"]
    lacking = []
    for flag in filter(None, row["required_flags"].split(";")):
        name, _, value = flag.partition("=")
        plain = f"{name}={value.rpartition('/')[2]}" if value else name
        if plain in flags or SAME.get(plain) in flags or (plain == REMOTE_CODE and model.model_type in classes):
            continue
        lacking.append(plain)
    return tuple(lacking)


@functools.cache
def answers() -> tuple[Asked, ...]:
    """Our answer to every statement."""
    return tuple(ask(row) for row in rows())


@pytest.mark.parametrize(("kind", "most"), [("false yes", 0.01), ("false no", 0.01), ("unknown", 0.05)])
def test_answers_agree_with_recipes(kind: str, most: float) -> None:
    """Hardly ever a yes that does not start, a no that runs, or a model that is not known."""
    wrong = [answer.row["model"] for answer in answers() if answer.kind == kind]
    assert len(wrong) <= most * len(answers()), Counter(wrong)


def test_required_flags_are_written() -> None:
    """A flag that a recipe requires is in the plan, unless the pinned version has a class or parser of its own for it."""
    lacking = [answer for answer in answers() if answer.missing]
    told = Counter((answer.row["model"], answer.missing) for answer in lacking)
    assert len(lacking) <= 0.05 * len(answers()), told


def test_what_is_lacking_is_not_registered() -> None:
    """Of the parsers that are lacking most are those of a plug-in file, which no plan may name."""
    lacking = Counter(flag for answer in answers() for flag in answer.missing if "parser" in flag)
    assert sum(count for flag, count in lacking.items() if flag not in NEEDS_A_PLUG_IN) <= 0.01 * len(answers()), (
        lacking
    )
