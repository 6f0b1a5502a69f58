"""`curve` of `recommend --json`: each engine at each load, with rate, TTFT and TPOT and their ranges."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from advisor.cli import app

FIGURES = ("output_tokens_per_s", "ttft_s", "ttft_p95_s", "tpot_s", "tpot_p95_s")


@pytest.fixture(scope="module")
def curve() -> list[dict[str, object]]:
    """Of a 7B on one card."""
    options = ["--gpu", "RTX 4090", "--model", "Qwen/Qwen2.5-7B-Instruct", "--users", "8", "--dry-run", "--offline"]
    found = CliRunner().invoke(app, ["recommend", *options, "--json"])
    told: list[dict[str, object]] = json.loads(found.stdout)["curve"]
    return told


@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_every_figure_lies_in_its_range(curve: list[dict[str, object]], engine: str) -> None:
    """Low, expected and high in this order, and the expected rate is the one that stands beside."""
    assert len(curve) >= 8
    for point in curve:
        told = point[engine]
        assert isinstance(told, dict)
        for name in FIGURES:
            assert 0 < told[name]["low"] <= told[name]["expected"] <= told[name]["high"], (engine, name)
        assert told["output_tokens_per_s"]["expected"] == pytest.approx(point[f"{engine}_tokens_per_s"])


@pytest.mark.parametrize("engine", ["ollama", "vllm"])
def test_waits_do_not_shrink_with_the_load(curve: list[dict[str, object]], engine: str) -> None:
    """Twice as many in flight, each sized for its load: nobody waits less for a token."""
    waits = [point[engine]["tpot_s"]["expected"] for point in curve]  # type: ignore[index]
    assert waits == sorted(waits)
