"""What vLLM must be told of a model: parsers that exist, remote code only where nobody has a class, the maker's files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from advisor.catalog import constants, models
from advisor.checklist import host_checks
from advisor.engines import vllm
from advisor.engines.vllm.needs import chat_template, kv_cache_dtype, needs
from advisor.models.fp8_blocks import whole_experts
from advisor.models.names import find_model
from advisor.refresh.parsers import REASONING, TOOL
from tests.engines.engine_cases import first_plan

OFF_UNLESS_ASKED = ("nvidia/Llama-3.1-Nemotron-Nano-8B-v1", "nvidia/Llama-3_3-Nemotron-Super-49B-v1")


def flags(name: str, ref: str = "") -> dict[str, str | None]:
    """Flag → value of what this model needs."""
    model = find_model(name, offline=True)
    return {setting.name: setting.value for setting in needs(model, ref or model.hf_id)}


def test_every_parser_is_registered() -> None:
    """A parser of any entry is a name that the pinned vLLM registers: another one ends the server at start."""
    assert {model.tool_parser for model in models()} - {None} <= TOOL
    assert {model.reasoning_parser for model in models()} - {None} <= REASONING


def test_who_thinks_aloud_has_a_parser() -> None:
    """Every reasoning model has a reasoning parser, but for those that think only when a system prompt asks for it."""
    without = [model.hf_id for model in models() if "reasoning" in model.tags and not model.reasoning_parser]
    assert sorted(without) == sorted(OFF_UNLESS_ASKED)


@pytest.mark.parametrize(
    ("name", "remote"),
    [
        ("moonshotai/Kimi-K2-Thinking", True),
        ("openbmb/MiniCPM-V-2_6", True),
        ("XiaomiMiMo/MiMo-V2.5", True),
        ("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5", True),
        ("Qwen/Qwen3.5-27B", False),
        ("deepseek-ai/DeepSeek-V3.1", False),
        ("MiniMaxAI/MiniMax-M2.7", False),
    ],
)
def test_remote_code_where_no_class_is(name: str, remote: bool) -> None:
    """A repository's Python is trusted only where neither vLLM nor Transformers has a class, whatever recipes write."""
    assert ("--trust-remote-code" in flags(name)) is remote


def test_remote_code_is_a_line_of_the_checklist() -> None:
    """A plan that runs a repository's Python has a line for the person who reads it; another plan has none."""
    for name, said in (("openbmb/MiniCPM-V-2_6", True), ("Qwen/Qwen3-8B", False)):
        plan = first_plan("vllm", "rtx-4090-x2", spec=name)
        lines = [check.id for check in (*vllm.checks(plan), *host_checks(plan))]
        assert ("remote-code" in lines) is said


@pytest.mark.parametrize("mode", sorted(set(constants("serving")["tokenizer_modes"]["by_model_type"].values())))
def test_prompts_written_by_the_engine(mode: str) -> None:
    """Every model of such a type gets its tokenizer mode, and no other model gets one."""
    types = constants("serving")["tokenizer_modes"]["by_model_type"]
    told = {model.hf_id for model in models() if flags(model.hf_id).get("--tokenizer-mode") == mode}
    assert told == {model.hf_id for model in models() if types.get(model.model_type) == mode}


def test_the_maker_s_own_files() -> None:
    """Mistral's own repositories are read in Mistral's form, a copy by somebody else in the Hub's."""
    wanted = {"--tokenizer-mode": "mistral", "--config-format": "mistral", "--load-format": "mistral"}
    assert flags("mistralai/Ministral-3-8B-Instruct-2512") == wanted
    assert flags("mistralai/Ministral-3-8B-Instruct-2512", "cyankiwi/Ministral-3-8B-Instruct-2512-AWQ-4bit") == {}


def test_chat_templates_belong_to_registered_parsers() -> None:
    """Every template for tools stands beside parsers that the pinned vLLM registers."""
    for pair in constants("serving")["chat_templates"]["by_parsers"]:
        tool, reasoning = pair.split("/")
        assert tool in TOOL
        assert reasoning in REASONING | {"none"}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("google/gemma-4-E2B-it", "tool_chat_template_gemma4.jinja"),
        ("google/gemma-4-31B-it", "tool_chat_template_gemma4.jinja"),
        ("deepseek-ai/DeepSeek-R1-0528", "tool_chat_template_deepseekr1.jinja"),
        ("deepseek-ai/DeepSeek-V3.1-Terminus", "tool_chat_template_deepseekv31.jinja"),
        ("Qwen/Qwen3-8B", None),
    ],
)
def test_tools_are_told_by_a_template(name: str, file: str | None) -> None:
    """Models whose own template tells nothing of tools get the file of vLLM's examples that goes with their parsers."""
    found = chat_template(find_model(name, offline=True))
    assert (found.value if found else None) == (f"examples/{file}" if file else None)


def test_the_image_keeps_the_template_elsewhere() -> None:
    """A container is given the path inside its image, a native start a line of the checklist that fetches the file."""
    plan = first_plan("vllm", "rtx-4090-x2", spec="google/gemma-4-E2B-it")
    argv = (*plan.launch.argv, "--chat-template", "examples/x.jinja")
    told = replace(plan, launch=replace(plan.launch, argv=argv))
    assert "/vllm-workspace/examples/x.jinja" in vllm.container(told).argv
    lines = {check.id: check for check in vllm.checks(told)}
    assert lines["chat-template"].targets == ("native", "systemd")


def test_what_recipes_write_by_habit_has_a_class() -> None:
    """Each type for which --trust-remote-code is left out names the class that makes it needless, and none is on both lists."""
    table = constants("serving")["remote_code"]
    for model_type, found in table["not_needed"].items():
        title, version, name = found.replace(":", "").split()
        assert (title, version) in (("vLLM", "0.33.0"), ("Transformers", "5.24.0"))
        assert name.endswith("Config"), model_type
    assert not set(table["model_types"]) & set(table["not_needed"])


@pytest.mark.parametrize(
    ("ref", "width", "tensor", "whole"),
    [
        ("MiniMaxAI/MiniMax-M2.1", 1536, 8, True),
        ("MiniMaxAI/MiniMax-M2.1", 1536, 4, False),
        ("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", 2560, 8, True),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", 1536, 8, True),
        ("deepseek-ai/DeepSeek-V3.1", 2048, 8, False),
        ("nvidia/Qwen3-235B-A22B-FP8", 1536, 8, False),
    ],
)
def test_experts_in_blocks_are_not_cut_inside_a_block(ref: str, width: int, tensor: int, whole: bool) -> None:
    """FP8 experts in blocks of 128 lie whole on a card where their width over the cards is no multiple of it."""
    model = replace(find_model("Qwen/Qwen3-30B-A3B", offline=True), native_format="fp8", expert_intermediate=width)
    candidate = first_plan("vllm", "rtx-4090-x2", spec="Qwen/Qwen3-8B").estimate.candidate
    cut = replace(candidate, model_ref=ref, weights_format="fp8", tensor_parallel=tensor)
    assert whole_experts(cut, model) is whole


@pytest.mark.parametrize("name", ["deepseek-ai/DeepSeek-V4-Flash", "deepseek-ai/DeepSeek-V4-Pro-0813"])
def test_attention_that_takes_one_cache_only(name: str) -> None:
    """A model bound to an 8-bit cache in blocks of its own size is planned with that cache from the start."""
    model = find_model(name, offline=True)
    assert kv_cache_dtype(model) == "fp8"
    assert flags(name)["--block-size"] == "256"
