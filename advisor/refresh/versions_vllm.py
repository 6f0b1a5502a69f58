"""Facts of one version of vLLM: asked of its own parser and registries, its sources searched for metrics.

tests/engines/vllm_sources.sh VERSION puts the sources of a version beside the installed CPU build, in whose Python they
are asked. The CUDA of its wheel is that of the torch it requires, read from the package index without a download.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from advisor.refresh import vllm_running

# The lowest driver of a CUDA major: NVIDIA's compatibility guide (minor version compatibility), read 2026-11-28.
DRIVERS = {"12": "525", "13": "580"}
# What its CUDA compiler still makes code for, and vLLM's kernels cover: below 7.5 only CUDA 12, which no build was
# seen to hold code for (the 0.19.0 wheel lists sm_80 and later).
CAPABILITY = "7.5"
_METRIC = re.compile(r'"(vllm:[a-z0-9_]+)"')
_CUDA = re.compile(r"nvidia-cuda-runtime(?:-cu\d+)?==(\d+)|cuda-toolkit\[[^]]*\]==(\d+)")


def facts(version: str, installed: str) -> dict[str, Any]:
    """What that version accepts; `installed` is the one that needs no sources beside it."""
    answer = vllm_running.ask(version="" if version == installed else version)
    arguments = [each for each in answer["args"] if each["kind"] != "positional"]
    torch, cuda = cuda_of(version)
    return {
        "from": f"the parser and registries of vLLM {version}, asked; metrics searched in its sources; driver by "
        f"CUDA {cuda} of torch {torch}, which its wheel requires",
        "settings": {
            "flag": sorted({name for each in arguments for name in (*each["flags"], *each["hidden_aliases"])}),
            "env": answer["variables"],
        },
        "choices": {each["flags"][0]: each["choices"] for each in arguments if each["choices"]},
        "defaults": {each["flags"][0]: each["default"] for each in arguments if _told(each["default"])},
        "architectures": answer["architectures"],
        "tool_parsers": sorted(answer["tool_parsers"]),
        "reasoning_parsers": sorted(answer["reasoning_parsers"]),
        "metrics": metrics(_package(version, installed)),
        "min_nvidia_driver": DRIVERS[cuda],
        "min_cuda_capability": CAPABILITY,
    }


def _told(default: object) -> bool:
    return isinstance(default, bool | int | float | str) and default not in ("", "==SUPPRESS==")


def _package(version: str, installed: str) -> Path:
    if version != installed:
        return vllm_running.sources(version) / "vllm"
    return next((vllm_running.engines_folder() / "vllm").glob("lib/python*/site-packages/vllm"))


def metrics(package: Path) -> list[str]:
    """Every name of a metric in the sources."""
    texts = (path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    return sorted({name for text in texts for name in _METRIC.findall(text)})


def cuda_of(version: str) -> tuple[str, str]:
    """The torch that the wheel requires, and the major number of that torch's CUDA."""
    required = _required(f"vllm=={version}")
    torch = next(line.partition("==")[2] for line in required if line.startswith("torch=="))
    found = next(match for line in _required(f"torch=={torch}") if (match := _CUDA.match(line)))
    return torch, found[1] or found[2]


def _required(package: str) -> list[str]:
    """What the newest Linux wheel of a package requires, by the index alone."""
    words = ["install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed", "--ignore-requires-python"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--report", "-", package], capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout)["install"][0]["metadata"]["requires_dist"])
