"""The physics of one engine step: what it reads, what it computes, what it waits for.

    step = overhead + products + attention + all-reduce

*Overhead* is the engine's own work: scheduling, kernel launches, sampling. *Products* are the matrix products with the
weights: the longer of reading the weights once and of multiplying them with every token of the step. *Attention*
reads the KV cache of every sequence. *All-reduce* is what tensor-parallel cards tell each other in every layer.

`StepModel` holds these as frozen coefficients in seconds, so that a load costs a few multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from advisor.physics.speed.internode import NO_HOPS, Hops

SHARPNESS = 3.0  # of the bend between memory-bound and compute-bound
ALL_REDUCES_PER_LAYER = 2


class Facts(NamedTuple):
    """What a model in one weights format asks of a step, all ranks together."""

    layers: int
    sparse_layers: int  # mixture-of-experts blocks
    linear_layers: int
    hidden: int
    dense_bytes: float  # every token reads these
    expert_bytes: float  # all routed experts
    expert_share: float  # of the experts that one token wakes
    flops_per_token: float
    kv_full_bytes: float  # per token of context, layers that keep everything
    kv_window_bytes: float  # per token of context up to `window`
    window: float
    state_bytes: float  # fixed per sequence
    attention_flops: float  # per query token and context token, full layers
    window_attention_flops: float
    head_flops: float = 0.0  # of `flops_per_token`: what only the last token of a prompt needs
    readers: float = 1.0  # layers that read one layer's cache: some models let later layers look into an earlier one's

    @property
    def vocabulary(self) -> float:
        """Entries of the vocabulary: what sampling looks through."""
        return self.head_flops / (2.0 * self.hidden)

    @property
    def active_bytes(self) -> float:
        """Weights that one token reads."""
        return self.dense_bytes + self.expert_bytes * self.expert_share


class Rates(NamedTuple):
    """What the engine's kernels reach on this device, and what it spends beside them: fitted, see its rates.py."""

    bytes_per_s: float  # reading weights, one card
    expert_bytes_per_s: float
    kv_bytes_per_s: float
    decode_flops: float  # products of a decode batch
    prefill_flops: float
    attention_flops: float
    overhead_s: float  # per step, all layers
    sequence_s: float  # per sequence and step
    routing_spread: float  # tokens ** this choose their experts independently: 1 is even routing
    vector_growth: float  # small-batch kernels (llama.cpp): cost of each further sequence; 0: none
    expert_growth: float  # the same where sequences meet in one expert
    all_reduce_s: float  # latency of one
    link_bytes_per_s: float
    stage_s: float  # hand-over between pipeline stages
    sharpness: float = SHARPNESS  # of reading against multiplying in a decode step; 1: one after the other


def soft_max(a: float, b: float, sharpness: float = SHARPNESS) -> float:
    """The longer of two overlapping times, with a rounded corner: never below either."""
    if sharpness == SHARPNESS:  # third powers written out: this runs some ten times for every row of `predict`
        return float((a * a * a + b * b * b) ** (1.0 / 3.0))
    return float((a**sharpness + b**sharpness) ** (1.0 / sharpness))


def limited_power(share: float) -> tuple[float, float]:
    """How much longer reading and computing take on a card that may draw `share` of the power it would.

    A byte read costs the same energy at any clock. Computing costs less of it at a lower clock, whose voltage is lower
    too: about the square. The limit holds for the mean power, so cards that wait for each other, or for the host, save
    up for it. No constant is fitted, but 1 and 1/2 were chosen by what they do on RTX 3090 at 220 of 350 W, the only
    cards of the calibration with a limit.
    """
    return 1.0 / share, share**-0.5


