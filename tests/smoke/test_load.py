"""The load generator against a server whose timings are known. Times are compared as ratios, never by the clock."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.errors import BadInput
from advisor.smoke.load.client import Answer, Server, ask
from advisor.smoke.load.generator import Run, calibrate, drive
from advisor.smoke.load.prompts import Prompts, Scale, salad
from advisor.smoke.load.ramp import ramp
from advisor.smoke.load.stats import LoadResult, Targets, percentile, steady_rate, summarise
from tests.smoke.fake_engine import Behaviour, serving


def run(behaviour: Behaviour, **asked: object) -> LoadResult:
    """One run against a fake engine."""

    async def go() -> LoadResult:
        async with serving(behaviour) as url:
            server = Server(base_url=url, model="fake", exact_length=True)
            scale = await calibrate(server)
            behaviour.seen.clear()
            return await drive(server, Run(**{"input_tokens": 64, "output_tokens": 16, **asked}), scale)  # type: ignore[arg-type]

    return asyncio.run(go())


def test_tokens_are_counted_as_the_server_counts_them() -> None:
    """Every request has the input and output tokens that were asked for, by the server's own count."""
    result = run(Behaviour(), requests=8, in_flight=4)
    assert (result.completed, result.errors) == (8, {})
    assert (result.input_tokens, result.output_tokens) == (64, 16)


def test_a_closed_loop_keeps_its_number_in_flight() -> None:
    """With 5 in flight the server never sees more than 5 requests at once, and at times exactly 5."""
    how = Behaviour()
    run(how, requests=20, in_flight=5)
    assert how.most_running == 5


def test_latencies_follow_the_server() -> None:
    """TTFT contains the server's delay, TPOT its pace; twice the pace makes twice the TPOT, roughly."""
    slow = run(Behaviour(ttft_s=0.05, tpot_s=0.02), requests=4, in_flight=2)
    slower = run(Behaviour(ttft_s=0.05, tpot_s=0.04), requests=4, in_flight=2)
    assert slow.ttft_s is not None and slow.tpot_s is not None and slower.tpot_s is not None
    assert slow.ttft_s.p50 >= 0.05
    assert 1.5 < slower.tpot_s.p50 / slow.tpot_s.p50 < 2.5


def test_several_tokens_in_a_piece_do_not_change_the_pace() -> None:
    """TPOT counts tokens, not pieces: four tokens an event give nearly the pace of one."""
    one = run(Behaviour(tpot_s=0.02), requests=2, in_flight=1, output_tokens=17)
    four = run(Behaviour(tpot_s=0.02, pieces=4), requests=2, in_flight=1, output_tokens=17)
    assert one.tpot_s is not None and four.tpot_s is not None and four.itl_s is not None
    assert 0.6 < four.tpot_s.mean / one.tpot_s.mean < 1.5
    assert four.itl_s.mean > 2 * four.tpot_s.mean


def test_prompts_are_fresh() -> None:
    """No two prompts are alike, nor do they begin alike, and the same seed sends the same ones again."""
    how = Behaviour()
    run(how, requests=12, in_flight=3, seed="s")
    first = sorted(how.seen)
    assert len({text.split(" ", 4)[0:4].__repr__() for text in first}) == 12
    again = Behaviour()
    run(again, requests=12, in_flight=3, seed="s")
    assert sorted(again.seen) == first


def test_a_shared_prefix_is_shared() -> None:
    """With a shared prefix every prompt begins with the same words and ends differently, at the same length."""
    how = Behaviour()
    result = run(how, requests=4, in_flight=2, shared_prefix_tokens=40)
    begins = {tuple(text.split()[:31]) for text in how.seen}
    assert len(begins) == 1 and len(set(how.seen)) == 4
    assert result.input_tokens == 64


def test_errors_are_counted_by_kind() -> None:
    """A refused request and a broken stream are errors of two kinds, and in no latency."""
    result = run(Behaviour(fail_every=4, cut_every=5), requests=20, in_flight=4)
    assert set(result.errors) == {"http 503", "cut"}
    assert result.completed == 20 - sum(result.errors.values())
    assert result.good_share == result.completed / 20


def test_a_dead_server_is_an_error_not_an_exception() -> None:
    """Asking where nothing listens gives an answer with the error "refused"."""
    answer = asyncio.run(ask(Server(base_url="http://127.0.0.1:9", model="m", exact_length=False), "x", 1))
    assert (answer.error, answer.ttft_s) == ("refused", None)


def test_a_silent_server_is_a_timeout() -> None:
    """A server that does not answer in time is cut off and counted as a timeout."""
    result = run_slow()
    assert set(result.errors) == {"timeout"}


def run_slow() -> LoadResult:
    """Two requests to a server that thinks for a minute."""

    async def go() -> LoadResult:
        async with serving(Behaviour(ttft_s=60)) as url:
            server = Server(base_url=url, model="fake", exact_length=True)
            asked = Run(requests=2, in_flight=2, input_tokens=8, output_tokens=2, timeout_s=0.2)
            return await drive(server, asked, Scale(fixed=0, per_word=1))

    return asyncio.run(go())


def test_an_open_loop_does_not_wait_for_answers() -> None:
    """Arrivals go on while earlier requests are still being answered: more are in flight than a client could hold."""
    how = Behaviour(ttft_s=0.3)
    result = run(how, requests=12, request_rate=100.0)
    assert result.mode == "open" and result.completed == 12
    assert how.most_running > 4


