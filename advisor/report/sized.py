"""`size`: the answer as data for programs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from advisor.decide.judge import meets
from advisor.report.document import predicted_of
from advisor.schema import Judged, Question, value
from advisor.sizing.cost import DAYS_A_MONTH, Cost, Terms
from advisor.sizing.housing import rungs
from advisor.sizing.load import scale_of
from advisor.sizing.option import Option, asked_again, months_until_full, title
from advisor.sizing.others import Other
from advisor.sizing.overflow import Overflow
from advisor.sizing.search import ALIKE, DEAR, KEPT, Sized
from advisor.sizing.short import Short
from advisor.sizing.way import Way
from advisor.wire import to_data


@value
class SizeAnswer:
    """Everything that `size` found out."""

    question: Question
    terms: Terms
    found: Sized
    options: tuple[Option, ...]
    growth: float  # percent a month
    today: date
    typed: str = ""  # load and model, as options
    overflow: Overflow | None = None  # machines for the base, the API above it
    others: tuple[Other, ...] = ()  # cards that were named and are none of the options
    short: Short | None = None  # where nothing does: why, and what could be asked less of
    without: tuple[tuple[str, Way], ...] = ()  # where nothing does: a limit, and the cheapest way without it


def next_card(option: Option, answer: SizeAnswer) -> date | None:
    """The day on which the load outgrows the machines."""
    months = months_until_full(option.most, answer.question, answer.growth)
    if months is None or months > 1200:
        return None
    return answer.today + timedelta(days=int(months * DAYS_A_MONTH))


def size_document(answer: SizeAnswer, files: tuple[str, ...] = ()) -> dict[str, Any]:
    """The contract's keys, and what the table shows."""
    short = answer.short
    return {
        "schema_version": 1,
        "options": [_option(option, answer) for option in answer.options],
        "pareto": [_point(way) for way in answer.found.ways],
        "nearest_yes": [
            {"change": f"without {name}", "result": title(way.fit), "cost": _cost(way.cost)}
            for name, way in answer.without
        ]
        + ([{"change": change, "result": title(short.fit), "cost": None} for change in short.changes] if short else []),
        "why_not": short.why if short else None,
        "others": [_other(other) for other in answer.others],
        "base_and_api": _overflow(answer.overflow),
        "cards_tried": answer.found.tried,
        "looked_at": {"ways": KEPT, "several_machines_cost_times": DEAR, "as_fast_within": ALIKE},
        "terms": _terms(answer.terms),
        "workload": to_data(answer.question.workload),
        "model": to_data(answer.question.model),
        "reasons": [reason for option in answer.options[:1] for reason in to_data(option.way.verdict.reasons)],
        "files": list(files),
    }


def _option(option: Option, answer: SizeAnswer) -> dict[str, Any]:
    way, fit, key = option.way, option.way.fit, scale_of(answer.question.workload)
    winner = way.verdict.winner
    data = _plan(winner, way, answer) if winner else {}
    most = None if option.most is None else key.told(option.most, answer.question.workload)
    due = next_card(option, answer)
    return data | {
        "kind": list(option.kinds),
        "gpu": fit.supply.spec.name,
        "gpus": fit.cards,
        "gpus_per_host": fit.cards_a_host,
        "hosts": fit.hosts_in_all,
        "spare_hosts": fit.spare,
        "owned": min(fit.supply.owned, fit.cards),
        "users_max": most if key.key == "users" else None,
        "in_flight_max": most if key.key == "concurrency" else None,
        "request_rate_max": most if key.key == "request_rate" else None,
        "binds": option.binds,
        "carried_at_most_by": to_data(option.last) if option.last else None,
        "watts": fit.cards * fit.supply.spec.tdp_watts if fit.supply.spec.tdp_watts else None,
        "cost": _cost(way.cost),
        "costs": [_cost(found) for found in way.costs],
        "tokens_per_month": to_data(way.tokens) if way.tokens else None,
        "api": {"per_month": option.api_per_month, "break_even_month": option.break_even}
        if option.api_per_month is not None
        else None,
        "night": to_data(option.night) if option.night else None,
        "next_card": due.isoformat() if due else None,
        "engines": {name: _plan(judged, way, answer) for name, judged in option.engines.items()},
        "notes": list(option.notes),
        "confidence": way.verdict.confidence,
        "command": f"advisor recommend {asked_again(option)} {answer.typed}".rstrip(),
    }


