"""What each version of an engine accepts → data/versions/<engine>-<version>.json, and data/gguf-architectures.json.

Run: `python -m advisor.refresh.versions`, where vLLM's CPU build and the sources of the other versions are installed
(tests/engines/install.sh; `tests/engines/vllm_sources.sh VERSION` for each). Facts only, none of it by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from advisor.refresh import versions_ollama, versions_vllm
from advisor.refresh.table import DATA, write

INSTALLED_VLLM = "0.32.0"  # by tests/engines/install.sh
# The pinned one, and what people still run: the version below each change that a plan has to know.
VERSIONS: Mapping[str, tuple[str, ...]] = {
    "vllm": ("0.19.0", "0.25.1", "0.28.0", "0.32.0", "0.33.0"),
    "ollama": ("0.12.0", "0.24.0", "0.32.15", "0.34.2"),
}
READERS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "vllm": lambda version: versions_vllm.facts(version, INSTALLED_VLLM),
    "ollama": versions_ollama.facts,
}


def text(engine: str, version: str, facts: Mapping[str, Any]) -> str:
    """The file of one version: one key a line, so that two versions can be compared line by line."""
    head = {"generated_by": "python -m advisor.refresh.versions", "engine": engine, "version": version}
    rows = (f"{json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}" for key, item in {**head, **facts}.items())
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    (DATA / "versions").mkdir(exist_ok=True)
    for engine, versions in VERSIONS.items():
        for version in versions:
            write(f"versions/{engine}-{version}.json", text(engine, version, READERS[engine](version)))
    names = {"generated_by": "python -m advisor.refresh.versions", "from": "llama.cpp's converter, 2026-11"}
    write("gguf-architectures.json", json.dumps({**names, "gguf": versions_ollama.converted()}, indent=0) + "\n")
