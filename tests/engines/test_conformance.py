"""Every registered engine through its whole life, on machines and loads from a laptop to eight H100."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml

from advisor.catalog.vendors import vendor_of
from advisor.engines import ENGINES
from advisor.engines.devices import cards_of
from advisor.render import render
from advisor.schema import Candidate
from tests.engines.engine_cases import EMBED, LOADS, MACHINES, STORIES, Story, judged_size, model, pinned, plan_of

# Read in the sources of vLLM 0.33.0 and of what it starts (NCCL, CUDA, the Hub): vLLM publishes no list.
VLLM_VARIABLES = {
    "VLLM_NO_USAGE_STATS",
    "VLLM_ENGINE_READY_TIMEOUT_S",
    "VLLM_CPU_NUM_OF_RESERVED_CPU",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "HIP_VISIBLE_DEVICES",
}
EVERY = [pytest.param(engine, story, id=f"{engine}-{'-'.join(story)}") for engine in ENGINES for story in STORIES]


def candidates(engine: str, story: Story) -> tuple[Candidate, ...]:
    """What the engine proposes for a story."""
    return ENGINES[engine].propose(MACHINES[story.machine], LOADS[story.load], model(story.model))


def runnable(engine: str, story: Story) -> list[Candidate]:
    """Those of them whose cards the engine has a build for; a rule refuses the others before a plan is made."""
    machine = MACHINES[story.machine]
    found = candidates(engine, story)
    return [one for one in found if all(engine in vendor_of(card).builds for card in cards_of(one, machine))]


@pytest.mark.parametrize(("engine", "story"), EVERY)
def test_proposals_are_few_distinct_and_of_this_machine(engine: str, story: Story) -> None:
    """At most 24 candidates, no two alike, on cards that exist, enough of them for the parallelism."""
    found = candidates(engine, story)
    indices = {card.index for card in MACHINES[story.machine].accelerators}
    assert len(found) <= 24 and len(set(found)) == len(found)
    for candidate in found:
        assert candidate.engine == engine and set(candidate.gpu_indices) <= indices
        assert candidate.context_tokens == LOADS[story.load].context_tokens
        if candidate.device == "cpu":
            assert candidate.gpu_indices == ()
        elif engine == "vllm":
            split = candidate.tensor_parallel * candidate.pipeline_parallel * candidate.replicas
            assert split == len(candidate.gpu_indices)
            assert model(story.model).heads % candidate.tensor_parallel == 0


@pytest.mark.parametrize(("engine", "story"), EVERY)
def test_somebody_answers_for_every_machine(engine: str, story: Story) -> None:
    """Each engine proposes something for a model that it can have, so that a rule can say why not."""
    assert candidates(engine, story) or (engine == "ollama" and model(story.model).ollama_tag is None)


@pytest.mark.parametrize(("engine", "story"), EVERY)
def test_sizing_follows_the_load(engine: str, story: Story) -> None:
    """More in flight never means fewer slots, sizing twice changes nothing, and slots stay near the load."""
    hardware, spec, plugin = MACHINES[story.machine], model(story.model), ENGINES[engine]
    for candidate in candidates(engine, story)[:3]:
        if not plugin.memory(replace(candidate, max_in_flight=1), hardware, spec).fits:
            continue
        before = 0
        for load in (1, 3, 8, 48):
            sized = plugin.resize(candidate, load, hardware, spec)
            assert sized.max_in_flight >= before
            assert sized.max_in_flight <= 1.25 * load + 8
            assert plugin.resize(sized, load, hardware, spec) == sized
            before = sized.max_in_flight


@pytest.mark.parametrize(("engine", "story"), EVERY)
def test_default_settings_are_the_same_weights_and_cards(engine: str, story: Story) -> None:
    """The engine as installed differs in settings only, and fits if anything of it can."""
    hardware, spec, plugin = MACHINES[story.machine], model(story.model), ENGINES[engine]
    for candidate in candidates(engine, story)[:2]:
        plain = plugin.as_installed(candidate, hardware, spec)
        assert (plain.model_ref, plain.gpu_indices) == (candidate.model_ref, candidate.gpu_indices)
        assert plain.context_tokens <= spec.context_trained


@pytest.mark.parametrize(("engine", "story"), EVERY)
def test_a_whole_life_ends_in_files_that_parse(engine: str, story: Story) -> None:
    """From candidate to files: every YAML parses, every setting has a reason and a source."""
    hardware, workload, spec = MACHINES[story.machine], LOADS[story.load], model(story.model)
    for candidate in runnable(engine, story)[:3]:
        plan = plan_of(candidate, hardware, workload, spec)
        assert all(setting.because and setting.source for setting in plan.settings)
        assert len({check.id for check in plan.checks}) == len(plan.checks)
        files = {file.path: file for file in render(plan)}
        assert {".env.example", "run.sh", "stop.sh", "README.md", "CHECKLIST.md"} <= set(files)
        assert files["run.sh"].executable and files["stop.sh"].executable
        assert ("compose.yaml" in files) == (plan.launch.variant not in ("metal", "xpu"))
        if "compose.yaml" in files:
            assert "engine" in yaml.safe_load(files["compose.yaml"].text)["services"]


@pytest.mark.parametrize(("engine", "story"), EVERY)
def test_every_flag_and_variable_is_in_the_pinned_lists(engine: str, story: Story) -> None:
    """Flags, variables and Modelfile lines are exact members of what the pinned versions accept."""
    for candidate in runnable(engine, story)[:3]:
        plan = plan_of(candidate, MACHINES[story.machine], LOADS[story.load], model(story.model))
        files = {file.path: file.text for file in render(plan)}
        exported = set(re.findall(r"^export (\w+)|^(\w+)=\$\(nvidia-smi", files["run.sh"], re.MULTILINE))
        variables = {name for pair in exported for name in pair if name} - {"no_proxy", "NO_PROXY"}  # of every program
        if "compose.yaml" in files:
            service = yaml.safe_load(files["compose.yaml"])["services"]["engine"]
            variables |= set(service["environment"])
            assert_flags(engine, service.get("command", []))
        assert_flags(engine, list(plan.launch.argv))
        if engine == "ollama":
            known = {entry["name"] for entry in pinned("ollama-0.34-env.json")}
            assert variables <= known
            assert_modelfile(files["Modelfile"])
        else:
            assert variables <= VLLM_VARIABLES


def assert_flags(engine: str, argv: list[str]) -> None:
    """Exact membership in both pinned versions; the model first, one word a flag, one a value."""
    if engine == "ollama":
        assert argv == []
        return
    for version in ("0.32", "0.33"):
        known = pinned(f"vllm-{version}-serve-flags.json")
        flags = {f for arg in known["args"] for f in (*arg["flags"], *arg["hidden_aliases"])}
        kinds = {f: arg["nargs"] for arg in known["args"] for f in arg["flags"]}
        words = iter(argv[1:])
        assert not argv[0].startswith("-")
        for word in words:
            assert word in flags and "=" not in word and " " not in word
            if kinds[word] != 0:
                assert not next(words).startswith("--")


def assert_modelfile(text: str) -> None:
    """Known instructions and parameters only, and none that `ollama create` refuses."""
    known = pinned("ollama-0.34-modelfile.json")
    refused = {p["name"] for p in known["parameters"] if p.get("rejected")}
    names = {p["name"] for p in known["parameters"]} - refused
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, rest = line.split(" ", 1)
            assert word in ("FROM", "PARAMETER")
            assert word == "FROM" or rest.split(" ")[0] in names


@pytest.mark.parametrize("engine", list(ENGINES))
def test_embedding_models_live_too(engine: str) -> None:
    """An embedding service goes the same way: no chat features, and one slot in Ollama."""
    spec = model("BAAI/bge-m3")
    for candidate in ENGINES[engine].propose(MACHINES["rtx-4090"], EMBED, spec)[:2]:
        plan = plan_of(candidate, MACHINES["rtx-4090"], EMBED, spec)
        names = {setting.name for setting in plan.settings}
        assert not names & {"--enable-auto-tool-choice", "--enable-prefix-caching", "--speculative-config"}
        text = {file.path: file.text for file in render(plan)}
        assert "/v1/embeddings" in text["README.md"] and "ollama run" not in text["run.sh"]
        if engine == "ollama":
            assert plan.estimate.candidate.max_in_flight == 1


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_same_input_gives_the_same_files(engine: str) -> None:
    """Rendering is a function of the plan and of nothing else."""
    story = STORIES[0]
    plan = plan_of(candidates(engine, story)[0], MACHINES[story.machine], LOADS[story.load], model(story.model))
    assert render(plan) == render(plan)


def test_estimates_carry_the_sized_candidate() -> None:
    """These tests size as the pipeline does: what is planned for 48 has between 48 and 68 slots."""
    story = Story("h100", "chat", "Qwen/Qwen2.5-7B-Instruct")
    estimate = judged_size(candidates("vllm", story)[0], 48, MACHINES["h100"], LOADS["chat"], model(story.model))
    assert 48 <= estimate.candidate.max_in_flight <= 68
