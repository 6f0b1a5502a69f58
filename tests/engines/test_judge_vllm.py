"""vLLM itself judges every golden plan: parser, checks after parsing, whole configuration; and our list of its flags.

The plans pin a version that has no CPU build: its own Python code judges them on the torch of the CPU build, for CUDA
plans with a card that is pretended (pretended_card.py). The version that runs here judges the argument lists as well.
Elsewhere these tests skip with the reason; in CI (ADVISOR_REQUIRE_ENGINES=1) they fail.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from advisor.catalog import engine_limits, models
from advisor.engines.vllm.rows import VARIABLES
from advisor.refresh import flags, parsers, vllm_running
from advisor.refresh.table import DATA, SOURCES
from tests.engines.judged_plans import case, golden_plans, platform
from tests.required import absent

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("judge-vllm")]

JUDGE = Path(__file__).with_name("vllm_judge.py")
PINNED = engine_limits("vllm").version
PLANS = dict(golden_plans("vllm"))
ON = {kind: [name for name, plan in PLANS.items() if platform(plan) == kind] for kind in ("cuda", "cpu")}
EXACT = ("--max-model-len", "--max-num-seqs", "--max-num-batched-tokens", "--tensor-parallel-size", "--dtype")

Verdicts = dict[str, dict[str, Any]]


def judged(kind: str, version: str, cases: list[dict[str, Any]]) -> tuple[dict[str, Any], Verdicts]:
    """What that vLLM accepts at all, and its verdict on each case; one process, for its import takes long."""
    tokenizer = vllm_running.engines_folder() / "models" / "smollm2-135m-instruct"
    question = {"platform": kind, "tokenizer": str(tokenizer) if tokenizer.is_dir() else "", "cases": cases}
    try:
        said = vllm_running.ask(JUDGE, version, question)
    except FileNotFoundError as missing:
        absent(str(missing))
    return said["asked"], {verdict["id"]: verdict for verdict in said["results"]}


def wrong_cases() -> list[dict[str, Any]]:
    """Lists that a judge must refuse, each with one fault, made from good ones."""
    good = case("good", PLANS[ON["cuda"][0]])
    made = {name: copy.deepcopy(good) | {"id": name} for name in ("prefix", "type", "parser", "variable", "long")}
    made["prefix"]["argv"] = ["m", "--max-num-batched", "2048"]
    made["type"]["argv"] = [*good["argv"], "--max-num-seqs", "many"]
    made["parser"]["argv"] = [*good["argv"], "--enable-auto-tool-choice", "--tool-call-parser", "nonsense"]
    made["variable"]["env"] = {"VLLM_READY_TIMEOUT": "600"}
    made["long"]["argv"] = [*good["argv"], "--max-model-len", "99999999"]
    heads = copy.deepcopy(good) | {"id": "heads", "argv": [*good["argv"], "--tensor-parallel-size", "3"]}
    heads["card"]["count"] = 3
    awq = next(name for name in ON["cuda"] if PLANS[name]["estimate"]["candidate"]["weights_format"] == "awq-int4")
    old = case("old-card", PLANS[awq])
    old["card"]["capability"] = [7, 0]
    return [*made.values(), heads, old]


@pytest.fixture(scope="module")
def on_cuda() -> Verdicts:
    """The pinned version on every CUDA plan, and on those that it must refuse."""
    return judged("cuda", PINNED, [*(case(name, PLANS[name]) for name in ON["cuda"]), *wrong_cases()])[1]


@pytest.fixture(scope="module")
def on_cpu() -> tuple[dict[str, Any], Verdicts]:
    """The pinned version on all other plans: whole configuration for the CPU, the parser for what is neither."""
    return judged("cpu", PINNED, [case(name, plan) for name, plan in PLANS.items() if name not in ON["cuda"]])


@pytest.fixture(scope="module")
def running_here() -> tuple[dict[str, Any], Verdicts]:
    """The installed version on every plan: the parser for all, the configuration for the CPU's."""
    return judged("cpu", "", [case(name, plan, platform(plan) == "cpu") for name, plan in PLANS.items()])


def accepted(verdict: dict[str, Any], name: str, whole: bool) -> None:
    """No problem, and as far as it can go."""
    assert verdict["problems"] == [], verdict
    assert verdict["reached"] == ("configured" if whole else "validated")
    if not whole:
        return
    argv = PLANS[name]["launch"]["argv"]
    planned = {flag: argv[argv.index(flag) + 1] for flag in EXACT if flag in argv}
    assert {flag: str(verdict["settled"][flag]) for flag in planned} == planned


