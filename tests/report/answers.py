"""The answers whose looks are kept: each is computed once a process."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from advisor.pipeline import Answer, files_of, recommend
from advisor.report.screen import Screen
from advisor.report.terminal import Written
from advisor.report.views import view

QWEN = "Qwen/Qwen2.5-7B-Instruct"
HARDWARE = Path(__file__).parents[1] / "hardware"
OLLAMA = {"engine": "ollama", "address": "127.0.0.1:11434", "version": "0.34.2", "models": []}
CASES: dict[str, dict[str, Any]] = {
    "yes": {"gpu": "2x RTX 4090", "overrides": {"users": 50, "model": QWEN}},
    "no": {"gpu": "2x L40S", "profile": "rag", "overrides": {"users": 80, "model": "Qwen/Qwen2.5-32B-Instruct"}},
    "both": {"gpu": "2x RTX 4090", "overrides": {"users": 50, "model": QWEN, "engine": "both"}},
    "running": {"file": "rtx-4090.json", "running": [OLLAMA], "overrides": {"users": 1, "model": "qwen3:8b"}},
    "several": {"gpu": "4x A100 80GB", "overrides": {"users": 200, "model": "meta-llama/Llama-3.3-70B-Instruct"}},
    "embed": {"gpu": "T4", "profile": "embedding", "overrides": {}},
    "impossible": {"gpu": "RTX 4090", "overrides": {"users": 1, "model": "meta-llama/Llama-3.3-70B-Instruct"}},
    "crowd": {"gpu": "8x H100", "overrides": {"users": 2000, "model": QWEN}},
    "batch": {"gpu": "RTX 4090", "profile": "batch", "overrides": {"model": QWEN}},
    "class": {"gpu": "RTX 4090", "profile": "classroom", "overrides": {}},
    "mac": {"gpu": "Apple M3 Max 64GB", "overrides": {"users": 5}},
    "unequal": {"gpu": "RTX 4090 + RTX 3090", "overrides": {"users": 3, "model": "Qwen/Qwen2.5-32B-Instruct"}},
    "processor": {"file": "laptop-no-gpu.json", "overrides": {"users": 1}},
    "rate": {"gpu": "RTX 4090", "overrides": {"request_rate": 3.0, "model": QWEN}},
}


@cache
def answer(case: str) -> Answer:
    """What `recommend` says to the case."""
    asked = CASES[case]
    kept: dict[str, Any] = {
        "profile": asked.get("profile"),
        "overrides": {"offline": True, **asked["overrides"]},
        "measurements": "none",
    }
    if "gpu" in asked:
        return recommend(gpu=asked["gpu"], **kept)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hardware.json"
        machine = json.loads((HARDWARE / asked["file"]).read_text(encoding="utf-8"))
        path.write_text(json.dumps(machine | {"running": asked.get("running", [])}), encoding="utf-8")
        return recommend(hardware_file=path, **kept)


@cache
def files(case: str) -> tuple[str, ...]:
    """Names of the files of its plan."""
    plan = answer(case).plan
    return tuple(file.path for file in files_of(plan)) if plan else ()


def shown(case: str, columns: int, name: str | None = None, **other: Any) -> list[str]:
    """The lines of a view on a screen of so many columns."""
    on = Screen(columns=columns, **other)
    return [line.plain.rstrip() for line in view(answer(case), Written(files(case), "deploy"), on, name)]
