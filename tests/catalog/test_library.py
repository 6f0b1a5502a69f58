"""Tags of the Ollama library."""

from __future__ import annotations

import pytest

from advisor.catalog import constants, formats, models
from advisor.models.library import HUB, find_tag
from advisor.models.names import find_model, library_reference

REFERENCES = [
    ("llama3.1:8b", "q4_K_M", ("llama3.1:8b", True)),
    ("llama3.1:8b", "q8_0", ("llama3.1:8b-instruct-q8_0", False)),
    ("llama3.1:8b", "f16", ("llama3.1:8b-instruct-fp16", False)),
    ("qwen3:8b", "q8_0", ("qwen3:8b-q8_0", False)),
    ("qwen3:8b", "q5_K_M", None),  # newer families are published in three quantisations
    ("qwen3:4b-instruct", "q8_0", ("qwen3:4b-instruct-2507-q8_0", False)),
    ("gemma3:4b", "q8_0", ("gemma3:4b-it-q8_0", False)),
    ("glm-4.7-flash:latest", "q8_0", ("glm-4.7-flash:q8_0", False)),
    ("gpt-oss:20b", "mxfp4-gguf", ("gpt-oss:20b", True)),
    ("gpt-oss:20b", "q4_K_M", None),
    ("granite3.3:8b", "q4_K_M", ("granite3.3:8b", False)),
    ("smollm2:135m", "f16", ("smollm2:135m", True)),
    (
        "hf.co/bartowski/Llama-3.3-70B-Instruct-GGUF",
        "q5_K_M",
        ("hf.co/bartowski/Llama-3.3-70B-Instruct-GGUF:Q5_K_M", False),
    ),
]


@pytest.mark.parametrize(("name", "format_name", "expected"), REFERENCES)
def test_reference(name: str, format_name: str, expected: tuple[str, bool] | None) -> None:
    """The default quantisation is verified, another is derived by the family's rule, or there is none."""
    assert library_reference(find_model(name, offline=True), format_name) == expected


def test_models_outside_the_library_have_no_tag() -> None:
    """A model that the library does not hold has no reference in any format."""
    assert library_reference(find_model("microsoft/Phi-3-small-8k-instruct", offline=True), "q4_K_M") is None


def test_derived_tags_lead_back() -> None:
    """Every tag that is derived for a model is understood as that model in that format."""
    for model in models():
        for name in formats():
            reference = library_reference(model, name)
            if reference is None or name == model.ollama_quantization or reference[0] == model.ollama_tag:
                continue
            if reference[0].startswith(HUB):
                continue
            found = find_tag(reference[0])
            assert found is not None, reference
            behind = models()[found[0]]  # two entries may share a tag's weights (DeepSeek-V3.1 and its Terminus)
            assert (behind.parameters, found[1]) == (model.parameters, name), reference


def test_every_family_has_a_rule() -> None:
    """Every family of a tag in the generated table is described."""
    tags = {model.ollama_tag for model in models() if model.ollama_tag and model.source == "models"}
    families = {tag.split(":")[0] for tag in tags if not tag.startswith(HUB)}
    assert families <= set(constants("library")["families"])
