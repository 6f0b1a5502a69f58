"""data/models_extra.yaml → data/models_extra.json. Run: `python -m advisor.refresh.extra`."""

from __future__ import annotations

import json
from typing import Any

import yaml

from advisor.refresh.copies import with_copies
from advisor.refresh.table import DATA, document, without_defaults, write
from advisor.schema import ModelSpec

ORIGIN = "models_extra.yaml beside this file"
OWN = ("hf_id", "family", "release", "licence", "gated", "ollama_tag", "ollama_quantization", "repos", "tags")
DEFAULTS: dict[str, Any] = {"confidence": "medium", "source": "llmfit"}


def generate() -> dict[str, str]:
    """File name → text of the data file, the same from run to run."""
    kept = yaml.safe_load((DATA / "models_extra.yaml").read_text(encoding="utf-8"))["models"]
    table = json.loads((DATA / "models.json").read_text(encoding="utf-8"))["models"]
    known: dict[str, dict[str, Any]] = {entry["hf_id"]: entry for entry in table}
    entries = []
    for given in kept:
        entry = expand(given, known)
        known[entry["hf_id"]] = entry
        entries.append(without_defaults(ModelSpec, with_copies(entry)))
    entries.sort(key=lambda entry: entry["hf_id"].lower())
    return {"models_extra.json": document("models_extra", "extra", ORIGIN, entries)}


def expand(given: dict[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Architecture of the entry named by `like`, then the defaults of this file, then what is given."""
    base = known[given["like"]] if "like" in given else {}
    inherited = {key: item for key, item in base.items() if key not in OWN or key in ("tags", "family")}
    own = {key: item for key, item in given.items() if key != "like"}
    return {**inherited, **DEFAULTS, **own}


if __name__ == "__main__":
    for name, text in generate().items():
        write(name, text)
