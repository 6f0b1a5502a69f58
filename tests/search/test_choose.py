"""Which model when none is named: the best scored one that meets the targets, and what it was chosen from."""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from advisor.catalog import age, constants
from advisor.catalog.licences import licence_of
from advisor.catalog.ranking import placed, score_of
from advisor.models.names import catalogue_model
from advisor.models.purpose import purpose
from advisor.models.thinking import first_answer_s
from advisor.pipeline import Answer, recommend
from advisor.report.document import document
from advisor.search.choose import poor

MACHINES = ("RTX 3060 12GB", "RTX 4090", "H100")
TASKS = ("chat", "code", "agent", "rag", "vision", "embed")


def asked(gpu: str, task: str = "chat", **other: Any) -> Answer:
    """What is advised on a simulated card when no model is named."""
    return recommend(profile=None, overrides={"task": task, "offline": True, **other}, gpu=gpu, measurements="none")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("gpu", MACHINES)
def test_the_pick_is_one_to_bet_on(gpu: str, task: str) -> None:
    """It meets the targets, was scored, does the task, may be used, and stands above those that lost to it."""
    answer = asked(gpu, task)
    if not answer.verdict.meets_targets:  # nothing worth having is fast enough: the best that runs, and what would help
        assert answer.options == () and answer.verdict.nearest_yes
        return
    assert 1 <= len(answer.options) <= 3
    place = {one.hf_id: one.place for one in placed(task)}
    assert [place[one.hf_id] for one in answer.options] == sorted(
        (place[o.hf_id] for o in answer.options), reverse=True
    )
    assert answer.options[0].hf_id == answer.model.hf_id and answer.options[0].verdict.meets_targets
    assert score_of(answer.model.hf_id, task) is not None
    assert purpose(answer.model) == ("vectors" if task == "embed" else "text")
    assert licence_of(answer.model).offered and not answer.model.gated
    assert task != "vision" or answer.model.multimodal


def test_the_answer_names_score_date_and_source() -> None:
    """Programs get the score of the pick and of each rival, with what each costs."""
    found = document(asked("RTX 4090"), ())
    assert found["model"]["score"]["measure"] == "AA Intelligence Index"
    assert found["model"]["score"]["date"] in found["model"]["because"]
    for option in found["models"]:
        assert option["score"]["source"] and option["memory_bytes"] > 2**30 and option["tpot_s"] > 0
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("users", [1, 20, 50])
@pytest.mark.parametrize("gpu", MACHINES)
def test_no_pick_lets_people_wait_for_its_thoughts(gpu: str, users: int) -> None:
    """Where nobody named a model, nineteen of twenty answers begin within half a minute, thought included."""
    answer = asked(gpu, users=users)
    winner = answer.verdict.winner
    assert answer.verdict.meets_targets and winner and winner.estimate.peak_speed
    begins = first_answer_s(winner.estimate.peak_speed, answer.workload, answer.model)
    assert begins.expected <= constants("ranking")["answer_begins_s"]


def test_a_no_shows_what_comes_nearest() -> None:
    """Where nothing meets the targets, no model worth having overruns them less; far from all, the best that runs."""
    near, far = asked("CPU only 16GB", users=1, ttft_ms=500.0), asked("CPU only 16GB", users=200)
    for answer, most in ((near, constants("ranking")["near"]), (far, math.inf)):
        winner, speed = answer.verdict.winner, None
        speed = winner.estimate.peak_speed if winner else None
        assert not answer.verdict.meets_targets and speed and answer.workload.ttft_ms
        assert speed.ttft_p95_s.expected * 1000 <= most * answer.workload.ttft_ms
    place = {one.hf_id: one.place for one in placed("chat")}
    assert place[near.model.hf_id] < place[far.model.hf_id]


@pytest.mark.parametrize("task", TASKS)
def test_no_score_makes_a_model_poor_beside_its_equal(task: str) -> None:
    """Also where a score is estimated below zero; one far below is poor beside it, whatever the sign."""
    for one in placed(task):
        assert not poor(one, one)
        assert poor(replace(one, place=one.place - 2 * abs(one.place) - 1), one)


def test_what_was_typed_decides_how_long_one_waits() -> None:
    """With a longer time allowed until the answer begins, the better scored model that thinks first is the pick."""
    plain, patient = asked("RTX 4090", users=50), asked("RTX 4090", users=50, first_answer_ms=600_000.0)
    place = {one.hf_id: one.place for one in placed("chat")}
    assert place[patient.model.hf_id] > place[plain.model.hf_id]


def test_a_named_model_has_its_score_too() -> None:
    """Where a model is named, its public score stands in the answer and no other model is compared."""
    found = document(asked("RTX 4090", model="Qwen/Qwen3-32B"), ())
    assert found["model"]["score"]["figure"] > 0 and found["models"] == []


def test_what_is_better_and_misses_a_target_is_said() -> None:
    """A better scored model that runs here but is too slow is named with the target that it misses."""
    answer = asked("M4 Max 128GB", "code")
    assert any("misses a target" in step for step in answer.model_steps)


def test_a_better_one_that_was_left_out_is_said() -> None:
    """A higher score under a licence that is not offered unasked is named with the reason."""
    answer = asked("8x H200", "rag")
    assert any("planned only when named with --model" in step and "licence" in step for step in answer.model_steps)


def test_what_the_score_does_not_know_is_said() -> None:
    """Where fewer bits are served than were scored, the answer says that their loss is in no score."""
    answer = asked("RTX 4090")
    assert any("scores are of the weights as published" in step for step in answer.model_steps)
    assert catalogue_model(answer.model.hf_id).native_format == "bf16"


def test_the_plan_keeps_what_it_rests_on() -> None:
    """Version, date and checksum of the facts stand in the plan and in the answer."""
    answer = asked("RTX 4090", model="Qwen/Qwen3-8B")
    assert answer.plan is not None and answer.facts is not None and answer.plan.catalog == age.stamp()
    assert answer.facts.stamp == age.stamp() and len(age.stamp().checksum) == len("sha256:") + 64


def test_old_facts_are_said_from_the_ninety_first_day() -> None:
    """Up to 90 days nothing is said; then how old the facts are, and what to do; a clock that is behind says nothing."""
    day = datetime.date.fromisoformat(age.stamp().date)
    assert age.old(day + datetime.timedelta(days=90)) == ""
    assert "91 days old" in age.old(day + datetime.timedelta(days=91))
    assert age.old(day - datetime.timedelta(days=400)) == ""
