"""The verdict as a person says it: one word, one sentence of people and cards, what the other engine would do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from advisor.catalog import engine_limits, formats, weights_format
from advisor.catalog.vendors import short_card
from advisor.decide import NOT_AHEAD, misses, vetoed
from advisor.decide.words import unused, without_weights
from advisor.models.names import is_guess, replaced
from advisor.pipeline import Answer
from advisor.schema import Accelerator, Candidate, Judged, Workload
from advisor.units import count, ms, several


def word(answer: Answer) -> str:
    """YES or NO."""
    return "YES" if answer.verdict.meets_targets else "NO"


def sentence(answer: Answer) -> str:
    """Who is served by what, on which cards; for a no what stands against it."""
    winner, who = answer.verdict.winner, people(answer.workload)
    if winner is None:
        return f"Nothing here can serve {who} with {short_model(answer.model.hf_id)}."
    title, where = title_of(winner), cards(winner.estimate.candidate, answer.hardware.accelerators)
    if answer.verdict.meets_targets:
        return f"{title} serves {who} {where}."
    return f"{title} starts {where}, but {_shortcoming(winner, who)}."


def _shortcoming(winner: Judged, who: str) -> str:
    """What its missed targets mean to people."""
    missed = {finding.rule for finding in misses(winner)}
    if winner.estimate.peak_speed is None:
        return f"nothing tells how fast it is for {who}"
    if "SPD204" in missed:
        return f"{who} come faster than they are served"
    return f"{who} would wait too long" if missed - {"SPD202"} else f"{who} would read too slowly"


def people(workload: Workload) -> str:
    """Who is served, in the words in which it was asked."""
    if workload.concurrency is not None:
        return f"{several(workload.concurrency, 'request')} at once"
    if workload.request_rate is not None:
        return f"{workload.request_rate:g} request{'s' if workload.request_rate != 1 else ''} a second"
    return "one person" if workload.users == 1 else f"{count(workload.users)} users"


def cards(candidate: Candidate, present: tuple[Accelerator, ...]) -> str:
    """`on one of the 2 RTX 4090`, `on both L40S`, `on 4 of the 8 H100 in each of 2 machines`, `on the CPU`."""
    if candidate.device == "cpu":
        where = "on the CPU"
    else:
        used = [card for card in present if card.index in candidate.gpu_indices]
        names = dict.fromkeys(short_card(card.name) for card in used)
        alike = sum(short_card(card.name) in names for card in present)
        where = f"on {_so_many(len(used), alike)} {' and '.join(names)}"
        where += ", part of it on the CPU" if candidate.cpu_layers else ""
    return where + (f" in each of {candidate.nodes} machines" if candidate.nodes > 1 else "")


def _so_many(used: int, alike: int) -> str:
    if used == alike:
        return {1: "the", 2: "both"}.get(used, f"all {used}")
    return f"{'one' if used == 1 else used} of the {alike}"


def short_model(hf_id: str) -> str:
    """`Qwen/Qwen2.5-7B-Instruct` → `Qwen2.5-7B-Instruct`."""
    return hf_id.rpartition("/")[2]


def short_form(weights: str) -> str:
    """`FP8 (E4M3), scale per channel` → `FP8`."""
    return re.split(r" \(|, ", weights_format(weights).title)[0]


def with_short_forms(text: str) -> str:
    """The text with every weights format in short."""
    for name, known in formats().items():
        text = text.replace(known.title, short_form(name))
    return text


def title_of(judged: Judged) -> str:
    """The engine's name as its makers write it."""
    return engine_limits(judged.estimate.candidate.engine).title


def explanation(answer: Answer) -> Iterator[str]:
    """Sentences behind the first one: model and form, what each user sees, the other engine."""
    winner = answer.verdict.winner
    if winner is None:
        yield from _refusals(answer)
        return
    yield _model(answer, winner)
    speed = winner.estimate.peak_speed
    if speed is not None and not answer.workload.pooled and answer.verdict.meets_targets:
        yield f"Each reads about {count(round(1 / speed.tpot_s.expected))} tokens/s."
    yield from _rival(answer, winner)


