"""Which models to consider when none was named: most capable first, by the rule in data/ranking.yaml."""

from __future__ import annotations

from advisor.catalog import constants, raw_entries
from advisor.errors import BadInput


def tasks() -> tuple[str, ...]:
    """Every name that `ranking` takes."""
    return tuple(sorted((*(entry["task"] for entry in raw_entries("ranking")), *constants("ranking")["same_as"])))


def ranking(task: str) -> tuple[str, ...]:
    """Hub ids for a task, most capable first; some tasks share the list of another (`same_as`).

    Raises:
        BadInput: a task that has neither.
    """
    lists = {entry["task"]: tuple(entry["models"]) for entry in raw_entries("ranking")}
    if task not in lists:
        same_as = constants("ranking")["same_as"]
        if task not in same_as:
            raise BadInput(f"--task {task}: accepted are {', '.join(tasks())}")
        task = same_as[task]
    return lists[task]