@pytest.mark.parametrize("name", ON["cuda"])
def test_the_pinned_vllm_takes_a_cuda_plan(on_cuda: Verdicts, name: str) -> None:
    """0.33's parser and configuration accept the list on the plan's card, and change none of its figures."""
    accepted(on_cuda[name], name, whole=case(name, PLANS[name])["config"] is not None)


@pytest.mark.parametrize("name", [name for name in PLANS if name not in ON["cuda"]])
def test_the_pinned_vllm_takes_another_plan(on_cpu: tuple[dict[str, Any], Verdicts], name: str) -> None:
    """The same for the CPU; for a platform that cannot be pretended the parser and the registries only."""
    accepted(on_cpu[1][name], name, whole=case(name, PLANS[name])["config"] is not None)


@pytest.mark.parametrize("name", PLANS)
def test_the_vllm_that_runs_here_takes_every_plan(running_here: tuple[dict[str, Any], Verdicts], name: str) -> None:
    """0.32's parser accepts the same lists: only forms that both versions take are written."""
    accepted(running_here[1][name], name, whole=name in ON["cpu"])


def test_the_judge_refuses_what_is_wrong(on_cuda: Verdicts) -> None:
    """An abbreviation, a wrong type, unknown names, too long a context, odd heads and too old a card are found."""
    told = {name: " ".join(on_cuda[name]["problems"]) for name in (one["id"] for one in wrong_cases())}
    assert "no such option: --max-num-batched" in told["prefix"]
    assert told["type"]
    assert "no such tool parser: nonsense" in told["parser"]
    assert "no such variable: VLLM_READY_TIMEOUT" in told["variable"]
    assert "max_model_len" in told["long"]
    assert "divisible" in told["heads"]
    assert "auto_awq is not supported" in told["old-card"]


def difference(old: list[str], new: list[str]) -> list[str]:
    """Lines that only one of the two has, named by the side."""
    return [f"- {line}" for line in old if line not in new] + [f"+ {line}" for line in new if line not in old]


def test_our_list_is_what_the_pinned_vllm_accepts(on_cpu: tuple[dict[str, Any], Verdicts]) -> None:
    """Asking the pinned version's parser again gives the packaged list; every difference is named."""
    asked = on_cpu[0]
    assert asked["version"] == PINNED
    arguments = [entry for entry in asked["args"] if entry["kind"] != "positional"]
    now = flags.generate(flags.Lists(arguments, [], [], []))["vllm-flags.json"].splitlines()
    old = (DATA / "vllm-flags.json").read_text(encoding="utf-8").splitlines()
    assert difference(old, now) == [], "run python -m advisor.refresh.flags"
    assert old == now


def test_the_kept_list_of_the_running_vllm(running_here: tuple[dict[str, Any], Verdicts]) -> None:
    """The kept list of the version that runs here is what its parser has."""
    asked = running_here[0]
    path = SOURCES / flags.VLLM.format(asked["version"].rsplit(".", 1)[0])
    keys = ("flags", "hidden_aliases", "kind", "type", "choices", "default", "nargs", "deprecated")
    kept = json.loads(path.read_text(encoding="utf-8"))["args"]
    old, now = (
        [json.dumps({key: entry[key] for key in keys}) for entry in entries if entry["kind"] != "positional"]
        for entries in (kept, asked["args"])
    )
    assert difference(old, now) == []


def test_registered_names(on_cpu: tuple[dict[str, Any], Verdicts]) -> None:
    """Parsers, variables and architectures that the catalogue names are in the pinned version's registries."""
    asked = on_cpu[0]
    assert sorted(parsers.TOOL) == sorted(set(asked["tool_parsers"]))
    assert sorted(parsers.REASONING) == sorted(set(asked["reasoning_parsers"]))
    assert {name for name in VARIABLES if name.startswith("VLLM_")} <= set(asked["variables"])
    for model in models():
        assert model.tool_parser is None or model.tool_parser in asked["tool_parsers"], model.hf_id
        assert model.reasoning_parser is None or model.reasoning_parser in asked["reasoning_parsers"], model.hf_id