@dataclass(frozen=True, slots=True)
class StepModel:
    """Seconds of each part of a step; batch and context are the only variables left."""

    overhead_s: float
    sequence_s: float  # per sequence: sampling, block tables
    dense_s: float  # read every dense weight
    expert_s: float  # read every routed expert
    expert_miss: float  # probability that a token leaves a given expert asleep; 1 without experts
    routing_spread: float
    token_s: float  # multiply one token with all active weights
    vector_growth: float
    expert_growth: float
    kv_full_s: float  # read and multiply one token of context, layers that keep everything
    kv_window_s: float
    window: float
    state_s: float
    all_reduce_token_s: float  # per token of the step
    prefill_token_s: float  # one prompt token of a full chunk
    attention_s: float  # per prompt token and token of context before it
    window_attention_s: float
    stages: float  # pipeline stages that work at the same time; unequal ones: all layers over those of the longest
    chunk_tokens: int  # prompt tokens that share one reading of the weights
    hops: int = 0  # borders between machines that a token crosses
    hop_token_s: float = 0.0  # one token over one of them
    sharpness: float = SHARPNESS
    power_share: float = 1.0  # of the power that a card draws while it works; what it lacks, it waits for
    verified: float = 1.0  # tokens of a sequence in one step: 1 without speculation
    kept: float = 1.0  # of them on average
    draft_s: float = 0.0  # writing the drafts of a step

    def decode_s(self, batch: float, context: float) -> float:
        """One step that gives each of `batch` sequences a token, their mean context being `context` tokens."""
        return self.decode_with(batch, self.own_s(context))

    def own_s(self, context: float) -> float:
        """What each sequence adds to a step beside the products: its KV cache of `context` tokens, and sampling."""
        cached = self.kv_full_s * context + self.kv_window_s * min(context, self.window) + self.state_s
        return self.sequence_s + self.all_reduce_token_s + cached + self.hops * self.hop_token_s

    def decode_with(self, batch: float, own_s: float) -> float:
        """`decode_s` where `own_s` is known."""
        share = batch if self.stages == 1 else max(1.0, batch / self.stages)
        if self.verified > 1.0:
            products = self.products_s(self.verified * share) + self.draft_s
            return (self.overhead_s + products + share * own_s) / self.kept
        products = self.products_s(share)
        whole = self.overhead_s + products + share * own_s
        if self.power_share == 1.0:
            return whole
        cached = own_s - self.sequence_s - self.all_reduce_token_s - self.hops * self.hop_token_s
        reading, computing = limited_power(self.power_share)
        held_back = self.products_s(share, reading, computing) + share * cached * reading
        return max(whole, held_back * min(batch / self.stages, 1.0))

    def awake(self, tokens: float) -> float:
        """The share of the experts that so many tokens wake between them."""
        return float(1.0 - self.expert_miss**tokens**self.routing_spread)

    def products_s(self, tokens: float, reading: float = 1.0, computing: float = 1.0) -> float:
        """The matrix products over `tokens` decoded tokens, reading and computing taking so many times as long."""
        read = self.dense_s
        if self.expert_s:
            awake = self.awake(tokens)
            read += self.expert_s * awake
        matrix = soft_max(reading * read, computing * tokens * self.token_s, self.sharpness)
        if not self.vector_growth:
            return matrix
        vector = self.dense_s * (1.0 + self.vector_growth * (tokens - 1.0))
        if self.expert_s:
            crowd = tokens * (1.0 - self.expert_miss) / awake  # tokens that meet in one expert
            vector += self.expert_s * awake * (1.0 + self.expert_growth * (crowd - 1.0))
        return min(reading * vector, matrix)

    def prefill_s(self, tokens: float, cached: float = 0.0) -> float:
        """What the prompt adds to steps that run anyway: `tokens` new ones behind `cached` tokens already in the KV."""
        busy = tokens * self.prefill_token_s + self.prompt_attention_s(tokens, cached)
        work = busy + tokens * self.all_reduce_token_s
        if self.power_share != 1.0:
            work = max(work, busy * limited_power(self.power_share)[1])
        # Every stage but the last hands its tokens on itself; the borders are crossed at the same time.
        return work / self.stages + tokens * self.hop_token_s

    def prompt_attention_s(self, tokens: float, cached: float) -> float:
        """Attention of a prompt over itself and over what is cached before it."""
        before = cached + tokens / 2
        return tokens * (self.attention_s * before + self.window_attention_s * min(before, self.window))

    def first_token_s(self, tokens: float, cached: float = 0.0) -> float:
        """Prefill of one prompt on an idle engine: every chunk is a step of its own."""
        chunks = max(1.0, tokens / self.chunk_tokens)
        floor = 0.0
        if tokens < self.chunk_tokens:  # the few tokens of a short prompt wake most experts all the same
            floor = self.dense_s + self.expert_s * self.awake(tokens)
        busy = soft_max(floor, tokens * self.prefill_token_s) + self.prompt_attention_s(tokens, cached)
        waits = chunks * self.overhead_s + tokens * (self.all_reduce_token_s + self.hops * self.hop_token_s)
        if self.power_share == 1.0:
            return waits + busy
        return max(waits + busy, busy * limited_power(self.power_share)[1])


