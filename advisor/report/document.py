"""`recommend --json`: one document whose keys are a contract (see the README of the package)."""

from __future__ import annotations

from typing import Any

from advisor.catalog.ranking import score_of
from advisor.decide import vetoed
from advisor.engines import ENGINES
from advisor.engines.admission import last_answer_s
from advisor.engines.downloads import download_s, downloaded_bytes, rate_of
from advisor.models.thinking import first_answer_s, mean_first_answer_s, thinking, written_tokens
from advisor.pipeline import Answer
from advisor.schema import CurvePoint, Estimate, Figure, Judged, ModelSpec, Plan, Speed, Workload
from advisor.search.option import as_data
from advisor.wire import to_data


def document(answer: Answer, files: tuple[str, ...]) -> dict[str, Any]:
    """Everything `recommend` found, as plain data."""
    verdict = answer.verdict
    return {
        "schema_version": 1,
        "verdict": {
            "engine": verdict.engine,
            "meets_targets": verdict.meets_targets,
            "summary": verdict.summary,
            "confidence": verdict.confidence,
            "capacity_in_flight": verdict.capacity_in_flight,
            "capacity_users": verdict.capacity_users,
        },
        "workload": _workload(answer),
        "hardware": to_data(answer.hardware),
        "model": to_data(answer.model)
        | {
            "because": answer.model_because,
            "neighbours": list(answer.model_steps),
            "score": to_data(score_of(answer.model.hf_id, answer.workload.task)),
        },
        "models": [as_data(option) for option in answer.options],
        "plan": _plan(answer.plan, answer) if answer.plan else None,
        "catalog": to_data(answer.facts.stamp) | {"note": answer.facts.note} if answer.facts else None,
        "crossover_in_flight": verdict.crossover_in_flight,
        "crossover_reason": verdict.crossover_reason,
        "alternatives": [_alternative(judged, answer) for judged in verdict.losers],
        "curve": [
            {"in_flight": point.in_flight}
            | {f"{name}_tokens_per_s": point.tokens_per_s.get(name) for name in ENGINES}
            | {f"{name}_default_tokens_per_s": point.default_tokens_per_s.get(name) for name in ENGINES}
            | {name: _curve_speed(point, name) for name in ENGINES}
            for point in verdict.curve
        ],
        "reasons": to_data(verdict.reasons),
        "nearest_yes": to_data(verdict.nearest_yes),
        "files": list(files),
    }


def _curve_speed(point: CurvePoint, engine: str) -> dict[str, Any] | None:
    """Rate of all replicas, TTFT and TPOT of an engine at one load of the curve, each with its range."""
    speed = point.speeds.get(engine)
    if speed is None:
        return None
    figures = {
        "output_tokens_per_s": (speed.output_tokens_per_s, point.replicas[engine]),
        "ttft_s": (speed.ttft_s, 1),
        "ttft_p95_s": (speed.ttft_p95_s, 1),
        "tpot_s": (speed.tpot_s, 1),
        "tpot_p95_s": (speed.tpot_p95_s, 1),
    }
    ranges: dict[str, Any] = {
        name: {"low": by * found.low, "expected": by * found.expected, "high": by * found.high}
        for name, (found, by) in figures.items()
    }
    return ranges | {"queued": point.replicas[engine] * speed.queued, "basis": speed.output_tokens_per_s.basis}


def _workload(answer: Answer) -> dict[str, Any]:
    workload, winner = answer.workload, answer.verdict.winner
    data: dict[str, Any] = to_data(workload)
    data["targets"] = {
        "ttft_ms": workload.ttft_ms,
        "tpot_ms": workload.tpot_ms,
        "first_answer_ms": workload.first_answer_ms,
        "percentile": 95,
    }
    plan = thinking(workload, answer.model)
    data["thinking"] = {"level": plan.level, "tokens": plan.tokens, "effort": plan.effort}
    data["in_flight"] = round(winner.estimate.in_flight, 3) if winner else workload.concurrency
    data["peak_in_flight"] = winner.estimate.peak_in_flight if winner else workload.concurrency
    data["derivation"] = winner.estimate.derivation if winner else ""
    return data


