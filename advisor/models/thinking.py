"""Models that think before they answer: whether they do, what makes them do it less, and how many tokens it takes."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from advisor.catalog import constants
from advisor.frozen import replace
from advisor.schema import Figure, ModelSpec, Speed, Workload, value

Level = Literal["none", "low", "usual"]


@value
class Thinking:
    """What a model does before it answers, as the workload has it planned."""

    level: Level
    tokens: int = 0  # a request, on average
    template: Mapping[str, Any] = field(default_factory=dict)  # of the chat template, for every request
    effort: str | None = None  # what a request names as `reasoning_effort` where no setting says it


NONE = Thinking(level="none")


def thinking(workload: Workload, model: ModelSpec) -> Thinking:
    """The least thinking that the model offers where somebody waits, else what it does by itself.

    `reasoning_tokens` that are given count as given; 0 asks for none, which some models cannot do.
    """
    if workload.pooled or not thinks(model):
        return NONE
    if workload.reasoning_tokens:
        return Thinking(level="usual", tokens=workload.reasoning_tokens)
    least = workload.reasoning_tokens == 0 or somebody_waits(workload)
    found = _least(model) if least else _usual(model)
    ratio = float(constants("thinking")["ratios"][found.level])
    return replace(found, tokens=math.ceil(ratio * workload.output_tokens))


def written_tokens(workload: Workload, model: ModelSpec) -> int:
    """Tokens of a whole answer, what was thought before it included."""
    return workload.output_tokens + thinking(workload, model).tokens


def long_thought(workload: Workload, model: ModelSpec) -> float:
    """Tokens of thought that one request in twenty exceeds."""
    tokens = thinking(workload, model).tokens
    return tokens * float(constants("thinking")["p95"]) if tokens and workload.lengths == "varied" else float(tokens)


def first_answer_s(speed: Speed, workload: Workload, model: ModelSpec) -> Figure:
    """Seconds until a person sees the answer begin, 95th percentile: the first token, and then what is thought."""
    return _after(speed.ttft_p95_s, speed.tpot_p95_s, long_thought(workload, model))


def mean_first_answer_s(speed: Speed, workload: Workload, model: ModelSpec) -> Figure:
    """The same on average."""
    return _after(speed.ttft_s, speed.tpot_s, thinking(workload, model).tokens)


def _after(first: Figure, pace: Figure, tokens: float) -> Figure:
    """The time of a token that comes so many tokens after the first."""
    return replace(
        first, low=first.low + tokens * pace.low, expected=first.expected + tokens * pace.expected,
        high=first.high + tokens * pace.high,
    )  # fmt: skip


def thinks(model: ModelSpec) -> bool:
    """Whether the model was made to think aloud."""
    return "reasoning" in model.tags or model.reasoning_parser is not None


def with_room(workload: Workload, model: ModelSpec) -> Workload:
    """The workload with a context that also holds what is thought, as far as the model was trained for it."""
    need = workload.input_tokens + written_tokens(workload, model)
    if need <= workload.context_tokens:
        return workload
    longest = max(model.context_trained, workload.context_tokens)
    return replace(workload, context_tokens=min(math.ceil(need / 1024) * 1024, longest))


def somebody_waits(workload: Workload) -> bool:
    """Whether a target says that a person waits."""
    return any(target is not None for target in (workload.ttft_ms, workload.tpot_ms, workload.first_answer_ms))


def _least(model: ModelSpec) -> Thinking:
    """The least that it offers, and what has to be said for that."""
    if model.model_type in constants("thinking")["effort"] and not _made_to(model.hf_id):
        return Thinking(level="low", effort=constants("thinking")["effort"][model.model_type])
    switch = _switch(model)
    if switch is None:
        return Thinking(level="usual")
    return Thinking(level="none", template=switch["template"], effort="none") if switch["default"] else NONE


def _usual(model: ModelSpec) -> Thinking:
    """What it does by itself."""
    switch = _switch(model)
    return NONE if switch is not None and not switch["default"] else Thinking(level="usual")


def _switch(model: ModelSpec) -> Mapping[str, Any] | None:
    """What turns its thinking off; None where nothing does."""
    found: Mapping[str, Any] | None = constants("thinking")["switch"].get(model.model_type)
    if found is None or _made_to(model.hf_id) or found.get("parser", model.reasoning_parser) != model.reasoning_parser:
        return None
    return found


@functools.cache
def _made_to(hf_id: str) -> bool:
    """Whether its name says that it thinks whatever its family does."""
    words = re.split(r"[^a-z0-9]+", hf_id.rpartition("/")[2].lower())
    return not set(words).isdisjoint(constants("thinking")["always"])
