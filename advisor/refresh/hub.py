"""hub_models.csv → data/models_hub.json. Run: `python -m advisor.refresh.hub FOLDER`.

Models that the architecture table does not hold, with the dimensions that the Hub states of them. What their
config does not tell there (layer pattern, latent ranks, KV of shared layers) is that of the catalogue's models of
the same model_type; without one every layer keeps the whole context, which is the upper bound.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from advisor.catalog import from_entry
from advisor.physics.memory.layout import tensor_groups
from advisor.refresh.copies import with_copies
from advisor.refresh.parsers import known_parser
from advisor.refresh.table import DATA, SOURCES, Row, asked_folder, document, integer, rows, without_defaults, write
from advisor.schema import ModelSpec

ORIGIN = "advisor/refresh/sources/hub_models.csv, see README.md there"
Entry = Mapping[str, Any]
# What a model takes over from others of its model_type: shares of its layers, and exact values.
PATTERN = ("layers_full", "layers_sliding", "layers_linear")
INHERITED = ("sliding_window", "mla_kv_lora_rank", "mla_rope_dim", "first_dense_layers")
_ROUNDS = 5  # the shape follows from the active parameters, and they from the shape
SAME_SIZE = 0.05  # of all parameters: heads and towers differ
EXPERTS = (
    "intermediate", "experts", "experts_per_token", "expert_intermediate", "shared_experts", "active_parameters",
)  # fmt: skip
SPOKEN = ("tool_parser", "reasoning_parser")
NATIVE = {"fp8": "fp8", "mxfp4": "mxfp4", "fp4+fp8": "fp4-fp8", "w4a16": "w4a16", "int4": "w4a16"}
VECTORS = ("feature-extraction", "sentence-similarity")
TUNED = ("instruct", "chat", "-it", "thinking", "reasoning", "coder", "code")


def entry(row: Row, siblings: Iterable[Entry]) -> dict[str, Any]:
    """One model of the table; figures that are assumed lower its confidence."""
    alike = [one for one in siblings if one.get("model_type") == row["model_type"]]
    heads, layers, hidden = int(row["heads"]), int(row["layers"]), int(row["hidden"])
    found: dict[str, Any] = {
        "hf_id": row["hf_id"],
        "family": next((one["family"] for one in alike), row["hf_id"].rpartition("/")[2].split("-")[0]),
        "parameters": int(row["parameters"]),
        "layers": layers,
        "hidden": hidden,
        "heads": heads,
        "kv_heads": int(row["kv_heads"] or heads),
        "head_dim": int(row["head_dim"] or hidden // heads),
        "vocab": int(row["vocab"]),
        "tied_embeddings": int(row["parameters"]) < 4e9,
        "context_trained": int(row["context"]),
        "native_format": NATIVE.get(row["format"]) or _native(row, alike),
        "release": row["release"],
        "architecture": row["architecture"],
        "model_type": row["model_type"],
        **_experts(row, alike),
        **_layers(row, alike),
        "multimodal": row["pipeline"] == "image-text-to-text",
        "licence": row["licence"],
        **(_recipes().get(row["hf_id"].lower()) or {key: _agreed(key, _closest(row, alike)) for key in SPOKEN}),
        "tags": _tags(row),
        "confidence": "medium" if alike else "low",
        "source": "llmfit",
    }
    return _agreeing(without_defaults(ModelSpec, with_copies(found)), _twin(row, alike))


def _agreeing(entry: dict[str, Any], twin: Entry | None) -> dict[str, Any]:
    """The entry with the active parameters of a relative, else by its shape, where those of the table contradict it."""
    for _ in range(_ROUNDS):
        model = from_entry(ModelSpec, entry)
        active = _woken(model)
        if not model.active_parameters or abs(active - model.active_parameters) <= SAME_SIZE * active:
            return entry
        if twin is not None and twin.get("active_parameters"):
            return entry | {key: twin[key] for key in EXPERTS if key in twin}
        entry = entry | {"active_parameters": round(active)}
    return entry


def _woken(model: ModelSpec) -> float:
    """What one token wakes of a mixture, by its shape."""
    routed = sum(group.elements for group in tensor_groups(model) if group.role.startswith("expert_"))
    asleep = 1 - model.experts_per_token / model.experts if model.experts else 0.0
    return model.parameters - routed * asleep


def _experts(row: Row, alike: list[Entry]) -> dict[str, Any]:
    """Widths of the feed-forward layers; the table writes the experts' width where there are experts."""
    twin = _twin(row, alike)
    if twin is not None and not row["experts"]:
        return {key: twin[key] for key in EXPERTS if key in twin}
    inner, experts = int(row["intermediate"] or 0), int(row["experts"] or 0)
    if not experts:
        return {"intermediate": inner or 4 * int(row["hidden"])}
    active, total = integer(row["active"]), int(row["parameters"])
    shared = int(row["shared_intermediate"] or 0) // inner if inner else 0
    return {
        "intermediate": next((one["intermediate"] for one in alike if one["hidden"] == int(row["hidden"])), 0),
        "experts": experts,
        "experts_per_token": int(row["experts_per_token"] or 0),
        "expert_intermediate": inner,
        "shared_experts": shared or next((one.get("shared_experts", 0) for one in alike), 0),
        "active_parameters": active if active and active < total else None,
    }


