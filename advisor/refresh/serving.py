"""What recipes ask for, against the classes that the pinned versions have → data/serving.yaml, data/architectures.yaml.

Run: `python -m advisor.refresh.serving FOLDER`. Kept by hand are only the few facts that no table states.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from advisor.models.text import take_apart
from advisor.refresh.table import DATA, SOURCES, asked_folder, rows, write

RECIPES, ARCHITECTURES = "engines-vllm-recipes", "engines-architectures"
TESTS = "tests/models/registry.py"
FILES = ("models", "models_extra", "models_hub")
# Configurations that vLLM parses itself while the tokenizer is Python in the repository (tiktoken; Transformers has
# no tokenizer for these types, unlike for kimi_k25 and kimi_linear).
OWN_TOKENIZERS = ("kimi_k2", "kimi_k3")
# Types of models that no table here lists, as their repositories call them (vLLM's test registry).
UNLISTED = (
    "NVLM_D", "NemotronH_Nano_VL_V2", "aquila", "arctic", "baichuan", "bailing_moe", "deepseek", "dots_ocr",
    "eagle_2_5_vl", "ernie4_5_moe_vl", "hyperclovax_vlm", "intern_s2_preview", "internlm", "internlm2", "interns1",
    "internvl_chat", "kimi_vl", "llama_bidirec", "mimo", "mimo_v2", "minicpm", "minicpmv", "minimax_m1",
    "minimax_text_01", "molmo", "nemotron-nas", "nemotron_parse", "opencua", "orion", "ouro", "ovis", "ovis2_5",
    "ovis2_6_moe", "phi3_v", "phi4mm", "plamo2", "qwen", "skywork_chat", "solar", "step_robotics",
)  # fmt: skip
# Mistral's repositories hold its own files beside or instead of the Hub's; what others convert is in the Hub's form.
OWN_FILES = {
    "publisher": "mistralai",
    "families": ["ministral-3", "mistral-large-3", "mistral-medium-3.5", "voxtral"],
    "flags": {"--tokenizer-mode": "mistral", "--config-format": "mistral", "--load-format": "mistral"},
}
# vLLM writes these prompts itself, in Python: the tokenizer mode is named like the model_type, but for one.
TOKENIZER_MODES = ("deepseek_v32", "deepseek_v4", "deepseek_v41")
RENDERED = {"inkling_mm_model": "inkling"}
# Attention kernels of this type take an 8-bit KV cache in blocks of 256 only (vllm/models/deepseek_v4/attention.py).
KV_CACHES = {"deepseek_v4": {"dtype": "fp8", "block_size": 256}, "deepseek_v41": {"dtype": "fp8", "block_size": 256}}
# Whose FP8 checkpoints have weight_block_size [128, 128] in config.json; others' have a scale a channel or a tensor.
FP8_BLOCKS = {
    "owners": ["deepseek-ai", "minimaxai", "moonshotai", "qwen", "xiaomimimo"], "word": "fp8-block", "width": 128,
}  # fmt: skip
NEVER_IN_VLLM = ("SmallThinkerForCausalLM",)  # neither in the registry nor in Transformers
NEVER_IN_LLAMA_CPP = ("MllamaForConditionalGeneration",)  # ollama issues 16490, 16547, 18486


@cache
def registry(name: str) -> Mapping[str, Any]:
    """One of the JSON lists of the sources."""
    found: Mapping[str, Any] = json.loads((SOURCES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _entries() -> Iterable[Mapping[str, Any]]:
    for name in FILES:
        yield from json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))[name]


def _by_name() -> dict[str, Mapping[str, Any]]:
    """Every entry under its own id, and under those of its copies."""
    entries = list(_entries())
    copies = json.loads((DATA / "copies.json").read_text(encoding="utf-8"))["copies"]
    own = {entry["hf_id"].lower(): entry for entry in entries}
    return {copy["repo"].lower(): own[copy["base"].lower()] for copy in copies} | own


def class_of(model_type: str) -> str | None:
    """Who parses the configuration of a model_type without the repository's Python; None: nobody."""
    vllm, transformers = registry("vllm-0.33-architectures"), registry("transformers-5.24-configs")
    if model_type in OWN_TOKENIZERS:
        return None
    for title, table in (("vLLM", vllm), ("Transformers", transformers)):
        if model_type in table["config_classes"]:
            return f"{title} {table['version']}: {table['config_classes'][model_type]}"
    return None