def _plan(judged: Judged, way: Way, answer: SizeAnswer) -> dict[str, Any]:
    """One engine's plan on the machines that must run."""
    estimate = judged.estimate
    candidate = estimate.candidate
    workload, model = way.question.workload, answer.question.model
    return {
        "engine": candidate.engine,
        "meets_targets": meets(judged),
        "quantization": candidate.weights_format,
        "kv_cache_dtype": candidate.kv_cache_dtype,
        "tensor_parallel": candidate.tensor_parallel,
        "pipeline_parallel": candidate.pipeline_parallel,
        "replicas": candidate.replicas,
        "in_flight": estimate.in_flight,
        "peak_in_flight": estimate.peak_in_flight,
        "predicted": predicted_of(estimate.speed, candidate.replicas, workload, model),
        "predicted_at_peak": predicted_of(estimate.peak_speed, candidate.replicas, workload, model),
    }


def _point(way: Way) -> dict[str, Any]:
    """Cost against wait, and throughput a card against speed a person."""
    winner = way.verdict.winner
    speed = winner.estimate.speed if winner else None
    used = winner.estimate.candidate if winner else None
    return {
        "gpu": way.fit.supply.spec.name,
        "gpus": way.fit.cards,
        "hosts": way.fit.hosts_in_all,
        "engine": way.verdict.engine,
        "quantization": used.weights_format if used else None,
        "per_month": way.cost.per_month if way.cost else None,
        "purchase": way.cost.purchase if way.cost else None,
        "answer_s": way.answer_s,
        "tokens_per_s_each": 1 / speed.tpot_s.expected if speed else None,
        "tokens_per_s_per_card": speed.output_tokens_per_s.expected * used.replicas / way.fit.cards
        if speed and used
        else None,
    }


def _other(other: Other) -> dict[str, Any]:
    """A card that was named: what carries the load too, or why it does not."""
    fit = other.way.fit if other.way else None
    return {
        "gpu": other.supply.spec.name,
        "gpus": fit.cards if fit else None,
        "hosts": fit.hosts_in_all if fit else None,
        "cost": _cost(other.way.cost) if other.way else None,
        "why_not": other.why or None,
    }


def _overflow(found: Overflow | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "machines": title(found.way.fit),
        "base": found.peaks.base,
        "peak_hours": found.peaks.hours,
        "carried": found.carried,
        "cost": _cost(found.way.cost),
        "api_per_month": found.api_per_month,
        "per_month": found.per_month,
    }


def _cost(found: Cost | None) -> dict[str, Any] | None:
    return None if found is None else to_data(found)


def _terms(terms: Terms) -> dict[str, Any]:
    """What was given or shipped; `hosts` in USD, by the cards that one takes, where no price of one was given."""
    rates = terms.exchange
    return {
        "currency": rates.currency,
        "exchange": {"date": rates.date, "source": rates.source, "usd": rates.into(1.0, "USD")},
        "kwh": {"price": terms.kwh, "told": terms.kwh_told},
        "pue": terms.pue,
        "years": terms.years,
        "resale": terms.resale,
        "ops_hours": terms.ops_hours,
        "idle_watts": terms.idle_watts,
        "host_price": terms.host_price,
        "host_watts": terms.host_watts,
        "hosts": {kind: to_data(rungs(kind)) for kind in ("desk", "server")},
    }
