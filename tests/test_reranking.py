"""A model that ranks passages is planned as one: its kind, its load, its flags, its interface; and where it cannot be."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from advisor.cli import app
from advisor.engines.admission import admitted, admitted_requests
from advisor.engines.beside import beside
from advisor.errors import BadInput
from advisor.measured.store import measurements_from
from advisor.models.names import find_model
from advisor.models.ranks import ranker
from advisor.pipeline import Answer, files_of, recommend
from advisor.probe.simulate import simulate
from advisor.schema import Question
from advisor.sizing.way import tokens_of
from advisor.workload import load_workload
from tests.sizing.asked import terms

HEADS = ("BAAI/bge-reranker-v2-m3", "BAAI/bge-reranker-base", "jinaai/jina-reranker-v2-base-multilingual",
         "cross-encoder/ms-marco-MiniLM-L6-v2")  # fmt: skip
TAUGHT = ("Qwen/Qwen3-Reranker-0.6B", "Qwen/Qwen3-Reranker-4B", "mixedbread-ai/mxbai-rerank-large-v2",
          "BAAI/bge-reranker-v2-gemma", "nvidia/llama-nemotron-rerank-1b-v2")  # fmt: skip
NOT_LOADED = ("lightonai/LightOn-rerank-PW-2B", "jinaai/jina-reranker-v3")


def asked(model: str, gpu: str = "H100", profile: str | None = None, **more: object) -> Answer:
    """What `recommend` says, without a search for what would be better."""
    overrides = {"model": model, "offline": True, **more}
    return recommend(profile=profile, overrides=overrides, gpu=gpu, measurements="none", quick=True)


def values(answer: Answer) -> dict[str, str | None]:
    """Setting → value."""
    assert answer.plan is not None
    return {setting.name: setting.value for setting in answer.plan.settings}


@pytest.mark.parametrize("profile", [None, "chat", "production-api", "reranking"])
@pytest.mark.parametrize("model", [HEADS[0], TAUGHT[0]])
def test_whatever_profile_is_named_it_ranks(profile: str | None, model: str) -> None:
    """The kind is that of the model, each passage is a prompt, and vLLM is the one engine with an interface for it."""
    answer = asked(model, profile=profile, users=2)
    assert (answer.workload.kind, answer.workload.users, answer.workload.output_tokens) == ("rerank", 2, 1)
    assert answer.verdict.engine == "vllm" and values(answer)["--runner"] == "pooling"
    assert answer.workload.passages > 1
    losers = {finding.rule for loser in answer.verdict.losers for finding in loser.findings}
    assert "SVC314" in losers or not any(one.estimate.candidate.engine == "ollama" for one in answer.verdict.losers)


@pytest.mark.parametrize("model", HEADS)
def test_a_head_of_its_own_needs_no_words(model: str) -> None:
    """A cross-encoder is loaded as it is."""
    assert not {"--hf-overrides", "--chat-template"} & values(asked(model, users=1)).keys()


@pytest.mark.parametrize("model", TAUGHT)
def test_a_language_model_is_told_its_words_and_its_prompt(model: str) -> None:
    """The prompt is one of vLLM's examples, and where the head is a word, so are the words."""
    found = values(asked(model, users=1))
    assert "/pooling/score/template/" in str(found["--chat-template"])
    overrides = json.loads(str(found.get("--hf-overrides") or "{}"))
    assert bool(overrides) == find_model(model, offline=True).architecture.endswith("ForCausalLM")
    assert all(name.endswith("ForSequenceClassification") for name in overrides.get("architectures", ()))


@pytest.mark.parametrize("model", NOT_LOADED)
def test_what_no_engine_ranks_with_is_told_with_another(model: str) -> None:
    """A no names the architecture and a model to type; beside another model it is refused the same way."""
    answer = asked(model, users=1)
    assert not answer.verdict.meets_targets and "--model BAAI/bge-reranker-v2-m3" in answer.verdict.summary
    with pytest.raises(BadInput, match="BAAI/bge-reranker-v2-m3"):
        load_workload("rag", {"beside": model})