def _plan(plan: Plan, answer: Answer) -> dict[str, Any]:
    data = _candidate(plan.estimate, answer) | {
        "engine_version": plan.engine_version,
        "image": plan.launch.image,
        "served_name": plan.launch.served_name,
        "arguments": [*plan.launch.program, *plan.launch.argv],
        "environment": dict(plan.launch.env),
        "settings": to_data(plan.settings),
        "download": {
            "bytes": downloaded_bytes(plan),
            "seconds": download_s(downloaded_bytes(plan), plan.workload),
            "bytes_per_s": rate_of(plan.workload),
            "assumed": plan.workload.download_rate is None,
        },
    }
    if plan.desk:
        data["desk"] = _plan(plan.desk, answer)
    return data


def _alternative(judged: Judged, answer: Answer) -> dict[str, Any]:
    """The same shape as the plan, and why it lost; what a rule refuses has no settings."""
    engine = ENGINES[judged.estimate.candidate.engine]
    facts = (answer.hardware, answer.workload, answer.model)
    settings = () if vetoed(judged) else engine.settings(judged.estimate, *facts)
    return _candidate(judged.estimate, answer) | {
        "why_lost": judged.why_lost,
        "findings": to_data(judged.findings),
        "settings": to_data(settings),
    }


def _candidate(estimate: Estimate, answer: Answer) -> dict[str, Any]:
    candidate = estimate.candidate
    data: dict[str, Any] = to_data(candidate)
    data["quantization"] = data.pop("weights_format")
    data["gpus"] = candidate.cards_in_all
    data["memory"] = to_data(estimate.memory)
    data["predicted"] = _predicted(estimate.speed, candidate.replicas, answer)
    data["predicted_at_peak"] = _predicted(estimate.peak_speed, candidate.replicas, answer)
    data["burst"] = _burst(estimate, answer)
    return data


def _burst(estimate: Estimate, answer: Answer) -> dict[str, Any] | None:
    """What people meet who ask at the same moment; None where nobody does."""
    if estimate.burst < 2:
        return None
    speed, slots = estimate.burst_speed, estimate.candidate.max_in_flight * estimate.candidate.replicas
    return {
        "users": estimate.burst,
        "run_at_once": min(estimate.burst, slots),
        "ttft_p95_s": _range(speed.ttft_p95_s) if speed else None,
        "last_answer_s": last_answer_s(estimate, written_tokens(answer.workload, answer.model)),
    }


def _predicted(speed: Speed | None, replicas: int, answer: Answer) -> dict[str, Any] | None:
    return predicted_of(speed, replicas, answer.workload, answer.model)


def predicted_of(speed: Speed | None, replicas: int, workload: Workload, model: ModelSpec) -> dict[str, Any] | None:
    """Totals over all replicas; latencies as one request sees them."""
    if speed is None:
        return None
    rate = speed.output_tokens_per_s
    return {
        "in_flight": round(speed.in_flight * replicas, 3),
        "output_tokens_per_s": {
            "low": rate.low * replicas,
            "expected": rate.expected * replicas,
            "high": rate.high * replicas,
        },
        "ttft_s": _range(speed.ttft_s),
        "ttft_p95_s": _range(speed.ttft_p95_s),
        "ttft_warm_s": _range(speed.ttft_warm_s or speed.ttft_s),
        "ttft_cold_s": _range(speed.ttft_cold_s or speed.ttft_s),
        "kept_share": speed.kept_share,
        "first_answer_s": _range(mean_first_answer_s(speed, workload, model)),
        "first_answer_p95_s": _range(first_answer_s(speed, workload, model)),
        "tpot_s": _range(speed.tpot_s),
        "tpot_p95_s": _range(speed.tpot_p95_s),
        "queued": speed.queued * replicas,
        "bound": speed.bound,
        "basis": rate.basis,
        "source": rate.source,
    }


def _range(figure: Figure) -> dict[str, float]:
    return {"low": figure.low, "expected": figure.expected, "high": figure.high}
