"""Each model becomes the checkpoint that it is, confirmed by its dimensions, or is named as one that nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.errors import BadInput
from advisor.migrate.found import FoundModel
from advisor.migrate.mapping import Mapped, map_model

# Name as clients call it, what else is known, and the checkpoint.
KNOWN = [
    ("llama3.1:8b", {"layers": 32, "hidden": 4096, "heads": 32}, "meta-llama/Llama-3.1-8B-Instruct"),
    ("llama3.1:latest", {"layers": 32, "hidden": 4096}, "meta-llama/Llama-3.1-8B-Instruct"),
    ("qwen2.5:7b-instruct-q4_K_M", {"layers": 28, "hidden": 3584}, "Qwen/Qwen2.5-7B-Instruct"),
    ("qwen3:8b", {"layers": 36, "hidden": 4096}, "Qwen/Qwen3-8B"),
    ("gemma3:4b", {"layers": 34, "hidden": 2560}, "google/gemma-3-4b-it"),
    ("hf.co/bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M", {"layers": 28, "hidden": 3584}, "Qwen/Qwen2.5-7B-Instruct"),
    ("own", {"words": ("Qwen2.5-7B-Instruct",), "made_here": True, "layers": 28, "hidden": 3584}, "Qwen/Qwen2.5-7B-Instruct"),
    ("me/own", {"words": ("SmolLM2-135M-Instruct.Q4_1.gguf",), "made_here": True, "layers": 30, "hidden": 576},
     "HuggingFaceTB/SmolLM2-135M-Instruct"),
]  # fmt: skip


def mapped(name: str, given: dict[str, str] | None = None, **facts: Any) -> Mapped:
    """The model of that name, without the Hub."""
    return map_model(FoundModel(name=name, **facts), given or {}, offline=True)


@pytest.mark.parametrize(("name", "facts", "hf_id"), KNOWN, ids=[row[0] for row in KNOWN])
def test_a_known_model_is_its_checkpoint(name: str, facts: dict[str, Any], hf_id: str) -> None:
    """By its tag where it was pulled, by its file's words where it was made here, and its dimensions agree."""
    found = mapped(name, **facts)
    assert found.model is not None and found.model.hf_id == hf_id and found.confirmed, found.because


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("llama3.1:8b", {"layers": 80, "hidden": 8192}),
        ("qwen2.5:7b", {"layers": 28, "hidden": 3584, "heads": 32}),
        ("own", {"words": ("Qwen2.5-7B-Instruct",), "made_here": True, "layers": 36, "hidden": 2048}),
        ("our-model", {"words": ("base.gguf",), "made_here": True, "layers": 32, "hidden": 4096}),
        ("nobody-knows:3b", {}),
    ],
)
def test_what_is_another_model_is_never_taken_for_it(name: str, facts: dict[str, Any]) -> None:
    """Other dimensions, or no name that says anything: no checkpoint, the reason, and how to say which it is."""
    found = mapped(name, **facts)
    assert found.model is None and f"--map {name}=" in found.because


def test_what_was_made_here_is_doubted() -> None:
    """A fine-tune has the dimensions of its base: that it may be one is said, but not where the user says which it is."""
    facts: dict[str, Any] = {"made_here": True, "layers": 28, "hidden": 3584}
    assert "fine-tunes" in mapped("own", words=("Qwen2.5-7B-Instruct",), **facts).doubts[0]
    assert not mapped("own", {"own": "Qwen/Qwen2.5-7B-Instruct"}, **facts).doubts


def test_what_the_user_says_is_checked() -> None:
    """A model that is not known, or has other dimensions, is bad input that names the option."""
    for said, told in (("Qwen/Qwen2.5-14B-Instruct", "48"), ("no/such-model-at-all", "no/such-model-at-all")):
        with pytest.raises(BadInput, match=f"--map own={said}.*{told}"):
            mapped("own", {"own": said}, layers=28, hidden=3584)


def test_a_cloud_model_has_no_weights() -> None:
    """It is named, whatever its name would mean."""
    found = mapped("qwen3:8b", remote=True)
    assert found.model is None and "cloud" in found.because


@pytest.mark.parametrize(
    ("told", "name"), [("Q4_K_M", "q4_K_M"), ("F16", "f16"), ("Q8_0", "q8_0"), ("unknown", None), ("", None)]
)
def test_the_form_of_its_weights(told: str, name: str | None) -> None:
    """As the server names it; what is no format is none."""
    assert mapped("llama3.1:8b", quantization=told).format == name