def test_every_ranker_of_the_catalogue_has_a_way_or_is_known_to_have_none() -> None:
    """Nothing that is offered unasked is without a way."""
    for name in (*HEADS, *TAUGHT):
        assert ranker(find_model(name, offline=True)) is not None, name
    assert asked_none("rerank").model.hf_id not in NOT_LOADED


def asked_none(task: str) -> Answer:
    """The same without a model."""
    return recommend(profile=None, overrides={"task": task, "offline": True, "users": 1}, gpu="L4", quick=True)


@pytest.mark.parametrize(("task", "kind"), [("rerank", "rerank"), ("embed", "embed"), ("chat", "generate")])
def test_a_task_alone_means_its_kind(task: str, kind: str) -> None:
    """`--task rerank` picks a model that ranks and plans it as one."""
    assert asked_none(task).workload.kind == kind


def test_a_prompt_of_its_own_has_no_place_in_the_image_for_cpus() -> None:
    """On a CPU such a model needs a start without a container, and is told so."""
    answer = asked(TAUGHT[0], gpu="cpu", users=1)
    assert answer.verdict.winner is None and "--run native" in answer.verdict.summary
    assert asked(TAUGHT[0], gpu="cpu", users=1, run="native").verdict.winner is not None
    assert asked(HEADS[0], gpu="cpu", users=1).verdict.winner is not None


@pytest.mark.parametrize("model", ["Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B-Instruct"])
def test_a_model_that_writes_ranks_nothing(model: str) -> None:
    """The contradiction is told with a model to type."""
    with pytest.raises(BadInput, match="--model BAAI/bge-reranker-v2-m3"):
        asked(model, profile="reranking")


def test_passages_belong_to_rankings() -> None:
    """Elsewhere they are refused, with the profile that has them."""
    with pytest.raises(BadInput, match="--profile reranking"):
        asked("Qwen/Qwen3-8B", passages=20)
    assert asked(HEADS[0], passages=20).workload.passages == 20


@pytest.mark.parametrize("model", [HEADS[0], TAUGHT[0]])
@pytest.mark.parametrize("passages", [5, 50, 200])
def test_the_time_of_a_ranking_is_that_of_its_passages(model: str, passages: int) -> None:
    """Twice the passages take about twice as long, never as long as one prompt of that length."""
    one, two = (seconds(model, passages=number, input_tokens=430) for number in (passages, 2 * passages))
    assert 1.6 * one < two < 2.2 * one
    assert seconds(model, passages=1, input_tokens=2150) > seconds(model, passages=5, input_tokens=430) * 0.5


def seconds(model: str, **load: int) -> float:
    """Mean time of one ranking alone on an L4."""
    answer = asked(model, "L4", "reranking", concurrency=1, context_tokens=4096, **load)
    assert answer.verdict.winner is not None and answer.verdict.winner.estimate.speed is not None
    return answer.verdict.winner.estimate.speed.ttft_s.expected


def test_the_queue_holds_prompts_and_the_gateway_requests() -> None:
    """vLLM counts each passage as a request; a limit in rankings would answer 503 to the first one."""
    answer = asked(HEADS[0], users=20)
    assert answer.plan is not None
    limit = int(str(values(answer)["--max-num-queued-reqs"]))
    assert limit == admitted(answer.plan.estimate, answer.workload) >= 17 * answer.workload.passages
    assert admitted_requests(answer.plan.estimate, answer.workload) * answer.workload.passages >= limit


def test_the_folder_speaks_of_the_interface_that_ranks() -> None:
    """README, gateway and update ask /v1/rerank with a question and passages."""
    answer = asked(HEADS[0], users=20, host="rank.example.org")
    assert answer.plan is not None
    files = {file.path: file.text for file in files_of(answer.plan)}
    assert "/v1/rerank -H" in files["README.md"] and '"documents"' in files["README.md"]
    assert "/v1/rerank" in files["gateway/Caddyfile"] and "chat/completions" not in files["gateway/Caddyfile"]


@pytest.mark.parametrize("helpers", ["bge-m3,BAAI/bge-reranker-v2-m3", "BAAI/bge-reranker-v2-m3,bge-m3"])
def test_beside_a_chat_model_the_ranker_takes_the_card(helpers: str) -> None:
    """Where the card has room for one of two, it is the one that reads dozens of passages for a question."""
    places = {each.model.hf_id: each.card for each in beside(simulate("L4"), load_workload("rag", {"beside": helpers}))}
    assert places["BAAI/bge-reranker-v2-m3"] is not None and places["BAAI/bge-m3"] is None


