"""One load on one configuration: which kind of run it is, and what the engine makes of it."""

from __future__ import annotations

import math

from advisor.engines.ready import Ready
from advisor.physics.speed.facts import held_bytes
from advisor.physics.speed.inside import EQUAL, Discipline
from advisor.physics.speed.serving import (
    CROWD,
    Steady,
    all_at_once,
    all_prompts_s,
    closed_loop,
    open_loop,
    single_stream,
)  # fmt: skip
from advisor.predict.rows import Asked

NEARLY_EQUAL = 1.25  # the longest answer over the mean: drawn evenly up to it, an answer that runs is 2 % longer


def per_replica(ready: Ready, asked: Asked) -> Asked:
    """The part of the load that one replica gets."""
    if ready.replicas == 1:
        return asked
    return asked._replace(
        concurrency=None if asked.concurrency is None else asked.concurrency / ready.replicas,
        request_rate=None if asked.request_rate is None else asked.request_rate / ready.replicas,
        prompts=None if asked.prompts is None else max(asked.prompts / ready.replicas, 1.0),
    )


def rule_for(ready: Ready, asked: Asked) -> Discipline:
    """The engine's limits under this load: KV for requests of this length."""
    if math.isinf(ready.kv_bytes) or not ready.kv_bytes:  # an encoder caches nothing
        return ready.rule
    # Long answers run longer, so more of them run; of nearly equal ones not noticeably more.
    written = asked.output_tokens * (1.0 if asked.longest > NEARLY_EQUAL else 0.5)
    mean = max(asked.input_tokens - asked.cached_tokens + written, 1.0)
    rule, sequences = ready.rule, max(ready.kv_bytes / held_bytes(ready.prepared.facts, mean), 1.0)
    return rule._replace(sequences=sequences)


def run(ready: Ready, rule: Discipline, asked: Asked) -> Steady:
    """Choose the kind of run."""
    step, prompt, answer = ready.step, asked.input_tokens, asked.output_tokens
    cached = asked.cached_tokens
    if asked.mode == "single_stream":
        alone = single_stream(ready.bench, rule, prompt, answer, cached)
        return alone if ready.decode_alone else alone._replace(output_tokens_per_s=alone.requests_per_s * answer)
    if asked.mode == "offline":
        return _offline(ready, rule, asked)
    if asked.request_rate is not None and not math.isinf(asked.request_rate):
        if asked.concurrency is not None:
            rule = rule._replace(slots=min(rule.slots, asked.concurrency))
        prompts = asked.prompts or math.inf
        return open_loop(step, rule, asked.request_rate, prompt, answer, cached, prompts, asked.longest)
    if asked.concurrency is None and asked.prompts is not None:
        return all_at_once(step, rule, asked.prompts, prompt, answer, cached, asked.longest)
    flight = asked.concurrency or 1.0
    if asked.prompts is not None:  # of all prompts, those of the first wave come together
        rule = rule._replace(together=min(flight / asked.prompts, 1.0), in_step=0.0)
    if asked.longest > EQUAL:  # answers end one by one, and so the next prompts come
        rule = rule._replace(in_step=0.0)
    return closed_loop(step, rule, flight, prompt, answer, cached, asked.prompts or math.inf, asked.longest)


def _offline(ready: Ready, rule: Discipline, asked: Asked) -> Steady:
    """All prompts handed over, with no server around the engine; a batched bench may print decoding alone."""
    step, prompt, answer, cached = ready.bench, asked.input_tokens, asked.output_tokens, asked.cached_tokens
    rule = rule._replace(request_s=0.0, token_s=0.0)
    batch = asked.concurrency or asked.prompts
    if batch is None:  # as many as run at once, for as long as prompts last
        batch = min(max(min(rule.slots, rule.sequences), 1.0), CROWD)
        if not ready.decode_alone:
            rule = rule._replace(together=0.0, in_step=0.0)
            return closed_loop(step, rule, batch, prompt, answer, cached, longest=asked.longest)
    if not ready.decode_alone:
        if asked.concurrency and asked.prompts:
            rule = rule._replace(slots=min(rule.slots, asked.concurrency))
        return all_at_once(step, rule, asked.prompts or batch, prompt, answer, cached, longest=asked.longest)
    rule = rule._replace(slots=batch, sequences=batch)
    found = all_at_once(step, rule, batch, prompt, answer, cached)
    decode_s, prompts_s = step.decode_s(batch, prompt + answer / 2), all_prompts_s(step, rule, batch, prompt, cached)
    # Such a bench computes every prompt before it decodes at all.
    return found._replace(output_tokens_per_s=batch / decode_s, tpot_s=decode_s, ttft_s=prompts_s, ttft_p95_s=prompts_s)
