"""Clients that march in step: equal requests that start together, finish together, and bring their prompts together.

A benchmark's first wave does so, every wave of clients that wait for the slowest of them, and every wave of equal
answers where one step holds all prompts (where it does not, the waves come apart, a chunk each). The prompts then queue
for one another, in chunks of as many tokens as a step takes; all prompts of a chunk get their first token at its end,
and each of these steps also decodes for those whose prompts came before.
Before that they queue for the one process that splits texts into tokens, and that sends nothing out meanwhile: long
prompts wait for it even where the prefix cache holds them.
"""

from __future__ import annotations

from typing import NamedTuple

from advisor.physics.speed.inside import Discipline, Point, Work
from advisor.physics.speed.step import StepModel

_P95 = 0.95


class Wave(NamedTuple):
    """What the requests of one wave see: means and 95th percentiles."""

    wait_s: float  # from admission to the first token
    wait_p95_s: float
    tpot_s: float
    tpot_p95_s: float


NO_WAVE = Wave(0.0, 0.0, 0.0, 0.0)


def wave(step: StepModel, rule: Discipline, admitted: float, work: Work, point: Point) -> Wave:
    """`admitted` prompts that are handed over at once; `point` is the engine with as many that come evenly."""
    prefill_s = point.prefill_s
    alone_s = rule.request_s + rule.serial_s + point.alone_s
    together = min(max(rule.chunk_tokens / work.prompt, 1.0), admitted)  # prompts of one chunk
    behind = (admitted - together) / 2  # prompts that are still to come when the mean request writes
    stretch = chunked(prefill_s * behind / max(work.output - 1.0, 1.0), prefill_s, rule.chunk_tokens, work.prompt)
    split_s = rule.split_s * (admitted - 1.0)
    beside_s = decodes_s(step, rule, admitted, work)
    wait_s = alone_s + max(prefill_s * (admitted - 1.0 - behind) + beside_s, split_s)
    return Wave(
        wait_s=wait_s,
        wait_p95_s=max(wait_s, alone_s + max((prefill_s * (admitted - 1.0) + 2.0 * beside_s) * _P95, split_s)),
        tpot_s=point.full_s + stretch,
        tpot_p95_s=point.full_s + stretch * 2 * _P95,
    )


def decodes_s(step: StepModel, rule: Discipline, admitted: float, work: Work) -> float:
    """What the mean first token of a wave waits for decodes: half of the prompts' steps, beside ever more answers.

    A step's decodes grow evenly, from none to all, and fewer prompts wait for the later steps: a third in the mean.
    """
    steps = max(admitted * work.prompt / rule.chunk_tokens - 1.0, 0.0)
    return steps / 2 * step.decode_s(max(admitted / 3, 1.0), work.context) if steps else 0.0


def chunked(stretch_s: float, prefill_s: float, chunk_tokens: float, prompt: float) -> float:
    """What others' prompts add to each token of an answer: never more than one step takes of them, a chunk."""
    return min(stretch_s, prefill_s * chunk_tokens / prompt)


def p95(share: float, wave_p95: float, wave_mean: float, steady_p95: float) -> float:
    """95th percentile where `share` of the requests come in a wave: what only one request in twenty exceeds."""
    if share <= 0.0:
        return steady_p95
    # The wave's waits are spread evenly about their mean; `above` is the part of the wave beyond the percentile.
    above = min(_P95, (1.0 - _P95) / share)
    return max(steady_p95, wave_mean + (wave_p95 - wave_mean) * (0.5 - above) / (_P95 - 0.5))
