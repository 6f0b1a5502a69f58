"""The KV cache formulas: hand-worked vectors for every attention type, and laws that hold for all models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from advisor.catalog import models, weights_format
from advisor.models.names import find_model
from advisor.physics.memory.kv import (
    bytes_per_element,
    elements_per_token,
    kv_bytes,
    kv_bytes_per_token,
    shard_share,
    state_bytes,
)
from advisor.refresh.table import SOURCES, rows
from advisor.schema import ModelSpec

VECTORS = yaml.safe_load((Path(__file__).parent / "kv_vectors.yaml").read_text(encoding="utf-8"))
BF16 = weights_format("bf16")

any_model = st.sampled_from(models())


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vector(vector: dict[str, Any]) -> None:
    """The bytes of one sequence equal the arithmetic written beside the vector."""
    model = find_model(vector["model"], offline=True)
    element = bytes_per_element(vector["dtype"], BF16)
    ranks = vector.get("tensor_parallel", 1)
    assert kv_bytes(model, vector["tokens"], element, tensor_parallel=ranks) == vector["bytes"]
    assert state_bytes(model) == pytest.approx(vector.get("state_bytes", 0), rel=0.02)


def test_every_model_agrees_with_the_table() -> None:
    """Slope and full-attention slope of every model equal the table that the catalogue was made from."""
    known = {model.hf_id: model for model in models()}
    checked = 0
    for row in rows(SOURCES / "models.csv"):
        if not row["kv_bytes_per_token_fp16"] or row["hf_id"] not in known:
            continue
        full, windowed = elements_per_token(known[row["hf_id"]])
        assert 2 * (full + windowed) == float(row["kv_bytes_per_token_fp16"]), row["hf_id"]
        assert 2 * full == float(row["kv_bytes_per_token_fp16_full_layers"]), row["hf_id"]
        checked += 1
    assert checked > 300


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("auto", 2.0), ("bfloat16", 2.0), ("fp8_e4m3", 1.0), ("q8_0", 1.0625), ("q4_0", 0.5625), ("q5_1", 0.75)],
)
def test_bytes_per_element(dtype: str, expected: float) -> None:
    """Every cache type of both engines costs its bits and its block scales."""
    assert bytes_per_element(dtype, BF16) == expected


def test_auto_follows_the_model() -> None:
    """A model that runs in 32 bit keeps its cache in 32 bit."""
    assert bytes_per_element("auto", weights_format("fp32")) == 4.0


@given(model=any_model, tokens=st.integers(1, 300_000), more=st.integers(0, 50_000))
def test_more_tokens_never_need_less(model: ModelSpec, tokens: int, more: int) -> None:
    """The cache grows with the tokens, and by no more than the slope below every window."""
    grown = kv_bytes(model, tokens + more, 2.0) - kv_bytes(model, tokens, 2.0)
    assert 0 <= grown <= more * kv_bytes_per_token(model, 2.0) + 1e-3


@given(model=any_model)
def test_continuous_at_the_window(model: ModelSpec) -> None:
    """There is no jump where the window fills."""
    window = model.sliding_window or 4096
    below, above = kv_bytes(model, window - 0.5, 2.0), kv_bytes(model, window + 0.5, 2.0)
    assert above - below <= kv_bytes_per_token(model, 2.0) + 1e-6


@given(model=any_model, ranks=st.sampled_from([1, 2, 4, 8, 16]))
def test_ranks_share_the_cache(model: ModelSpec, ranks: int) -> None:
    """More ranks never put more of the cache on one, and together they hold at least the whole of it."""
    assert shard_share(model, 2 * ranks) <= shard_share(model, ranks)
    assert shard_share(model, ranks) * ranks >= 1.0
