"""Each row of evidence holds where it should, and is quiet beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from advisor.catalog import constants
from advisor.engines.looking import Loaded, Reading
from advisor.watch.evidence import causes

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
    "queue-with-full-kv": ({"waiting": 3, "kv_used": 0.97}, {"waiting": 0, "kv_used": 0.97}),
    "preemptions": ({"totals": {"preemptions": 9.0}}, {}),
    "refused": ({"totals": {"refused": 3.0}}, {}),
    "slots-dropped": ({"slots": 1, "running": 0}, {"slots": 4}),
    "one-slot-busy": ({"slots": 1, "running": 1}, {"slots": 1, "running": 0}),
    "slots-busy": ({"slots": 4, "running": 4}, {"slots": 4, "running": 3}),
    "layers-on-cpu": ({"loaded": (Loaded(name="m", held_bytes=100, gpu_bytes=60),)}, {"loaded": (Loaded(name="m", held_bytes=100, gpu_bytes=0),)}),
    "reloads": ({"totals": {"loads": 3.0}}, {"totals": {"loads": 2.0}}),
    "context-cut": ({"totals": {"filled_contexts": 1.0}}, {}),
}  # fmt: skip


def found(row: Mapping[str, Any], changes: dict[str, Any], planned: int | None) -> set[str]:
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
    planned = 4 if row["id"] == "slots-dropped" else None
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
