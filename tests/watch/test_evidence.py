"""Each row of evidence holds where it should, and is quiet beside it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from advisor.catalog import constants
from advisor.catalog.versions import facts, known_versions
from advisor.engines.looking import Loaded, Reading
from advisor.watch.crossover import Levels
from advisor.watch.evidence import Planned, causes
from advisor.watch.steps import step_of

ROWS: tuple[Mapping[str, Any], ...] = tuple(constants("evidence")["evidence"])
VLLM = Reading(at_s=0.0, running=8, waiting=0, kv_used=0.4, totals={"preemptions": 5.0, "refused": 2.0})
OLLAMA = Reading(
    at_s=0.0,
    running=1,
    slots=4,
    loaded=(Loaded(name="m", held_bytes=100, gpu_bytes=100),),
    totals={"loads": 1.0, "filled_contexts": 0.0},
)
# What makes a row fire, and what lies just beside it: changes of a look, or of the last of its counters.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "queue-with-free-kv": ({"waiting": 3}, {"waiting": 3, "kv_used": 0.8}),
    "queue-with-free-slots": ({"waiting": 3}, {"waiting": 3, "running": 128}),
    "queue-deferred": ({"waiting": 3, "deferred": 2}, {"waiting": 3, "deferred": 0}),
    "queue-with-full-kv": ({"waiting": 3, "kv_used": 0.97}, {"waiting": 0, "kv_used": 0.97}),
    "preemptions": ({"totals": {"preemptions": 9.0}}, {}),
    "refused": ({"totals": {"refused": 3.0}}, {}),
    "slots-dropped": ({"slots": 1, "running": 0}, {"slots": 4}),
    "one-slot-busy": ({"slots": 1, "running": 1}, {"slots": 1, "running": 0}),
    "slots-busy": ({"slots": 4, "running": 4}, {"slots": 4, "running": 3}),
    "layers-on-cpu": ({"loaded": (Loaded(name="m", held_bytes=100, gpu_bytes=60),)}, {"loaded": (Loaded(name="m", held_bytes=100, gpu_bytes=0),)}),
    "all-on-cpu": ({"loaded": (Loaded(name="m", held_bytes=100, gpu_bytes=0),)}, {"loaded": (Loaded(name="m", held_bytes=100, gpu_bytes=9),)}),
    "reloads": ({"totals": {"loads": 3.0}}, {"totals": {"loads": 2.0}}),
    "context-cut": ({"totals": {"filled_contexts": 1.0}}, {}),
}  # fmt: skip
PLANNED = {
    "slots-dropped": Planned(slots=4), "queue-with-free-slots": Planned(slots=64, replicas=2), "all-on-cpu": Planned(slots=4, cards=1),
}  # fmt: skip


def found(row: Mapping[str, Any], changes: dict[str, Any], planned: Planned) -> set[str]:
    """The rows that hold after ten looks, of which the first is as ever and the others have the changes."""
    base = VLLM if row["engine"] == "vllm" else OLLAMA
    later = replace(base, **changes)
    readings = [
        replace(base if place == 0 and "totals" in changes else later, at_s=float(place)) for place in range(10)
    ]
    return {each.id for each in causes(row["engine"], readings, planned)}


def test_every_row_has_a_case() -> None:
    """A new row comes with what makes it fire and what does not."""
    assert set(CASES) == {row["id"] for row in ROWS} and len(CASES) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_row_fires_and_is_quiet(row: Mapping[str, Any]) -> None:
    """It holds in its own case, and neither beside it, nor for the other engine, nor where the engine tells nothing."""
    fires, quiet = CASES[row["id"]]
    planned = PLANNED.get(row["id"], Planned())
    assert row["id"] in found(row, fires, planned)
    assert row["id"] not in found(row, quiet, planned)
    other = {**row, "engine": "ollama" if row["engine"] == "vllm" else "vllm"}
    assert row["id"] not in found(other, {}, planned)
    silent = [Reading(at_s=float(place)) for place in range(10)]
    assert causes(row["engine"], silent, planned) == ()


def test_one_look_is_no_evidence() -> None:
    """What was seen once or twice, or longer than a minute ago, makes no cause."""
    bad = replace(VLLM, waiting=3)
    assert causes("vllm", [bad, replace(bad, at_s=1.0)]) == () and causes("vllm", []) == ()
    good = [replace(VLLM, at_s=100.0 + place) for place in range(5)]
    assert causes("vllm", [replace(bad, at_s=float(place)) for place in range(9)] + good) == ()


def test_the_words_hold_the_numbers() -> None:
    """What was seen stands in the sentence, and every row says what to set."""
    (only,) = causes("vllm", [replace(VLLM, waiting=3, at_s=float(place)) for place in range(5)])
    assert only.seen == "3 wait while 40% of the KV cache is in use" and only.do == "raise it: 8 run now"
    assert all(row["flag"] and row["do"] and row["cause"] for row in ROWS)


def ids(engine: str, look: Reading, planned: Planned = Planned()) -> set[str]:  # noqa: B008 - frozen
    """What holds after ten looks alike."""
    return {each.id for each in causes(engine, [replace(look, at_s=float(place)) for place in range(10)], planned)}


def test_a_counter_that_is_told_only_later_has_risen_by_nothing() -> None:
    """What was counted before anybody saw it was not within the minute: no cause, no rate, no level."""
    looks = [replace(VLLM, at_s=float(place), totals={}) for place in range(5)]
    later = {"preemptions": 5000.0, "refused": 70.0, "output_tokens": 1e6, "requests": 1e4}
    looks += [replace(VLLM, at_s=float(place), totals=later) for place in range(5, 10)]
    levels = Levels()
    for last, now in itertools.pairwise(looks):
        levels.add(last, now)
    step = step_of(looks)
    assert causes("vllm", looks) == () and not levels.rates()
    assert step.output_tokens_per_s is None and step.requests_per_s is None


def test_each_model_has_slots_of_its_own() -> None:
    """One model whose only slot is busy is seen beside another one that has nothing to do, and one that has several."""
    busy, idle = (Loaded(name=name, slots=1, running=running) for name, running in (("a", 1), ("b", 0)))
    many = Loaded(name="c", slots=4, running=1)
    assert "one-slot-busy" in ids("ollama", replace(OLLAMA, slots=6, running=2, loaded=(busy, idle, many)))
    assert "one-slot-busy" not in ids("ollama", replace(OLLAMA, slots=6, running=1, loaded=(idle, many)))
    assert "slots-dropped" in ids("ollama", replace(OLLAMA, slots=5, loaded=(idle, many)), Planned(slots=4))


def test_fewer_slots_than_planned_are_dropped_ones() -> None:
    """Not only one of several: whoever started the server with another number is told too."""
    for slots, dropped in ((1, True), (3, True), (4, False), (8, False)):
        assert ("slots-dropped" in ids("ollama", replace(OLLAMA, slots=slots), Planned(slots=4))) is dropped


def test_one_queue_has_one_cause() -> None:
    """Of those that wait at a vLLM exactly one reason is given: slots, the budget of a step, something else, or the cache."""
    for waiting, deferred, running, used in itertools.product((0, 3), (None, 0, 3), (8, 60, 64), (0.1, 0.7, 0.95)):
        for planned in (Planned(), Planned(slots=64)):
            look = replace(VLLM, waiting=waiting, deferred=deferred, running=running, kv_used=used)
            found = {each for each in ids("vllm", look, planned) if each.startswith("queue")}
            assert len(found) == (waiting > 0 or bool(deferred)) or (deferred and used > 0.9), (look, planned, found)


NAMED = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+|\b(?:OLLAMA|LLAMA|CUDA)_[A-Z_]+\b|PARAMETER \w+")
TOLD_BY = {"refused": "vllm:admission_rejections", "deferred": "vllm:num_requests_waiting_by_reason"}


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_what_is_advised_exists(row: Mapping[str, Any]) -> None:
    """Every flag, variable and parameter that a row names is one of every version of the engine that can make it fire."""
    named = set(NAMED.findall(f"{row['flag']} {row['do']}"))
    told = {TOLD_BY[name] for name, *_ in row["when"] if name in TOLD_BY}
    assert named
    for version in known_versions(row["engine"]):
        known = facts(row["engine"], version)
        if told <= (known.metrics or told):
            assert named <= frozenset().union(*known.settings.values()), version
