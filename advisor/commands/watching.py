"""What `watch` does between its options and its view, and the view for a terminal."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from advisor.commands.progress import patient
from advisor.errors import EXIT_NO, EXIT_YES, AdvisorError
from advisor.measured.store import measurements_from
from advisor.migrate.found import found_models
from advisor.migrate.mapping import map_model
from advisor.pipeline import find_hardware
from advisor.schema import ModelSpec, Question, Verdict, Workload
from advisor.units import ms
from advisor.verdict import verdict_for
from advisor.watch.crossover import Forecast, meeting
from advisor.watch.server import other_engine
from advisor.watch.session import Bounds, View, watch
from advisor.watch.target import Target, target_of
from advisor.workload import load_workload

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_ELSEWHERE = "its machine is another one: --gpu or --hardware says which, for a prediction"


def begun(
    given: str, options: Mapping[str, Any], seconds: float | None, every_s: float
) -> tuple[Target, Iterator[View]]:
    """The engine that is watched, and the looks at it as they come.

    Raises:
        BadInput: options that cannot be used.
        EnvironmentFailed: nobody answers.
    """
    with patient() as progress:
        progress("looking for the engine")
        target = target_of(given)
        progress("predicting where the engines cross")
        forecast, workload = _forecast(target, options)
    asked = {
        name: options[name] if options[name] is not None else getattr(workload, name, None)
        for name in ("ttft_ms", "tpot_ms")
    }
    bounds = Bounds(
        **{name.replace("_ms", "_s"): None if told is None else told / 1000 for name, told in asked.items()}
    )
    return target, watch(target, bounds, forecast, seconds=seconds, every_s=every_s)


def _forecast(target: Target, options: Mapping[str, Any]) -> tuple[Forecast, Workload | None]:
    """What is predicted of both engines; the workload of the plan, where there is one."""
    empty = Forecast(engine=target.server.engine, other=other_engine(target.server.engine))
    try:
        question = _of_plan(target) if target.plan is not None else _of_server(target, options)
    except AdvisorError as error:  # what is seen is worth having without a prediction
        return replace(empty, reason=str(error).splitlines()[0]), None
    if isinstance(question, str):
        return replace(empty, reason=question), None
    found = predicted(question, empty)
    return found, question.workload if target.plan is not None else None


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


def predicted(question: Question, empty: Forecast) -> Forecast:
    """The curves of both engines, where they cross, and what the watched one carries within its targets.

    Args:
        question: whose workload names the form of the weights that the watched engine holds, where that is known.
        empty: which engines.
    """
    asked = question.workload
    free = replace(question, workload=replace(asked, engine="auto", quantization="auto", ttft_ms=None, tpot_ms=None))
    both = verdict_for(free)
    loaded = _as_loaded(free, empty.engine, asked.quantization)
    capacity = None
    if _has_target(asked):
        own = verdict_for(replace(question, workload=replace(asked, engine=empty.engine)), limits=True)
        capacity = float(own.capacity_in_flight) if own.capacity_in_flight else None
    found = replace(
        empty, own=loaded or _curve(both, empty.engine), others=_curve(both, empty.other),
        predicted=both.crossover_in_flight, capacity=capacity, reason=_why(both, question.model),
    )  # fmt: skip
    return replace(found, predicted=meeting(found)) if loaded and found.others else found


def _as_loaded(free: Question, engine: str, form: str) -> tuple[tuple[float, float], ...]:
    """The watched engine's curve with the weights that it holds: else their form would pass for the machine's pace."""
    if form == "auto":
        return ()
    return _curve(verdict_for(replace(free, workload=replace(free.workload, engine=engine, quantization=form))), engine)


def _has_target(workload: Workload) -> bool:
    return workload.ttft_ms is not None or workload.tpot_ms is not None


def _curve(verdict: Verdict, engine: str) -> tuple[tuple[float, float], ...]:
    rates = ((float(point.in_flight), point.tokens_per_s.get(engine)) for point in verdict.curve)
    return tuple((level, rate) for level, rate in rates if rate)


def _why(verdict: Verdict, model: ModelSpec) -> str:
    return verdict.crossover_reason or (
        f"{model.hf_id}: one of the engines cannot run it here" if not verdict.curve else ""
    )


def ended(view: View) -> int:
    """The exit code: no, where a target is broken or something was wrong."""
    return EXIT_NO if view.seen or any(each.reached for each in view.breaks) else EXIT_YES


class Shown:
    """The view while it is watched: drawn anew on a terminal, a line a look elsewhere, nothing where it is quiet."""

    def __init__(self, target: Target, *, quiet: bool) -> None:
        self._target, self._quiet = target, quiet
        self._live: Live | None = None

    def __enter__(self) -> Shown:
        """Begin to draw."""
        if not self._quiet and sys.stdout.isatty():
            from rich.live import Live

            from advisor.report.styled import console

            self._live = Live(console=console(), auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave what was drawn last."""
        if self._live is not None:
            self._live.stop()

    def show(self, view: View) -> None:
        """One look."""
        if self._quiet:
            return
        if self._live is None:
            print(line(view), flush=True)
            return
        from rich.console import Group

        from advisor.report.screen import screen

        self._live.update(Group(*lines(view, self._target, screen().columns)), refresh=True)


