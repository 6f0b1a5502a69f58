"""Names of models as people write them."""

from __future__ import annotations

import pytest

from advisor.catalog import models, weights_format
from advisor.errors import BadInput
from advisor.models.names import find_model, find_model_and_format
from advisor.models.purpose import purpose
from advisor.refresh.copies import Q4_K_M_BYTES, WHOLE_FILE_BYTES, known_copies
from advisor.refresh.table import SOURCES
from advisor.refresh.table import rows as rows_of
from tests.data import measured_names

QWEN, LLAMA = "Qwen/Qwen2.5-7B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"

FOUND = [
    (QWEN, QWEN, None),
    (QWEN.lower(), QWEN, None),
    ("qwen2.5:7b", QWEN, None),
    ("qwen2.5", QWEN, None),
    ("Qwen2.5 7B Instruct", QWEN, None),
    ("qwen2.5-7b", QWEN, None),
    ("Qwen2.5-7B-Instruct-Q4_K_M", QWEN, "q4_K_M"),
    ("Qwen/Qwen2.5-7B-Instruct-AWQ", QWEN, "awq-int4"),
    ("llama3.1:8b-instruct-q4_K_M", LLAMA, "q4_K_M"),
    ("llama3.1:8b-instruct-fp16", LLAMA, "f16"),
    ("Llama 3.1 8B", LLAMA, None),
    ("llama-3.1-8b-instruct", LLAMA, None),
    ("Meta-Llama-3.1-8B-Instruct-Q4_K_M", LLAMA, "q4_K_M"),
    ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", LLAMA, "w4a16"),
    ("someone/Llama-3.1-8B-Instruct-FP8-dynamic", LLAMA, "fp8"),
    ("nvidia/Llama-3.1-8B-Instruct-FP8", LLAMA, "fp8"),
    ("llama3.3", "meta-llama/Llama-3.3-70B-Instruct", None),
    ("nvidia/Llama-3.3-70B-Instruct-NVFP4", "meta-llama/Llama-3.3-70B-Instruct", "nvfp4"),
    ("google_gemma-3-270m-it-Q4_K_M", "google/gemma-3-270m-it", "q4_K_M"),
    ("unsloth/Qwen3.6-27B-GGUF", "Qwen/Qwen3.6-27B", "q4_K_M"),
    ("hf.co/unsloth/Qwen3.6-27B-GGUF:UD-Q4_K_XL", "Qwen/Qwen3.6-27B", "ud-q4_k_xl"),
    ("cpatonn/Qwen3-Coder-30B-A3B-Instruct-GPTQ-4bit", "Qwen/Qwen3-Coder-30B-A3B-Instruct", "gptq-int4"),
    ("nvidia/Qwen3-30B-A3B-FP4", "Qwen/Qwen3-30B-A3B", "nvfp4"),
    ("ISTA-DASLab/gemma-3-27b-it-GPTQ-4b-128g", "google/gemma-3-27b-it", "gptq-int4"),
    ("someone/Qwen3-8B-GPTQ-8bit-32g", "Qwen/Qwen3-8B", "gptq-int8"),
    ("someone/Qwen3-8B-AWQ-INT4", "Qwen/Qwen3-8B", "awq-int4"),
    ("gpt-oss-20b-mxfp4", "openai/gpt-oss-20b", "mxfp4"),
    ("gpt-oss", "openai/gpt-oss-20b", None),
    ("Qwen3.6-35B", "Qwen/Qwen3.6-35B-A3B", None),
    ("qwen3:4b-instruct-2507-q8_0", "Qwen/Qwen3-4B-Instruct-2507", "q8_0"),
    ("deepseek-r1:7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", None),
    ("lfm2.5:8b", "LiquidAI/LFM2.5-8B-A1B", None),
    ("phi-4", "microsoft/phi-4", None),
    ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", None),
    ("RedHatAI/Hy3-NVFP4-FP8", "tencent/Hy3", "nvfp4"),
    ("amd/gpt-oss-120b-w-mxfp4-a-fp8", "openai/gpt-oss-120b", "mxfp4"),
    ("someone/Qwen3-8B-AutoAWQ", "Qwen/Qwen3-8B", "awq-int4"),
    ("someone/Qwen3-8B-NVFP4A16", "Qwen/Qwen3-8B", "nvfp4"),
    ("someone/Llama-3.3-70B-Instruct-NVFP4", "meta-llama/Llama-3.3-70B-Instruct", "nvfp4"),
    ("gemma3:27b-it-qat", "google/gemma-3-27b-it", "q4_0"),
    ("unsloth/gpt-oss-20b-BF16", "openai/gpt-oss-20b", "bf16"),
    ("gemma3:27B-it-QAT", "google/gemma-3-27b-it", "q4_0"),
    ("phi3:14B", "microsoft/Phi-3-medium-128k-instruct", None),
    ("Phi3:3.8B-mini-4k-instruct-q4_k_m", "microsoft/Phi-3-mini-4k-instruct", "q4_K_M"),
    ("deepseek-r1:70B", "deepseek-ai/DeepSeek-R1-Distill-Llama-70B", None),
    ("Step-3.7-flash-IQ4_XS-00001-of-00003", "stepfun-ai/Step-3.7-Flash", "iq4_xs"),
    ("GLM-4.6-UD-Q2_K_XL-00002-of-00003.gguf", "zai-org/GLM-4.6", "ud-q2_k_xl"),
    ("openai_gpt-oss-120b-MXFP4_MOE-00001-of-00002", "openai/gpt-oss-120b", "mxfp4-moe"),
    ("poolside/Laguna-M.1-NVFP4", "poolside/Laguna-M.1", "nvfp4"),
    ("arcee-ai/Trinity-Large-Thinking-NVFP4", "arcee-ai/Trinity-Large-Thinking", "nvfp4"),
]


