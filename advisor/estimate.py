"""`estimate(candidate, question) -> Estimate`: size a candidate for the load and predict it.

People become requests in flight by the closed interactive model: with N people who think Z seconds between requests,
in flight = N x R / (R + Z), where the latency R itself depends on how many are in flight. Both are solved together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from advisor.engines import ENGINES
from advisor.models.thinking import thinking, written_tokens
from advisor.schema import Candidate, Estimate, Load, Memory, ModelSpec, Question, Speed, Workload
from advisor.units import count

_PEAK_SIGMAS = 1.645  # 95th percentile of a normal distribution


def estimate(candidate: Candidate, question: Question) -> Estimate:
    """Bring slots to the load, then predict memory and speed at the mean and at the peak load.

    The first pass sizes with the most slots the engine could use; the second predicts what the sized candidate does.
    """
    engine, hardware, model = ENGINES[candidate.engine], question.hardware, question.model
    least = engine.resize(candidate, 1, hardware, model)
    memory = engine.memory(least, hardware, model)
    if not memory.fits:
        return _misfit(least, memory, question)
    in_flight = solve_in_flight(candidate, question)
    burst = burst_of(question.workload)
    most = max(peak_in_flight(in_flight, question.workload), burst)
    sized = engine.resize(candidate, most / candidate.replicas, hardware, model)
    in_flight = solve_in_flight(sized, question)
    peak = peak_in_flight(in_flight, question.workload)
    speed_of = speed_by_load(sized, question)
    speed = speed_of(in_flight)
    return Estimate(
        candidate=sized,
        memory=engine.memory(sized, hardware, model),
        in_flight=in_flight,
        peak_in_flight=peak,
        derivation=derivation(in_flight, peak, question.workload, speed, written_tokens(question.workload, model)),
        speed=judged(speed, question.workload),
        peak_speed=judged(speed_of(peak), question.workload),
        burst=burst,
        burst_speed=speed_at(sized, burst, question, together=1.0) if burst > 1 else None,
    )


def judged(speed: Speed | None, workload: Workload) -> Speed | None:
    """The speed whose time to first token is of the kind that the target means."""
    if speed is None or workload.ttft_kind != "cold" or speed.ttft_cold_s is None or speed.ttft_cold_p95_s is None:
        return speed
    return replace(speed, ttft_s=speed.ttft_cold_s, ttft_p95_s=speed.ttft_cold_p95_s)


def speed_at(candidate: Candidate, in_flight: float, question: Question, *, together: float = 0.0) -> Speed | None:
    """Speed of one replica when `in_flight` requests are in flight over all replicas."""
    return judged(speed_by_load(candidate, question, together=together)(in_flight), question.workload)


def speed_by_load(
    candidate: Candidate, question: Question, *, together: float = 0.0
) -> Callable[[float], Speed | None]:
    """The same as a function of the load, for those who try many: memory does not depend on it.

    `together` is the share of requests whose prompts come with all the others': 0 for people, 1 for a load test.
    """
    engine, workload = ENGINES[candidate.engine], question.workload
    hardware, model = question.hardware, question.model
    memory = engine.memory(candidate, hardware, model)
    written = written_tokens(workload, model)
    history = history_tokens(workload, model)

    def speed(in_flight: float) -> Speed | None:
        load = Load(
            in_flight=in_flight / candidate.replicas,
            input_tokens=workload.input_tokens,
            output_tokens=written,
            shared_prefix_tokens=workload.shared_prefix_tokens,
            history_tokens=history,
            prompt_p95=workload.prompt_p95 if workload.lengths == "varied" else 1.0,
            conversations=conversations(in_flight, workload) / candidate.replicas,
            together=together,
        )
        predicted = engine.speed(candidate, memory, hardware, model, load)
        if predicted is None:
            return None
        return question.measurements.corrected(predicted, hardware, candidate, model, load)

    return speed


def burst_of(workload: Workload) -> int:
    """Requests that come at one moment; a load that is given as such has none beside it."""
    return workload.burst_users if workload.concurrency is None and workload.request_rate is None else 0


def history_tokens(workload: Workload, model: ModelSpec) -> int:
    """What the last turn left of the next prompt; templates drop what was thought, and so lose the answer behind it."""
    if not thinking(workload, model).tokens:
        return workload.history_tokens
    return max(workload.history_tokens - workload.output_tokens, 0)


def conversations(in_flight: float, workload: Workload) -> float:
    """Conversations that go on, over all replicas: people's, or what a rate leaves behind while somebody thinks."""
    if workload.concurrency is not None:
        return in_flight
    if workload.request_rate is not None:
        return in_flight + workload.request_rate * workload.think_time_s
    return float(workload.users)