@pytest.mark.parametrize("engine", ["vllm", "ollama"])
def test_its_start_beside_is_whole(engine: str) -> None:
    """The command brings the prompt, the words and the part of the card, whichever engine serves the chat."""
    made: Any = asked("Qwen/Qwen3-8B", "L40S", "rag", engine=engine, users=1, beside=TAUGHT[0]).plan
    start = {check.id: check for check in made.checks}["beside-1"].otherwise
    words = ("--hf-overrides", "--chat-template", "--gpu-memory-utilization", "--port", "curl -fsSLo")
    assert all(word in start for word in words)


def test_a_classifier_is_no_ranker_unless_it_is_said() -> None:
    """What sorts texts into kinds gives scores too; a profile of rankings is the word of whoever knows better."""
    from advisor.models.purpose import ranks

    base = find_model(HEADS[0], offline=True)
    assert not ranks(replace(base, hf_id="someone/roberta-sentiment", tags=()))
    assert ranks(replace(base, hf_id="cross-encoder/stsb-roberta-large", tags=()))


@pytest.mark.parametrize("model", ["BAAI/bge-m3", "intfloat/multilingual-e5-large-instruct", HEADS[0], HEADS[3]])
def test_an_encoder_is_not_bound_by_a_cache_it_does_not_have(model: str) -> None:
    """What keeps no KV cache runs as many prompts at once as it has slots."""
    answer = asked(model, "L4", concurrency=4)
    assert answer.verdict.winner is not None and answer.verdict.winner.estimate.peak_speed is not None
    assert answer.verdict.winner.estimate.peak_speed.bound != "kv"


@pytest.mark.parametrize(("model", "kind"), [("BAAI/bge-m3", "embed"), (HEADS[0], "rerank"), (TAUGHT[0], "rerank")])
def test_size_capacity_and_compare_plan_it_as_what_it_makes(model: str, kind: str) -> None:
    """Every question about a model goes through the same door."""
    from advisor.commands.comparing import compared
    from advisor.commands.sizing import here, question_of

    given = {"model": model, "offline": True, "users": 3}
    assert question_of(None, given, "none").workload.kind == kind
    assert here(None, given, "L4", None, "none")[0].workload.kind == kind
    plain = {"users": 3, "offline": True}
    both = compared((model, "Qwen/Qwen3-0.6B"), profile=None, overrides=plain, gpu="L4", hardware_file=None,
                    measurements="none", progress=lambda _: None)  # fmt: skip
    assert [each.answer.workload.kind for each in both] == [kind, "generate"]


@pytest.mark.parametrize("passages", [10, 40])
def test_tokens_of_a_month_are_those_of_every_passage(passages: int) -> None:
    """What is paid by the million tokens is read once for each passage, not once for each question."""
    read = []
    for number in (passages, 2 * passages):
        answer = asked(HEADS[0], users=2, passages=number)
        question = Question(
            model=answer.model,
            workload=answer.workload,
            hardware=answer.hardware,
            measurements=measurements_from("none"),
        )
        found = tokens_of(answer.verdict, question, terms())
        assert found is not None
        read.append(found.read)
    assert read[1] == pytest.approx(2 * read[0], rel=0.05)


@pytest.mark.parametrize("model", ["BAAI/bge-m3", "BAAI/bge-reranker-v2-m3"])
@pytest.mark.parametrize(
    "words",
    [
        "recommend --dry-run --gpu L4 --users 30", "recommend --dry-run --gpu L4 --users 9000 --full", "capacity --gpu L4",
        "size --users 300 --can-get L4", "compare L4 L40S --users 20",
    ],
)  # fmt: skip
def test_no_command_tells_of_words_where_none_are_written(words: str, model: str) -> None:
    """What makes vectors or scores has no first token and nobody who reads, in no command, for yes and no."""
    done = CliRunner().invoke(app, [*words.split(), "--model", model, "--offline"])
    assert done.exit_code in (0, 1), done.output
    assert not re.search(r"first (?:token|word|after)|\d tokens/s", done.output), done.output