def _model(answer: Answer, winner: Judged) -> str:
    candidate, workload = winner.estimate.candidate, answer.workload
    copies = f", {candidate.replicas} copies" if candidate.replicas > 1 else ""
    told = f"{short_model(answer.model.hf_id)}, {short_form(candidate.weights_format)}{copies}."
    if idle := unused(candidate, answer.hardware):
        told += f" {title_of(winner)} cannot use the {idle}."
    if is_guess(answer.model):
        told += " A guess: it is not in the catalogue and is judged by its name."
    if answer.model.adapters:
        return f"{told} With {' and '.join(each.name for each in answer.model.adapters)} on it, under its own name."
    named = replaced(workload.model, candidate.model_ref)
    return told + (f" Not {named} but {candidate.model_ref}." if named else "")


def _refusals(answer: Answer) -> Iterator[str]:
    """Of each engine, why its closest way does not start."""
    if is_guess(answer.model):
        yield f"A guess: {answer.model.hf_id} is not in the catalogue and is judged by its name."
    told: dict[str, list[str]] = {}
    for judged in closest(answer):
        told.setdefault(judged.why_lost.partition(": ")[2], []).append(title_of(judged))
    yield from (f"{' and '.join(who)}: {refused}." for refused, who in told.items())
    if not answer.verdict.losers:
        yield without_weights(answer.workload)


def closest(answer: Answer) -> list[Judged]:
    """The best of each engine that did not win; the rest stands in the JSON."""
    told: dict[str, Judged] = {}
    for judged in answer.verdict.losers:
        told.setdefault(judged.estimate.candidate.engine, judged)
    return [judged for name, judged in told.items() if name != answer.verdict.engine]


def _rival(answer: Answer, winner: Judged) -> Iterator[str]:
    """What the other engine would do."""
    verdict = answer.verdict
    if answer.workload.engine == "both":
        desk = answer.plan.desk if answer.plan else None
        yield f"At a desk {engine_limits(desk.engine).title} runs the same model for one person." if desk else ""
        return
    for other in closest(answer):
        if vetoed(other):
            yield f"{title_of(other)} cannot run it here: {other.why_lost.partition(': ')[2].partition(';')[0]}."
        elif misses(other) and verdict.meets_targets:
            yield f"{title_of(other)} would miss a target{_by(other)}."
        else:
            yield _crossing(answer, winner, other)


def _by(judged: Judged) -> str:
    """What it would give instead: the wait where that is too long, else the pace."""
    speed, missed = judged.estimate.peak_speed, {finding.rule for finding in misses(judged)}
    if speed is None:
        return ""
    if "SPD201" in missed:
        return f": first word after {ms(speed.ttft_p95_s.expected)}"
    return f": {ms(speed.tpot_p95_s.expected)} a token" if "SPD202" in missed else ""


def _crossing(answer: Answer, winner: Judged, other: Judged) -> str:
    """From which load the engine that batches gives more, beside what is planned."""
    cross, peak = answer.verdict.crossover_in_flight, winner.estimate.peak_in_flight
    names = sorted((winner, other), key=lambda judged: engine_limits(judged.estimate.candidate.engine).simplicity)
    simple, batching = (title_of(judged) for judged in names)
    if cross is None and NOT_AHEAD in answer.verdict.crossover_reason:
        return f"{batching} is {NOT_AHEAD}."
    if cross is None:
        return f"{simple} and {batching} were not compared: {answer.verdict.crossover_reason}."
    after = count(math.ceil(cross))
    if cross <= peak and names[0] is winner and answer.verdict.meets_targets:
        form = short_form(other.estimate.candidate.weights_format)
        more = "would give more" if cross <= 1 else f"would give more from {after} requests at once on"
        return f"{batching} with {form} {more}; both are fast enough, and {simple} is the simpler one."
    if cross <= 1:
        return f"{batching} gives more than {simple} at any load."
    planned = f"the busiest moment has {count(peak)}"
    if names[0] is winner:
        return f"{batching} would give more from {after} requests at once on; {planned}."
    before = f"up to {count(math.floor(cross))} requests at once" if cross >= 2 else "to a single request"
    return f"{simple} would give more {before}; {planned}."
