"""Two models on one machine: room for the small one, where it runs, and memory that others keep."""

from __future__ import annotations

import re
from typing import Any

import pytest

from advisor.engines import ENGINES
from advisor.engines.beside import beside, with_reserve
from advisor.engines.vllm.beside import LONGEST
from advisor.errors import BadInput
from advisor.models.names import find_model
from advisor.physics.memory.cards import usable_bytes
from advisor.pipeline import recommend
from advisor.probe.simulate import simulate
from advisor.units import GIB
from advisor.workload import load_workload

HELPERS = ("bge-m3", "nomic-embed-text", "Qwen/Qwen3-Embedding-0.6B", "mxbai-embed-large", "all-minilm")


def answered(gpu: str, profile: str = "chat", **options: object) -> Any:
    """What `recommend` says."""
    asked = {"model": "Qwen/Qwen3-8B", "offline": True, **options}
    return recommend(profile=profile, overrides=asked, gpu=gpu, measurements="none")


def values(answer: Any) -> dict[str, str]:
    """Setting → value."""
    return {setting.name: setting.value for setting in answer.plan.settings}


@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_a_small_model_is_left_its_room(helper: str, engine: str) -> None:
    """With a model beside it the planned one leaves the card what that one takes, and the answer says so."""
    alone = answered("RTX 4090", engine=engine, users=2, context_tokens=8192)
    both = answered("RTX 4090", engine=engine, users=2, context_tokens=8192, beside=helper)
    memory = both.verdict.winner.estimate.memory
    room = beside(simulate("RTX 4090"), load_workload("chat", {"beside": helper}))[0]
    assert room.card is not None
    assert memory.used_bytes + room.needed_bytes <= usable_bytes(simulate("RTX 4090").accelerators[0])
    assert memory.budget_bytes < alone.verdict.winner.estimate.memory.budget_bytes
    assert any(finding.rule == "SVC313" for finding in both.verdict.winner.findings)
    assert any(check.id == "beside-1" for check in both.plan.checks)


@pytest.mark.parametrize(
    "name", ["BAAI/bge-m3", "Qwen/Qwen3-Embedding-0.6B", "Qwen/Qwen3-Embedding-4B", "nomic-ai/nomic-embed-text-v1.5"]
)
@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_the_room_is_enough_for_each_engine(name: str, engine: str) -> None:
    """What is kept for a small model holds it in either engine, with the cache of one text."""
    spec, machine = find_model(name, offline=True), simulate("RTX 4090")
    asked = load_workload("embedding", {"concurrency": 1})
    one = ENGINES[engine].propose(machine, asked, spec)[0]
    account = ENGINES[engine].memory(ENGINES[engine].resize(one, 1, machine, spec), machine, spec)
    kept = beside(machine, load_workload("chat", {"beside": name}))[0].needed_bytes
    assert account.used_bytes - account.kv_bytes + LONGEST * account.kv_bytes_per_token <= kept


def test_questions_about_documents_keep_both_models_loaded() -> None:
    """A plan for documents has its embedder beside it by default: Ollama may hold two models, and one line says so."""
    answer = answered("RTX 4090", profile="rag", model="qwen3:8b", engine="ollama", users=3, ttft_ms=20_000)
    assert values(answer)["OLLAMA_MAX_LOADED_MODELS"] == "2"
    alone = answered("RTX 4090", profile="rag", model="qwen3:8b", engine="ollama", users=3, beside="none")
    assert values(alone)["OLLAMA_MAX_LOADED_MODELS"] == "1"


def test_summaries_need_no_embedder() -> None:
    """Another task in the same profile does not bring the embedder along."""
    assert load_workload("rag", {}).beside == "bge-m3"
    assert load_workload(None, {"task": "summarize"}).beside is None


@pytest.mark.parametrize(
    ("gpu", "place"),
    [("RTX 4090", 0), ("2x RTX 3090", 1), ("RTX 3060 12GB", None), ("RTX 4090 + A6000", 1), ("M4 Max 64GB", 0)],
)
def test_it_lies_where_there_is_room(gpu: str, place: int | None) -> None:
    """On the card with the most memory, the last of equal ones; on the CPU where it would take a fifth of every card."""
    machine, asked = simulate(gpu), load_workload("chat", {"beside": "bge-m3"})
    found = beside(machine, asked)[0]
    assert (found.card.index if found.card else None) == place
    roomy = with_reserve(machine, asked)
    assert with_reserve(roomy, asked) == roomy
    assert (roomy.cpu.reserved_bytes > 0) is (found.card is None or found.card.unified_memory)


def test_a_server_of_its_own_is_started_where_it_was_planned() -> None:
    """Beside vLLM the command names card, port and the part of the card; on a small card it is the CPU's build."""
    checks = {c.id: c for c in answered("2x RTX 3090", engine="vllm", users=2, beside="bge-m3").plan.checks}
    start = checks["beside-1"].otherwise
    assert start.startswith("CUDA_VISIBLE_DEVICES=1 vllm serve BAAI/bge-m3 --runner pooling")
    assert "--port 8001" in start and "--gpu-memory-utilization 0.1" in start
    small = answered("RTX 3060 12GB", model="Qwen/Qwen2.5-3B-Instruct", engine="vllm", users=1, beside="bge-m3")
    assert "vllm-openai-cpu" in {c.id: c for c in small.plan.checks}["beside-1"].otherwise


@pytest.mark.parametrize(
    ("said", "size"), [("4GiB", 4 * GIB), ("4 gib", 4 * GIB), ("500MiB", 500 * 2**20), ("4GB", 4 * 10**9), (123, 123)]
)
def test_memory_is_left_as_asked(said: object, size: int) -> None:
    """`--reserve` takes a size with a unit, and so much of every card stays free."""
    asked = load_workload("chat", {"reserve": said})
    assert asked.reserve == size
    before, after = simulate("2x RTX 4090"), with_reserve(simulate("2x RTX 4090"), asked)
    for old, new in zip(before.accelerators, after.accelerators, strict=True):
        assert usable_bytes(old) - usable_bytes(new) == size


@pytest.mark.parametrize(
    ("key", "said"), [("beside", "qwen3:8b"), ("beside", "foo"), ("reserve", "4XB"), ("reserve", "-1")]
)
def test_what_makes_no_sense_is_refused(key: str, said: str) -> None:
    """A model that writes text, a name nobody knows and a size without sense are named with what is accepted."""
    with pytest.raises(BadInput, match=key):
        load_workload("chat", {key: said})


def test_two_models_that_write_are_two_plans() -> None:
    """The refusal says how much to keep free, and with that both plans are a yes on a card that holds both."""
    with pytest.raises(BadInput) as refused:
        load_workload("chat", {"beside": "qwen2.5:7b"})
    said = re.search(r"--reserve (\d+GiB)", str(refused.value))
    assert said is not None
    for model in ("llama3.1:8b", "qwen2.5:7b"):
        answer = recommend(
            profile="chat", gpu="RTX 4090", overrides={"model": model, "users": 1, "reserve": said[1], "offline": True}
        )
        assert answer.verdict.meets_targets, model


def test_more_kept_never_turns_no_into_yes() -> None:
    """With more memory kept for others the answer only gets worse."""
    meets = [
        answered("RTX 3060 12GB", users=1, context_tokens=8192, reserve=gib * GIB).verdict.meets_targets
        for gib in (0, 2, 4, 6, 8, 10)
    ]
    assert meets == sorted(meets, reverse=True) and meets[0] and not meets[-1]