def remote_code(asked: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Of the types for which somebody writes --trust-remote-code: who needs it, and why the others do not.

    Where only vLLM has a class, and its own tests ask for the flag, tokenizer or processor are in the repository.
    """
    by_name, types, tested = _by_name(), set(UNLISTED) | set(OWN_TOKENIZERS), set(UNLISTED)
    for row in asked:
        entry = by_name.get(row["served_repo"].lower())
        if entry is not None and row["trust_remote_code"] == "y":
            types.add(entry.get("model_type", ""))
            tested |= {entry.get("model_type", "")} if TESTS in row["source"] else set()
    types -= {"", "unknown"}
    transformers = registry("transformers-5.24-configs")["config_classes"]
    needed = {name for name in types if class_of(name) is None or (name in tested and name not in transformers)}
    habit = {name: class_of(name) for name in sorted(types - needed)}
    return {"source": RECIPES, "model_types": sorted(needed), "not_needed": habit}


def chat_templates(asked: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Tool and reasoning parser → the file among vLLM's examples that tells the model of its tools."""
    found = {
        f"{row['tool_parser']}/{row['reasoning_parser'] or 'none'}": row["chat_template"].rpartition("/")[2]
        for row in asked
        if row["chat_template"] and row["tool_parser"]
    }
    return {"source": RECIPES, "by_parsers": dict(sorted(found.items()))}


def minimum_versions(asked: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Architecture → the lowest version that a recipe of such a model asks for."""
    by_name, found = _by_name(), dict[str, tuple[int, ...]]()
    for row in asked:
        entry = by_name.get(row["served_repo"].lower()) or by_name.get(take_apart(row["served_repo"]).name.lower())
        if entry is None or not entry.get("architecture") or not row["min_vllm"][:1].isdigit():
            continue
        version = tuple(int(part) for part in row["min_vllm"].split(" ")[0].split("."))
        found[entry["architecture"]] = min(found.get(entry["architecture"], version), version)
    return {"source": RECIPES, "vllm": {name: ".".join(map(str, found[name])) for name in sorted(found)}}


def serving(folder: Path) -> dict[str, Any]:
    """All needs of serving, by kind of model."""
    asked = rows(folder / "model_serving.csv")
    modes = {name: name for name in TOKENIZER_MODES} | RENDERED
    return {
        "remote_code": remote_code(asked),
        "tokenizer_modes": {"source": RECIPES, "by_model_type": modes},
        "own_files": {"source": RECIPES, **OWN_FILES},
        "chat_templates": chat_templates(asked),
        "kv_caches": {"source": "engines-vllm-kv", "by_model_type": KV_CACHES},
        "fp8_blocks": {"source": "engines-vllm-quantization", **FP8_BLOCKS},
        "minimum_versions": minimum_versions(asked),
    }


def architectures() -> dict[str, Any]:
    """What each pinned version loads, and of what it does not: the last version that did, or the plug-in."""
    vllm, ollama = registry("vllm-0.33-architectures"), registry("ollama-0.34-architectures")
    unloaded = {name for name, entry in ollama["architectures"].items() if entry["gguf"] and not entry["loaded"]}
    return {
        "source": ARCHITECTURES,
        "loaded": {"vllm": sorted(vllm["architectures"]), "ollama": _loaded(ollama, unloaded)},
        "not_loaded": {
            "vllm": vllm["last_version"] | dict.fromkeys(NEVER_IN_VLLM, ""),
            "ollama": dict.fromkeys(sorted(unloaded | set(NEVER_IN_LLAMA_CPP)), ""),
        },
        "plug_ins": {"vllm": vllm["plug_in"]},
    }


def _loaded(ollama: Mapping[str, Any], unloaded: set[str]) -> list[str]:
    return sorted(set(ollama["architectures"]) - unloaded)


def _text(origin: str, document: Mapping[str, Any]) -> str:
    import yaml

    head = f"# Generated by `python -m advisor.refresh.serving` from {origin}; change those, not this.\n"
    return head + yaml.safe_dump(dict(document), sort_keys=False, width=118, default_flow_style=None)


def generate(folder: Path) -> dict[str, str]:
    """File name → text of the data file, the same from run to run."""
    recipes = (
        "sources/model_serving.csv (recipes to 2026-10-08),\n"
        "# sources/vllm-0.33-architectures.json and sources/transformers-5.24-configs.json"
    )
    wheels = (
        "sources/vllm-0.33-architectures.json (wheel of 2026-11-01)\n"
        "# and sources/ollama-0.34-architectures.json (read 2026-11-28)"
    )
    return {
        "serving.yaml": _text(recipes, serving(folder)),
        "architectures.yaml": _text(wheels, architectures()),
    }


if __name__ == "__main__":
    for name, text in generate(asked_folder(__doc__)).items():
        write(name, text)