@pytest.mark.parametrize(("text", "hf_id", "format_name"), FOUND)
def test_found(text: str, hf_id: str, format_name: str | None) -> None:
    """Hub ids, tags, bare names, file names and quantised repositories of anybody lead to one entry and format."""
    model, fmt = find_model_and_format(text, offline=True)
    assert (model.hf_id, fmt.name if fmt else None) == (hf_id, format_name)


REFUSED = [
    ("Qwen3.5-", "can be 8 models; did you mean Qwen/Qwen3.5-0.8B"),
    ("gemma 3", "gemma-3-270m-it"),
    ("llama3.1:9b", "llama3.1:8b"),
    ("nobody/nothing", "not in the catalogue"),
    ("Qwen/Qwen2.5-7B-Instrukt", "Qwen2.5-7B-Instruct"),
    ("Lama-3.1-8B-Instruct", "Llama-3.1-8B-Instruct"),
    ("llamma3", "did you mean llama3"),
    ("acme/support-bot-v3", "nothing known looks like it(?s:.*)made from"),
    ("myorg/My-Finetune-70B", "nothing known looks like it(?s:.*)made from"),
    ("bigscience/bloom", "nothing known looks like it"),
    ("qwen", "which one, newest first: qwen3.8:27b"),
    ("phi", "which one, newest first: phi4"),
    ("Gemma", "which one, newest first: gemma4"),
    ("mlx-community/Qwen3-8B-4bit", "MLX.*name Qwen/Qwen3-8B"),
    ("someone/Qwen3-8B-MLX-4bit", "MLX"),
    ("turboderp/Qwen3-8B-exl3", "ExLlamaV3"),
    ("unsloth/gemma-3-27b-it-bnb-4bit", "bitsandbytes.*name google/gemma-3-27b-it"),
    ("OpenVINO/Qwen3-8B-int4-ov", "OpenVINO"),
    ("mlc-ai/Qwen3-8B-q4f16_1-MLC", "MLC"),
    ("someone/Qwen3-8B-3bit", "'3bit' in its name.*name Qwen/Qwen3-8B"),
    ("someone/Qwen3-8B-GPTQ-Int3", "'GPTQ-Int3' in its name.*name Qwen/Qwen3-8B"),
    ("someone/Qwen3-8B-W4A8", "'W4A8' in its name"),
    ("someone/Llama-3.1-8B-Instruct-6bit", "'6bit' in its name"),
    ("someone/Qwen3-8B-4.65bpw", "'4.65bpw' in its name"),
    ("deepseek", "which one, newest first: deepseek-ai/DeepSeek-V4"),
    ("glm", "which one, newest first: zai-org/GLM-5"),
    ("kimi", "which one, newest first: moonshotai/Kimi-K"),
    ("minimax", "which one, newest first: MiniMaxAI/MiniMax-M"),
    ("internlm/Intern-S2-Nothing", "not in the catalogue"),
    ("turboderp/Qwen3-8B-exl2-4.0bpw", "ExLlamaV2"),
    ("./missing.gguf", "no such file"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_refused(text: str, told: str) -> None:
    """A family without a size, a size that does not exist and an unknown name are told what there is."""
    with pytest.raises(BadInput, match=told):
        find_model(text, offline=True)


def test_every_hub_id_and_tag_finds_its_entry() -> None:
    """Each entry is found by its Hub id, and by its Ollama tag."""
    for model in models():
        assert find_model(model.hf_id, offline=True) == model
        if model.ollama_tag:
            assert find_model(model.ollama_tag, offline=True).ollama_tag == model.ollama_tag


def test_quantised_repository_is_what_gets_loaded() -> None:
    """The repository that was named replaces the catalogue's for that format, and the base stays the base."""
    model = find_model("someone/Llama-3.1-8B-Instruct-FP8-dynamic", offline=True)
    assert model.repos["fp8"] == "someone/Llama-3.1-8B-Instruct-FP8-dynamic"
    assert model.hf_id == LLAMA


def test_other_weights_keep_their_own_name() -> None:
    """A base model and a fine-tune borrow the architecture only: no tag, no repositories, less confidence."""
    for text in ("someone/Qwen3-8B-Instruct", "someone/Qwen3-8B-Pirate"):
        model = find_model(text, offline=True)
        assert (model.hf_id, model.ollama_tag, dict(model.repos), model.confidence) == (text, None, {}, "medium")
        assert model.layers == 36


def test_quantised_fine_tune_is_not_loaded_as_bf16() -> None:
    """A quantised fine-tune has its own format as the native one."""
    model = find_model("someone/Qwen3-8B-Pirate-AWQ", offline=True)
    assert model.native_format == "awq-int4"
    assert model.repos["awq-int4"] == model.hf_id


def test_gguf_repository_is_pulled_from_the_hub() -> None:
    """Ollama can pull a GGUF repository itself, under hf.co/."""
    model = find_model("unsloth/Qwen3.6-27B-GGUF", offline=True)
    assert model.ollama_tag == "hf.co/unsloth/Qwen3.6-27B-GGUF"


def test_own_ollama_namespace() -> None:
    """A tag in somebody's namespace stays the tag."""
    assert find_model("someone/qwen3:8b", offline=True).ollama_tag == "someone/qwen3:8b"


def test_measured_models_are_known() -> None:
    """At least 97 % of the published measurements name a model that the catalogue knows."""
    named = measured_names("model")
    unknown = {}
    for name, rows in named.items():
        try:
            find_model(name, offline=True)
        except BadInput:
            unknown[name] = rows
    assert sum(unknown.values()) <= 0.03 * sum(named.values()), unknown


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("RedHatAI/Qwen3-32B-quantized.w4a16", "RedHatAI/Qwen3-32B-quantized.w4a16"),
        ("Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B-AWQ"),
        ("someone/Qwen3-32B-FP8", "someone/Qwen3-32B-FP8"),
        ("nvidia/Qwen3-30B-A3B-FP4", "nvidia/Qwen3-30B-A3B-FP4"),
        ("cyankiwi/Qwen3.8-27B-AWQ-INT4", "cyankiwi/Qwen3.8-27B-AWQ-INT4"),
    ],
)
def test_a_named_repository_is_these_weights_only(name: str, repository: str) -> None:
    """A quantised repository has no file in Ollama's library, and no other maker's weights beside it."""
    model = find_model(name, offline=True)
    assert (list(model.repos.values()), model.ollama_tag) == ([repository], None)


