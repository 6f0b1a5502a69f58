"""Continuous batching, one step after the other: what the closed formulas of `serving` are checked against."""

from __future__ import annotations

import random
from dataclasses import dataclass

from advisor.physics.speed.step import StepModel


@dataclass
class Request:
    """One request on its way."""

    arrived: float
    prompt_left: float
    answer_left: int
    answer: int
    first: float | None = None


@dataclass(frozen=True)
class Outcome:
    """Means and 95th percentiles over the steady part of a run."""

    tokens_per_s: float
    ttft_s: float
    ttft_p95_s: float
    tpot_s: float
    tpot_p95_s: float


def closed_loop(
    step: StepModel, *, in_flight: int, slots: int, prompt: int, answer: int, budget: int, requests: int, seed: int = 1,
    spread: float = 0.5, first: float = 1 / 3,
) -> Outcome:  # fmt: skip
    """`in_flight` clients that ask again at once; answers vary by ± `spread`: with 0 they march in step.

    The `first` part of the run is not counted.
    """
    dice = random.Random(seed)
    clock = 0.0
    done: list[tuple[Request, float]] = []
    waiting: list[Request] = []
    running: list[Request] = []

    def ask(when: float) -> None:
        length = max(1, round(answer * dice.uniform(1.0 - spread, 1.0 + spread)))
        waiting.append(Request(when, prompt, length, length))

    for _ in range(in_flight):
        ask(0.0)
    while len(done) < requests:
        while waiting and len(running) < slots:
            running.append(waiting.pop(0))
        decoding = [one for one in running if one.first is not None]
        left, chunk, attention = float(budget - len(decoding)), 0.0, 0.0
        finished_prompts = []
        for one in running:
            if one.first is None and left > 0:
                taken = min(left, one.prompt_left)
                attention += step.prompt_attention_s(taken, prompt - one.prompt_left)
                one.prompt_left -= taken
                left -= taken
                chunk += taken
                if one.prompt_left <= 0:
                    finished_prompts.append(one)
        context = prompt + answer / 2
        took = step.decode_s(len(decoding), context) if decoding else step.overhead_s
        clock += took + chunk * step.prefill_token_s + attention
        for one in finished_prompts:
            one.first = clock
            one.answer_left -= 1
        for one in decoding:
            one.answer_left -= 1
        for one in [one for one in running if one.first is not None and one.answer_left <= 0]:
            running.remove(one)
            done.append((one, clock))
            ask(clock)
    start = int(first * len(done))
    return _outcome(done[start:], done[start][1] if start else 0.0, clock)


def _outcome(done: list[tuple[Request, float]], start: float, end: float) -> Outcome:
    first = sorted(one.first - one.arrived for one, _ in done if one.first is not None)
    each = sorted((when - (one.first or 0.0)) / max(one.answer - 1, 1) for one, when in done)
    tokens = sum(one.answer for one, _ in done)
    last = int(0.95 * len(done))
    return Outcome(tokens / (end - start), sum(first) / len(first), first[last], sum(each) / len(each), each[last])
