"""The closed formulas of `serving` against a simulation of every step, and at their corners."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from advisor.physics.speed.inside import Discipline
from advisor.physics.speed.serving import all_at_once, closed_loop, open_loop, single_stream
from advisor.physics.speed.step import Facts, Rates, StepModel, step_model
from tests.physics import step_simulation

# A 7B model in 16 bit on a card of 1 TB/s and 150 TFLOP/s.
FACTS = Facts(
    layers=28, sparse_layers=0, linear_layers=0, hidden=3584, dense_bytes=14e9, expert_bytes=0, expert_share=0,
    flops_per_token=14e9, kv_full_bytes=57344, kv_window_bytes=0, window=1e12, state_bytes=0,
    attention_flops=4 * 28 * 28 * 128, window_attention_flops=0,
)  # fmt: skip
RATES = Rates(
    bytes_per_s=0.85e12, expert_bytes_per_s=0.85e12, kv_bytes_per_s=0.7e12, decode_flops=80e12, prefill_flops=100e12,
    attention_flops=50e12, overhead_s=1e-3, sequence_s=2e-5, routing_spread=1.0, vector_growth=0.0, expert_growth=0.0, all_reduce_s=0,
    link_bytes_per_s=1, stage_s=0,
)  # fmt: skip
BUDGET = 2048


@pytest.fixture
def step() -> StepModel:
    """One card, no parallelism."""
    return step_model(
        FACTS, RATES, tensor_parallel=1, pipeline_parallel=1, overlapping_stages=True, kv_share=1.0,
        chunk_tokens=BUDGET,
    )  # fmt: skip


def rule(slots: float = 256, sequences: float = 1e9, request_s: float = 0.0) -> Discipline:
    """An engine without latency of its own."""
    return Discipline(slots, sequences, request_s, 0.0, 0.5, BUDGET)


@pytest.mark.parametrize(
    ("in_flight", "slots", "prompt", "answer"),
    [(4, 256, 256, 256), (16, 256, 512, 256), (64, 256, 512, 256), (64, 32, 512, 256), (64, 256, 2048, 128)],
)
def test_the_closed_loop_agrees_with_a_simulation_of_every_step(
    step: StepModel, in_flight: int, slots: int, prompt: int, answer: int
) -> None:
    """Rate and TPOT within 5 %; TTFT and both 95th percentiles within a factor of two."""
    seen = step_simulation.closed_loop(
        step,
        in_flight=in_flight,
        slots=slots,
        prompt=prompt,
        answer=answer,
        budget=BUDGET,
        requests=8 * in_flight + 300,
    )
    said = closed_loop(step, rule(slots), in_flight, prompt, answer)
    assert said.output_tokens_per_s == pytest.approx(seen.tokens_per_s, rel=0.05)
    assert said.tpot_s == pytest.approx(seen.tpot_s, rel=0.05)
    assert said.tpot_p95_s == pytest.approx(seen.tpot_p95_s, rel=0.15)
    assert 0.5 < said.ttft_s / seen.ttft_s < 2
    assert 0.5 < said.ttft_p95_s / seen.ttft_p95_s < 2.5


@pytest.mark.parametrize(("in_flight", "prompt"), [(4, 256), (4, 512), (8, 256)])
def test_equal_requests_march_in_step(step: StepModel, in_flight: int, prompt: int) -> None:
    """Where one step holds all prompts and answers have one length, every wave of the simulation stays together."""
    seen = step_simulation.closed_loop(
        step, in_flight=in_flight, slots=256, prompt=prompt, answer=256, budget=BUDGET, requests=40 * in_flight,
        spread=0.0,
    )  # fmt: skip
    said = closed_loop(step, rule()._replace(together=1.0), in_flight, prompt, 256)
    apart = closed_loop(step, rule(), in_flight, prompt, 256)
    assert said.ttft_s == pytest.approx(seen.ttft_s, rel=0.2)
    assert said.ttft_p95_s == pytest.approx(seen.ttft_p95_s, rel=0.2)
    assert said.tpot_s == pytest.approx(seen.tpot_s, rel=0.1)
    assert said.output_tokens_per_s == pytest.approx(seen.tokens_per_s, rel=0.1)
    assert said.ttft_s > 1.5 * apart.ttft_s
    assert said.output_tokens_per_s == apart.output_tokens_per_s


@pytest.mark.parametrize(("in_flight", "prompt"), [(16, 512), (64, 512), (32, 2048), (200, 1024)])
def test_a_wave_larger_than_a_step_waits_for_its_chunks(step: StepModel, in_flight: int, prompt: int) -> None:
    """All at the start of a run: the simulation of that one wave agrees in the mean and the 95th percentile."""
    seen = step_simulation.closed_loop(
        step, in_flight=in_flight, slots=256, prompt=prompt, answer=256, budget=BUDGET, requests=in_flight,
        spread=0.0, first=0.0,
    )  # fmt: skip
    said = closed_loop(step, rule()._replace(together=1.0), in_flight, prompt, 256)
    assert said.ttft_s == pytest.approx(seen.ttft_s, rel=0.2)
    assert said.ttft_p95_s == pytest.approx(seen.ttft_p95_s, rel=0.2)


def test_a_step_of_prompts_also_decodes_for_those_before(step: StepModel) -> None:
    """With heavy decodes beside few prompt tokens the first tokens of a burst wait for both, as in the simulation."""
    slow = replace(step, overhead_s=0.05)
    seen = step_simulation.closed_loop(
        slow, in_flight=128, slots=256, prompt=512, answer=256, budget=BUDGET, requests=128, spread=0.0, first=0.0,
    )  # fmt: skip
    said = all_at_once(slow, rule(), 128, 512, 256)
    assert said.ttft_s == pytest.approx(seen.ttft_s, rel=0.2)
    assert said.ttft_s > 1.2 * all_at_once(slow, rule()._replace(chunk_tokens=1e9), 128, 512, 256).ttft_s


def test_a_part_of_the_clients_in_step_lies_between(step: StepModel) -> None:
    """Waits grow with the share that comes together; so do the percentiles, which never fall below the mean."""
    found = [closed_loop(step, rule()._replace(together=share), 32, 512, 256) for share in (0.0, 0.1, 0.5, 1.0)]
    for name in ("ttft_s", "ttft_p95_s"):
        values = [getattr(one, name) for one in found]
        assert values == sorted(values)
    assert all(one.ttft_p95_s >= one.ttft_s and one.tpot_p95_s >= one.tpot_s for one in found)


@pytest.mark.parametrize("in_flight", [2, 8, 32, 128])
@pytest.mark.parametrize("share", [0.3, 0.9, 1.0])
def test_who_comes_in_step_waits_and_nothing_else_changes(step: StepModel, in_flight: int, share: float) -> None:
    """`in_step` moves the first token and its percentile, never a rate or the time of a token."""
    plain = rule()._replace(together=0.1)
    apart, seen = (closed_loop(step, one, in_flight, 512, 256) for one in (plain, plain._replace(in_step=share)))
    assert seen.ttft_s > apart.ttft_s and seen.ttft_p95_s >= apart.ttft_p95_s
    assert seen._replace(ttft_s=apart.ttft_s, ttft_p95_s=apart.ttft_p95_s) == apart


@pytest.mark.parametrize("in_flight", [2, 4, 16, 64, 128])
def test_prompts_that_are_cached_still_queue_to_be_split(step: StepModel, in_flight: int) -> None:
    """Long cached prompts that come together all wait for one process, and short new ones for the engine as before."""
    together = rule()._replace(in_step=1.0)
    split = together._replace(token_s=4e-6)
    long, alone = (closed_loop(step, split, flight, 32768, 256, 32767) for flight in (in_flight, 1))
    assert long.ttft_s - alone.ttft_s == pytest.approx(4e-6 * 32768 * (in_flight - 1), rel=0.3)
    assert long.ttft_p95_s >= long.ttft_s
    short = [closed_loop(step, one, in_flight, 64, 256).ttft_s for one in (together, split)]
    assert short[1] == pytest.approx(short[0] + 4e-6 * 64, rel=0.02)


def test_one_request_marches_with_nobody(step: StepModel) -> None:
    """A single client sees the same, in step or not."""
    together, alone = (
        closed_loop(step, rule()._replace(together=1.0), 1, 512, 256),
        closed_loop(step, rule(), 1, 512, 256),
    )
    assert together == alone


def test_littles_law_holds_in_a_closed_loop(step: StepModel) -> None:
    """Requests in flight = rate x (TTFT + time of the answer), also with a queue."""
    for in_flight, slots in ((1, 256), (8, 256), (100, 256), (100, 16)):
        said = closed_loop(step, rule(slots), in_flight, 512, 256)
        assert said.requests_per_s * (said.ttft_s + 255 * said.tpot_s) == pytest.approx(in_flight, rel=0.01)


def test_a_small_kv_cache_makes_requests_wait(step: StepModel) -> None:
    """With room for 8 requests, 64 in flight give the output of 8, and 56 wait."""
    full = closed_loop(step, rule(sequences=8), 64, 512, 256)
    assert full.queued == pytest.approx(56, abs=1)
    assert full.bound == "kv"
    assert full.output_tokens_per_s == pytest.approx(
        closed_loop(step, rule(sequences=8), 8, 512, 256).output_tokens_per_s, rel=0.02
    )


def test_the_latency_of_the_server_hides_behind_other_requests(step: StepModel) -> None:
    """One slot and 200 ms outside it: two clients give more than one, ten no more than the slot allows."""
    slow = rule(slots=1, request_s=0.2)
    one, two, ten = (closed_loop(step, slow, n, 64, 32).output_tokens_per_s for n in (1, 2, 10))
    assert one < two <= ten
    assert ten == pytest.approx(closed_loop(step, rule(slots=1), 1, 64, 32).output_tokens_per_s, rel=0.02)


def test_a_slow_open_loop_is_an_idle_engine(step: StepModel) -> None:
    """At a request every hundred seconds the wait is that of an idle engine."""
    alone = single_stream(step, rule(), 512, 64)
    said = open_loop(step, rule(), 0.01, 512, 64)
    assert said.ttft_s == pytest.approx(alone.ttft_s, rel=0.05)
    assert said.tpot_s == pytest.approx(alone.tpot_s, rel=0.05)


def test_the_queue_of_an_open_loop_grows_towards_capacity(step: StepModel) -> None:
    """TTFT rises with the arrival rate and the 95th percentile stays above the mean."""
    waits = [open_loop(step, rule(slots=16), rate, 512, 128, prompts=500) for rate in (0.5, 2, 3.5, 5, 20)]
    means = [said.ttft_s for said in waits]
    assert means == sorted(means)
    assert all(said.ttft_p95_s >= said.ttft_s for said in waits)


def test_all_at_once_is_continuous_where_the_slots_end(step: StepModel) -> None:
    """One prompt more than the slots costs little more than none."""
    same = all_at_once(step, rule(slots=64), 64, 512, 128)
    more = all_at_once(step, rule(slots=64), 65, 512, 128)
    assert more.output_tokens_per_s == pytest.approx(same.output_tokens_per_s, rel=0.05)


def test_a_cached_prefix_shortens_the_wait_and_raises_the_rate(step: StepModel) -> None:
    """The prefix cache takes its part of every prompt away."""
    cold = closed_loop(step, rule(), 32, 2048, 128)
    warm = closed_loop(step, rule(), 32, 2048, 128, 1800)
    assert warm.ttft_s < cold.ttft_s
    assert warm.output_tokens_per_s > cold.output_tokens_per_s


def test_pipeline_stages_work_at_the_same_time_only_in_batches(step: StepModel) -> None:
    """Two stages leave one stream as it is; a large batch gains, because each stage multiplies half of it."""
    staged = step_model(
        FACTS, RATES, tensor_parallel=1, pipeline_parallel=2, overlapping_stages=True, kv_share=1.0, chunk_tokens=BUDGET
    )
    assert staged.decode_s(1, 512) == pytest.approx(step.decode_s(1, 512), rel=0.01)
    assert 512 / staged.decode_s(512, 64) > 1.4 * 512 / step.decode_s(512, 64)


@pytest.mark.parametrize("ranks", [1, 2, 4, 8])
def test_ranks_exchange_two_activations_a_layer(ranks: int) -> None:
    """In a ring each rank sends 2 (n - 1) / n of a token's 16-bit activations, twice a layer, and waits as often."""
    linked = RATES._replace(all_reduce_s=1e-5, link_bytes_per_s=20e9)
    free = RATES._replace(all_reduce_s=0.0, link_bytes_per_s=1e30)
    slow, fast = (
        step_model(
            FACTS, rates, tensor_parallel=ranks, pipeline_parallel=1, overlapping_stages=True, kv_share=1.0,
            chunk_tokens=BUDGET,
        )
        for rates in (linked, free)
    )  # fmt: skip
    exchanges = 2 * FACTS.layers if ranks > 1 else 0
    token_s = exchanges * 2 * (ranks - 1) / ranks * FACTS.hidden * 2 / 20e9
    assert slow.decode_s(16, 512) - fast.decode_s(16, 512) == pytest.approx(exchanges * 1e-5 + 16 * token_s)
    assert slow.prefill_s(2048) - fast.prefill_s(2048) == pytest.approx(2048 * token_s)


