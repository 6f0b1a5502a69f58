"""The order in which models are considered when none is named, and the public scores behind it."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

import pytest

from advisor.catalog import constants, models, raw_entries, sources
from advisor.catalog.licences import licence_of
from advisor.catalog.ranking import placed, ranking, score_of
from advisor.engines.vllm.weights import choices
from advisor.errors import BadInput
from advisor.models.names import catalogue_model
from advisor.models.purpose import purpose
from advisor.refresh import ranking as rule
from advisor.refresh import scores
from advisor.refresh.table import SOURCES
from advisor.search.option import UNSCORED, merit
from tests.engines.engine_cases import CHAT

TASKS = sorted(entry["task"] for entry in raw_entries("ranking"))


def _ranks(figures: list[float]) -> list[float]:
    """Ranks from 1; equal figures share the mean of theirs."""
    ordered = sorted(figures)
    return [ordered.index(figure) + (ordered.count(figure) + 1) / 2 for figure in figures]


@pytest.mark.parametrize("task", TASKS)
def test_the_order_is_that_of_the_public_scores(task: str) -> None:
    """Rank correlation of the list with the task's first measure, read from the table anew, is 0.9 or more."""
    measure = constants("ranking")["tasks"][task]["measures"][0]
    with (SOURCES / "model_scores.csv").open(encoding="utf-8", newline="") as file:
        public = {row["hf_id"]: float(row["value"]) for row in csv.DictReader(file) if row["measure"] == measure}
    listed = [one.hf_id for one in placed(task) if one.hf_id in public]
    assert len(listed) >= 4
    own = _ranks([-float(number) for number in range(len(listed))])
    assert scores.correlation(list(zip(own, _ranks([public[name] for name in listed]), strict=True))) >= 0.9


@pytest.mark.parametrize("task", TASKS)
def test_best_first(task: str) -> None:
    """Places never rise along a list, and each score has a measure of the task, a day and a source that resolves."""
    places = [one.place for one in placed(task)]
    assert places == sorted(places, reverse=True)
    for one in placed(task):
        score = score_of(one.hf_id, task)
        assert (score is not None) == one.scored
        if score:
            assert score.measure in constants("ranking")["tasks"][task]["measures"]
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", score.date) and score.date in str(score)
            assert sources()[score.source].url.startswith("https://")


@pytest.mark.parametrize("task", TASKS)
def test_what_is_picked_unasked_may_be_used(task: str) -> None:
    """No agreement to sign (bar the one kept), no licence that limits who serves it, a known architecture."""
    for name in ranking(task):
        model = catalogue_model(name)
        assert licence_of(model).offered and model.architecture and model.confidence != "low", name
        assert not model.gated or name in constants("ranking")["gated_kept"]


@pytest.mark.parametrize("task", TASKS)
def test_every_model_can_do_the_task(task: str) -> None:
    """Vectors and scores come from models that make them, pictures are shown to models that see; nothing else chats."""
    wanted = {"embed": "vectors", "rerank": "scores"}.get(task, "text")
    for one in placed(task):
        model = catalogue_model(one.hf_id)
        assert purpose(model) == wanted, one.hf_id
        assert task != "vision" or (model.multimodal and "vision" in model.tags), one.hf_id
        assert wanted != "text" or "chat" in model.tags, one.hf_id


@pytest.mark.parametrize("task", ["chat", "code", "batch"])
def test_from_a_small_cpu_to_eight_cards(task: str) -> None:
    """The list reaches from about a tenth of a billion parameters to several hundred billion."""
    sizes = [catalogue_model(name).parameters for name in ranking(task)]
    assert min(sizes) < 0.2e9
    assert max(sizes) > 400e9


def test_several_slots_at_every_size() -> None:
    """Below 25 B there are models that Ollama serves to several people at once, not only single-slot families."""
    single = set(constants("engines")["engines"][0]["single_slot_families"])
    sizes = [m.parameters for m in map(catalogue_model, ranking("chat")) if m.model_type not in single and m.ollama_tag]
    for low, high in ((0.1e9, 1e9), (1e9, 4e9), (4e9, 9e9), (9e9, 25e9), (25e9, 40e9)):
        assert any(low <= size < high for size in sizes), (low, high)


def test_a_guess_stands_below_what_it_guesses() -> None:
    """A model that nobody scored is placed a standard deviation below the plane of size and age, and says so."""
    table = scores.read()
    known = catalogue_model("Qwen/Qwen3.8-27B")
    unknown = replace(known, hf_id="somebody/like-it")
    found = scores.places("chat", [known, unknown], table)
    assert found[unknown.hf_id].score is None and found[unknown.hf_id].at < found[known.hf_id].at
    assert merit(unknown.hf_id, "chat") == UNSCORED


def test_few_scores_place_no_guess_among_them() -> None:
    """Where fewer models are scored than a plane can be fitted by, all that nobody scored stand below them."""
    embed = placed("embed")
    assert min(one.place for one in embed if one.scored) > max(one.place for one in embed if not one.scored)


def test_another_measure_is_carried_over_cautiously() -> None:
    """A model placed by a second measure stands below the line through those that have both."""
    table = scores.read()
    measures = constants("ranking")["tasks"]["agent"]["measures"]
    (_, same), (_, carry) = scores._carried(measures, table)[:2]
    assert same(7.0) == 7.0 and carry.missed > 0
    assert carry(20.0) < carry.start + 20.0 * carry.slope


@pytest.mark.parametrize("task", TASKS)
def test_what_is_left_out_needs_no_less(task: str) -> None:
    """Every model that is outdone has a better one on the list that needs no more of anything."""
    offered = [catalogue_model(name) for name in ranking(task)]
    for one in placed(task):
        if one.outdone:
            assert any(rule.outdoes(better, catalogue_model(one.hf_id)) for better in offered), one.hf_id


def test_the_publishers_own_weights_come_first() -> None:
    """Of two 4-bit repositories the one of the model's own publisher is planned."""
    for model in models():
        own = model.hf_id.partition("/")[0]
        four = [ref for name, ref in model.repos.items() if name in ("awq-int4", "gptq-int4", "w4a16")]
        if model.native_format == "bf16" and any(ref.startswith(f"{own}/") for ref in four):
            assert choices(model, CHAT)[-1].ref.startswith(f"{own}/"), model.hf_id


def test_other_names_of_tasks() -> None:
    """A task without a list of its own gets the one that is meant; another one is told what there is."""
    assert ranking("embedding") == ranking("embed")
    with pytest.raises(BadInput, match="chat"):
        ranking("poetry")
