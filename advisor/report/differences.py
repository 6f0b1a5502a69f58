"""What changed between two plans: the verdict, what was asked, the machine, settings, predictions and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from advisor.pipeline import files_of
from advisor.schema import Plan, value
from advisor.units import count, gib, ms
from advisor.wire import to_data

PLAN = "plan.json"  # holds what the other sections say, and the day of the facts
ABSENT = "-"


@value
class Changed:
    """One thing that is not the same: as it was and as it is, `-` where it was not or is no more."""

    name: str
    before: str
    after: str
    because: str = ""  # of a setting, as the newer plan gives it


@value
class ChangedFile:
    """A file of the deployment folder: how many of its lines came and went; a line that only moved is neither."""

    path: str
    kind: str  # "new", "gone", "changed"
    lines_added: int
    lines_removed: int


@value
class Differences:
    """Everything that differs, by kind; all empty where two plans say the same."""

    verdict: tuple[Changed, ...]
    asked: tuple[Changed, ...]
    machine: tuple[Changed, ...]
    settings: tuple[Changed, ...]
    predictions: tuple[Changed, ...]
    files: tuple[ChangedFile, ...]


def differences(before: Plan, after: Plan) -> Differences:
    """Compare two plans that this program could have written; their files are rendered, not read."""
    return Differences(
        verdict=_changed(_verdict(before), _verdict(after)),
        asked=_changed(_leaves(to_data(before.workload)), _leaves(to_data(after.workload))),
        machine=_changed(_leaves(to_data(before.hardware)), _leaves(to_data(after.hardware))),
        settings=_settings(before, after),
        predictions=_changed(_predictions(before), _predictions(after)),
        files=tuple(_files(_texts(before), _texts(after))),
    )


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Changed, ...]:
    """The names under which two say something else, in the order of the newer one; those that are gone last."""
    pairs = ((name, before.get(name, ABSENT), after.get(name, ABSENT)) for name in {**after, **before})
    return tuple(Changed(name=name, before=was, after=now) for name, was, now in pairs if was != now)


def _verdict(plan: Plan) -> dict[str, str]:
    """Who runs what, and on how much of the machine."""
    candidate, parts = plan.estimate.candidate, ", ".join(plan.parts)
    return {
        "engine": f"{plan.engine} {plan.engine_version}",
        "model": plan.launch.model_ref,
        "weights": candidate.weights_format,
        "summary": plan.summary,
        "replicas": str(candidate.replicas),
        "tensor parallel": str(candidate.tensor_parallel),
        "pipeline parallel": str(candidate.pipeline_parallel),
        "slots": str(candidate.max_in_flight),
        "context": f"{count(candidate.context_tokens)} tokens",
        "image": plan.launch.image,
        "served as": plan.launch.served_name,
        "parts": parts or ABSENT,
        "desk": plan.desk.launch.model_ref if plan.desk else ABSENT,
    }


def _settings(before: Plan, after: Plan) -> tuple[Changed, ...]:
    reasons = {each.name: each.because for each in after.settings}
    was, now = ({each.name: each.value or "on" for each in plan.settings} for plan in (before, after))
    return tuple(replace(each, because=reasons.get(each.name, "")) for each in _changed(was, now))


def _predictions(plan: Plan) -> dict[str, str]:
    """At the busiest moment, each figure with its range; memory of the fullest device."""
    estimate, speed = plan.estimate, plan.estimate.peak_speed
    told = {
        "in flight at peak": count(estimate.peak_in_flight),
        "memory of a device": gib(estimate.memory.used_bytes),
        "KV cache": f"{count(estimate.memory.kv_tokens)} tokens",
    }
    if speed is not None:
        replicas, rate = estimate.candidate.replicas, speed.output_tokens_per_s
        for name, time in (("TTFT, p95", speed.ttft_p95_s), ("TPOT, p95", speed.tpot_p95_s)):
            told[name] = f"{ms(time.expected)} ({ms(time.low)} to {ms(time.high)})"
        low, expected, high = (count(end * replicas) for end in (rate.low, rate.expected, rate.high))
        told["output of all replicas"] = f"{expected} tokens/s ({low} to {high})"
    return told


def _leaves(data: Any, name: str = "") -> dict[str, str]:
    """`{"cpu": {"cores": 8}}` → `{"cpu.cores": "8"}`."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else None
    if inside is None:
        return {name: ABSENT if data is None else str(data)}
    found: dict[str, str] = {}
    for key, item in inside:
        found |= _leaves(item, f"{name}.{key}" if name else str(key))
    return found


def _texts(plan: Plan) -> dict[str, str]:
    return {file.path: file.text for file in files_of(plan) if file.path != PLAN}


def _files(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[ChangedFile]:
    for path in sorted({*before, *after}):
        was, now = before.get(path), after.get(path)
        if was == now:
            continue
        kind = "new" if was is None else "gone" if now is None else "changed"
        old, new = (Counter((text or "").splitlines()) for text in (was, now))
        yield ChangedFile(path=path, kind=kind, lines_added=(new - old).total(), lines_removed=(old - new).total())
