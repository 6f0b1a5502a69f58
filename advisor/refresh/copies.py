"""hub_quantised.csv and seen_quantised.csv → data/copies.json, and the repositories that the entries of models advise.

Run: `python -m advisor.refresh.copies FOLDER`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from advisor.models.library import HUB
from advisor.refresh.table import SOURCES, asked_folder, document, rows, write
from advisor.units import GB

# Publishers whose quantised repositories may be advised besides the model's own: they publish many and keep them up.
# A repository of anybody else is loaded only when a person names it.
PUBLISHERS = (
    "AngelSlim", "QuantTrio", "RedHatAI", "TheBloke", "amd", "casperhansen", "cognitivecomputations", "cyankiwi",
    "hugging-quants", "neuralmagic", "nvidia", "pytorch", "stelterlab", "unsloth",
)  # fmt: skip
GGUF_PUBLISHERS = ("ggml-org", "unsloth", "bartowski", "lmstudio-community")  # after the model's own, in this order
GGUF = "gguf"
# Lists of the Hub end somewhere: the second table holds copies of checkpoints of 8 bits that they leave out.
TABLES = ("hub_quantised.csv", "seen_quantised.csv")
ORIGIN = "hub_quantised.csv (Hub to 2026-10-05), seen_quantised.csv in advisor/refresh/sources, see README.md there"
# The Hub takes files up to 50 GB, so publishers cut larger ones, and `ollama pull hf.co/...` takes whole files only.
WHOLE_FILE_BYTES = 48 * GB
Q4_K_M_BYTES = 0.61  # of a weight, embeddings and head included


@functools.cache
def known_copies() -> Mapping[str, tuple[Mapping[str, str], ...]]:
    """Hub id of the base in lower case → its copies, the most downloaded of each format first."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in _copies(SOURCES):
        found.setdefault(row["base"].lower(), []).append(row)
    return {base: tuple(copies) for base, copies in found.items()}


def _copies(folder: Path) -> Iterator[Mapping[str, str]]:
    """The rows of both tables, those with downloads first."""
    return (row for table in TABLES for row in rows(folder / table))


def advisable(repository: str, hf_id: str) -> bool:
    """Whether a copy may be advised when only the model was named: its maker's own, or of a known publisher."""
    owner = owner_of(repository)
    return owner == owner_of(hf_id) or owner in PUBLISHERS


def owner_of(repository: str) -> str:
    """The part before the slash."""
    return repository.split("/")[0]


def with_copies(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with the repositories that may be advised, the maker's own first; a GGUF where it has no tag."""
    repos, found = dict(entry.get("repos", {})), dict(entry)
    for copy in known_copies().get(entry["hf_id"].lower(), ()):
        name, repository = copy["format"], copy["repo"]
        if name == GGUF or name == entry["native_format"] or not advisable(repository, entry["hf_id"]):
            continue
        own = owner_of(repository) == owner_of(entry["hf_id"])
        if name not in repos or (own and owner_of(repos[name]) != owner_of(entry["hf_id"])):
            repos[name] = repository
    if repos:
        found["repos"] = repos
    if not entry.get("ollama_tag"):
        found["ollama_tag"] = _gguf(entry)
    return found


def _gguf(entry: Mapping[str, Any]) -> str | None:
    """Where Ollama pulls a GGUF of the model that its library does not hold; None: nowhere that is known."""
    named = [copy["repo"] for copy in known_copies().get(entry["hf_id"].lower(), ()) if copy["format"] == GGUF]
    if not named or entry["parameters"] * Q4_K_M_BYTES > WHOLE_FILE_BYTES or "embedding" in entry.get("tags", ()):
        return None
    order = {owner: place for place, owner in enumerate((owner_of(entry["hf_id"]), *GGUF_PUBLISHERS))}
    return HUB + min(named, key=lambda repository: order.get(owner_of(repository), len(order)))


def generate(folder: Path) -> dict[str, str]:
    """File name → text of the data file: every repository with its base and format."""
    entries = [{key: row[key] for key in ("repo", "base", "format")} for row in _copies(folder)]
    entries.sort(key=lambda entry: entry["repo"].lower())
    return {"copies.json": document("copies", "copies", ORIGIN, entries)}


if __name__ == "__main__":
    for name, text in generate(asked_folder(__doc__)).items():
        write(name, text)
