"""Models that are not our job are refused with a pointer; the others are not taken for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.catalog import constants, model_entries
from advisor.errors import BadInput
from advisor.models.names import find_model

NOT_OURS = {
    "openai/whisper-large-v3": "whisper.cpp",
    "distil-whisper/distil-large-v3": "whisper.cpp",
    "nvidia/parakeet-tdt-0.6b-v3": "whisper.cpp",
    "Qwen/Qwen3-ASR-1.7B": "whisper.cpp",
    "facebook/wav2vec2-base-960h": "whisper.cpp",
    "hexgrad/Kokoro-82M": "Kokoro-FastAPI",
    "Qwen/Qwen3-TTS-12Hz-1.7B-Base": "Piper",
    "suno/bark": "Piper",
    "black-forest-labs/FLUX.1-dev": "ComfyUI",
    "stabilityai/stable-diffusion-3.5-large": "ComfyUI",
    "stabilityai/sdxl-turbo": "ComfyUI",
    "Wan-AI/Wan2.2-T2V-A14B": "ComfyUI",
    "facebook/musicgen-large": "Transformers",
    "openai/clip-vit-large-patch14": "pooling",
    "amazon/chronos-t5-large": "makers",
}
OURS = ("deepseek-ai/DeepSeek-R1", "nvidia/Nemotron-Cascade-2-30B-A3B", "google/diffusiongemma-26B-A4B-it", "bge-m3")


@pytest.mark.parametrize("name", NOT_OURS)
def test_what_does_something_else_is_refused_with_a_pointer(name: str) -> None:
    """Speech, pictures, sounds and forecasts are bad input, which says what does them."""
    with pytest.raises(BadInput, match=NOT_OURS[name]):
        find_model(name, offline=True)


def test_no_model_of_the_catalogue_is_taken_for_one() -> None:
    """Every entry, and names that look like one of those words, are still found."""
    for name in (*(entry["hf_id"] for entry in model_entries()), *OURS):
        find_model(name, offline=True)


@pytest.mark.parametrize("kind", constants("elsewhere")["kinds"], ids=lambda kind: kind["does"])
def test_a_folder_says_it_by_its_architecture(tmp_path: Path, kind: dict[str, list[str]]) -> None:
    """A config.json of such an architecture is refused by the same words, whatever the folder is called."""
    (tmp_path / "config.json").write_text(json.dumps({"architectures": kind["architectures"][:1], "d_model": 8}))
    with pytest.raises(BadInput, match=str(kind["does"])):
        find_model(str(tmp_path), offline=True)