def step_model(
    facts: Facts,
    rates: Rates,
    *,
    tensor_parallel: int,
    pipeline_parallel: int,
    overlapping_stages: bool,
    kv_share: float,
    chunk_tokens: int,
    offload_share: float = 0.0,
    host_bytes_per_s: float = 1.0,
    hops: Hops = NO_HOPS,
    power_share: float = 1.0,
) -> StepModel:
    """Turn bytes and FLOPs into seconds.

    Args:
        facts: the model in its format.
        rates: what the kernels reach on one card.
        tensor_parallel: ranks that split each layer.
        pipeline_parallel: groups of ranks that hold consecutive layers.
        overlapping_stages: several batches are under way at once (vLLM); otherwise one card works at a time.
        kv_share: part of the KV cache that one tensor-parallel rank reads.
        chunk_tokens: prompt tokens per step.
        offload_share: part of the weights that lies in the CPU's memory and is read there.
        host_bytes_per_s: what the CPU reaches in reading them.
        hops: hand-overs between machines.
        power_share: what a card may draw, to what it draws while it works; cards that work in turn draw less.
    """
    ranks = tensor_parallel
    on_card = 1.0 - offload_share
    dense_s = facts.dense_bytes / ranks * (on_card / rates.bytes_per_s + offload_share / host_bytes_per_s)
    expert_s = facts.expert_bytes / ranks * (on_card / rates.expert_bytes_per_s + offload_share / host_bytes_per_s)
    flops = facts.flops_per_token / ranks
    all_reduces = ALL_REDUCES_PER_LAYER * facts.layers if ranks > 1 else 0
    exchanged = 2.0 * facts.hidden * 2 * (ranks - 1) / ranks  # bytes of one token in one ring all-reduce
    overhead = rates.overhead_s + all_reduces * rates.all_reduce_s + (pipeline_parallel - 1) * rates.stage_s
    overhead += hops.borders * hops.seconds
    attention_s = facts.attention_flops / ranks / rates.attention_flops
    window_attention_s = facts.window_attention_flops / ranks / rates.attention_flops
    return StepModel(
        overhead_s=overhead,
        sequence_s=rates.sequence_s,
        dense_s=dense_s,
        expert_s=expert_s,
        expert_miss=1.0 - facts.expert_share,
        routing_spread=rates.routing_spread,
        token_s=flops / rates.decode_flops,
        vector_growth=rates.vector_growth,
        expert_growth=rates.expert_growth,
        kv_full_s=soft_max(facts.readers * facts.kv_full_bytes * kv_share / rates.kv_bytes_per_s, attention_s),
        kv_window_s=soft_max(
            facts.readers * facts.kv_window_bytes * kv_share / rates.kv_bytes_per_s, window_attention_s
        ),
        window=facts.window,
        state_s=2.0 * facts.state_bytes / ranks / rates.kv_bytes_per_s,  # read and written
        all_reduce_token_s=all_reduces * exchanged / rates.link_bytes_per_s if all_reduces else 0.0,
        prefill_token_s=soft_max((dense_s + expert_s) / chunk_tokens, flops / rates.prefill_flops),
        attention_s=attention_s,
        window_attention_s=window_attention_s,
        stages=pipeline_parallel if overlapping_stages else 1,
        chunk_tokens=chunk_tokens,
        hops=hops.borders,
        hop_token_s=hops.token_s,
        sharpness=rates.sharpness,
        power_share=min(power_share, 1.0),
    )
