"""Tuning a real Ollama on this processor: in time, never below the start, and what is gained is there again."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from advisor.folder.saved import plan_in
from advisor.folder.write import write_tree
from advisor.measured.correction import Measurements
from advisor.pipeline import files_of
from advisor.schema import Plan
from advisor.smoke.job import Progress
from advisor.tune import search
from advisor.tune.knobs import with_candidate
from advisor.tune.noise import margin, mean
from advisor.tune.run import tune
from advisor.tune.search import START
from advisor.tune.trial import Looks
from tests.smoke.conftest import Make, engines, interrupted_by_sigterm, make

__all__ = ["engines", "interrupted_by_sigterm", "make"]  # fixtures
pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engines")]
BUDGET_S, AGAIN = 50.0, 2
GENEROUS_S, AGAIN_S, ANSWER = 120.0, 4.0, 48


@pytest.mark.flaky(reruns=1)  # judges a measurement
def test_tuning_ends_in_time_and_its_gain_is_there_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """One slot for four who ask: the time is kept, and the plan that is advised is no slower in turns with the start."""
    monkeypatch.setattr(search, "_LEAST_S", 1.5)
    planned, folder = make("ollama", 4, input_tokens=32, output_tokens=24)
    start = one_slot(planned)
    write_tree(folder, files_of(start), overwrite=True)
    looks, began = Looks(folder=folder, runner="native", progress=Progress()), time.monotonic()
    tuned, report, _ = tune(start, looks, BUDGET_S, Measurements())
    assert time.monotonic() - began <= BUDGET_S and report.seconds <= BUDGET_S, report
    write_tree(folder, files_of(tuned), overwrite=False)
    assert plan_in(folder) == tuned and (report.best == START) == (tuned == start), report
    if report.better:
        before, after = again(looks, start), again(looks, tuned)
        assert mean(after) > mean(before) * (1 - margin(AGAIN)), (report, before, after)
        assert report.gain < margin(1) or mean(after) > mean(before), (report, before, after)


@pytest.mark.nightly
@pytest.mark.flaky(reruns=1)  # judges a measurement
def test_a_start_that_is_bad_on_purpose_is_made_better(make: Make) -> None:
    """One slot for four who will wait for two answers and no longer: more slots are found, and their gain is there again."""
    asked = {"input_tokens": 32, "output_tokens": ANSWER, "tpot_ms": 10_000}
    patient, folder = make("ollama", 4, **asked, ttft_ms=120_000)
    looks = Looks(folder=folder, runner="native", progress=Progress())
    (alone,) = again(looks, one_slot(patient), AGAIN_S, times=1)  # one answer after the other
    planned, folder = make("ollama", 4, **asked, ttft_ms=2 * ANSWER / alone * 1000)
    start = one_slot(planned)
    write_tree(folder, files_of(start), overwrite=True)
    tuned, report, _ = tune(start, looks, GENEROUS_S, Measurements())
    print(report.scores, report.turns, report.best, f"{report.gain:+.0%} in {report.seconds:.0f} s")
    assert report.better and report.gain > margin(1) and report.seconds <= GENEROUS_S, report
    assert tuned.estimate.candidate.max_in_flight > 1, report.best
    before, after = again(looks, start, AGAIN_S), again(looks, tuned, AGAIN_S)
    print(before, after)
    assert mean(after) > (1 + margin(1)) * mean(before), (report, before, after)


def one_slot(plan: Plan) -> Plan:
    """The plan with one slot, whatever it was made for."""
    return with_candidate(plan, replace(plan.estimate.candidate, max_in_flight=1), Measurements())


def again(looks: Looks, plan: Plan, seconds: float = 2.0, times: int = AGAIN) -> list[float]:
    """What the plan does when it is looked at anew."""
    found = [looks.at("again", plan, seconds, 60.0) for _ in range(times)]
    assert all(score is not None for score in found), looks.errors
    return [score for score in found if score is not None]
