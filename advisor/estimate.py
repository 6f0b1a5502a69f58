"""`estimate(candidate, question) -> Estimate`: size a candidate for the load and predict it.

People become requests in flight by the closed interactive model: with N people who think Z seconds between requests,
in flight = N x R / (R + Z), where the latency R itself depends on how many are in flight. Both are solved together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

from advisor.engines import ENGINES
from advisor.frozen import replace
from advisor.models.thinking import long_thought, thinking, written_tokens
from advisor.physics.bisect import largest
from advisor.physics.memo import by_value_and_identity
from advisor.schema import Candidate, Estimate, Hardware, Load, Memory, ModelSpec, Question, Speed, Workload
from advisor.units import count, several

_PEAK_SIGMAS = 1.645  # 95th percentile of a normal distribution


@by_value_and_identity
def estimate(candidate: Candidate, question: Question) -> Estimate:
    """Bring slots to the load, then predict memory and speed of what is sized so, at the mean and at the peak load."""
    engine, hardware, model = ENGINES[candidate.engine], question.hardware, question.model
    least = engine.resize(candidate, 1, hardware, model)
    memory = engine.memory(least, hardware, model)
    if not memory.fits:
        return _misfit(least, memory, question)
    sized, in_flight = _no_slower(*_sized(candidate, question), question)
    if question.workload.ttft_ms is None and question.workload.first_answer_ms is None:
        sized, in_flight = _patient(sized, in_flight, question)
    peak, burst = peak_in_flight(in_flight, question.workload), burst_of(question.workload)
    speed_of = speed_by_load(sized, question)
    speed = speed_of(in_flight)
    return Estimate(
        candidate=sized,
        memory=engine.memory(sized, hardware, model),
        in_flight=in_flight,
        peak_in_flight=peak,
        derivation=derivation(in_flight, peak, question.workload, speed, written_tokens(question.workload, model)),
        speed=judged(speed, question.workload),
        peak_speed=judged(speed if peak == in_flight else speed_of(peak), question.workload),
        burst=burst,
        burst_speed=speed_at(sized, burst, question, together=1.0) if burst > 1 else None,
    )


def sized_for(candidate: Candidate, in_flight: float, question: Question) -> Candidate:
    """The candidate with slots for a load over all replicas."""
    each = in_flight * question.workload.passages / candidate.replicas
    return _resized((candidate, each), question.hardware, question.model)


@by_value_and_identity
def _resized(asked: tuple[Candidate, float], hardware: Hardware, model: ModelSpec) -> Candidate:
    """Every search comes back to the same loads; how many slots fit is found by trying."""
    candidate, each = asked
    return ENGINES[candidate.engine].resize(candidate, each, hardware, model)


def _sized(candidate: Candidate, question: Question) -> tuple[Candidate, float]:
    """The candidate with a slot for each request at the peak of its own load, as far as memory allows; and that load.

    Fewer slots may make it slower, and the load with it larger, so that slots grow until the peak is theirs. Everybody
    at once is the most there can be.
    """
    sized = sized_for(candidate, _everybody(question.workload), question)
    most, planned, in_flight = sized.max_in_flight, 0, 0.0
    while True:
        in_flight = solve_in_flight(sized, question, in_flight)
        peak = max(peak_in_flight(in_flight, question.workload), burst_of(question.workload))
        if planned and (peak <= planned or sized.max_in_flight >= most):
            return sized, in_flight
        planned = max(peak, planned + 1)
        again = sized_for(candidate, planned, question)
        if again == sized:
            return sized, in_flight
        sized = again


def _no_slower(sized: Candidate, in_flight: float, question: Question) -> tuple[Candidate, float]:
    """The engine's own number of slots and size of a step, each where everybody is served sooner with it.

    Where far more ask than can be served, what runs at once shares a step that only gets slower, and slots that wait
    for cache take memory from it; and small steps, which keep a long prompt from holding answers back, read the weights
    more often; large ones take cache.
    """
    engine, hardware, model = ENGINES[sized.engine], question.hardware, question.model
    usual = engine.as_installed(sized, hardware, model)
    if usual.max_in_flight == 1:
        return sized, in_flight  # its slots are what the plan is for
    peak, best = peak_in_flight(in_flight, question.workload), sized
    slots, step = min(usual.max_in_flight, sized.max_in_flight), usual.max_batched_tokens
    step = max(step, sized.max_batched_tokens) if question.workload.pooled else step  # it takes whole prompts
    for own in ({"max_in_flight": slots}, {"max_batched_tokens": step}):
        other = replace(best, **own)
        if other == best or not engine.memory(other, hardware, model).fits:
            continue
        best = other if _serves_all_sooner(other, best, peak, question) else best
    return (sized, in_flight) if best is sized else (best, solve_in_flight(best, question))


def _serves_all_sooner(one: Candidate, other: Candidate, in_flight: float, question: Question) -> bool:
    """Whether answers come sooner with the one, at the cost of no target."""
    quick, slow = (speed_at(candidate, in_flight, question) for candidate in (one, other))
    if quick is None or slow is None:
        return False
    written = written_tokens(question.workload, question.model)
    return not _spoils(quick, slow, question) and latency_s(quick, written) < latency_s(slow, written)


def _spoils(one: Speed, other: Speed, question: Question) -> bool:
    """Whether the one misses a target, or may at the slow end of its range, by more than the other."""
    workload, thought = question.workload, long_thought(question.workload, question.model)

    def missed(speed: Speed, end: str) -> float:
        figures = (getattr(speed.ttft_p95_s, end), getattr(speed.tpot_p95_s, end))
        return max(overrun(*figures, workload, thought), 1.0)

    return any(missed(one, end) > missed(other, end) for end in ("expected", "high"))


def _patient(sized: Candidate, in_flight: float, question: Question) -> tuple[Candidate, float]:
    """Fewer slots where all of them together write too slowly: the others wait for longer, and then it goes fast.

    As many slots are kept as write in time; whether the wait is too long is judged like any other.
    """
    target = question.workload.tpot_ms
    if target is None or sized.max_in_flight == 1:
        return sized, in_flight

    def writes_in_time(slots: int) -> bool:
        fewer = sized_for(sized, slots, question)
        peak = peak_in_flight(solve_in_flight(fewer, question), question.workload)
        speed = speed_at(fewer, peak, question)
        return speed is not None and speed.tpot_p95_s.expected * 1000 <= target

    peak = peak_in_flight(in_flight, question.workload)
    speed = speed_at(sized, peak, question)
    if speed is None or speed.tpot_p95_s.expected * 1000 <= target or not writes_in_time(1):
        return sized, in_flight
    fewer = sized_for(sized, largest(writes_in_time, sized.max_in_flight), question)
    return fewer, solve_in_flight(fewer, question)


def overrun(ttft_p95_s: float, tpot_p95_s: float, workload: Workload, thought: float = 0.0) -> float:
    """How many times its target the figure takes that overruns most (at most 1: all are met)."""
    pairs = (
        (ttft_p95_s, workload.ttft_ms),
        (tpot_p95_s, workload.tpot_ms),
        (ttft_p95_s + thought * tpot_p95_s, workload.first_answer_ms),
    )
    return max((seconds * 1000 / target for seconds, target in pairs if target is not None), default=0.0)


def _everybody(workload: Workload) -> float:
    """Requests in flight if all people ask at the same moment; of an open loop, what counts as overload."""
    if workload.request_rate is not None:
        return _OPEN_LOOP_MOST
    return float(workload.concurrency or max(workload.users, burst_of(workload)))


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
    of_each = Load(
        in_flight=0.0,
        input_tokens=workload.input_tokens * workload.passages,
        output_tokens=written_tokens(workload, model),
        shared_prefix_tokens=workload.shared_prefix_tokens,
        history_tokens=history_tokens(workload, model),
        passages=workload.passages,
        prompt_p95=workload.prompt_p95 if workload.lengths == "varied" else 1.0,
        together=together,
    )

    def speed(in_flight: float) -> Speed | None:
        each, idle = in_flight / candidate.replicas, conversations(in_flight, workload) / candidate.replicas
        load = replace(of_each, in_flight=each, conversations=idle)
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


def solve_in_flight(candidate: Candidate, question: Question, near: float = 0.0) -> float:
    """Mean requests in flight over all replicas, solved together with the latency they cause.

    Args:
        near: where it may lie, as of a candidate with other slots; 0: nobody knows.
    """
    workload = question.workload
    if workload.concurrency is not None:
        return float(workload.concurrency)

    speed_of, written = speed_by_load(candidate, question), written_tokens(workload, question.model)

    def latency(in_flight: float) -> float | None:
        speed = speed_of(in_flight)
        return None if speed is None else latency_s(speed, written)

    if workload.request_rate is not None:
        return _fixed_point(latency, _Arriving(workload.request_rate), most=_OPEN_LOOP_MOST, near=near)
    return _fixed_point(latency, _Asking(workload.users, workload.think_time_s), most=float(workload.users), near=near)


class _Load(Protocol):
    """Requests in flight that people or programs make, by how long one takes."""

    def at(self, latency_s: float) -> float:
        """Requests in flight where each takes so long."""

    def meets(self, start_s: float, slope_s: float) -> float:
        """The n at which a request that takes start + slope x n leads to n in flight."""


class _Asking(NamedTuple):
    """People of whom each waits for an answer, thinks, and asks again."""

    users: int
    think_s: float

    def at(self, latency_s: float) -> float:
        return self.users * latency_s / (latency_s + self.think_s)

    def meets(self, start_s: float, slope_s: float) -> float:
        """The larger root of slope n^2 + (start + think - users slope) n = users start."""
        half = start_s + self.think_s - self.users * slope_s
        root = math.sqrt(max(0.0, half**2 + 4 * slope_s * self.users * start_s))
        if half > 0:  # of two ways to write it, the one in which nothing is cancelled out
            return 2 * self.users * start_s / (half + root)
        return (root - half) / (2 * slope_s) if slope_s else math.inf


class _Arriving(NamedTuple):
    """Requests that come at a rate, whether or not others are answered."""

    per_s: float

    def at(self, latency_s: float) -> float:
        return self.per_s * latency_s

    def meets(self, start_s: float, slope_s: float) -> float:
        room = 1 - self.per_s * slope_s
        return self.per_s * start_s / room if room > 0 else math.inf


def _fixed_point(latency: Callable[[float], float | None], load: _Load, *, most: float, near: float) -> float:
    """The n with load.at(latency(n)) = n, sought from `near`; with less than one in flight the load is that of one.

    The left side grows slower than n, so there is one root. Latency is nearly a straight line: where the one through
    the last two points meets the load is where to look next, between what is below the root and what is above it.
    """
    last = max(near, 1.0)
    seen = latency(last)
    if seen is None:
        return most  # speed unknown: plan for everybody at once
    here, below, above, tried = load.at(seen), 1.0, most, {last}
    for _ in range(_MOST_STEPS):
        if abs(here - last) <= _NEAR * last or (last == 1.0 and here <= 1.0):
            break
        here = min(max(here, below), above)  # the first one may lie anywhere
        if here in tried:
            here = (below + above) / 2
        now = latency(here) or 0.0
        if here == 1.0 and load.at(now) <= 1.0:
            return load.at(now)
        tried.add(here)
        below, above = (here, above) if load.at(now) > here else (below, here)
        steep = (now - seen) / (here - last)
        last, seen = here, now
        here = min(max(load.meets(now - steep * last, steep), below), above)
    return min(here, most)


# Of the root: a tolerance in requests would swallow a load far below one, and a coarser one makes the peak, which is a
# whole number, jump back and forth as the load grows.
_NEAR = 1e-7
_OPEN_LOOP_MOST = 4096.0  # beyond it an open loop counts as overloaded
_MOST_STEPS = 60


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


def mean_of_peak(peak: int, workload: Workload) -> float:
    """The mean of requests in flight whose 95th percentile is that, where far more people are there than ask."""
    spread = _PEAK_SIGMAS * math.sqrt(workload.dispersion)
    return (math.sqrt(spread**2 + 4 * peak) - spread) ** 2 / 4


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
    people = several(workload.users, "user")
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
