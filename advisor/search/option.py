"""A model that could be taken: its public score, what its plan gives and what it costs."""

from __future__ import annotations

from typing import Any

from advisor.catalog import weights_format
from advisor.catalog.ranking import score_of
from advisor.decide.words import pace
from advisor.schema import MADE, Verdict, value
from advisor.units import gib
from advisor.wire import to_data

UNSCORED = "nobody is known to have scored it: placed by size and age"


@value
class Option:
    """A model that meets the targets here, by its verdict."""

    hf_id: str
    task: str  # whose score counts
    verdict: Verdict


def merit(hf_id: str, task: str) -> str:
    """The score that counts for the task, with its date; else that size and age had to do."""
    score = score_of(hf_id, task)
    return str(score) if score else UNSCORED


def columns(option: Option) -> tuple[str, ...]:
    """Model, score, engine and weights, memory of all cards, pace: for a table."""
    winner = option.verdict.winner
    if winner is None:
        return (option.hf_id, merit(option.hf_id, option.task), "", "", "")
    candidate, speed = winner.estimate.candidate, winner.estimate.peak_speed
    told = pace(speed, MADE.get(option.task, MADE["generate"])) if speed else ""
    way = f"{option.verdict.engine}, {weights_format(candidate.weights_format).title}"
    memory = f"{gib(memory_bytes(option))} on {max(candidate.cards_in_all, 1)} x {candidate.device.upper()}"
    return (option.hf_id, merit(option.hf_id, option.task), way, memory, told)


def memory_bytes(option: Option) -> int:
    """What its plan takes of all devices together."""
    winner = option.verdict.winner
    return winner.estimate.memory.used_bytes * max(winner.estimate.candidate.cards_in_all, 1) if winner else 0


def as_data(option: Option) -> dict[str, Any]:
    """The same for programs."""
    winner = option.verdict.winner
    estimate = winner.estimate if winner else None
    speed = estimate.peak_speed if estimate else None
    return {
        "hf_id": option.hf_id,
        "score": to_data(score_of(option.hf_id, option.task)),
        "engine": option.verdict.engine,
        "quantization": estimate.candidate.weights_format if estimate else None,
        "gpus": estimate.candidate.cards_in_all if estimate else None,
        "memory_bytes": memory_bytes(option),
        "ttft_s": speed.ttft_s.expected if speed else None,
        "tpot_s": speed.tpot_s.expected if speed else None,
        "confidence": option.verdict.confidence,
    }
