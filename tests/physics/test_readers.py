"""Layers that look into the cache of an earlier one: what a step reads is more than what is held."""

from __future__ import annotations

import pytest

from advisor.catalog import models, weights_format
from advisor.physics.memory.kv import elements_per_token
from advisor.physics.speed.facts import facts_of, held_bytes

# Layers over caching layers, by the configs (num_kv_shared_layers).
SHARING = {"google/gemma-3n-E2B-it": 30 / 20, "google/gemma-4-E2B-it": 35 / 15, "google/gemma-4-E4B-it": 42 / 24}


def test_a_layer_is_read_once_for_each_layer_that_looks_into_it() -> None:
    """A model whose layers share caches reads each of them as often as it is shared; any other reads what it holds."""
    read = {model.hf_id: facts_of(model, weights_format("bf16"), 2.0).readers for model in models()}
    assert {name: read[name] for name in SHARING} == pytest.approx(SHARING)
    assert all(times == 1.0 for name, times in read.items() if "gemma" not in name.lower() and "E4B" not in name)


@pytest.mark.parametrize("name", SHARING)
def test_sharing_takes_no_memory(name: str) -> None:
    """What is held of a token is what its caching layers hold, however many read it."""
    (model,) = (one for one in models() if one.hf_id == name)
    facts = facts_of(model, weights_format("bf16"), 2.0)
    assert held_bytes(facts, 1.0) == pytest.approx(2.0 * sum(elements_per_token(model)))
