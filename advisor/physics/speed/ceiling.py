"""What no engine exceeds: one replica with its cache always warm, nobody waiting and the least talk between its cards.

The same step as everywhere, without what makes it slower: its cards share every part of the work evenly, and every
request finds in the cache all that may lie there. What is left is a rate that no load, slots or layout go beyond:

    rate = B / ((output - 1) x TPOT(B))    with the largest B that memory holds and whose TPOT is in time
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from advisor.physics.speed.inside import Discipline, work_of
from advisor.physics.speed.prompts import served
from advisor.physics.speed.step import StepModel
from advisor.schema import Load

_NEAR = 1.01  # of the batch that is sought, from above
_CROWD = 65536.0
_P95_SIGMAS = 1.645


class Request(NamedTuple):
    """One request and what it is promised."""

    prompt: float
    cached: float  # of the prompt, at the most
    output: float
    tpot_s: float  # at the 95th percentile; infinite without a target


class Exchange(NamedTuple):
    """What so many ranks tell each other."""

    step_s: float  # that a step takes longer
    token_s: float  # the same for each of its tokens


class Best(NamedTuple):
    """One format on one card of a kind, before anything is placed."""

    engine: str
    weights_format: str
    kv_cache_dtype: str
    step: StepModel  # on one card
    shared: bool  # whether several cards work at the same time
    exchange: tuple[Exchange, ...]  # of one rank, of two, ...; of more ranks as of the last
    rule: Discipline  # with the slots that one replica may have at the most
    weights_bytes: float
    card_bytes: float  # that the engine may fill, of one card
    sequence_bytes: float  # that a running request holds at the least; 0: not known

    def holds(self, cards: int) -> float:
        """Requests that so many cards hold beside the weights; below 1 where they do not hold one."""
        room = cards * self.card_bytes - self.weights_bytes
        return room / self.sequence_bytes if self.sequence_bytes else math.copysign(math.inf, room)

    def on(self, tensor: int, pipeline: int) -> StepModel:
        """The step on that many ranks and stages."""
        if not self.shared or (tensor == 1 and pipeline == 1):
            return self.step
        one, talk = self.step, self.exchange[min(tensor, len(self.exchange)) - 1]
        return replace(
            one, overhead_s=one.overhead_s + talk.step_s, all_reduce_token_s=talk.token_s,
            dense_s=one.dense_s / tensor, expert_s=one.expert_s / tensor, token_s=one.token_s / tensor,
            kv_full_s=one.kv_full_s / tensor, kv_window_s=one.kv_window_s / tensor, state_s=one.state_s / tensor,
            prefill_token_s=one.prefill_token_s / tensor, attention_s=one.attention_s / tensor,
            window_attention_s=one.window_attention_s / tensor, stages=one.stages * pipeline,
        )  # fmt: skip


class Replica(NamedTuple):
    """One replica at its best, placed on its cards."""

    step: StepModel
    rule: Discipline

    @classmethod
    def of(cls, best: Best, tensor: int, pipeline: int) -> Replica | None:
        """On so many ranks and stages; None where they do not hold one request."""
        held = best.holds(tensor * pipeline)
        return cls(best.on(tensor, pipeline), best.rule._replace(sequences=held)) if held >= 1 else None

    def latency_s(self, asked: Request) -> float:
        """Of a single request, which no other one holds back."""
        work = work_of(asked.prompt, asked.output, asked.cached)
        before = self.rule.for_prompt(asked.prompt).request_s + self.rule.serial_s
        first_s = self.step.first_token_s(work.prompt, work.cached)
        return before + first_s + (work.output - 1.0) * self.step.decode_s(1.0, work.context)

    def most_per_s(self, asked: Request) -> float:
        """Requests a second at the most; 0 where not even one is in time."""
        step, work = self.step, work_of(asked.prompt, asked.output, asked.cached)
        most = min(self.rule.sequences, self.rule.slots, _CROWD)
        prefill_s = step.prefill_s(work.prompt, work.cached) + self.rule.serial_s
        own_s, stretch = step.own_s(work.context), prefill_s / work.output

        def tpot(batch: float) -> tuple[float, float]:
            """Its mean, and its 95th percentile."""
            decode_s = step.decode_with(batch, own_s)
            others = stretch * (batch - 1.0)
            return decode_s + others, decode_s + others * (1.0 + _P95_SIGMAS / math.sqrt(batch))

        if tpot(1.0)[1] > asked.tpot_s:
            return 0.0
        batch, beyond = (most if tpot(most)[1] <= asked.tpot_s else 1.0), most
        while beyond > _NEAR * batch:
            middle = math.sqrt(batch * beyond)
            batch, beyond = (middle, beyond) if tpot(middle)[1] <= asked.tpot_s else (batch, middle)
        writing = (work.output - 1.0) * tpot(beyond)[0]
        return min(1.0 / prefill_s, beyond / writing if writing else math.inf)

    def first_p95_s(self, asked: Request, load: Load, kept: float, longest: float) -> float:
        """Time to first token at the 95th percentile with so many in flight; 0 where fewer slots may make it shorter.

        A request that waits for a slot waits for a whole answer, one that runs for the prompts of others: more slots
        are better where prompts take less time than answers.
        """
        work = work_of(asked.prompt, asked.output, asked.cached)
        prefill_s = self.step.prefill_s(work.prompt, work.cached)
        if prefill_s > (work.output - 1.0) * self.step.decode_s(1.0, work.context):
            return 0.0
        return served(self.step, self.rule, load, kept, longest).steady.ttft_p95_s