def test_experts_wake_with_the_batch() -> None:
    """A mixture of 64 experts, 4 a token: one sequence reads 1/16 of them, 256 sequences all."""
    sparse = FACTS._replace(expert_bytes=100e9, expert_share=1 / 16)
    mixed = step_model(
        sparse,
        RATES,
        tensor_parallel=1,
        pipeline_parallel=1,
        overlapping_stages=True,
        kv_share=1.0,
        chunk_tokens=BUDGET,
    )
    assert mixed.products_s(1) == pytest.approx((14e9 + 100e9 / 16) / 0.85e12, rel=0.01)
    assert mixed.products_s(256) == pytest.approx(114e9 / 0.85e12, rel=0.05)


def drawn(one: Callable[[random.Random], float], share: float = 0.95, draws: int = 40_000) -> float:
    """A percentile over the mean, of so many draws."""
    chance = random.Random(1)
    seen = sorted(one(chance) for _ in range(draws))
    return seen[int(share * draws)] / (sum(seen) / draws)


@pytest.mark.parametrize("waiting", [8, 16, 64])
def test_the_wait_for_a_slot_has_the_percentile_of_so_many_departures(step: StepModel, waiting: int) -> None:
    """Who waits until 16 others have left waits for a sum of 16 random times, and the 95th percentile is that of the sum."""
    said = closed_loop(step, rule(slots=8), 8 + waiting, 64, 256)
    inside = closed_loop(step, rule(slots=8), 8, 64, 256)
    outside, late = (getattr(said, name) - getattr(inside, name) for name in ("ttft_s", "ttft_p95_s"))
    expected = drawn(lambda chance: chance.gammavariate(waiting, 1.0))
    assert late / outside == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("rate", [0.9, 0.97])
