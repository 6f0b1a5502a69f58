"""What vLLM must be told of a model: parsers that exist, remote code only where nobody has a class, the maker's files."""

from __future__ import annotations

import pytest

from advisor.catalog import constants, models
from advisor.checklist import host_checks
from advisor.engines import vllm
from advisor.engines.vllm.needs import needs
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
