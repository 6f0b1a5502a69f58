"""The name clients put into "model": the same whichever engine answers, so that it can be exchanged."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from advisor.schema import ModelSpec

LONGEST = 80  # Ollama's limit for one part of a name


def slug(text: str, longest: int = LONGEST) -> str:
    """Lower case, digits, `.`, `-`, `_`; begins and ends with a letter or digit; never empty."""
    kept = re.sub(r"[^a-z0-9._-]+", "-", text.lower())[:longest]
    return kept.strip("._-") or "model"


def served_name(model: ModelSpec) -> str:
    """`"Qwen/Qwen2.5-7B-Instruct"` → `"qwen2.5-7b-instruct"`; of a local file or folder its own name."""
    if model.path:
        path = PurePosixPath(model.path.replace("\\", "/"))
        return slug(path.stem if model.origin == "gguf" else path.name)
    return slug(model.hf_id.rsplit("/", 1)[-1])