def test_no_entry_lacks_a_file_that_exists() -> None:
    """Every model without a library tag is pulled from a GGUF repository, where one is known and is one file."""
    for base, copies in known_copies().items():
        model = find_model(base, offline=True)
        gguf = [copy["repo"] for copy in copies if copy["format"] == "gguf"]
        whole = model.parameters * Q4_K_M_BYTES < WHOLE_FILE_BYTES and purpose(model) == "text"
        assert model.ollama_tag or not gguf or not whole, base


def test_the_maker_s_own_repository_comes_first() -> None:
    """No copy by somebody else is advised in a form that the model's maker publishes."""
    for base, copies in known_copies().items():
        model = find_model(base, offline=True)
        for copy in copies:
            taken = model.repos.get(copy["format"])
            own = copy["repo"].split("/")[0] == model.hf_id.split("/")[0]
            assert not own or taken is None or taken.split("/")[0] == model.hf_id.split("/")[0], copy["repo"]


def test_a_copy_that_was_seen_is_advised() -> None:
    """Each 4-bit copy that the lists of the Hub leave out has its source and date, and is a way to load its model."""
    for row in rows_of(SOURCES / "seen_quantised.csv"):
        assert row["source"] and row["seen"] and model_bits(row["base"]) < 9, row["repo"]
        assert row["format"] in find_model(row["base"], offline=True).repos, row["repo"]


def model_bits(name: str) -> float:
    """Bits of a weight as published."""
    return weights_format(find_model(name, offline=True).native_format).linear_bits
