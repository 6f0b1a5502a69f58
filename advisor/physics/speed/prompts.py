"""How much of a prompt the cache still holds, and what that makes of the time to its first token.

A conversation leaves its prompt and its answer in the cache. Whoever goes on with it is *warm*: only what is new is
computed. A new conversation, or one that others pushed out, is *cold*: all but the part that every request shares is
computed. The engine's time is that of the mean request; the two kinds differ by their own prefill.

Prompts are uneven: in public traces the 95th percentile is 3.3 to 3.6 times the mean, and what is new in them is
no more even. The 95th percentile of the first token is that of such a prompt.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.serving import Steady, closed_loop, open_loop
from advisor.physics.speed.step import StepModel
from advisor.schema import Load

_BEYOND_P95 = 0.05


class Served(NamedTuple):
    """The steady state over all requests, and the first token of the two kinds of them."""

    steady: Steady
    warm_s: float
    cold_s: float
    cold_p95_s: float
    kept: float  # share of returning conversations that the cache still holds


def kept_share(room: float, load: Load, replicas: int, running: float) -> float:
    """The share of returning conversations whose last turn still lies in the cache; all of them where it left nothing.

    Args:
        room: conversations that one replica can keep beside the requests it runs.
        load: its conversations.
        replicas: a turn comes to any of them, and only one has what the last turn left.
        running: requests that run; what waits for a place holds none, so that others may push its last turn out.
    """
    if load.history_tokens <= load.shared_prefix_tokens:
        return 1.0
    idle = max(load.conversations - running, 0.0)
    fitting = min(room / idle, 1.0) if idle > 0.0 else 1.0
    return max(fitting, 0.0) / replicas


def served(step: StepModel, rule: Discipline, load: Load, kept: float, longest: float = math.inf) -> Served:
    """What a load makes of one replica whose cache still holds the share `kept` of its conversations.

    `longest` is the most tokens that a prompt may have.
    """
    step, rule = _each_by_itself(step, rule, load.passages)
    prompt, shared = load.input_tokens, min(load.shared_prefix_tokens, load.input_tokens)
    history = max(shared, min(load.history_tokens, prompt))
    mean = shared + kept * (history - shared)
    if load.request_rate is not None:
        found = open_loop(step, rule, load.request_rate, prompt, load.output_tokens, mean)
    else:
        found = closed_loop(step, rule, load.in_flight, prompt, load.output_tokens, mean)

    def own_s(cached: float) -> float:
        return step.first_token_s(max(prompt - cached, 1.0), min(cached, prompt - 1.0))

    def long_s(cached: float, usual: float) -> float:
        new = max(min(load.prompt_p95 * (prompt - cached), longest - cached), prompt - cached)
        return step.first_token_s(max(new, 1.0), min(cached, prompt - 1.0)) - usual

    fresh_s, known_s = own_s(shared), own_s(history)
    usual = known_s if mean == history else own_s(mean)
    waits = found.ttft_p95_s - found.ttft_s
    cold = found.ttft_s + max(fresh_s - usual, 0.0)
    warm = found.ttft_s - max(usual - known_s, 0.0)
    # A long prompt and a long wait seldom meet: what each adds to the mean is independent of the other.
    cold_p95 = cold + math.hypot(long_s(shared, fresh_s), waits)
    warm_p95 = min(warm + math.hypot(long_s(history, known_s), waits), cold_p95)
    # One request in twenty is beyond the 95th percentile: where as many are cold, it is a cold one's.
    evicted = min((1.0 - kept) / _BEYOND_P95, 1.0)
    p95 = warm_p95 + evicted * (cold_p95 - warm_p95)
    return Served(found._replace(ttft_p95_s=p95), warm, cold, cold_p95, kept)


def _each_by_itself(step: StepModel, rule: Discipline, prompts: int) -> tuple[StepModel, Discipline]:
    """The step and the rule for requests of several prompts: no prompt attends to another, each is handled in turn.

    Attention is linear in what lies before a token, so that a part of the rate over all is the whole rate over a part.
    """
    if prompts == 1:
        return step, rule
    step = replace(
        step,
        attention_s=step.attention_s / prompts,
        window_attention_s=step.window_attention_s / prompts,
        window=step.window * prompts,
    )
    rule = rule._replace(
        slots=rule.slots / prompts,
        request_s=rule.request_s + (prompts - 1) * rule.serial_s,
        serial_s=rule.serial_s * prompts,
    )
    return step, rule