def _twin(row: Row, alike: list[Entry]) -> Entry | None:
    """A relative of the same dimensions, whose experts the table leaves out."""
    size, total = (int(row["layers"]), int(row["hidden"])), int(row["parameters"])
    same = (one for one in alike if (one["layers"], one["hidden"]) == size)
    return next((one for one in same if abs(one["parameters"] - total) < SAME_SIZE * total), None)


def _layers(row: Row, alike: list[Entry]) -> dict[str, Any]:
    """The pattern of layers in the shares of the closest relative; every layer in full where there is none."""
    layers = int(row["layers"])
    if row["pipeline"] in VECTORS:
        return {"layers_full": 0}
    near = min(alike, key=lambda one: abs(one["layers"] - layers), default=None)
    if near is None:
        return {"layers_full": layers}
    shares = {key: round(layers * near.get(key, 0) / near["layers"]) for key in PATTERN}
    if shares["layers_full"] + shares["layers_sliding"] > layers:
        shares["layers_full"] = layers - shares["layers_sliding"]
    taken = {key: near[key] for key in INHERITED if key in near}
    if not shares["layers_sliding"]:
        taken.pop("sliding_window", None)
    return {**shares, **taken, **_cached(row, near)}


def _cached(row: Row, near: Entry) -> dict[str, Any]:
    """KV elements of a token, in proportion to the layers, where the relative's are not by the plain formula."""
    keys = [key for key in ("kv_elements_per_token", "kv_elements_per_token_full") if near.get(key) is not None]
    return {key: near[key] * int(row["layers"]) // near["layers"] for key in keys}


def _native(row: Row, alike: list[Entry]) -> str:
    """The form in which the same maker publishes this model_type, where it is one; else 16 bit."""
    formats = {one["native_format"] for one in alike if _owner(one["hf_id"]) == _owner(row["hf_id"])}
    return formats.pop() if len(formats) == 1 else "bf16"


def _closest(row: Row, alike: list[Entry]) -> list[Entry]:
    """Relatives of the same maker, where there are any."""
    return [one for one in alike if _owner(one["hf_id"]) == _owner(row["hf_id"])] or alike


def _agreed(key: str, alike: list[Entry]) -> str | None:
    """What all relatives that state it state."""
    stated = {one[key] for one in alike if one.get(key)}
    kind = "tool" if key == "tool_parser" else "reasoning"
    return known_parser(kind, stated.pop()) if len(stated) == 1 else None  # type: ignore[arg-type] # one of two words


@cache
def _recipes() -> Mapping[str, Mapping[str, str | None]]:
    """Hub id in lower case → the registered parsers that a recipe of that very model names, where it names one."""
    found = {}
    for row in rows(SOURCES / "model_serving.csv"):
        named = {
            "tool_parser": known_parser("tool", row["tool_parser"]),
            "reasoning_parser": known_parser("reasoning", row["reasoning_parser"]),
        }
        if any(named.values()):
            found[row["served_repo"].lower()] = named
    return found


def _owner(hf_id: str) -> str:
    return hf_id.split("/")[0]


def _tags(row: Row) -> list[str]:
    """What the model is for, by the Hub's own word and its name."""
    if "rerank" in row["hf_id"].lower():
        return ["rerank"]
    if row["pipeline"] in VECTORS or row["role"] == "embedding":
        return ["embedding"]
    name = row["hf_id"].rpartition("/")[2].lower()
    tags = ["chat" if any(word in name for word in TUNED) or row["role"] == "guard" else "completion"]
    tags += ["vision"] if row["pipeline"] == "image-text-to-text" else []
    return tags + (["code"] if "code" in name else [])


def generate(folder: Path) -> dict[str, str]:
    """File name → text of the data file, the same from run to run."""
    kept = [
        one
        for name in ("models", "models_extra")
        for one in json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))[name]
    ]
    held = {one["hf_id"].lower() for one in kept}
    table = [row for row in rows(folder / "hub_models.csv") if row["hf_id"].lower() not in held]
    entries = [entry(row, kept) for row in sorted(table, key=lambda row: row["hf_id"].lower())]
    return {"models_hub.json": document("models_hub", "hub", ORIGIN, entries)}


if __name__ == "__main__":
    for name, text in generate(asked_folder(__doc__)).items():
        write(name, text)