def test_the_wait_of_random_arrivals_is_exponential(step: StepModel, rate: float) -> None:
    """Near capacity the 95th percentile of the time outside is ln 20, three times its mean."""
    most = closed_loop(step, rule(slots=4), 4, 64, 256).requests_per_s
    said = open_loop(step, rule(slots=4), rate * most, 64, 256)
    calm = open_loop(step, rule(slots=4000), rate * most, 64, 256)
    assert said.ttft_s > 5 * calm.ttft_s
    assert (said.ttft_p95_s - calm.ttft_p95_s) / (said.ttft_s - calm.ttft_s) == pytest.approx(math.log(20), rel=0.02)


@pytest.mark.parametrize("in_flight", [4, 16, 64])
def test_the_slowest_answers_meet_more_prompts_than_the_mean(step: StepModel, in_flight: int) -> None:
    """So many others' prompts fall at random into one answer, as Poisson has it: so far its pace is above the mean."""
    said = closed_loop(step, rule(), in_flight, 512, 256)
    stretched = said.tpot_s - step.decode_s(said.batch, 512 + 256 / 2)
    more = 1.645 / math.sqrt(said.batch)  # the 95th percentile of so many, above their mean and over it
    assert said.tpot_p95_s == pytest.approx(said.tpot_s + stretched * more, rel=0.005)
