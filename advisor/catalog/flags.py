"""Every setting that the pinned engines accept, for exact membership: their parsers let misspelt ones in."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from advisor.catalog import raw_entries

Facts = Mapping[str, Any]


@functools.cache
def vllm_flags() -> Mapping[str, Facts]:
    """Option string of `vllm serve` (hidden spellings too) → kind, type, choices, default."""
    return {
        flag: {key: item for key, item in entry.items() if key != "flags"}
        for entry in raw_entries("vllm-flags")
        for flag in entry["flags"]
    }


@functools.cache
def ollama_env() -> Mapping[str, Facts]:
    """Environment variable that Ollama reads → type, default, what is accepted, what malformed does."""
    return _by_name("ollama-env")


@functools.cache
def ollama_modelfile() -> Mapping[str, Facts]:
    """Modelfile line (`FROM`, `PARAMETER num_ctx`) that `ollama create` takes → type, default, reload."""
    return {line: facts for line, facts in _by_name("ollama-modelfile").items() if "rejected" not in facts}


@functools.cache
def modelfile_parameters() -> Mapping[str, Facts]:
    """Parameter name (`num_ctx`) → type, default, and for those that `create` refuses the reason."""
    lines = _by_name("ollama-modelfile")
    prefix = "PARAMETER "
    return {line.removeprefix(prefix): facts for line, facts in lines.items() if line.startswith(prefix)}


def _by_name(kind: str) -> dict[str, Facts]:
    return {entry["name"]: {key: item for key, item in entry.items() if key != "name"} for entry in raw_entries(kind)}