def test_slots_make_a_queue() -> None:
    """With one slot and four in flight, requests wait for each other: TTFT grows, TPOT does not."""
    alone = run(Behaviour(slots=4), requests=8, in_flight=4)
    queued = run(Behaviour(slots=1), requests=8, in_flight=4)
    assert alone.ttft_s is not None and queued.ttft_s is not None
    assert queued.ttft_s.mean > 2 * alone.ttft_s.mean


def test_goodput_counts_what_meets_the_targets() -> None:
    """A target nobody can meet leaves no goodput; one everybody meets leaves all of it."""
    none = run(Behaviour(), requests=4, in_flight=2, targets=Targets(ttft_s=1e-6))
    every = run(Behaviour(), requests=4, in_flight=2, targets=Targets(ttft_s=30, tpot_s=30))
    assert none.good_share == 0 and none.goodput_requests_per_s == 0
    assert every.good_share == 1 and every.goodput_requests_per_s == pytest.approx(every.requests_per_s)


@pytest.mark.parametrize("asked", [{"in_flight": 1, "request_rate": 1.0}, {}])
def test_a_load_is_closed_or_open(asked: dict[str, float]) -> None:
    """Both or neither of in flight and rate is bad input."""
    with pytest.raises(BadInput, match="either"):
        run(Behaviour(), requests=1, **asked)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_percentiles_lie_between_the_extremes(values: list[float], share: float) -> None:
    """A percentile is never below the least nor above the greatest value, and grows with its share."""
    ordered = sorted(values)
    assert ordered[0] <= percentile(ordered, share) <= ordered[-1]
    assert percentile(ordered, share / 2) <= percentile(ordered, share)


def answer(sent: float, end: float, tokens: int) -> Answer:
    """An answer with evenly spread tokens."""
    step = (end - sent) / tokens
    moments = tuple(sent + step * (i + 1) for i in range(tokens))
    return Answer(sent_s=sent, ended_s=end, ttft_s=step, arrivals_s=moments, input_tokens=8, output_tokens=tokens)


def test_the_steady_rate_leaves_ramp_and_drain_out() -> None:
    """Two clients at 10 tokens/s each, one of them alone at the end: 20 tokens/s while both are busy."""
    answers = (
        [answer(i, i + 1, 10) for i in range(10)] + [answer(i, i + 1, 10) for i in range(10)] + [answer(10, 14, 40)]
    )
    assert steady_rate(answers, 2) == pytest.approx(20, rel=0.05)
    whole = summarise(answers, mode="closed", in_flight=2).output_tokens_per_s
    assert whole < 18


@given(limit=st.integers(0, 300), most=st.integers(1, 400))
def test_the_ramp_finds_the_limit(limit: int, most: int) -> None:
    """Where every load up to a limit is fine, the ramp ends within an eighth below it, never above, in few steps."""

    async def measure(level: int) -> LoadResult:
        good = answer(0, 1, 10)
        bad = answer(0, 10, 10)
        return summarise([good if level <= limit else bad], mode="closed", in_flight=level)

    found = asyncio.run(ramp(measure, Targets(tpot_s=0.2), most=most))
    true = min(limit, most)
    assert found.best <= true and true - found.best <= max(1, true / 8 + 1)
    assert len(found.tried) <= 20
    assert ("TPOT" in found.reason) == (limit < most)


def test_the_ramp_stops_at_errors() -> None:
    """Errors end the climb, and the reason names them."""

    async def measure(level: int) -> LoadResult:
        broken = Answer(
            sent_s=0, ended_s=1, ttft_s=None, arrivals_s=(), input_tokens=0, output_tokens=0, error="http 503"
        )
        return summarise([answer(0, 1, 4)] * level + [broken] * (level > 2), mode="closed", in_flight=level)

    found = asyncio.run(ramp(measure, Targets(), most=64))
    assert found.best == 2 and "1 x http 503" in found.reason


@given(st.integers(1, 4000), st.floats(0.8, 3.0), st.floats(0, 60))
def test_scale_and_words_are_inverse(tokens: int, per_word: float, fixed: float) -> None:
    """The words for a number of tokens make that number again, to half a word."""
    scale = Scale(fixed=fixed, per_word=per_word)
    words = scale.words(tokens)
    assert words == 1 or abs(fixed + per_word * words - tokens) <= per_word / 2 + 1e-6


def test_a_prompt_has_its_words() -> None:
    """A salad of 50 words has 50 words, and another seed has others."""
    assert len(salad(50, "a").split()) == 50
    assert salad(50, "a") != salad(50, "b")
    prompts = Prompts("a", 100, Scale(fixed=20, per_word=1))
    assert len(prompts.of(0).split()) == 80


def test_history_is_read_before_the_run() -> None:
    """Each prompt's history is sent once, alone, before the run that is timed; the prompts of the run begin with it."""
    how = Behaviour()
    result = run(how, requests=4, in_flight=2, history_tokens=40)
    before, timed = how.seen[:4], how.seen[4:]
    assert sorted(before) == sorted(text[: len(early)] for text in timed for early in before if text.startswith(early))
    assert (result.requests, result.history_tokens, result.input_tokens) == (4, 40, 64)
