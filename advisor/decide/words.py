"""The verdict in one sentence, and its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.catalog import engine_limits, weights_format
from advisor.decide.judge import misses
from advisor.decide.prefer import precision
from advisor.engines.devices import usable
from advisor.models.names import is_guess, replaced
from advisor.rules import VETO
from advisor.rules.speed import awaited
from advisor.schema import MADE, Candidate, Figure, Finding, Hardware, Judged, Question, Speed, Workload
from advisor.units import count, ms, several

_LOSSES = ("", ", at a small loss of quality", ", at a visible loss of quality")  # by how much precision is given up


def summary(winner: Judged | None, meets: bool, question: Question, refusals: Sequence[Finding]) -> str:
    """What is advised for whom, and what it gives; or why not."""
    model, workload = question.model, question.workload
    people = people_of(workload)
    if winner is None:
        why = "; ".join(f"{' and '.join(who)}: {message}" for message, who in _by_message(refusals).items())
        guess = "(a guess by its name, it is not in the catalogue) " if is_guess(model) else ""
        return f"No: {model.hf_id} {guess}cannot serve {people} here. {why or without_weights(workload)}"
    estimate = winner.estimate
    told = _other_weights(estimate.candidate, question)
    load = people
    if workload.concurrency is None:
        average = several(round(estimate.in_flight, 1), "request")
        load += f" ({average} in flight on average, {count(estimate.peak_in_flight)} at peak)"
    what = f"{told}{_way(estimate.candidate, question)}"
    if meets:
        return f"{what} for {load}{_pace(estimate.peak_speed, workload)}{_edge(estimate.peak_speed, workload)}."
    but = "misses a target" if estimate.peak_speed else "nothing tells whether it meets the targets"
    return f"No: {what} starts, but {but} for {load}: " + "; ".join(f.message for f in misses(winner)) + "."


def without_weights(workload: Workload) -> str:
    """Why nothing is planned at all: no engine that may be used loads the model in a form that is known."""
    if workload.quantization != "auto":
        return f"No copy of it in {weights_format(workload.quantization).title} is known."
    if workload.engine in ("auto", "both"):
        return "No engine has these weights."
    return f"{engine_limits(workload.engine).title} loads no form of these weights that is known."


def _by_message(refusals: Sequence[Finding]) -> dict[str, list[str]]:
    """What is said, and of which engines."""
    told: dict[str, list[str]] = {}
    for finding in refusals:
        told.setdefault(finding.message, []).append(engine_limits(finding.engine or "").title)
    return told


def refusals_of(judged: Sequence[Judged]) -> list[Finding]:
    """For each engine, the refusal of the candidate that came closest."""
    told: dict[str, Finding] = {}
    for item in judged:
        for finding in item.findings:
            if finding.severity in VETO:
                told.setdefault(item.estimate.candidate.engine, finding)
                break
    return list(told.values())


def beside(planned: Candidate, other: Candidate) -> str:
    """What another way has that the plan has not: `vLLM`, `AWQ`, `KV fp8`, `TP 2`; empty where they are alike."""
    told = [engine_limits(other.engine).title] if other.engine != planned.engine else []
    if other.weights_format != planned.weights_format:
        told.append(weights_format(other.weights_format).title)
    if other.kv_cache_dtype != planned.kv_cache_dtype:
        told.append(f"KV {other.kv_cache_dtype}")
    return ", ".join([*told, *(layout(other) if layout(other) != layout(planned) else [])])


def layout(candidate: Candidate) -> list[str]:
    """How the model lies on cards and machines, where it is more than one: `TP 2`, `PP 4`, `8 replicas`."""
    parts = (("TP", candidate.tensor_parallel), ("PP", candidate.pipeline_parallel))
    told = [f"{name} {number}" for name, number in parts if number > 1]
    return [*told, *([f"{candidate.replicas} replicas"] if candidate.replicas > 1 else [])]


def _way(candidate: Candidate, question: Question) -> str:
    """Engine, model, weights and where they lie."""
    cards = candidate.cards_in_all
    idle = unused(candidate, question.hardware)
    on_cpu = f"the CPU (it cannot use the {idle})" if idle else "the CPU"
    where = on_cpu if candidate.device == "cpu" else several(cards, "GPU")
    where += f" of {candidate.nodes} machines" if candidate.nodes > 1 else ""
    title, form = engine_limits(candidate.engine).title, weights_format(candidate.weights_format).title
    return f"{title} with {question.model.hf_id} ({form}{_LOSSES[precision(candidate, question)]}) on {where}"


def unused(candidate: Candidate, hardware: Hardware) -> str:
    """The card that stays idle because the candidate's engine has no back end for any that is there; else empty."""
    limits = engine_limits(candidate.engine)
    cards = hardware.accelerators
    idle = candidate.device == "cpu" and cards and not any(usable(card, limits) for card in cards)
    return cards[0].name if idle else ""


def _other_weights(candidate: Candidate, question: Question) -> str:
    """What is not as it was named: weights by somebody else, or a model that is known by its name only."""
    named = None if question.model.adapters else replaced(question.workload.model, candidate.model_ref)
    other = f"Not {named} but {candidate.model_ref}: " if named else ""
    if not is_guess(question.model):
        return other
    return f"{other}A guess, as {question.model.hf_id} is not in the catalogue and is judged by its name: "


def unit_of(workload: Workload) -> str:
    """What a rate counts: tokens, or of a model that writes nothing what one request brings."""
    return f"{workload.made}s/s" if workload.pooled else "tokens/s"


def pace(speed: Speed, made: str) -> str:
    """What each person gets on average: how fast an answer is read, or how long anything else takes.

    Args:
        made: what one request brings.
    """
    if made != MADE["generate"]:
        return f"a {made} takes {ms(speed.ttft_s.expected)}"
    return f"{count(1 / speed.tpot_s.expected)} tokens/s each, first after {ms(speed.ttft_s.expected)}"


def people_of(workload: Workload) -> str:
    """Who is served, in the words in which it was asked."""
    if workload.concurrency is not None:
        return f"{several(workload.concurrency, 'request')} in flight"
    if workload.request_rate is not None:
        return f"{workload.request_rate:g} request{'' if workload.request_rate == 1 else 's'}/s"
    return several(workload.users, "user")


def _edge(speed: Speed | None, workload: Workload) -> str:
    told = [
        f"the {what}, up to {ms(figure.high)} at the 95th percentile with a target of {ms(target / 1000)}"
        for what, target, figure in at_the_edge(speed, workload)
    ]
    return f"; may miss {' and '.join(told)}" if told else ""


def at_the_edge(speed: Speed | None, workload: Workload) -> Iterator[tuple[str, float, Figure]]:
    """What may be missed: each target, in milliseconds, that the slow end of the range exceeds."""
    if speed is None:
        return
    targets = (
        (awaited(workload), workload.ttft_ms, speed.ttft_p95_s),
        ("time per output token", workload.tpot_ms, speed.tpot_p95_s),
    )
    for what, target, figure in targets:
        if target is not None and figure.high * 1000 > target:
            yield what, target, figure


def _pace(speed: Speed | None, workload: Workload) -> str:
    if speed is None:
        return ""
    if workload.pooled:
        of = f" of {count(workload.passages)} passages" if workload.kind == "rerank" else ""
        return f": a {workload.made}{of} takes {ms(speed.ttft_s.expected)}"
    return f": first token after {ms(speed.ttft_s.expected)}, then {count(1 / speed.tpot_s.expected)} tokens/s each"
