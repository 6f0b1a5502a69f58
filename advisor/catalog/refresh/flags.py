"""The accepted settings of the pinned engines → data/vllm-flags.json, ollama-env.json, ollama-modelfile.json.

Run: `python -m advisor.catalog.refresh.flags`. Facts only: the engines' help texts are not copied.
"""

from __future__ import annotations

import json
from typing import Any

from advisor.catalog.refresh.table import SHARED, document, write

VLLM = "vllm-0.33-serve-flags.json"
OLLAMA_ENV = "ollama-0.34-env.json"
OLLAMA_MODELFILE = "ollama-0.34-modelfile.json"


def generate() -> dict[str, str]:
    """File name → text of the three data files, the same from run to run."""
    arguments = _read(VLLM)["args"]
    flags = [_argument(argument) for argument in arguments if argument["kind"] != "positional"]
    variables = [_variable(entry) for entry in _read(OLLAMA_ENV)]
    modelfile = _read(OLLAMA_MODELFILE)
    parameters = [{"name": f"PARAMETER {entry['name']}", **_parameter(entry)} for entry in modelfile["parameters"]]
    refused = modelfile["instructions_refused_by_create"]
    instructions = [{"name": name} for name in modelfile["instructions"] if name not in refused and name != "PARAMETER"]
    return {
        "vllm-flags.json": document("vllm-flags", "flags", f"../shared/data/{VLLM} (vLLM 0.33.0)", flags),
        "ollama-env.json": document("ollama-env", "flags", f"../shared/data/{OLLAMA_ENV} (Ollama 0.34.2)", variables),
        "ollama-modelfile.json": document(
            "ollama-modelfile",
            "flags",
            f"../shared/data/{OLLAMA_MODELFILE} (Ollama 0.34.2)",
            instructions + parameters,
        ),
    }


def _read(name: str) -> Any:
    return json.loads((SHARED / name).read_text(encoding="utf-8"))


def _argument(argument: dict[str, Any]) -> dict[str, Any]:
    """Every spelling that the parser takes, and what it takes as a value."""
    default = argument["default"]
    return _filled(
        {
            "flags": [*argument["flags"], *argument["hidden_aliases"]],
            "kind": argument["kind"],
            "type": argument["type"],
            "choices": argument["choices"],
            "default": None if default == "==SUPPRESS==" else default,
            "nargs": argument["nargs"],
            "deprecated": argument["deprecated"] or None,
        }
    )


def _variable(entry: dict[str, Any]) -> dict[str, Any]:
    keys = ("name", "type", "default", "accepted", "malformed", "platforms", "scope")
    return _filled({key: entry.get(key) for key in keys})


def _parameter(entry: dict[str, Any]) -> dict[str, Any]:
    keys = ("type", "default", "reloads_runner", "repeatable", "rejected")
    return _filled({key: entry.get(key) for key in keys})


def _filled(entry: dict[str, Any]) -> dict[str, Any]:
    """Without keys that hold nothing."""
    return {key: item for key, item in entry.items() if item is not None and item != ""}


if __name__ == "__main__":
    for name, text in generate().items():
        write(name, text)