def latency_s(speed: Speed, output_tokens: int) -> float:
    """Mean time from request to last token."""
    return speed.ttft_s.expected + max(output_tokens - 1, 0) * speed.tpot_s.expected


def solve_in_flight(candidate: Candidate, question: Question) -> float:
    """Mean requests in flight over all replicas, solved together with the latency they cause."""
    workload = question.workload
    if workload.concurrency is not None:
        return float(workload.concurrency)

    speed_of, written = speed_by_load(candidate, question), written_tokens(workload, question.model)

    def latency(in_flight: float) -> float | None:
        speed = speed_of(in_flight)
        return None if speed is None else latency_s(speed, written)

    if workload.request_rate is not None:
        rate = workload.request_rate
        return _fixed_point(latency, lambda r: rate * r, most=_OPEN_LOOP_MOST)
    users, think = workload.users, workload.think_time_s
    return _fixed_point(latency, lambda r: users * r / (r + think), most=float(users))


_OPEN_LOOP_MOST = 4096.0  # beyond it an open loop counts as overloaded


def _fixed_point(latency: Callable[[float], float | None], load: Callable[[float], float], *, most: float) -> float:
    """The n with load(latency(n)) = n, within half a percent.

    The left side grows slower than n, so there is one root; false position with halving (Illinois) finds it.
    """

    def excess(n: float) -> float:
        seconds = latency(max(n, 1.0))
        return 0.0 if seconds is None else load(seconds) - n

    if latency(most) is None:
        return most  # speed unknown: plan for everybody at once
    low, high = 0.0, most
    at_low, at_high = excess(low), excess(high)
    if at_high >= 0:
        return most
    middle = high
    for _ in range(_MOST_STEPS):
        last, middle = middle, (low * at_high - high * at_low) / (at_high - at_low)
        at_middle = excess(middle)
        if abs(middle - last) <= _NEAR * middle or at_middle == 0:
            break
        if at_middle > 0:
            low, at_low, at_high = middle, at_middle, at_high / 2
        else:
            high, at_high, at_low = middle, at_middle, at_low / 2
    return middle


_NEAR = 0.005  # of the root: a tolerance in requests would swallow a load far below one
_MOST_STEPS = 40


def peak_in_flight(in_flight: float, workload: Workload) -> int:
    """95th percentile of requests in flight, at least 1.

    Each of N people is waiting with probability n / N independently (binomial); an open loop is Poisson. Where requests
    bunch, the variance is so many times as large.
    """
    if workload.concurrency is not None:
        return workload.concurrency
    if workload.request_rate is not None:
        return max(1, math.ceil(in_flight + _PEAK_SIGMAS * math.sqrt(workload.dispersion * in_flight)))
    users = workload.users
    spread = math.sqrt(max(0.0, workload.dispersion * in_flight * (1 - in_flight / users)))
    return max(1, min(users, math.ceil(in_flight + _PEAK_SIGMAS * spread)))


def derivation(in_flight: float, peak: int, workload: Workload, speed: Speed | None, written: int) -> str:
    """How people or a rate became requests in flight, with the numbers; `written` tokens make a whole answer."""
    if workload.concurrency is not None:
        return f"{workload.concurrency} requests in flight, as given"
    if speed is None:
        return f"{in_flight:.0f} requests in flight: everybody at once, because the latency is not known"
    seconds = latency_s(speed, written)
    if workload.request_rate is not None:
        return (
            f"{workload.request_rate:g} requests/s x {seconds:.1f} s latency = {in_flight:.1f} in flight on average, "
            f"{peak} at the 95th percentile"
        )
    people = f"{workload.users} user{'s' if workload.users != 1 else ''}"
    if workload.staff is not None:
        people += f" (of a staff of {count(workload.staff)})"
    return (
        f"{people} x {seconds:.1f} s latency / ({seconds:.1f} s latency + {workload.think_time_s:g} s "
        f"think time) = {in_flight:.1f} in flight on average, {peak} at the 95th percentile; together "
        f"{count(workload.users * 3600 / (seconds + workload.think_time_s))} questions an hour"
    )


def _misfit(candidate: Candidate, memory: Memory, question: Question) -> Estimate:
    """What does not fit still shows its memory, which is refused for it; its speed is nobody's business."""
    in_flight = float(question.workload.concurrency or question.workload.users)
    return Estimate(
        candidate=candidate,
        memory=memory,
        in_flight=in_flight,
        peak_in_flight=int(in_flight),
        derivation="does not fit, so no load was derived",
    )
