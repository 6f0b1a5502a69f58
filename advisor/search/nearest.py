"""The answer is no: which change turns it into yes, the cheapest first. Each one offered was computed to be a yes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from advisor.catalog import gpus, weights_format
from advisor.catalog.entries import GpuSpec
from advisor.catalog.ranking import ranking
from advisor.catalog.vendors import vendors
from advisor.models.names import catalogue_model
from advisor.models.thinking import first_answer_s, somebody_waits, thinking, written_tokens
from advisor.physics.bisect import narrowed
from advisor.probe.named import alike
from advisor.probe.network import assumed_nodes
from advisor.probe.simulate import simulate
from advisor.schema import MOST_NODES, Change, ModelSpec, Question, Verdict
from advisor.search.bounds import worth_a_look
from advisor.units import count, ms
from advisor.verdict import verdict_for

_MOST_CARDS = 8
_CARDS_TRIED = 24
_STILL_SOLD = "2020-09"  # RTX 30 and newer


def nearest_yes(question: Question) -> tuple[Change, ...]:
    """Changes that make it a yes: first those that cost nothing, then hardware by price, then a smaller model."""
    searches: tuple[Callable[[Question], Iterator[Change]], ...] = (
        _other_quantization,
        _shorter_context,
        _fewer_users,
        _offload,
        _relaxed_targets,
        _more_of_the_same,
        _more_nodes,
        _another_card,
        _smaller_model,
    )
    found: list[Change] = []
    for search in searches:
        found.extend(search(question))
    return tuple(found)


def hardware_for(question: Question) -> Change | None:
    """The first change of hardware that makes it a yes: more of the same card, else the cheapest other one."""
    for search in (_more_of_the_same, _another_card):
        for change in search(question):
            return change
    return None


def outcome(verdict: Verdict) -> str:
    """What the change gives, in one line."""
    if verdict.winner is None:
        return "no"
    candidate, speed = verdict.winner.estimate.candidate, verdict.winner.estimate.peak_speed
    cards = candidate.cards_in_all
    where = "CPU" if candidate.device == "cpu" else f"{cards} GPU{'s' if cards != 1 else ''}"
    where += f" of {candidate.nodes} machines" if candidate.nodes > 1 else ""
    pace = (
        f", {count(1 / speed.tpot_s.expected)} tokens/s each, first token {ms(speed.ttft_s.expected)}" if speed else ""
    )
    return f"{verdict.engine} on {where}, {weights_format(candidate.weights_format).title}{pace}"


def _try(question: Question) -> Verdict | None:
    verdict = verdict_for(question, depth=False)
    return verdict if verdict.meets_targets else None


def _asking(question: Question, **other: Any) -> Question:
    """The same question with other keys of the workload."""
    return replace(question, workload=replace(question.workload, **other))


def _other_quantization(question: Question) -> Iterator[Change]:
    if question.workload.quantization == "auto":
        return
    verdict = _try(_asking(question, quantization="auto"))
    if verdict and verdict.winner:
        name = verdict.winner.estimate.candidate.weights_format
        yield Change(change=f"--quantization {name}", result=outcome(verdict))


def _shorter_context(question: Question) -> Iterator[Change]:
    need = question.workload.input_tokens + written_tokens(question.workload, question.model)
    now = question.workload.context_tokens
    if need < now and (found := _most(lambda tokens: _try(_asking(question, context_tokens=tokens)), need, now)):
        yield Change(change=f"--context-tokens {found[0]}", result=outcome(found[1]))


def _fewer_users(question: Question) -> Iterator[Change]:
    key = "concurrency" if question.workload.concurrency is not None else "users"
    now: int = getattr(question.workload, key)
    if now <= 1 or question.workload.request_rate is not None:
        return
    if found := _most(lambda number: _try(_asking(question, **{key: number})), 1, now):
        yield Change(change=f"--{key} {found[0]}", result=outcome(found[1]))


def _most(attempt: Callable[[int], Verdict | None], least: int, now: int) -> tuple[int, Verdict] | None:
    """The largest number from `least` to below `now` that is a yes, within a part in 64; None: not even `least` is."""
    verdict = attempt(least)
    return None if verdict is None else narrowed(attempt, (least, verdict), now, grain=1 / 64)


def _offload(question: Question) -> Iterator[Change]:
    if question.workload.allow_offload or not question.hardware.accelerators:
        return
    verdict = _try(_asking(question, allow_offload=True, **_untargeted(question)))
    if verdict and verdict.winner and verdict.winner.estimate.candidate.cpu_layers:
        yield Change(change="--allow-offload, and no latency targets", result=outcome(verdict))


def _untargeted(question: Question) -> dict[str, Any]:
    """No targets, and no more thinking for that: a model may think where nobody waits."""
    thought = thinking(question.workload, question.model).tokens
    return {"ttft_ms": None, "tpot_ms": None, "first_answer_ms": None, "reasoning_tokens": thought}


def _relaxed_targets(question: Question) -> Iterator[Change]:
    workload = question.workload
    if not somebody_waits(workload):
        return
    verdict = _try(_asking(question, **_untargeted(question)))
    if verdict is None or verdict.winner is None:
        return
    speed = verdict.winner.estimate.peak_speed
    if speed is None:
        yield Change(change="no latency targets", result=outcome(verdict))
        return
    parts = [
        f"--{key} {round(seconds * 1000 + 0.5)}"
        for key, target, seconds in (
            ("ttft-ms", workload.ttft_ms, speed.ttft_p95_s.expected),
            ("tpot-ms", workload.tpot_ms, speed.tpot_p95_s.expected),
            ("first-answer-ms", workload.first_answer_ms, first_answer_s(speed, workload, question.model).expected),
        )
        if target is not None and seconds * 1000 > target
    ]
    yield Change(change=" ".join(parts), result=outcome(verdict))


def _more_of_the_same(question: Question) -> Iterator[Change]:
    """Twice, four times, ... the first card, until it is a yes."""
    hardware = question.hardware
    if not hardware.accelerators or hardware.accelerators[0].unified_memory or hardware.os == "darwin":
        return
    card = hardware.accelerators[0]
    have = len(hardware.accelerators)
    for number in (n for n in (2, 4, _MOST_CARDS) if n > have):
        grown = replace(hardware, accelerators=alike(card, number), disk_free_bytes=None)
        verdict = _try(replace(question, hardware=grown))
        if verdict:
            price = card.usd_per_hour * number * hardware.nodes if card.usd_per_hour else None
            yield Change(change=f'--gpu "{number}x {card.name}"', result=outcome(verdict), usd_per_hour=price)
            return


def _more_nodes(question: Question) -> Iterator[Change]:
    """Twice, four times the machines, where no more cards go into one."""
    hardware = question.hardware
    cards = hardware.accelerators
    full = len(cards) >= _MOST_CARDS or (len(cards) == 1 and cards[0].unified_memory)
    if not full or hardware.os != "linux":
        return
    for number in (n for n in (hardware.nodes * 2, hardware.nodes * 4) if n <= MOST_NODES):
        more = assumed_nodes(hardware, number) if hardware.node_link is None else replace(hardware, nodes=number)
        verdict = _try(replace(question, hardware=replace(more, disk_free_bytes=None)))
        if verdict and verdict.winner:
            used = verdict.winner.estimate.candidate.nodes
            price = sum(card.usd_per_hour or 0.0 for card in cards) * used
            yield Change(change=f"--nodes {used}", result=outcome(verdict), usd_per_hour=price or None)
            return


def _another_card(question: Question) -> Iterator[Change]:
    """The cheapest single card of the catalogue that is a yes, by launch price."""
    for spec in _cards_by_price(question.model)[:_CARDS_TRIED]:
        verdict = _try(replace(question, hardware=simulate(spec.id)))
        if verdict:
            yield Change(
                change=f'--gpu "{spec.name}" (launched at ${spec.launch_price_usd:,.0f})',
                result=outcome(verdict),
                usd_per_hour=spec.usd_per_hour,
            )
            return


def _cards_by_price(model: ModelSpec) -> list[GpuSpec]:
    """Cards one can still buy that every engine serves, the cheapest first."""
    return sorted(
        (
            spec
            for spec in gpus()
            if spec.launch_price_usd
            and spec.release >= _STILL_SOLD
            and spec.memory_bytes >= model.parameters * 0.5
            and vendors()[spec.vendor].offered
            and spec.device_class not in ("laptop", "unified")
            and spec.confidence == "high"
        ),
        key=lambda spec: spec.launch_price_usd or 0.0,
    )


def _smaller_model(question: Question) -> Iterator[Change]:
    """The most capable smaller model of the ranking that is a yes on this machine."""
    for name in ranking(question.workload.task):
        other = replace(question, model=catalogue_model(name))
        if other.model.parameters >= question.model.parameters or not worth_a_look(other):
            continue
        verdict = _try(other)
        if verdict:
            yield Change(change=f"--model {other.model.hf_id}", result=outcome(verdict))
            return
