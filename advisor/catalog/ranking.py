"""Which models to consider when none was named: best public score first, by the rule in data/ranking.yaml."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from advisor.catalog import constants, from_entry, raw_entries
from advisor.catalog.entries import Placed, Score
from advisor.errors import BadInput


@functools.cache
def _lists() -> Mapping[str, tuple[Mapping[str, object], ...]]:
    return {entry["task"]: tuple(entry["models"]) for entry in raw_entries("ranking")}


def tasks() -> tuple[str, ...]:
    """Every name that `ranking` takes."""
    return tuple(sorted((*_lists(), *constants("ranking")["same_as"])))


def task_of(name: str) -> str:
    """The task whose scores count for that one: `rag` for `summarize`.

    Raises:
        BadInput: a task that has no list.
    """
    found: str = constants("ranking")["same_as"].get(name, name)
    if found not in _lists():
        raise BadInput(f"--task {name}: accepted are {', '.join(tasks())}")
    return found


@functools.cache
def placed(task: str) -> tuple[Placed, ...]:
    """Every model of a task, the best first.

    Raises:
        BadInput: a task that has no list.
    """
    return tuple(from_entry(Placed, entry) for entry in _lists()[task_of(task)])


def ranking(task: str) -> tuple[str, ...]:
    """Hub ids for a task that may be picked unasked and that no other one makes pointless, the best first.

    Raises:
        BadInput: a task that has no list.
    """
    return tuple(one.hf_id for one in placed(task) if not one.outdone and not one.withheld)


@functools.cache
def _scores() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    return {(entry["task"], entry["hf_id"]): entry for entry in raw_entries("scores")}


def score_of(hf_id: str, task: str) -> Score | None:
    """The public score of a model for a task; None where nobody is known to have scored it."""
    entry = _scores().get((constants("ranking")["same_as"].get(task, task), hf_id))
    return None if entry is None else from_entry(Score, entry)
