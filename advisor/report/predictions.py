"""Each prediction beside its target: what is expected, what 8 of 10 runs give, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from advisor.decide import misses
from advisor.decide.words import unit_of
from advisor.models.thinking import first_answer_s, thinking, written_tokens
from advisor.pipeline import Answer
from advisor.schema import Figure, Judged, Speed, Workload
from advisor.units import count, ms

OK, MAY_MISS, MISSES = "ok", "may miss", "misses"
NONE = "-"
_MINUTES_FROM_S = 120


class Prediction(NamedTuple):
    """One line, in words: `state` begins with one of the three above, or is empty where there is no target."""

    label: str  # what stands behind its comma, or before "before", may be left out
    predicted: str
    span: str
    target: str
    state: str


def predictions(answer: Answer) -> tuple[Prediction, ...]:
    """Of the winner at the busiest moment; nothing where nothing can run."""
    winner = answer.verdict.winner
    if winner is None:
        return ()
    speed = winner.estimate.peak_speed
    if speed is None:
        return tuple(_unknown(answer.workload))
    found = (*_waits(answer, speed), *_burst(winner), *_rates(answer, winner, speed), *_crowd(answer, winner))
    return tuple(found)


def _unknown(asked: Workload) -> Iterator[Prediction]:
    for label, target in (("first word, p95", asked.ttft_ms), ("time per token, p95", asked.tpot_ms)):
        yield Prediction(label, "unknown", NONE, _time(target), "")


def _waits(answer: Answer, speed: Speed) -> Iterator[Prediction]:
    """Times, 95th percentile: one in twenty waits longer."""
    asked, model = answer.workload, answer.model
    if asked.pooled:
        yield _within(f"one {asked.made}, p95", speed.ttft_p95_s, asked.ttft_ms)
        return
    yield _within("first word, p95", speed.ttft_p95_s, asked.ttft_ms)
    if asked.first_answer_ms is not None or thinking(asked, model).tokens:
        yield _within("answer begins, p95", first_answer_s(speed, asked, model), asked.first_answer_ms)
    yield _within("time per token, p95", speed.tpot_p95_s, asked.tpot_ms)


def _burst(winner: Judged) -> Iterator[Prediction]:
    """What people meet who ask at the same moment; targets are not judged by it."""
    estimate = winner.estimate
    if estimate.burst > 1 and estimate.burst_speed is not None:
        figure = estimate.burst_speed.ttft_p95_s
        label = f"{count(estimate.burst)} ask at once, first word"
        yield Prediction(label, ms(figure.expected), _span(figure), "none", "")


def _within(label: str, figure: Figure, target_ms: float | None) -> Prediction:
    return Prediction(label, ms(figure.expected), _span(figure), _time(target_ms), _state(figure, target_ms))


def _span(figure: Figure) -> str:
    """`12 to 30 ms`, `236 ms to 2.8 s`."""
    low, high = (_short(end) for end in (figure.low, figure.high))
    alike = low.count(" ") == 1 == high.count(" ") and low.split()[1] == high.split()[1]
    return f"{low.split()[0] if alike else low} to {high}"


def _short(time_s: float) -> str:
    """An end of a range: whole minutes from two minutes on."""
    return f"{time_s / 60:,.0f} min" if time_s >= _MINUTES_FROM_S else ms(time_s)


def _state(figure: Figure, target_ms: float | None) -> str:
    """Expected beyond the target: a miss; only the slow end of the range beyond it: perhaps one."""
    if target_ms is None:
        return ""
    if figure.expected * 1000 > target_ms:
        return _missed(figure.expected * 1000 / target_ms - 1)
    return MAY_MISS if figure.high * 1000 > target_ms else OK


def _missed(share: float) -> str:
    """`share` of the target, of whichever side it is missed."""
    return f"{MISSES} by {max(round(share * 100), 1):,} %"


def _time(target_ms: float | None) -> str:
    return "none" if target_ms is None else ms(target_ms / 1000)


def _rates(answer: Answer, winner: Judged, speed: Speed) -> Iterator[Prediction]:
    """All answers together; where requests arrive at a rate, how many of them are served."""
    asked, replicas, rate = answer.workload, winner.estimate.candidate.replicas, speed.output_tokens_per_s
    if asked.request_rate is not None:
        missed = any(finding.rule == "SPD204" for finding in misses(winner))
        mean = winner.estimate.speed or speed
        served = mean.output_tokens_per_s.expected * replicas / written_tokens(asked, answer.model)
        state = _missed(max(1 - served / asked.request_rate, 0)) if missed else OK
        yield Prediction("requests served", f"{served:.3g}/s", NONE, f"{asked.request_rate:g}/s", state)
    span = f"{count(rate.low * replicas)} to {count(rate.high * replicas)}"
    yield Prediction(f"all together, {unit_of(asked)}", count(rate.expected * replicas), span, "none", "")


def _crowd(answer: Answer, winner: Judged) -> Iterator[Prediction]:
    """How many may come before a target is missed."""
    verdict, asked, peak = answer.verdict, answer.workload, winner.estimate.peak_in_flight
    if verdict.capacity_users and asked.concurrency is None:
        yield _most("users before it slips", verdict.capacity_users, asked.users, lambda: verdict.meets_targets)
    elif verdict.capacity_in_flight:
        yield _most("at once before it slips", verdict.capacity_in_flight, peak, lambda: verdict.meets_targets)


def _most(label: str, most: int, asked: int, met: Callable[[], bool]) -> Prediction:
    """The count is exact for the expected figures; how sure those are stands in the lines above."""
    state = OK if most >= asked and met() else _missed(1 - most / asked) if most < asked else ""
    return Prediction(label, count(most), NONE, count(asked), state)
