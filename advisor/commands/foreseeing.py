"""What `watch` foresees of the engine that it looks at, and of the other one on the same machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from advisor.compare import CURVE_LOADS
from advisor.engines.looking import Reading
from advisor.errors import AdvisorError
from advisor.estimate import speed_at
from advisor.measured.store import measurements_from
from advisor.migrate.found import found_models
from advisor.migrate.mapping import map_model
from advisor.pipeline import find_hardware
from advisor.schema import ModelSpec, Question, Speed, Verdict, Workload
from advisor.verdict import verdict_for
from advisor.watch.crossover import Forecast, meeting
from advisor.watch.server import other_engine
from advisor.watch.target import Target
from advisor.workload import load_workload

_ELSEWHERE = "its machine is another one: --gpu or --hardware says which, for a prediction"
_Speeds = Sequence[tuple[int, Speed, int]]  # in flight, of one replica, replicas


def foreseen(target: Target, look: Reading, options: Mapping[str, Any]) -> tuple[Forecast, Workload | None]:
    """What is predicted of both engines; the workload of the plan, where there is one."""
    empty = Forecast(engine=target.server.engine, other=other_engine(target.server.engine))
    try:
        question = _of_plan(target) if target.plan is not None else _of_server(target, options)
    except AdvisorError as error:  # what is seen is worth having without a prediction
        return replace(empty, reason=str(error).splitlines()[0]), None
    if isinstance(question, str):
        return replace(empty, reason=question), None
    slots = next((each.slots for each in look.loaded if each.slots), None)
    return predicted(question, empty, slots), question.workload if target.plan is not None else None


def _of_plan(target: Target) -> Question:
    plan = target.plan
    assert plan is not None  # asked before  # noqa: S101
    workload = replace(plan.workload, quantization=plan.estimate.candidate.weights_format)
    return Question(model=plan.model, workload=workload, hardware=plan.hardware, measurements=measurements_from(None))


def _of_server(target: Target, options: Mapping[str, Any]) -> Question | str:
    """The question about what a server has loaded; a reason where there is none."""
    gpu, recorded = options["gpu"], options["hardware"]
    if not target.server.here and gpu is None and recorded is None:
        return _ELSEWHERE
    loaded = [each for each in found_models(target.server) if each.loaded]
    if not loaded:
        return "no model is loaded"
    said = {loaded[0].name: options["mapped"]} if options["mapped"] else {}
    mapped = map_model(loaded[0], said, offline=True)
    if mapped.model is None:
        return f"{loaded[0].name}: which checkpoint it is, nobody can say; --map MODEL does"
    keys = ("ttft_ms", "tpot_ms", "input_tokens", "output_tokens")
    asked = {name: options[name] for name in keys if options[name] is not None}
    workload = load_workload(None, {**asked, "model": mapped.named, "concurrency": 1})
    workload = replace(workload, quantization=mapped.format or "auto")
    machine = find_hardware(gpu, recorded)
    return Question(model=mapped.model, workload=workload, hardware=machine, measurements=measurements_from(None))


def predicted(question: Question, empty: Forecast, slots: int | None = None) -> Forecast:
    """The curves of both engines, where they cross, and what the watched one carries within its targets.

    Args:
        question: whose workload names the form of the weights that the watched engine holds, where that is known.
        empty: which engines.
        slots: of the watched engine, where it tells them; else as many as would be planned for each load.
    """
    asked = question.workload
    free = replace(question, workload=replace(asked, engine="auto", quantization="auto", ttft_ms=None, tpot_ms=None))
    both = verdict_for(free)
    known = _as_it_runs(free, empty.engine, asked.quantization, slots)
    own, others = known or _speeds(both, empty.engine), _speeds(both, empty.other)
    capacity = None
    if asked.ttft_ms is not None or asked.tpot_ms is not None:
        alone = verdict_for(replace(question, workload=replace(asked, engine=empty.engine)), limits=True)
        capacity = float(alone.capacity_in_flight) if alone.capacity_in_flight else None
    found = replace(
        empty, own=_rates(own), own_range=_range(own), others=_rates(others), others_range=_range(others),
        predicted=both.crossover_in_flight, capacity=capacity, reason=_why(both, question.model),
    )  # fmt: skip
    return replace(found, predicted=meeting(found)) if known and others else found


def _as_it_runs(free: Question, engine: str, form: str, slots: int | None) -> _Speeds:
    """The watched engine with the weights and slots that it has: else they would pass for the machine's pace."""
    if form == "auto" and slots is None:
        return ()
    verdict = verdict_for(replace(free, workload=replace(free.workload, engine=engine, quantization=form)))
    if slots is None or verdict.winner is None:
        return _speeds(verdict, engine)
    runs = replace(verdict.winner.estimate.candidate, max_in_flight=slots)
    speeds = ((load, speed_at(runs, load, free)) for load in CURVE_LOADS)
    return [(load, speed, runs.replicas) for load, speed in speeds if speed is not None]


def _speeds(verdict: Verdict, engine: str) -> _Speeds:
    """Of an engine at each load of a verdict's curve."""
    told = ((point.in_flight, point.speeds.get(engine), point.replicas.get(engine, 1)) for point in verdict.curve)
    return [(load, speed, replicas) for load, speed, replicas in told if speed is not None]


def _rates(speeds: _Speeds) -> tuple[tuple[float, float], ...]:
    """Tokens/s of all together by load."""
    return tuple((float(load), speed.output_tokens_per_s.expected * replicas) for load, speed, replicas in speeds)


def _range(speeds: _Speeds) -> tuple[tuple[float, float], ...]:
    """The factor between the expected rate and the end of its range, by load."""
    figures = ((load, speed.output_tokens_per_s) for load, speed, _ in speeds)
    return tuple((float(load), figure.high / figure.expected) for load, figure in figures)


def _why(verdict: Verdict, model: ModelSpec) -> str:
    return verdict.crossover_reason or (
        f"{model.hf_id}: one of the engines cannot run it here" if not verdict.curve else ""
    )
