"""The same question with more of the machine, more load, or less asked of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from advisor.estimate import overrun
from advisor.models.thinking import long_thought, written_tokens
from advisor.probe.named import alike
from advisor.schema import Accelerator, Question, Speed

Change = Callable[[Question, random.Random], Question | None]


def more_cards(question: Question, dice: random.Random) -> Question | None:
    """Up to twice as many of the same card."""
    cards = question.hardware.accelerators
    if not cards or cards[0].unified_memory or len({card.name for card in cards}) > 1 or len(cards) >= 8:
        return None
    number = dice.randint(len(cards) + 1, min(2 * len(cards), 8))
    return _machine(question, accelerators=alike(cards[0], number))


def more_memory(question: Question, dice: random.Random) -> Question | None:
    """Each card with more memory, the host too."""
    factor = dice.uniform(1.05, 2)
    cpu = question.hardware.cpu
    more = replace(cpu, memory_bytes=int(cpu.memory_bytes * factor))
    return _cards(
        replace(question, hardware=replace(question.hardware, cpu=more)),
        lambda c: {"memory_bytes": int(c.memory_bytes * factor)},
    )


def more_bandwidth(question: Question, dice: random.Random) -> Question | None:
    """Each card reads its memory faster."""
    factor = dice.uniform(1.05, 2)
    return _cards(
        question,
        lambda c: {"bandwidth_bytes_per_s": c.bandwidth_bytes_per_s * factor if c.bandwidth_bytes_per_s else None},
    )


def more_compute(question: Question, dice: random.Random) -> Question | None:
    """Each card computes faster, in every format."""
    factor = dice.uniform(1.05, 2)
    return _cards(question, lambda c: {"dense_flops": {name: rate * factor for name, rate in c.dense_flops.items()}})


def more_load(question: Question, dice: random.Random) -> Question | None:
    """More people, requests in flight or requests per second: by one, or by up to four times."""
    workload, factor = question.workload, dice.choice((1.0, 1.0, dice.uniform(1, 1.3), dice.uniform(1, 4)))
    if workload.request_rate is not None:
        return asking(question, request_rate=workload.request_rate * max(factor, 1.01))
    if workload.concurrency is not None:
        return asking(question, concurrency=max(workload.concurrency + 1, round(workload.concurrency * factor)))
    return asking(question, users=max(workload.users + 1, round(workload.users * factor)))


def looser_targets(question: Question, dice: random.Random) -> Question | None:
    """One or both targets looser."""
    workload, factor = question.workload, dice.uniform(1.02, 3)
    if workload.ttft_ms is None and workload.tpot_ms is None:
        return None
    keys = [key for key in ("ttft_ms", "tpot_ms") if getattr(workload, key) is not None]
    looser = {key: getattr(workload, key) * factor for key in dice.sample(keys, dice.randint(1, len(keys)))}
    return asking(question, **looser)


def shorter_context(question: Question, dice: random.Random) -> Question | None:
    """A shorter longest request, which still holds prompt and answer."""
    workload = question.workload
    least = workload.input_tokens + written_tokens(workload, question.model)
    if workload.context_tokens <= least:
        return None
    return asking(question, context_tokens=dice.randint(least, workload.context_tokens - 1))


def asking(question: Question, **other: Any) -> Question:
    """The same question with other keys of the workload."""
    return replace(question, workload=replace(question.workload, **other))


def spoils(one: Speed, other: Speed, question: Question) -> bool:
    """Whether the one misses a target by more than the other, or at the slow end of its range."""
    asked, thought = question.workload, long_thought(question.workload, question.model)
    ends = (
        (one.ttft_p95_s.expected, one.tpot_p95_s.expected, other.ttft_p95_s.expected, other.tpot_p95_s.expected),
        (one.ttft_p95_s.high, one.tpot_p95_s.high, other.ttft_p95_s.high, other.tpot_p95_s.high),
    )
    return any(
        overrun(own_ttft, own_tpot, asked, thought) > max(overrun(ttft, tpot, asked, thought), 1.0)
        for own_ttft, own_tpot, ttft, tpot in ends
    )


def _machine(question: Question, **other: Any) -> Question:
    return replace(question, hardware=replace(question.hardware, **other))


def _cards(question: Question, change: Callable[[Accelerator], dict[str, Any]]) -> Question | None:
    cards = question.hardware.accelerators
    if not cards:
        return None
    return _machine(question, accelerators=tuple(replace(card, **change(card)) for card in cards))
