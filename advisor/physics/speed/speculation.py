"""Speculative decoding: a step verifies drafted tokens beside the one it writes, and keeps those that are right.

    kept = 1 + p + p^2 + ... + p^drafted        (a draft is kept while all before it were right)

The products run over `drafted + 1` tokens of each sequence, its cache is read once, and the drafts cost what writes
them: one layer and the head for each (multi-token prediction, EAGLE), all together for a block (DFlash), nothing where
they are looked up (n-gram). So it gains most where a step waits for memory, and little or nothing where it multiplies,
or where more tokens wake more experts. The chance p is fitted for each method, to runs with and without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from advisor.physics.speed.step import Facts, StepModel

DRAFTED = {"mtp": 3, "eagle": 3, "dflash": 8, "ngram": 5}  # method: draft tokens where nobody says
PASSES = {"dflash": 1, "ngram": 0}  # of the drafting layer in a step; the others run it for each token


class Speculation(NamedTuple):
    """How tokens are drafted."""

    method: str  # one of DRAFTED
    drafted: int
    kept: float | None = None  # tokens of a step, where they are known: from 1 to drafted + 1


def kept_tokens(chance: float, drafted: int) -> float:
    """Mean tokens of a step, when each draft is right with that chance."""
    return float(sum(chance**place for place in range(drafted + 1)))


def speculating(step: StepModel, facts: Facts, wanted: Speculation, values: Mapping[str, float]) -> StepModel:
    """The step with speculation; `values` hold the chance of each method as `accepted.METHOD`."""
    kept = wanted.kept or kept_tokens(values[f"accepted.{wanted.method}"], wanted.drafted)
    passes = PASSES.get(wanted.method, wanted.drafted)
    share = 1.0 / facts.layers + facts.head_flops / facts.flops_per_token
    return replace(step, verified=wanted.drafted + 1.0, kept=kept, draft_s=passes * share * step.products_s(1.0))
