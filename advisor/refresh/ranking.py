"""The rule in data/ranking.yaml applied to the catalogue → data/ranking.json.

Run: `python -m advisor.refresh.ranking`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from advisor.catalog import constants, engine_limits, models
from advisor.models.text import tokens
from advisor.refresh.table import document, write
from advisor.schema import ModelSpec

FIRST_YEAR = 2020


class Ranked(NamedTuple):
    """A model with its score."""

    score: float
    model: ModelSpec


def score(model: ModelSpec, bonus: float = 0.0) -> float:
    """Doublings of size and of time together; see data/ranking.yaml."""
    year, month = (int(part) for part in model.release.split("-")[:2])
    months = (year - FIRST_YEAR) * 12 + month - 1
    size = math.sqrt(model.parameters * (model.active_parameters or model.parameters)) / 1e9
    doubling: int = constants("ranking")["months_per_doubling"]
    return math.log2(size) + months / doubling + bonus


def eligible(model: ModelSpec, task: dict[str, Any]) -> bool:
    """Of a known family, in both worlds, ungated, sure enough, fit for the task, no long thoughts first."""
    rule = constants("ranking")
    return (
        model.family in rule["families"]
        and model.source == "models"
        and model.confidence != "low"
        and bool(model.release and model.ollama_tag)
        and (not model.gated or model.hf_id in rule["gated_kept"])
        and model.licence in rule["licences"]
        and all(tag in model.tags for tag in task["need"])
        and not any(tag in model.tags for tag in task.get("avoid", ()))
        and model.context_trained >= task.get("min_context_tokens", 0)
        and not set(rule["leave_out"]) & set(tokens(model.hf_id) + tuple(model.hf_id.lower().split("-")))
    )


def ranked(name: str) -> list[Ranked]:
    """The models for one task, most capable first, without those that another one makes pointless."""
    rule = constants("ranking")
    task = rule["tasks"][name]
    bonus = rule["tag_bonus"]
    found = [
        Ranked(score(model, bonus if task.get("prefer") in model.tags else 0.0), model)
        for model in models()
        if eligible(model, task)
    ]
    found.sort(key=lambda one: (-one.score, one.model.hf_id))
    kept: list[Ranked] = []
    for one in found:
        if not any(_outdoes(better.model, one.model) for better in kept):
            kept.append(one)
    return kept


def _outdoes(better: ModelSpec, other: ModelSpec) -> bool:
    """Whether a higher-ranked model needs no more and is served no worse."""
    single = engine_limits("ollama").single_slot_families
    limited = better.model_type in single and other.model_type not in single
    cheaper = better.parameters <= other.parameters and _active(better) <= _active(other)
    return cheaper and not limited


def _active(model: ModelSpec) -> int:
    return model.active_parameters or model.parameters


def generate() -> dict[str, str]:
    """File name → text of the data file, the same from run to run."""
    entries = [
        {"task": name, "models": [one.model.hf_id for one in ranked(name)]} for name in constants("ranking")["tasks"]
    ]
    return {"ranking.json": document("ranking", "ranking", "ranking.yaml beside this file, models.json", entries)}


if __name__ == "__main__":
    for name, text in generate().items():
        write(name, text)
