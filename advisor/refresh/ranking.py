"""The rule in data/ranking.yaml applied to the catalogue and the public scores → data/ranking.json.

Run: `python -m advisor.refresh.ranking`; scores.json is written with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, get_args

from advisor.catalog import constants, engine_limits, formats, models
from advisor.catalog.entries import Placed
from advisor.catalog.licences import licence_of
from advisor.models.purpose import purpose
from advisor.models.text import tokens
from advisor.physics.memory.kv import kv_bytes_per_token
from advisor.refresh import scores
from advisor.refresh.table import SOURCES, document, without_defaults, write
from advisor.schema import Kind, ModelSpec

_PURPOSES = {"embedding": "vectors", "rerank": "scores"}  # of a task that needs such a tag; any other writes text


class Ranked(NamedTuple):
    """A model with its place."""

    place: scores.Place
    model: ModelSpec


def fit(model: ModelSpec, task: dict[str, Any]) -> bool:
    """Whether the model can do the task at all, and was made to."""
    wanted = next((_PURPOSES[tag] for tag in task["need"] if tag in _PURPOSES), "text")
    words = set(tokens(model.hf_id) + tuple(model.hf_id.lower().split("-")))
    return (
        purpose(model) == wanted
        and all(tag in model.tags or tag == "rerank" for tag in task["need"])
        and ("vision" not in task["need"] or model.multimodal)
        and not any(tag in model.tags for tag in task.get("avoid", ()))
        and model.context_trained >= task.get("min_context_tokens", 0)
        and not set(constants("ranking")["leave_out"]) & words
    )


def trusted(ranked: Ranked, task: dict[str, Any]) -> bool:
    """Whether somebody measured it, or its family is known; tools need a parser's tag or a measured use of them."""
    scored = ranked.place.score is not None
    able = not task.get("tools") or scored or "tools" in ranked.model.tags
    known = ranked.model.family in constants("ranking")["families"] and ranked.model.source == "models"
    return able and (scored or (known and bool(ranked.model.release)))


def withheld(model: ModelSpec) -> str:
    """Why a model is only planned when it is named; empty: no reason."""
    licence = licence_of(model)
    if not licence.offered:
        return f"licence: {licence.title}"
    if model.gated and model.hf_id not in constants("ranking")["gated_kept"]:
        return "gated"
    if not model.architecture:
        return "its architecture is not known"
    return "its dimensions are not sure" if model.confidence == "low" else ""


def ranked(name: str, folder: Path = SOURCES) -> list[Ranked]:
    """The models for one task, the best first."""
    task = constants("ranking")["tasks"][name]
    able = [model for model in models() if fit(model, task)]
    places = scores.places(name, able, scores.read(folder))
    found = [Ranked(places[model.hf_id], model) for model in able if model.hf_id in places]
    found = [one for one in found if trusted(one, task)]
    return sorted(found, key=lambda one: (-one.place.at, one.model.hf_id))


def entries(name: str, folder: Path = SOURCES) -> list[dict[str, Any]]:
    """Every ranked model as it is kept."""
    found: list[dict[str, Any]] = []
    offered: list[ModelSpec] = []
    for one in ranked(name, folder):
        reason = withheld(one.model)
        outdone = any(outdoes(better, one.model) for better in offered)
        found.append(
            {"hf_id": one.model.hf_id, "place": round(one.place.at, 3), "scored": one.place.score is not None,
             "outdone": outdone, "withheld": reason}
        )  # fmt: skip
        if not reason:
            offered.append(one.model)
    return [without_defaults(Placed, entry) for entry in found]


def outdoes(better: ModelSpec, other: ModelSpec) -> bool:
    """Whether a higher-ranked model needs no more of anything, and can be had in every form."""
    single = engine_limits("ollama").single_slot_families
    limited = better.model_type in single and other.model_type not in single
    cheaper = better.parameters <= other.parameters and _active(better) <= _active(other)
    lean = kv_bytes_per_token(better, 2.0) <= kv_bytes_per_token(other, 2.0)
    return cheaper and lean and not limited and _forms(better) >= _forms(other)


def _active(model: ModelSpec) -> int:
    return model.active_parameters or model.parameters


def _forms(model: ModelSpec) -> set[str]:
    """Where its weights can be had: in the library, and in how few bits on the Hub."""
    bits = {_size(formats()[name].linear_bits) for name in (*model.repos, model.native_format)}
    library = {"library"} if model.ollama_tag else set()
    return library | {f"{size} bit" for size in bits}


def _size(bits: float) -> int:
    return next(size for size in (4, 8, 16, 32) if bits <= size * 1.2)


def generate(folder: Path = SOURCES) -> dict[str, str]:
    """File name → text of the data file, the same from run to run; without what no model does or no profile asks."""
    tasks = constants("ranking")["tasks"].items()
    planned = [name for name, task in tasks if task.get("kind", "generate") in get_args(Kind)]
    lists = [{"task": name, "models": entries(name, folder)} for name in planned]
    origin = "ranking.yaml beside this file, models.json, model_scores.csv"
    return {"ranking.json": document("ranking", "ranking", origin, (one for one in lists if one["models"]))}


if __name__ == "__main__":
    for name, text in {**scores.generate(), **generate()}.items():
        write(name, text)