def line(view: View) -> str:
    """One look as one line."""
    step = view.step
    clock = datetime.datetime.fromtimestamp(step.at_s).strftime("%H:%M:%S")
    return f"{clock}  {'  '.join(f'{name} {told}' for name, told in _figures(view) if told)}" + "".join(
        f"  ! {each.id}: {each.seen}" for each in view.causes
    )


def _figures(view: View) -> list[tuple[str, str]]:
    """What is told at a glance; empty where the engine does not tell."""
    step = view.step
    rates = (step.output_tokens_per_s, step.each_tokens_per_s)
    total, each = (f"{rate:.1f} tokens/s" if rate is not None else "" for rate in rates)
    slots = f" of {step.slots} slots" if step.slots else ""
    return [
        ("answered", "" if step.running is None else f"{step.running}{slots}"),
        ("waiting", "" if step.waiting is None else str(step.waiting)),
        ("all together", total),
        ("each person", each),
        ("first token (p95)", "" if step.ttft_p95_s is None else ms(step.ttft_p95_s)),
        ("token (p95)", "" if step.tpot_p95_s is None else ms(step.tpot_p95_s)),
        ("KV cache", "" if step.kv_used is None else f"{step.kv_used:.0%}"),
    ]


def lines(view: View, target: Target, width: int) -> Iterator[Text]:
    """The whole view."""
    from rich.text import Text

    from advisor.report.layout import columns, paragraph

    server = target.server
    yield Text(f"{server.engine} {server.version} at {server.base}, {view.watched_s:.0f} s", style="bold")
    rows = [*_figures(view), ("loaded", ", ".join(view.step.loaded)), *_ahead(view)]
    yield from columns([(name, told or "not told") for name, told in rows], width, indent=2)
    for each in view.causes:
        yield Text()
        yield from paragraph(f"{each.seen}: {each.cause}", width, style="yellow")
        yield from paragraph(f"{each.flag}: {each.do} ({each.source})", width, indent=2)
    for gap in view.gaps:
        yield from paragraph(gap, width, style="dim")


def _ahead(view: View) -> Iterator[tuple[str, str]]:
    """The crossover, and when bounds are met."""
    found = view.crossover
    at = "none" if found.in_flight is None else f"{found.in_flight:.1f} in flight ({found.basis})"
    yield (
        "crossover",
        f"{at}{', reached' if found.reached else ''}{f': {found.reason}' if found.in_flight is None else ''}",
    )
    for each in view.breaks:
        when = "reached" if each.reached else f"at this pace {each.date}" if each.date else "not at this pace"
        yield each.what, f"{each.now:.3g} of {each.bound:.3g}: {when}"
