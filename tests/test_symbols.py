"""Formulas in symbols: what they say is what the code computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest

from advisor.catalog import constants, formats
from advisor.estimate import latency_s
from advisor.models.thinking import written_tokens
from advisor.physics.memory.kv import bytes_per_element
from advisor.report.explain import explain, letters_of
from advisor.schema import Plan
from tests.report.answers import answer

Values = Mapping[str, float]
FUNCTIONS: Mapping[str, Callable[..., float]] = {"ceil": math.ceil, "max": max, "min": min, "sqrt": math.sqrt}
CASES = ("yes", "several")  # vLLM, plain attention, people


def values(plan: Plan) -> Values:
    """Letter → its number in a plan, of all replicas where both count the same."""
    estimate, model, workload = plan.estimate, plan.model, plan.workload
    candidate, memory, speed = estimate.candidate, estimate.memory, estimate.speed
    assert speed is not None and candidate.replicas == 1 and model.kv_heads is not None and model.head_dim is not None
    written = written_tokens(workload, model)
    return {
        "A": written, "C": candidate.context_tokens, "D": model.head_dim, "H": model.kv_heads, "K": memory.kv_tokens,
        "L": model.layers, "R": latency_s(speed, written), "T": speed.ttft_s.expected, "U": workload.users,
        "X": speed.output_tokens_per_s.expected, "Z": workload.think_time_s,
        "b": bytes_per_element(candidate.kv_cache_dtype, formats()[candidate.weights_format]),
        "k": memory.kv_bytes_per_token, "n": estimate.in_flight, "p": estimate.peak_in_flight,
        "s": memory.full_sequences, "t": speed.tpot_s.expected, "v": workload.dispersion,
    }  # fmt: skip


def in_symbols() -> dict[str, str]:
    """Figure → its formula in symbols."""
    return {name: entry["symbols"] for name, entry in constants("figures").items() if "symbols" in entry}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", in_symbols())
def test_a_formula_gives_the_figure_of_a_plan(name: str, case: str) -> None:
    """The numbers of the plan put into the right side of the formula give what stands on its left."""
    plan = answer(case).plan
    assert plan is not None
    known = values(plan)
    left, _, right = in_symbols()[name].partition(" = ")
    computed = eval(right, {"__builtins__": {}}, {**FUNCTIONS, **known})  # noqa: S307 - our own data
    assert computed == pytest.approx(known[left], rel=1e-6)


def test_every_letter_is_explained_and_every_explained_letter_is_used() -> None:
    """The legend of a figure names each letter of its formula; the table holds no other."""
    used = {letter for formula in in_symbols().values() for letter in letters_of(formula)}
    assert used == set(constants("symbols"))
    for name, formula in in_symbols().items():
        told = explain(name)
        assert told["in symbols"].startswith(formula)
        assert all(f"{letter} = " in told["where"] for letter in letters_of(formula))
