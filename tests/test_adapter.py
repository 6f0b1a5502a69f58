"""LoRA adapters: a folder resolves to its base; vLLM serves it with room for it, Ollama says no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from advisor.engines.vllm.adapters import adapter_bytes
from advisor.errors import BadInput
from advisor.models.names import find_model
from advisor.pipeline import files_of, recommend
from advisor.report.headline import explanation
from advisor.units import GIB

BASE: dict[str, Any] = {
    "base_model_name_or_path": "Qwen/Qwen2.5-7B-Instruct",
    "peft_type": "LORA",
    "r": 32,
    "lora_alpha": 64,
    "target_modules": ["q_proj", "v_proj"],
    "task_type": "CAUSAL_LM",
}


def saved(folder: Path, **changes: Any) -> Path:
    """A folder as PEFT writes it."""
    folder.mkdir(exist_ok=True)
    kept = {key: item for key, item in {**BASE, **changes}.items() if item is not None}
    (folder / "adapter_config.json").write_text(json.dumps(kept), encoding="utf-8")
    return folder


def answered(folder: Path, **options: Any) -> Any:
    """What `recommend` says of it on one RTX 4090."""
    asked = {"model": str(folder), "offline": True, "users": 2, **options}
    return recommend(profile="chat", overrides=asked, gpu="RTX 4090", measurements="none")


@pytest.mark.parametrize(
    ("base", "rank", "flag"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 32, "32"),
        ("meta-llama/Llama-3.1-8B-Instruct", 8, "8"),
        ("mistralai/Mistral-7B-Instruct-v0.3", 12, "16"),
        ("google/gemma-3-12b-it", 100, "128"),
        ("Qwen/Qwen3-4B", 1, "1"),
        ("microsoft/phi-4", 512, "512"),
    ],
)
def test_an_adapter_is_served_on_its_base(tmp_path: Path, base: str, rank: int, flag: str) -> None:
    """The base of the config is loaded with --enable-lora, the next rank that has kernels, and the adapter by name."""
    folder = saved(tmp_path / "Our_Support", base_model_name_or_path=base, r=rank)
    plan = answered(folder, engine="vllm").plan
    values = {setting.name: setting.value for setting in plan.settings}
    assert find_model(str(folder), offline=True).hf_id == base
    assert (values["--max-lora-rank"], values["--enable-lora"]) == (flag, None)
    assert values["--lora-modules"] == f"our_support={folder}"
    assert plan.launch.served_name == "our_support"


def test_an_adapter_takes_memory() -> None:
    """What is set aside grows with the rank, and the KV cache is smaller by it; a base alone takes nothing."""
    assert adapter_bytes(find_model("Qwen/Qwen2.5-7B-Instruct", offline=True)) == 0


def test_memory_is_set_aside(tmp_path: Path) -> None:
    """Rank 32 on a 7B takes about 0.15 GiB, rank 256 eight times that, and so much less is left for the KV cache."""
    small = answered(saved(tmp_path / "a"), engine="vllm", quantization="fp8")
    large = answered(saved(tmp_path / "b", r=256), engine="vllm", quantization="fp8")
    bytes_of = [adapter_bytes(answer.model) for answer in (small, large)]
    assert 0.1 * GIB < bytes_of[0] < 0.25 * GIB and bytes_of[1] == 8 * bytes_of[0]
    tokens = [answer.verdict.winner.estimate.memory.kv_tokens for answer in (small, large)]
    assert tokens[0] > tokens[1]


def test_the_folder_is_mounted(tmp_path: Path) -> None:
    """The container sees the adapter at the same path."""
    folder = saved(tmp_path / "ours")
    compose = next(f.text for f in files_of(answered(folder, engine="vllm").plan) if f.path == "compose.yaml")
    assert f"{folder}:{folder}:ro" in compose or f"source: {folder}" in compose or str(folder) in compose


def test_ollama_says_no(tmp_path: Path) -> None:
    """Ollama refuses adapters: asked for it, the answer is no and says what would do; without a wish vLLM is taken."""
    folder = saved(tmp_path / "ours")
    verdict = answered(folder).verdict
    assert verdict.engine == "vllm" and verdict.summary.startswith("vLLM with Qwen/Qwen2.5-7B-Instruct")
    refused = answered(folder, engine="ollama").verdict
    assert refused.winner is None and any("merged into its base" in judged.why_lost for judged in refused.losers)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"peft_type": "IA3"}, "peft_type"),
        ({"r": 1024}, "r: must be"),
        ({"r": "8"}, "r: must be"),
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"base_model_name_or_path": None}, "base_model_name_or_path"),
        ({"base_model_name_or_path": "nobody/knows-this-one"}, "base_model_name_or_path"),
    ],
)
def test_what_no_engine_serves_is_refused(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    """Another kind of adapter, a rank without kernels and a base that is not known are named with their file and key."""
    folder = saved(tmp_path / "ours", **change)
    with pytest.raises(BadInput, match=r"adapter_config\.json") as refused:
        find_model(str(folder), offline=True)
    assert named in str(refused.value)


def test_the_answer_says_what_is_served_on_what(tmp_path: Path) -> None:
    """The adapter is not replaced by a copy of its base: it is served with it."""
    said = " ".join(explanation(answered(saved(tmp_path / "mine"))))
    assert "With mine on it" in said and "Not " not in said
