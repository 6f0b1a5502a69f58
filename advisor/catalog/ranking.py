"""Which models to consider when none was named: most capable first, by the rule in data/ranking.yaml."""

from __future__ import annotations

from advisor.catalog import constants, raw_entries

DEFAULT_TASK = "chat"


def ranking(task: str) -> tuple[str, ...]:
    """Hub ids for a task, most capable first; a task without a list of its own gets that of chat."""
    lists = {entry["task"]: tuple(entry["models"]) for entry in raw_entries("ranking")}
    found = lists.get(task)
    if found is None:
        found = lists[constants("ranking")["same_as"].get(task, DEFAULT_TASK)]
    return found


def step_up(task: str, hf_id: str) -> str | None:
    """The next more capable model on the list; None for the first, or for a model that is not on it."""
    return _neighbour(task, hf_id, -1)


def step_down(task: str, hf_id: str) -> str | None:
    """The next smaller model on the list; None for the last, or for a model that is not on it."""
    return _neighbour(task, hf_id, +1)


def _neighbour(task: str, hf_id: str, step: int) -> str | None:
    names = ranking(task)
    place = names.index(hf_id) + step if hf_id in names else -1
    return names[place] if 0 <= place < len(names) else None
