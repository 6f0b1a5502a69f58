"""The settings that the pinned engines accept."""

from __future__ import annotations

import json

import pytest

from advisor.catalog import raw_entries
from advisor.catalog.flags import accepted
from advisor.refresh.table import SOURCES


def test_every_option_string_of_vllm() -> None:
    """The packaged list holds exactly the option strings that vLLM 0.33.0's parser takes."""
    snapshot = json.loads((SOURCES / "vllm-0.33-serve-flags.json").read_text(encoding="utf-8"))
    assert set(accepted("vllm")["flag"]) == set(snapshot["accepted_option_strings"])


@pytest.mark.parametrize("flag", ["--tensor-parallel-size", "--max-num-seqs", "--no-enable-prefix-caching", "-tp"])
def test_accepted(flag: str) -> None:
    """Long, short and hidden spellings are accepted."""
    assert flag in accepted("vllm")["flag"]


@pytest.mark.parametrize(
    "flag", ["--swap-space", "--speculative-model", "--tensor-parallel", "--max-num-seq", "model_tag"]
)
def test_refused(flag: str) -> None:
    """Removed flags, and prefixes that argparse would take, are not."""
    assert flag not in accepted("vllm")["flag"]


def test_choices_and_defaults() -> None:
    """What a flag takes is known: choices, type, default."""
    assert "bfloat16" in accepted("vllm")["flag"]["--dtype"]["choices"]
    assert accepted("vllm")["flag"]["--gpu-memory-utilization"]["type"] == "float"


def test_ollama_variables() -> None:
    """Variables that Ollama reads are known with their defaults; those of tutorials are not."""
    assert accepted("ollama")["env"]["OLLAMA_NUM_PARALLEL"]["default"] == 1
    assert not {"OLLAMA_NUM_GPU", "OLLAMA_MAX_VRAM", "OLLAMA_TMPDIR"} & set(accepted("ollama")["env"])


def test_modelfile() -> None:
    """Lines that `ollama create` takes are known, and those that it refuses are left out."""
    assert {"FROM", "PARAMETER num_ctx", "TEMPLATE"} <= set(accepted("ollama")["modelfile"])
    assert not {"ADAPTER", "PARAMETER typical_p", "PARAMETER mirostat"} & set(accepted("ollama")["modelfile"])
    assert "PARAMETER typical_p" in {entry["name"] for entry in raw_entries("ollama-modelfile") if "rejected" in entry}
