"""The order in which models are considered when none is named."""

from __future__ import annotations

import pytest

from advisor.catalog import constants
from advisor.catalog.ranking import ranking
from advisor.errors import BadInput
from advisor.models.names import find_model
from advisor.refresh.ranking import score

TASKS = sorted(constants("ranking")["tasks"])


@pytest.mark.parametrize("task", TASKS)
def test_most_capable_first(task: str) -> None:
    """Scores by generation and size never rise along a list."""
    rule = constants("ranking")["tasks"][task]
    bonus = constants("ranking")["tag_bonus"]
    models = [find_model(name, offline=True) for name in ranking(task)]
    scores = [score(model, bonus if rule.get("prefer") in model.tags else 0.0) for model in models]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("task", TASKS)
def test_every_model_runs_in_both_worlds(task: str) -> None:
    """Each listed model has a tag, a Hub repository, a release, and no agreement to sign (bar the one kept)."""
    for name in ranking(task):
        model = find_model(name, offline=True)
        assert model.ollama_tag and model.release
        assert not model.gated or name in constants("ranking")["gated_kept"]


@pytest.mark.parametrize("task", ["chat", "code", "batch"])
def test_from_a_small_cpu_to_eight_h100(task: str) -> None:
    """The list reaches from about a tenth of a billion parameters to several hundred billion."""
    sizes = [find_model(name, offline=True).parameters for name in ranking(task)]
    assert min(sizes) < 0.2e9
    assert max(sizes) > 400e9


def test_several_slots_at_every_size() -> None:
    """Below 25 B there are models that Ollama serves to several people at once, not only single-slot families."""
    single = set(constants("engines")["engines"][0]["single_slot_families"])
    sizes = [m.parameters for m in (find_model(n, offline=True) for n in ranking("chat")) if m.model_type not in single]
    for low, high in ((0.1e9, 1e9), (1e9, 3e9), (3e9, 9e9), (9e9, 25e9), (25e9, 40e9)):
        assert any(low <= size < high for size in sizes), (low, high)


def test_other_names_of_tasks() -> None:
    """A task without a list of its own gets the one that is meant; another one is told what there is."""
    assert ranking("embedding") == ranking("embed")
    with pytest.raises(BadInput, match="chat"):
        ranking("poetry")
